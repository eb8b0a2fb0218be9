"""``stacks``: every stack of an operator in a line, and what is wrong with it."""

import json
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from partner_orders.aws.keys import Key
from partner_orders.clock import now, to_text
from partner_orders.orders.event import Arrival
from partner_orders.stores.store import StoreSettings
from partner_orders_console.operations import target
from partner_orders_console.operations.errors import OperatorError
from partner_orders_console.operations.stack import DeployedStack
from partner_orders_console.operations.stacks import states, targets_of
from partner_orders_console.operations.target import Target, profile_of
from tests.support.catalogue_stack import Catalogue
from tests.support.console import Ran
from tests.support.fixed_clock import NOW
from tests.support.orders import order

type Run = Callable[..., Ran]

SAMCONFIG = """
version = 0.1
[default.deploy.parameters]
s3_prefix = "partner-orders"
[local.deploy.parameters]
stack_name = "partner-orders"
[staging.deploy.parameters]
stack_name = "orders-staging"
region = "eu-central-1"
profile = "chain-staging"
[production.deploy.parameters]
stack_name = "orders"
region = "me-south-1"
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a samconfig.toml, outside of any clone, and no stack on this machine."""
    (tmp_path / "samconfig.toml").write_text(SAMCONFIG)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(target, "CLONE", tmp_path / "none")
    monkeypatch.setenv("PARTNER_ORDERS_LOCAL_STACK", str(tmp_path / "stack.json"))
    return tmp_path


@pytest.fixture
def well(stack: DeployedStack, store_order: Callable[..., None]) -> DeployedStack:
    """A stack with an order of today, in which nothing is wrong."""
    stack.__dict__["_description"] = {"StackStatus": "UPDATE_COMPLETE", "LastUpdatedTime": now() - timedelta(days=2)}
    stack.outputs["Version"] = "0.1.0"
    store_order(order(sys={"created_at": to_text(now())}))
    stack.stores.set("q7xk", StoreSettings(currency="PKR"))
    ran(stack)
    return stack


def ran(stack: DeployedStack, stopped: str = "", minutes_ago: float = 4, **failed: str) -> None:
    """A run of the reconciler."""
    began = now() - timedelta(minutes=minutes_ago)
    row = {"started_at": to_text(began), "stopped": stopped, "failed_stores": failed, "requests": 1, "api_errors": {}}
    stack.reconciliation.save_report(began, row)


# -- which stacks ------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("folder")
def test_every_environment_is_meant() -> None:
    """Without names, every environment that names a stack is meant; the laptop's only if a stack is up there."""
    found = targets_of(Target(), ())
    assert found == {"staging": Target(config_env="staging"), "production": Target(config_env="production")}
    Path("stack.json").write_text("{}")
    assert targets_of(Target(), ())["local"] == Target(is_local=True)


@pytest.mark.usefixtures("folder")
def test_names_are_environments_or_stacks() -> None:
    """A name is an environment if there is one of that name, else a stack in the region of the call."""
    found = targets_of(Target(region="eu-west-1"), ["production", "orders-of-spain", "local", "production"])
    assert found == {
        "production": Target(config_env="production", region="eu-west-1"),
        "orders-of-spain": Target(stack_name="orders-of-spain", region="eu-west-1"),
        "local": Target(is_local=True),
    }


def test_the_named_target_is_meant_alone(folder: Path) -> None:
    """A call that names its stack means that one; without samconfig.toml it is the one that any command means."""
    assert [*targets_of(Target(config_env="staging"), ())] == ["staging"]
    assert [*targets_of(Target(stack_name="orders"), ())] == ["orders"]
    (folder / "samconfig.toml").unlink()
    with pytest.raises(OperatorError, match="which stack"):
        targets_of(Target(), ())


@pytest.mark.usefixtures("folder")
def test_profile_of_an_environment_counts() -> None:
    """The profile of an environment is used, unless the call names another."""
    assert profile_of(Target(config_env="staging")) == "chain-staging"
    assert profile_of(Target(config_env="staging", profile="mine")) == "mine"
    assert profile_of(Target(config_env="production")) is None
    assert profile_of(Target(stack_name="orders")) is None


# -- what is shown -----------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("well", "folder")
def test_stack_that_is_well(run: Run) -> None:
    """A stack in which nothing is wrong is a line of figures, and the status is 0."""
    ran = run("stacks", "production", "--json")
    [state] = ran.json
    assert ran.status == 0
    expected = {"name": "production", "region": "eu-central-1", "version": "0.1.0", "orders_today": 1, "rejected": 0}
    expected |= {"dead_letters": 0, "troubles": [], "alarms": [], "fault": "", "account": "123456789012"}
    assert {name: state[name] for name in expected} == expected
    assert state["last_run_at"]
    assert "0.1.0" in run("stacks", "production").out


@pytest.mark.usefixtures("folder")
def test_troubles_are_named(run: Run, well: DeployedStack) -> None:
    """What is wrong is said in words, and the status is 1."""
    well.rejected.keep(b"{1", Arrival("webhook", NOW, "r"), "malformed_json", [])
    url = well.output("OrderEventsDeadLettersUrl")
    well.client("sqs").send_message(QueueUrl=url, MessageBody="{}")
    ran(well, "error:KeyError", minutes_ago=1)
    alarm: dict[str, Any] = {"ComparisonOperator": "GreaterThanThreshold", "EvaluationPeriods": 1}
    alarm |= {"MetricName": "Rejected", "Namespace": "PartnerOrders", "Period": 60, "Statistic": "Sum", "Threshold": 0}
    cloudwatch = well.client("cloudwatch")
    cloudwatch.put_metric_alarm(AlarmName="ours", AlarmDescription="It is so.", **alarm)
    cloudwatch.set_alarm_state(AlarmName="ours", StateValue="ALARM", StateReason="test")
    well.__dict__["alarm_names"] = ["ours"]
    found = run("stacks", "production", "--json")
    assert found.status == 1
    assert found.json[0]["troubles"] == [
        "1 active alarm",
        "1 rejected event",
        "1 dead letter",
        "the last run stopped: error:KeyError",
    ]
    assert "production: alarm ours" in run("stacks", "production").err


@pytest.mark.usefixtures("folder")
def test_missing_runs_are_a_trouble(run: Run, well: DeployedStack) -> None:
    """No run in the last hour is a trouble, but not in the first half hour of a stack."""
    for report in well.table.query("RECONCILIATION"):
        well.table.delete(Key(report["pk"], report["sk"]))
    assert run("stacks", "production", "--json").json[0]["troubles"] == ["no run in the last hour"]
    well.__dict__["_description"]["LastUpdatedTime"] = now()
    assert run("stacks", "production", "--json").status == 0


@pytest.mark.usefixtures("folder")
def test_unreadable_stack_is_a_line(well: DeployedStack) -> None:
    """A stack that cannot be read is a line with the reason; the others are read."""

    def find(asked: Target) -> DeployedStack:
        if asked.config_env == "staging":
            raise OperatorError("the config profile (chain-staging) could not be found", "Sign in.")
        return well

    bad, good = states(targets_of(Target(), ()), find)
    assert (bad.name, bad.is_well) == ("staging", False)
    assert bad.fault == "the config profile (chain-staging) could not be found. Sign in."
    assert (good.orders_today, good.fault) == (1, "")


@pytest.mark.slow
@pytest.mark.usefixtures("folder")
def test_slow_stack_holds_back_none(well: DeployedStack) -> None:
    """A stack that does not answer in time is a line that says so."""

    def find(asked: Target) -> DeployedStack:
        if asked.config_env == "staging":
            time.sleep(60)
        return well

    began = time.monotonic()
    slow, good = states(targets_of(Target(), ()), find, seconds=2.0)
    assert time.monotonic() - began < 10
    assert slow.fault == "it did not answer within 2 s"
    assert good.version == "0.1.0"


@pytest.mark.usefixtures("folder")
def test_catalogue_counts_too(run: Run, well: DeployedStack, catalogue: Catalogue) -> None:
    """The dead letters of the catalogue beside a stack are counted, too."""
    well.parameters["Catalogue"] = "ENABLED"
    url = catalogue.stack.output("UrgentDeadLettersUrl")
    well.client("sqs").send_message(QueueUrl=url, MessageBody="{}")
    assert run("stacks", "production", "--json").json[0]["troubles"] == ["1 dead letter"]


@pytest.mark.usefixtures("folder")
def test_unread_stack_is_shown(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """For people, a stack that cannot be read has its reason below the table."""

    def find(_: Target) -> DeployedStack:
        raise OperatorError("there is no stack orders in me-south-1", "Deploy it.")

    monkeypatch.setattr(DeployedStack, "find", find)
    shown = run("stacks", "production")
    assert (shown.status, "unread" in shown.out) == (1, True)
    assert "production: there is no stack orders in me-south-1. Deploy it." in shown.err
    assert json.loads(run("stacks", "production", "--json").out)[0]["fault"]
