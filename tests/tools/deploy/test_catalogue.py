"""The steps of `make deploy-catalogue`: what is missing in the account stops them with a sentence."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Self

import pytest
from botocore.exceptions import ClientError

from partner_orders_console.operations.catalogue_stack import FROM_OUTPUTS, FROM_PARAMETERS
from tests.tools.deploy.conftest import binary
from tools.deploy import __main__ as command
from tools.deploy import catalogue
from tools.deploy.artefact import CATALOGUE, ORDERS, Contents, FaultyBuildError, check
from tools.deploy.environment import CATALOGUE as TEMPLATE
from tools.deploy.environment import (
    Environment,
    WrongEnvironmentError,
    check_catalogue,
    read_catalogue_parameters,
    read_template,
)
from tools.deploy.target import Account, Deployed, Target

URL = "https://example.com/catalogue-callbacks"
QUEUE = "arn:aws:sqs:eu-central-1:123456789012:partner-orders-staging-catalogue-CallbacksQueue-1A2B"
OUTPUTS = {
    "PartnerApiSecretArn": "arn:aws:secretsmanager:eu-central-1:123456789012:secret:PartnerApiSecret-1A2B",
    "WebhookSecretArn": "arn:aws:secretsmanager:eu-central-1:123456789012:secret:WebhookSecret-1A2B",
    "RequestBudgetTableName": "budget",
    "RequestBudgetTableArn": "arn:aws:dynamodb:eu-central-1:123456789012:table/budget",
}
PARAMETERS = {
    "Catalogue": "ENABLED",
    "ChainId": "5d3b8a1e-7c44-4f0e-9b62-0f1c2d3e4a5b",
    "PartnerApiBaseUrl": "https://example.com",
    "RateLimitPerMinute": "60",
    "Architecture": "arm64",
    "LogLevel": "DEBUG",
    "OrderRetentionDays": "400",
}


@dataclass(frozen=True)
class FakeTarget:
    """An account in which the orders stack is deployed, and perhaps a catalogue. ``deployed`` are the parameters of the
    deployments that were begun, and ``asked`` is whether each was to ask before it changes anything."""

    environment: Environment
    built: Path
    outputs: dict[str, str] = field(default_factory=lambda: dict(OUTPUTS))
    parameters: dict[str, str] = field(default_factory=lambda: dict(PARAMETERS))
    stacks: list[str] = field(default_factory=lambda: ["partner-orders-staging"])
    limit: dict[str, int] = field(
        default_factory=lambda: {"ConcurrentExecutions": 1000, "UnreservedConcurrentExecutions": 1000}
    )
    deployed: list[dict[str, str]] = field(default_factory=list)
    asked: list[bool] = field(default_factory=list)
    has_metrics: bool = True

    def renamed(self, environment: Environment) -> Self:
        return replace(self, environment=environment)

    def sign_in(self) -> str:
        return "account 1"

    def build(self, architecture: str, contents: Contents = ORDERS) -> Path:
        check(self.built, architecture, contents)
        return self.built

    def deploy(self, *_: object) -> Deployed:
        pytest.fail("the orders stack is deployed")

    def deploy_catalogue(self, built: Path, parameters: Mapping[str, str], asks: bool) -> Deployed:  # noqa: ARG002
        self.deployed.append(dict(parameters))
        self.asked.append(asks)
        outputs = {"CallbacksQueueArn": QUEUE, "FilesBucketName": "files"}
        return Deployed("partner-orders-staging-catalogue", "eu-central-1", outputs, URL, {}, ("--stack-name", "s"))

    def client(self, service: str) -> Any:
        if service == "lambda":
            return SimpleNamespace(get_account_settings=lambda: {"AccountLimit": self.limit})
        return SimpleNamespace(describe_stacks=self._describe)

    def operator_environment(self) -> dict[str, str]:
        return {}

    def _describe(self, StackName: str) -> Any:  # noqa: N803 - boto3's name
        if StackName not in self.stacks:
            error: Any = {"Code": "ValidationError", "Message": f"Stack with id {StackName} does not exist"}
            raise ClientError({"Error": error}, "DescribeStacks")
        outputs = [{"OutputKey": key, "OutputValue": value} for key, value in self.outputs.items()]
        parameters = [{"ParameterKey": key, "ParameterValue": value} for key, value in self.parameters.items()]
        return {"Stacks": [{"Outputs": outputs, "Parameters": parameters}]}


@pytest.fixture
def target(built_catalogue: Path, environment: Environment, monkeypatch: pytest.MonkeyPatch) -> FakeTarget:
    """A target whose template is valid, and in whose stacks doctor finds nothing."""
    made = FakeTarget(environment, built_catalogue)
    monkeypatch.setattr(catalogue, "validate_template", lambda *_: None)
    monkeypatch.setattr(catalogue, "examine", lambda *_: False)
    monkeypatch.setattr(command, "read_environment", lambda _: environment)
    monkeypatch.setattr(command, "read_catalogue_parameters", lambda _: {"JobLines": "500"})
    monkeypatch.setattr(command, "target_of", lambda _: made)
    return made


@pytest.mark.parametrize(("options", "asks"), [([], True), (["--yes"], False)])
def test_only_yes_keeps_it_from_asking(target: FakeTarget, options: list[str], asks: bool) -> None:
    """The deployment asks before it changes anything, unless --yes says not to."""
    assert command.main(["staging", "--catalogue", *options]) == 0
    assert target.asked == [asks]


def test_catalogue_gets_the_orders_stacks_values(target: FakeTarget, capsys: pytest.CaptureFixture[str]) -> None:
    """The catalogue gets what the orders stack has, and its own parameters; what to paste where is printed."""
    assert command.main(["staging", "--catalogue"]) == 0
    [given] = target.deployed
    shared = {name: value for name, value in PARAMETERS.items() if name in FROM_PARAMETERS}
    # Without change events there is no bus.
    no_bus = {"OrderChangesBusName": "", "OrderChangesBusArn": ""}
    assert given == {**OUTPUTS, **no_bus, **shared, "JobLines": "500"}
    printed = capsys.readouterr().out
    assert f"webhook URL for the catalogue  {URL}" in printed
    assert f"CatalogueCallbacksQueueArn={QUEUE}" in printed


def test_missing_orders_stack_is_a_sentence(target: FakeTarget, capsys: pytest.CaptureFixture[str]) -> None:
    """Without the orders stack nothing is built or deployed."""
    target.stacks.clear()
    assert command.main(["staging", "--catalogue"]) == 1
    assert "There is no stack partner-orders-staging: add Catalogue=ENABLED" in capsys.readouterr().err
    assert target.deployed == []


@pytest.mark.parametrize("value", ["DISABLED", None])
def test_orders_stack_must_be_made_for_it(
    target: FakeTarget, capsys: pytest.CaptureFixture[str], value: str | None
) -> None:
    """An orders stack without a shared budget, also one of an earlier version, is named with what to do."""
    target.parameters.pop("Catalogue")
    target.parameters.update({} if value is None else {"Catalogue": value})
    assert command.main(["staging", "--catalogue"]) == 1
    said = capsys.readouterr().err
    assert "partner-orders-staging is not deployed with Catalogue=ENABLED" in said
    assert "make deploy ENV=staging" in said
    assert target.deployed == []


@pytest.mark.parametrize(
    ("whole", "free", "is_new", "sentence"),
    [
        (103, 103, True, "The account may run 103 functions at once; the catalogue needs 104"),
        (103, 99, False, "The account may run 103 functions at once"),
        (1000, 103, True, "Other functions have reserved all but 103 of the account's 1000 executions"),
        (104, 104, True, ""),
        # Its own four are reserved already.
        (104, 100, False, ""),
    ],
)
def test_account_must_have_the_executions(
    target: FakeTarget, capsys: pytest.CaptureFixture[str], whole: int, free: int, is_new: bool, sentence: str
) -> None:
    """Below 104 executions AWS would refuse to reserve four: the deployment says so before it begins."""
    target.limit.update(ConcurrentExecutions=whole, UnreservedConcurrentExecutions=free)
    if not is_new:
        target.stacks.append("partner-orders-staging-catalogue")
    assert command.main(["staging", "--catalogue"]) == (1 if sentence else 0)
    assert sentence in capsys.readouterr().err
    assert bool(target.deployed) != bool(sentence)


def test_faults_fail_an_update(
    target: FakeTarget, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Faults that doctor finds fail an update of the catalogue, and not its first deployment."""
    monkeypatch.setattr(catalogue, "examine", lambda *_: True)
    assert command.main(["staging", "--catalogue"]) == 0
    target.stacks.append("partner-orders-staging-catalogue")
    assert command.main(["staging", "--catalogue"]) == 1
    assert "doctor found faults" in capsys.readouterr().err


def test_build_for_another_processor_stops_it(target: FakeTarget, capsys: pytest.CaptureFixture[str]) -> None:
    """The catalogue is built for the processor of the orders stack."""
    target.parameters["Architecture"] = "x86_64"
    assert command.main(["staging", "--catalogue"]) == 1
    assert "is built for arm64, and the template says x86_64" in capsys.readouterr().err
    assert target.deployed == []


@pytest.mark.parametrize(
    ("own", "sentence"),
    [
        ({"LogLevel": "INFO"}, "LogLevel comes from the orders stack: remove it in samconfig.toml"),
        ({"PriceStep": "5"}, "The template has no parameter PriceStep"),
        ({"PriceStepPercent": "0"}, "PriceStepPercent=0 is not between 1 and 1000"),
        ({"CapField": "Cap Field"}, "CapField=Cap Field does not match"),
    ],
)
def test_own_parameters_are_checked(environment: Environment, own: dict[str, str], sentence: str) -> None:
    """A parameter that is unknown, wrong or not the catalogue's own stops the deployment."""
    with pytest.raises(WrongEnvironmentError, match=sentence):
        check_catalogue(environment, own, {**OUTPUTS, **PARAMETERS_OF_ORDERS}, read_template(TEMPLATE))


PARAMETERS_OF_ORDERS = {name: value for name, value in PARAMETERS.items() if name in FROM_PARAMETERS}


def test_long_stack_name_is_refused(environment: Environment) -> None:
    """The schedules' names have to fit; an orders stack may have a longer name."""
    for length, fits in ((49, True), (50, False)):
        named = replace(environment, stack_name="s" * length)
        faults = ""
        try:
            check_catalogue(named, {}, {**OUTPUTS, **PARAMETERS_OF_ORDERS}, read_template(TEMPLATE))
        except WrongEnvironmentError as error:
            faults = str(error)
        assert (faults == "") == fits
    assert "50 characters; with a catalogue it may have at most 49" in faults


def test_section_of_samconfig_is_read(tmp_path: Path) -> None:
    """The catalogue's own parameters are those of its section; without one there are none."""
    samconfig = tmp_path / "samconfig.toml"
    samconfig.write_text(
        '[a.deploy.parameters]\nstack_name = "a"\n[b.deploy-catalogue.parameters]\n'
        'parameter_overrides = ["JobLines=500", "CapField=max_sales_quantity"]\n'
    )
    assert read_catalogue_parameters("a", samconfig) == {}
    assert read_catalogue_parameters("b", samconfig) == {"JobLines": "500", "CapField": "max_sales_quantity"}
    assert read_catalogue_parameters("staging") == {}


def test_every_parameter_has_its_source() -> None:
    """Each parameter of the template follows from the orders stack or has a default; a default alone is the chain's."""
    declared = read_template(TEMPLATE)["Parameters"]
    shared = {*FROM_OUTPUTS, *FROM_PARAMETERS}
    assert shared <= declared.keys()
    assert all("Default" in parameter for name, parameter in declared.items() if name not in shared)
    orders = read_template()
    assert {*FROM_PARAMETERS} <= orders["Parameters"].keys()
    assert {*FROM_OUTPUTS} <= orders["Outputs"].keys()


def test_sam_deploys_it_beside(environment: Environment, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """sam gets the environment's settings, the catalogue's name and prefix, and an empty value in quotes."""
    calls: list[list[str]] = []

    def run(words: list[str], **_: Any) -> SimpleNamespace:
        calls.append(words)
        return SimpleNamespace(returncode=0)

    outputs = [{"OutputKey": "CatalogueWebhookUrl", "OutputValue": URL}]
    monkeypatch.setattr("tools.deploy.target.subprocess.run", run)
    described = SimpleNamespace(describe_stacks=lambda **_: {"Stacks": [{"Outputs": outputs}]})
    monkeypatch.setattr(Account, "client", lambda *_: described)
    target: Target = Account(environment)
    deployed = target.deploy_catalogue(tmp_path, {"KmsKeyArn": "", "JobLines": "5"}, asks=True)
    words = " ".join(calls[0])
    assert "--config-env staging" in words
    assert "--stack-name partner-orders-staging-catalogue --region eu-central-1" in words
    assert "--s3-prefix partner-orders-staging-catalogue" in words
    assert words.endswith('--parameter-overrides KmsKeyArn="" JobLines="5"')
    assert (deployed.webhook_url, deployed.options[:2]) == (URL, ("--stack-name", "partner-orders-staging"))


def test_catalogues_build_is_opened(built_catalogue: Path) -> None:
    """A faultless build of the catalogue passes, and it needs what only the orders stack has as little as the other way
    round."""
    assert check(built_catalogue, "arm64", CATALOGUE) == 2
    (built_catalogue / CATALOGUE.layer / "python" / "pydantic").mkdir()
    with pytest.raises(Exception, match="The layer holds pydantic, which no function imports"):
        check(built_catalogue, "arm64", CATALOGUE)


def test_layers_beside_are_opened(built_catalogue: Path) -> None:
    """The uploader's own layer is opened, too: a missing package and a binary for another processor are named."""
    [layer] = CATALOGUE.beside
    packages = built_catalogue / layer.name / "python"
    (packages / "cryptography" / "_rust.so").write_bytes(binary("x86_64"))
    (packages / "cffi").mkdir()
    with pytest.raises(FaultyBuildError, match=r"SftpLayer: cryptography/_rust\.so is built for x86_64") as refused:
        check(built_catalogue, "arm64", CATALOGUE)
    assert "SftpLayer: The layer holds cffi, which no function imports" in str(refused.value)
    shutil.rmtree(packages)
    with pytest.raises(FaultyBuildError, match="holds no SftpLayer"):
        check(built_catalogue, "arm64", CATALOGUE)
