"""Which stack, in which region and account, a command acts on."""

import io
import json
import re
from collections.abc import Callable
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import pytest

from partner_orders_console.cli.__main__ import main
from partner_orders_console.cli.call import begin_call, hint
from partner_orders_console.operations import target
from partner_orders_console.operations.errors import OperatorError
from partner_orders_console.operations.stack import DeployedStack
from partner_orders_console.operations.target import CONFIG_ENV, STACK_NAME, Target, resolved
from tests.support.console import Ran


@pytest.fixture
def nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)
    for name in ("AWS_REGION", STACK_NAME, CONFIG_ENV):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("PARTNER_ORDERS_LOCAL_STACK", str(tmp_path / "none.json"))


@pytest.fixture
def stack_of_make_up(nothing_set: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    file = tmp_path / "stack.json"
    facts = {
        "stack_name": "partner-orders",
        "region": "eu-central-1",
        "endpoint_url": "http://127.0.0.1:1",
        "webhook_url": "http://127.0.0.1:2",
        "webhook_headers": {},
    }
    file.write_text(json.dumps(facts))
    monkeypatch.setenv("PARTNER_ORDERS_LOCAL_STACK", str(file))
    return file


@pytest.mark.usefixtures("nothing_set")
@pytest.mark.parametrize("variable", ["AWS_REGION", "AWS_DEFAULT_REGION"])
def test_region_comes_from_either_variable(monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    """The region comes from either of the AWS CLI's variables, and is required."""
    with pytest.raises(OperatorError) as asked:
        DeployedStack.find(Target("orders"))
    assert "AWS_REGION" in asked.value.advice
    monkeypatch.setenv(variable, "me-south-1")
    assert DeployedStack.find(Target("orders")).region == "me-south-1"


@pytest.mark.usefixtures("nothing_set")
def test_region_order_of_precedence(monkeypatch: pytest.MonkeyPatch) -> None:
    """The option wins over the variables, and AWS_REGION over AWS_DEFAULT_REGION."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    monkeypatch.setenv("AWS_REGION", "me-south-1")
    assert DeployedStack.find(Target("orders")).region == "me-south-1"
    found = DeployedStack.find(Target("orders", region="ap-south-1"))
    assert (found.region, found.client("sqs").meta.region_name) == ("ap-south-1", "ap-south-1")


@pytest.mark.usefixtures("nothing_set")
@pytest.mark.parametrize(
    "other",
    [("--stack-name", "nope"), ("--config-env", "production"), ("--profile", "prod"), ("--region", "us-east-1")],
)
def test_local_excludes_other_targets(capsys: pytest.CaptureFixture[str], other: tuple[str, str]) -> None:
    """``--local`` cannot be combined with the options of a stack in an account."""
    assert main(["--local", *other, "stores", "list"]) == 1
    assert "--local" in capsys.readouterr().err


@pytest.mark.usefixtures("nothing_set")
@pytest.mark.parametrize("option", [("--profile", "prod"), ("--region", "us-east-1")])
def test_profile_never_means_the_laptop(
    capsys: pytest.CaptureFixture[str], stack_of_make_up: Path, option: tuple[str, str]
) -> None:
    """A profile or a region without a stack's name is refused, though a stack is up on this machine."""
    assert main([*option, "stores", "list"]) == 1
    assert f"{' '.join(option)} names no stack" in capsys.readouterr().err


@pytest.mark.usefixtures("nothing_set")
def test_stack_of_make_up_is_the_last_resort(monkeypatch: pytest.MonkeyPatch, stack_of_make_up: Path) -> None:
    """The stack on this machine is meant only if nothing else was said, by whatever means."""
    assert resolved(Target()).is_local
    monkeypatch.setenv(CONFIG_ENV, "staging")
    assert resolved(Target()) == Target(config_env="staging")
    assert resolved(Target(stack_name="orders")) == Target(stack_name="orders")
    assert resolved(Target(is_local=True)).is_local
    monkeypatch.setenv(STACK_NAME, "orders")
    with pytest.raises(OperatorError, match="both set"):
        resolved(Target())


@pytest.mark.usefixtures("nothing_set")
def test_nothing_said_is_a_question() -> None:
    """Without any stack the error names each way to say one."""
    with pytest.raises(OperatorError) as asked:
        resolved(Target())
    assert all(way in asked.value.advice for way in ("--stack-name", "--config-env", "use", "make up"))


@pytest.mark.usefixtures("nothing_set")
def test_chosen_default_holds_until_cleared(capsys: pytest.CaptureFixture[str], stack_of_make_up: Path) -> None:
    """``use`` chooses the target of later calls, whose region and profile a call may replace."""
    assert main(["use", "--stack-name", "orders", "--region", "me-south-1"]) == 0
    assert resolved(Target()) == Target("orders", region="me-south-1")
    assert resolved(Target(profile="prod")) == Target("orders", region="me-south-1", profile="prod")
    capsys.readouterr()
    assert main(["use"]) == 0
    assert capsys.readouterr().out == "--stack-name orders --region me-south-1\n"
    assert main(["use", "--clear"]) == 0
    assert resolved(Target()).is_local


@pytest.mark.usefixtures("nothing_set")
def test_use_takes_options_from_either_side(capsys: pytest.CaptureFixture[str]) -> None:
    """``use`` takes the options of the target before and after its name."""
    assert main(["--config-env", "staging", "use", "--profile", "prod"]) == 0
    assert target.chosen() == Target(config_env="staging", profile="prod")
    assert main(["--config-env", "staging", "use", "--clear"]) == 1
    assert main(["use", "--region", "eu-west-1"]) == 1


@pytest.mark.usefixtures("stack_of_make_up")
@pytest.mark.parametrize("by", ["call", "variable"])
def test_environment_local_means_no_account(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, by: str
) -> None:
    """The environment of this machine never leads to a stack of the same name in an account."""
    if by == "variable":
        monkeypatch.setenv(CONFIG_ENV, "local")
    assert main([*(("--config-env", "local") if by == "call" else ()), "stores", "list"]) == 1
    assert "Use --local" in capsys.readouterr().err


@pytest.mark.usefixtures("nothing_set")
@pytest.mark.parametrize(
    ("environment", "error"),
    [("stagin", "It has: staging, production."), ("default", "no stack_name"), ("local", "--")],
)
def test_use_refuses_an_unusable_environment(capsys: pytest.CaptureFixture[str], environment: str, error: str) -> None:
    """``use`` refuses an environment that later calls could not act on, and keeps the chosen one."""
    assert main(["use", "--config-env", "staging"]) == 0
    assert main(["use", "--config-env", environment]) == 1
    assert error in capsys.readouterr().err
    assert target.chosen() == Target(config_env="staging")


@pytest.mark.usefixtures("nothing_set")
@pytest.mark.parametrize("content", ["", "[]", '{"colour": "red"}', "{"])
def test_damaged_choice_is_explained(content: str) -> None:
    """A damaged file of the chosen default is explained in a sentence."""
    file = target.choice_file()
    file.parent.mkdir(parents=True)
    file.write_text(content)
    with pytest.raises(OperatorError, match="damaged"):
        resolved(Target())


@pytest.mark.usefixtures("nothing_set")
def test_profile_beside_a_local_default() -> None:
    """A profile is refused where the chosen default is the stack on this machine."""
    target.choose(Target(is_local=True))
    with pytest.raises(OperatorError, match="names no stack"):
        resolved(Target(profile="prod"))


@pytest.mark.usefixtures("nothing_set")
def test_stack_of_make_up_outside_a_clone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The stack of ``make up`` is found as told, else in the clone, else in the user's state."""
    environment = {"XDG_STATE_HOME": str(tmp_path / "state")}
    monkeypatch.setattr(target, "CLONE", tmp_path)
    of_user = tmp_path / "state" / "partner-orders" / "local-stack.json"
    assert target.local_stack_file(environment) == target.users_stack_file(environment) == of_user
    assert target.users_stack_file({}) == Path.home() / ".local" / "state" / "partner-orders" / "local-stack.json"
    in_clone = tmp_path / ".local" / "stack.json"
    in_clone.parent.mkdir()
    in_clone.touch()
    assert target.local_stack_file(environment) == in_clone
    told = environment | {"PARTNER_ORDERS_LOCAL_STACK": "elsewhere.json"}
    assert target.local_stack_file(told) == Path("elsewhere.json")


@pytest.mark.usefixtures("nothing_set")
def test_samconfig_outside_a_clone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Outside of a clone the environments are those of samconfig.toml in the current folder."""
    monkeypatch.setattr(target, "CLONE", tmp_path / "site-packages")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(OperatorError, match=r"no samconfig\.toml here"):
        DeployedStack.find(Target(config_env="staging"))
    file = tmp_path / "samconfig.toml"
    file.write_text('[staging.deploy.parameters]\nstack_name = "mine"\nregion = "me-south-1"\n')
    found = DeployedStack.find(Target(config_env="staging"))
    assert (found.name, found.region, found.origin) == ("mine", "me-south-1", "staging")
    file.write_text("[staging")
    with pytest.raises(OperatorError, match="not TOML"):
        DeployedStack.find(Target(config_env="staging"))
    file.write_text("[staging.deploy.parameters]\n")
    with pytest.raises(OperatorError, match="has no stack_name"):
        DeployedStack.find(Target(config_env="staging"))


@pytest.mark.usefixtures("nothing_set")
@pytest.mark.parametrize("content", ['{"endpoint_url": "http', "{}", "[]"])
def test_damaged_stack_file_is_explained(stack_of_make_up: Path, content: str) -> None:
    """A file of ``make up`` that is cut short or stale is explained in a sentence."""
    stack_of_make_up.write_text(content)
    with pytest.raises(OperatorError, match="damaged"):
        DeployedStack.find(Target(is_local=True))


def test_each_command_names_its_target(run: Callable[..., Ran], stack: DeployedStack) -> None:
    """A command names stack, region and account on the standard error, and a question names them again."""
    ran = run("--stack-name", "partner-orders", "stores", "list")
    assert "target: partner-orders in eu-central-1, account 123456789012\n" in ran.err
    assert "target" not in ran.out
    assert replace(stack, endpoint_url="http://127.0.0.1:1").label == "partner-orders on this machine (make up)"


@pytest.mark.parametrize(
    "arguments",
    [("secrets", "set-token"), ("secrets", "set-client"), ("secrets", "set-webhook"), ("forget",)],
)
def test_target_comes_before_the_prompt(
    run: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    """Whoever is asked for a secret or a customer's number sees first which stack it is for."""
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    ran = run(*arguments)
    assert (ran.status, ran.err.startswith("target: partner-orders in eu-central-1")) == (1, True)


def test_hints_repeat_the_target_options(run: Callable[..., Ran]) -> None:
    """Commands in hints and errors have the options with which the call named its target."""
    ran = run("--stack-name", "partner-orders", "--profile", "prod", "orders", "find", "nothing", "--store", "nowhere")
    assert "`partner-orders --stack-name partner-orders --profile prod stores list`" in ran.err


@pytest.mark.usefixtures("nothing_set")
def test_hints_keep_what_is_no_command() -> None:
    """Only a command gets the options, and only where the call had some."""
    begin_call("--config-env 'my env'", ("doctor", "stores"))
    text = "partner-orders in eu-central-1: partner-orders doctor; partner-orders stores-x"
    assert hint("partner-orders doctor") == "partner-orders --config-env 'my env' doctor"
    assert hint(text).count("my env") == 2
    begin_call("", ("doctor",))
    assert hint("partner-orders doctor") == "partner-orders doctor"


def test_hint_of_use_can_be_typed(capsys: pytest.CaptureFixture[str], nothing_set: None) -> None:
    """A region alone names no stack for `use` either, so the hint does not repeat it."""
    assert main(["--region", "eu-central-1", "doctor"]) == 1
    assert "`partner-orders use`" in capsys.readouterr().err


@pytest.mark.usefixtures("nothing_set")
def test_hints_can_be_typed_as_printed(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Hints name the program by its path unless the shell finds that very program by its name."""
    program = tmp_path / "a clone" / "bin" / "partner-orders"
    program.parent.mkdir(parents=True)
    program.touch(mode=0o755)
    monkeypatch.setattr("sys.argv", [str(program)])
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.chdir(program.parents[1])
    begin_call("--local", ("doctor",))
    assert hint("`partner-orders doctor`, bin/partner-orders doctor") == (
        "`bin/partner-orders --local doctor`, bin/partner-orders doctor"
    )
    assert main(["stores", "lsit"]) == 2
    assert "`bin/partner-orders stores --help` shows" in capsys.readouterr().err
    begin_call("", ("doctor",))
    for folder, typed in ((tmp_path, "'a clone/bin/partner-orders'"), (program.parent, "./partner-orders")):
        monkeypatch.chdir(folder)
        assert hint("partner-orders doctor") == f"{typed} doctor"
    monkeypatch.setenv("PATH", str(program.parent))
    assert hint("partner-orders doctor") == "partner-orders doctor"


@pytest.mark.usefixtures("nothing_set")
def test_version_is_the_packages(capsys: pytest.CaptureFixture[str]) -> None:
    """``--version`` prints the version of the package, without a stack."""
    assert main(["--version"]) == 0
    assert re.fullmatch(r"partner-orders \d+\.\d+\.\d+\n", printed := capsys.readouterr().out)
    assert version("partner-orders") in printed
