"""Which stack, in which region, a command talks to."""

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
