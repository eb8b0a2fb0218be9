"""Which stack, in which region, a command talks to."""

import re
from importlib.metadata import version
from pathlib import Path

import pytest

from partner_orders_console.cli import stack
from partner_orders_console.cli.__main__ import main
from partner_orders_console.cli.errors import OperatorError
from partner_orders_console.cli.stack import DeployedStack, Where


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    monkeypatch.delenv("AWS_REGION", raising=False)
    monkeypatch.setattr(stack, "LOCAL_STACK", tmp_path / "none.json")


@pytest.mark.parametrize("variable", ["AWS_REGION", "AWS_DEFAULT_REGION"])
def test_region_comes_from_either_variable(monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    """The region comes from either of the AWS CLI's variables, and is required."""
    with pytest.raises(OperatorError) as asked:
        DeployedStack.find(Where("orders"))
    assert "AWS_REGION" in asked.value.advice
    monkeypatch.setenv(variable, "me-south-1")
    assert DeployedStack.find(Where("orders")).region == "me-south-1"


def test_region_order_of_precedence(monkeypatch: pytest.MonkeyPatch) -> None:
    """The option wins over the variables, and AWS_REGION over AWS_DEFAULT_REGION."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    monkeypatch.setenv("AWS_REGION", "me-south-1")
    assert DeployedStack.find(Where("orders")).region == "me-south-1"
    found = DeployedStack.find(Where("orders", region="ap-south-1"))
    assert (found.region, found.client("sqs").meta.region_name) == ("ap-south-1", "ap-south-1")


@pytest.mark.parametrize("other", [("--stack-name", "nope"), ("--config-env", "production")])
def test_local_excludes_other_stacks(capsys: pytest.CaptureFixture[str], other: tuple[str, str]) -> None:
    """``--local`` cannot be combined with another stack's name or environment."""
    assert main(["--local", *other, "stores", "list"]) == 2
    assert "--local" in capsys.readouterr().err


def test_stack_of_make_up_outside_a_clone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The stack of ``make up`` is found as told, else in the clone, else in the user's state."""
    monkeypatch.delenv("PARTNER_ORDERS_LOCAL_STACK", raising=False)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setattr(stack, "CLONE", tmp_path)
    of_user = tmp_path / "state" / "partner-orders" / "local-stack.json"
    assert stack._stack_file() == stack.users_stack_file() == of_user
    assert stack.users_stack_file({}) == Path.home() / ".local" / "state" / "partner-orders" / "local-stack.json"
    in_clone = tmp_path / ".local" / "stack.json"
    in_clone.parent.mkdir()
    in_clone.touch()
    assert stack._stack_file() == in_clone
    monkeypatch.setenv("PARTNER_ORDERS_LOCAL_STACK", "elsewhere.json")
    assert stack._stack_file() == Path("elsewhere.json")


def test_samconfig_outside_a_clone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Outside of a clone the environments are those of samconfig.toml in the current folder."""
    monkeypatch.setattr(stack, "CLONE", tmp_path / "site-packages")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(OperatorError, match=r"no samconfig\.toml here"):
        DeployedStack.find(Where(config_env="staging"))
    file = tmp_path / "samconfig.toml"
    file.write_text('[staging.deploy.parameters]\nstack_name = "mine"\nregion = "me-south-1"\n')
    found = DeployedStack.find(Where(config_env="staging"))
    assert (found.name, found.region) == ("mine", "me-south-1")
    file.write_text("[staging")
    with pytest.raises(OperatorError, match="not TOML"):
        DeployedStack.find(Where(config_env="staging"))


def test_cut_stack_file_is_explained(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A file of ``make up`` that is cut short is explained in a sentence."""
    file = tmp_path / "stack.json"
    file.write_text('{"endpoint_url": "http')
    monkeypatch.setattr(stack, "LOCAL_STACK", file)
    with pytest.raises(OperatorError, match="cut short"):
        DeployedStack.find(Where())


def test_version_is_the_packages(capsys: pytest.CaptureFixture[str]) -> None:
    """``--version`` prints the version of the package, without a stack."""
    assert main(["--version"]) == 0
    assert re.fullmatch(r"partner-orders \d+\.\d+\.\d+\n", printed := capsys.readouterr().out)
    assert version("partner-orders") in printed
