"""The steps of `make deploy`: each fault stops them with a sentence, and nothing is deployed."""

import importlib.util
import os
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Self

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from tests.tools.deploy.conftest import binary
from tools.deploy import __main__ as command
from tools.deploy import deployment
from tools.deploy.artefact import ORDERS, Contents, check
from tools.deploy.build import ROOT
from tools.deploy.environment import SAMCONFIG, Environment, read_environment
from tools.deploy.target import Account, Deployed, DeploymentError, Laptop
from tools.local.process import ProcessFailedError
from tools.local.stack import Stack

URL = "https://example.com/order-events"


@dataclass(frozen=True)
class FakeTarget:
    """Builds nothing, and opens what the test has planted. ``deployments`` are those that were begun, and
    ``asked`` is whether each was to ask before it changes anything."""

    environment: Environment
    built: Path
    stacks: list[str] = field(default_factory=list)
    deployments: list[str] = field(default_factory=list)
    asked: list[bool] = field(default_factory=list)
    has_metrics: bool = True

    def renamed(self, environment: Environment) -> Self:
        return replace(self, environment=environment)

    def sign_in(self) -> str:
        return "account 1"

    def build(self, architecture: str, contents: Contents = ORDERS) -> Path:
        check(self.built, architecture, contents)
        return self.built

    def deploy(self, built: Path, asks: bool) -> Deployed:  # noqa: ARG002
        self.asked.append(asks)
        self.deployments.append(self.environment.stack_name)
        return Deployed(self.environment.stack_name, "eu-central-1", {}, URL, {}, ("--stack-name", "s"))

    def deploy_catalogue(self, built: Path, parameters: Mapping[str, str], asks: bool) -> Deployed:
        raise NotImplementedError

    def client(self, service: str) -> Any:  # noqa: ARG002
        return SimpleNamespace(describe_stacks=self._describe)

    def operator_environment(self) -> dict[str, str]:
        return {}

    def _describe(self, StackName: str) -> None:  # noqa: N803 - boto3's name
        if StackName not in self.stacks:
            message = f"Stack with id {StackName} does not exist"
            raise ClientError({"Error": {"Code": "ValidationError", "Message": message}}, "DescribeStacks")


@pytest.fixture
def target(built: Path, environment: Environment, monkeypatch: pytest.MonkeyPatch) -> FakeTarget:
    """A target whose template is valid, and in whose stack doctor finds nothing."""
    made = FakeTarget(environment, built)
    monkeypatch.setattr(deployment, "validate_template", lambda *_: None)
    monkeypatch.setattr(deployment, "examine", lambda *_: False)
    monkeypatch.setattr(command, "read_environment", lambda _: environment)
    monkeypatch.setattr(command, "target_of", lambda environment: replace(made, environment=environment))
    return made


def test_faultless_build_is_deployed(target: FakeTarget, capsys: pytest.CaptureFixture[str]) -> None:
    """A faultless build is deployed, and what to paste where is printed."""
    assert command.main(["staging"]) == 0
    assert target.deployments == ["partner-orders-staging"]
    printed = capsys.readouterr().out
    assert f"webhook URL for orders  {URL}" in printed
    assert "printed by: .venv/bin/partner-orders --stack-name s secrets show-webhook" in printed


@pytest.mark.parametrize(("options", "asks"), [([], True), (["--yes"], False)])
def test_only_yes_keeps_it_from_asking(target: FakeTarget, options: list[str], asks: bool) -> None:
    """A deployment asks before it changes anything, unless --yes says not to."""
    assert command.main(["staging", *options]) == 0
    assert target.asked == [asks]


@pytest.mark.parametrize(
    ("goal", "words"),
    [("deploy", ""), ("deploy-catalogue", "--catalogue"), ("smoke", "--smoke")],
)
def test_goals_of_make_run_the_command(goal: str, words: str) -> None:
    """Each goal of make that deploys runs the command with the option of what it deploys."""
    make = ["make", "--dry-run", "--old-file=setup", goal, "ENV=staging", "ARGS=--yes"]
    printed = subprocess.run(make, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert printed.splitlines()[-1].split("tools.deploy ")[1].split() == ['"staging"', *words.split(), "--yes"]


def wrong_processor(packages: Path) -> None:
    (packages / "pydantic_core" / "_pydantic_core.so").write_bytes(binary("x86_64"))


def missing_bytecode(packages: Path) -> None:
    for path in packages.rglob("*.py"):
        Path(importlib.util.cache_from_source(str(path))).unlink(missing_ok=True)


@pytest.mark.parametrize(
    ("plant", "sentence"),
    [
        (wrong_processor, "is built for x86_64, and the template says arm64. Build again with `make build"),
        (missing_bytecode, "have no bytecode that Lambda can use as it is"),
    ],
)
def test_planted_fault_stops_the_deployment(
    target: FakeTarget, capsys: pytest.CaptureFixture[str], plant: Callable[[Path], None], sentence: str
) -> None:
    """A build for the wrong processor or without bytecode stops the deployment with a sentence."""
    plant(target.built / ORDERS.layer / "python")
    assert command.main(["staging"]) == 1
    assert sentence in capsys.readouterr().err
    assert target.deployments == []


@pytest.mark.parametrize(
    ("parameter", "value", "sentence"),
    [
        ("ChainID", "x", "The template has no parameter ChainID"),
        ("ChainId", "PASTE-THE-CHAIN-ID-HERE", "ChainId is still the placeholder"),
        ("LogRetentionDays", "2", "LogRetentionDays=2 is not one of 1, 3, 5"),
        ("Architecture", "x86_64", "is built for arm64, and the template says x86_64"),
    ],
)
def test_wrong_parameter_stops_the_deployment(
    target: FakeTarget,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    parameter: str,
    value: str,
    sentence: str,
) -> None:
    """A wrong parameter stops the deployment with a sentence; so does a processor that was not built for."""
    wrong = replace(target.environment, parameters={**target.environment.parameters, parameter: value})
    monkeypatch.setattr(command, "read_environment", lambda _: wrong)
    assert command.main(["staging"]) == 1
    assert sentence in capsys.readouterr().err
    assert target.deployments == []


@pytest.mark.slow
def test_invalid_template_stops_the_deployment(tmp_path: Path) -> None:
    """A template that is not valid stops the deployment, and the fault is named."""
    (tmp_path / "template.yaml").write_text(
        "Transform: AWS::Serverless-2016-10-31\nResources: {A: {Type: AWS::X::Y}}\n"
    )
    with pytest.raises(DeploymentError, match=r"template\.yaml is not valid"):
        deployment.validate_template("eu-central-1", tmp_path / "template.yaml")


@pytest.mark.parametrize(
    ("is_new", "status", "said"), [(True, 0, "The stack is new"), (False, 1, "doctor found faults")]
)
def test_faults_of_doctor_count_in_an_update(
    target: FakeTarget,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    is_new: bool,
    status: int,
    said: str,
) -> None:
    """Faults that doctor finds fail an update. A new stack has no credentials yet, and is told so."""
    monkeypatch.setattr(deployment, "examine", lambda *_: True)
    if not is_new:
        target.stacks.append("partner-orders-staging")
    assert command.main(["staging"]) == status
    assert said in "".join(capsys.readouterr())


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (ProcessFailedError("sam failed"), "error: sam failed"),
        (
            ClientError({"Error": {"Code": "AccessDenied"}}, "DescribeStacks"),
            "AWS refused DescribeStacks (AccessDenied)",
        ),
        (EndpointConnectionError(endpoint_url="https://x"), "AWS did not answer (EndpointConnectionError)"),
    ],
)
def test_failing_step_is_one_sentence(capsys: pytest.CaptureFixture[str], error: Exception, sentence: str) -> None:
    """A step that fails ends in one sentence and exit status 1, without a traceback."""

    def fail() -> int:
        raise error

    assert command.in_a_sentence(fail) == 1
    assert sentence in capsys.readouterr().err


def test_local_deployment_needs_a_stack(
    environment: Environment, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without `make up`, a local deployment says how to start one."""
    monkeypatch.setattr(command, "is_up", lambda: False)
    assert command.main(["local"]) == 1
    assert "start one with `make up`" in capsys.readouterr().err


def test_local_parameters_are_the_machines(monkeypatch: pytest.MonkeyPatch, environment: Environment) -> None:
    """A local deployment gets the running platform's address and the machine's processor."""
    stack = Stack("http://127.0.0.1:1", "eu-central-1", "partner-orders", URL, {}, "", "http://127.0.0.1:2", {})
    monkeypatch.setattr(command, "is_up", lambda: True)
    monkeypatch.setattr(Stack, "load", lambda: stack)
    target = command.target_of(replace(environment, name="local", parameters={}))
    assert isinstance(target, Laptop)
    assert target.environment.parameters["PartnerApiBaseUrl"] == "http://127.0.0.1:2"
    assert {"ChainId", "Architecture"} <= target.environment.parameters.keys()


def test_unknown_caller_is_told_to_sign_in(environment: Environment, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without credentials the deployment stops before anything is built."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    assert os.environ["AWS_EC2_METADATA_DISABLED"] == "true"
    with pytest.raises(DeploymentError, match="sign in with the AWS CLI"):
        Account(environment).sign_in()


def test_sam_gets_parameters_with_spaces(
    environment: Environment, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """sam gets the environment, the checked build, and values with spaces in quotes."""
    calls = _calls_of_sam(monkeypatch)
    scheduled = replace(environment, parameters={"ReconciliationSchedule": "rate(5 minutes)"})
    deployed = Account(scheduled).deploy(tmp_path, asks=False)
    [words] = calls
    assert f"--template-file {tmp_path}/template.yaml --stack-name partner-orders-staging" in " ".join(words)
    assert words[-3:] == ["--no-confirm-changeset", "--parameter-overrides", 'ReconciliationSchedule="rate(5 minutes)"']
    assert deployed.webhook_url == URL


def test_sam_asks_unless_told_not_to(environment: Environment, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """sam keeps to the environment's own setting, unless the caller has said yes."""
    calls = _calls_of_sam(monkeypatch)
    for asks in (True, False):
        Account(environment).deploy(tmp_path, asks=asks)
        Account(environment).deploy_catalogue(tmp_path, {}, asks=asks)
    assert ["--no-confirm-changeset" in words for words in calls] == [False, False, True, True]


@pytest.mark.parametrize("region", ["eu-central-1", "ap-south-1"])
def test_region_is_that_of_samconfig(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, region: str) -> None:
    """Both stacks are deployed to the region of samconfig.toml, whatever region the user's AWS configuration has."""
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.setenv(name, "us-east-1")
    changed = tmp_path / "samconfig.toml"
    changed.write_text(SAMCONFIG.read_text(encoding="utf-8").replace('"eu-central-1"', f'"{region}"'))
    calls = _calls_of_sam(monkeypatch)
    for name in ("staging", "production"):
        account = Account(read_environment(name, changed))
        account.deploy(tmp_path, asks=True)
        account.deploy_catalogue(tmp_path, {}, asks=True)
    assert [words[words.index("--region") + 1] for words in calls] == [region] * 4
    assert [words[words.index("--stack-name") + 1] for words in calls] == [
        *("partner-orders-staging", "partner-orders-staging-catalogue"),
        *("partner-orders", "partner-orders-catalogue"),
    ]


def _calls_of_sam(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """What sam is called with from now on. Every deployment succeeds."""
    calls: list[list[str]] = []

    def run(words: list[str], **options: Any) -> SimpleNamespace:
        # The terminal is sam's: what it shows is seen, and nobody else answers what it asks.
        assert options == {"cwd": ROOT, "check": False}
        calls.append(words)
        return SimpleNamespace(returncode=0)

    outputs = [{"OutputKey": name, "OutputValue": URL} for name in ("WebhookUrl", "CatalogueWebhookUrl")]
    stacks = SimpleNamespace(describe_stacks=lambda **_: {"Stacks": [{"Outputs": outputs}]})
    monkeypatch.setattr("tools.deploy.target.subprocess.run", run)
    monkeypatch.setattr(Account, "client", lambda *_: stacks)
    return calls
