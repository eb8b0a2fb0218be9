"""`make deploy ENV=local` and `make smoke ENV=local`, against the local AWS that the other tests use."""

from dataclasses import replace

import pytest

from tests.support.deployed import CommandLine
from tools.deploy import smoke
from tools.deploy.deployment import deploy
from tools.deploy.environment import read_environment, read_template
from tools.deploy.target import Deployed, DeploymentError, Laptop, Target
from tools.local.stack import Stack, parameter_overrides
from tools.local.up import PARAMETERS

pytestmark = pytest.mark.slow


@pytest.fixture
def target(stack: Stack, run: CommandLine) -> Laptop:
    given = parameter_overrides(stack.platform_url, PARAMETERS | {"ReconciliationState": "DISABLED"})
    parameters = dict(entry.split("=", 1) for entry in given)
    environment = replace(read_environment("local"), parameters=parameters)
    return Laptop(environment, stack, run._stack_file)


def stacks(stack: Stack) -> set[str]:
    described = stack.client("cloudformation").describe_stacks()["Stacks"]
    return {found["StackName"] for found in described if found["StackStatus"] != "DELETE_COMPLETE"}


def kept(stack: Stack) -> set[str]:
    """The tables and secrets of the local AWS."""
    secrets = stack.client("secretsmanager").list_secrets()["SecretList"]
    return {secret["Name"] for secret in secrets} | {*stack.client("dynamodb").list_tables()["TableNames"]}


def test_deployment_is_checked_and_examined(target: Laptop, stack: Stack, capfd: pytest.CaptureFixture[str]) -> None:
    """A deployment checks, updates the stack, runs doctor, and says what to paste where, without the secret."""
    # The schedule is off for the other tests, which doctor finds.
    assert deploy(target, read_template()) == 1
    printed = capfd.readouterr().out
    for part in ("template.yaml is valid", "opened", "deployed partner-orders", "FAULT schedule", stack.webhook_url):
        assert part in printed
    assert stack.present_webhook_secret() not in printed


def test_smoke_leaves_nothing(target: Laptop, stack: Stack, capfd: pytest.CaptureFixture[str]) -> None:
    """A stack of its own is deployed, receives orders, refuses strangers, has its alarms, and is removed whole."""
    before = stacks(stack), kept(stack)
    assert smoke.smoke(target, read_template()) == 0
    assert (stacks(stack), kept(stack)) == before
    printed = capfd.readouterr().out
    for part in ("401 without the secret, 200 for 3 orders", "each as it was posted", "takes no metrics out of logs"):
        assert part in printed


def test_failed_smoke_leaves_nothing(target: Laptop, stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    """A check that fails on a deployed stack ends the run, and the stack is removed whole."""
    before = stacks(stack), kept(stack)

    def fail(tried: Target, deployed: Deployed) -> None:
        assert deployed.stack_name in stacks(stack)
        raise DeploymentError("the planted failure")

    monkeypatch.setattr(smoke, "try_out", fail)
    with pytest.raises(DeploymentError, match="the planted failure"):
        smoke.smoke(target, read_template())
    assert (stacks(stack), kept(stack)) == before
