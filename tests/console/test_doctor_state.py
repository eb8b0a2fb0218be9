"""``doctor``: which run, which store and since when; what is paused; what `--fix` mends, and what it leaves alone."""

import json
import re
from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any
from unittest.mock import Mock

import pytest
import requests
from botocore.exceptions import ClientError

from partner_orders.aws import keys
from partner_orders.aws.dynamodb import Table
from partner_orders.clock import now, to_text
from partner_orders.orders.event import Arrival, parse_event
from partner_orders.reconciler.windows import Position
from partner_orders.stores.store import StoreSettings
from partner_orders_console.operations.consumer_pause import present_pause
from partner_orders_console.operations.doctor.examination import CHECKS
from partner_orders_console.operations.doctor.finding import Check, Finding, summary
from partner_orders_console.operations.stack import DeployedStack
from partner_orders_console.operations.store_pause import pause_store, resume_store
from partner_orders_console.operations.words import at
from tests.support.console import Ran
from tests.support.fixed_clock import NOW
from tests.support.orders import as_bytes, order
from tests.support.template import TEMPLATE

type Run = Callable[..., Ran]
type Doctor = Callable[..., dict[str, dict[str, Any]]]


@pytest.fixture
def checks(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Leave only the checks of these names: the others cost time."""

    def only(*names: str) -> None:
        kept: Iterable[Check] = [check for check in CHECKS if check.__name__ in names]
        assert len([*kept]) == len(names)
        monkeypatch.setattr("partner_orders_console.operations.doctor.examination.CHECKS", tuple(kept))

    return only


@pytest.fixture
def doctor(run: Run, stack: DeployedStack, monkeypatch: pytest.MonkeyPatch) -> Doctor:
    """What the doctor finds, by part."""

    def refused(*_: Any, **__: Any) -> Any:
        raise requests.ConnectionError

    monkeypatch.setattr(requests, "post", refused)
    stack.__dict__["_description"] = {"StackStatus": "UPDATE_COMPLETE"}

    def found() -> dict[str, dict[str, Any]]:
        findings = run("doctor", "--json").json
        assert [finding for finding in findings if finding["fault"] and not finding["advice"]] == []
        return {finding["part"]: finding for finding in findings}

    return found


def ran(stack: DeployedStack, minutes_ago: float, stopped: str = "", **failed: str) -> str:
    """A run of the reconciler; its id."""
    began = now() - timedelta(minutes=minutes_ago)
    row = {"started_at": to_text(began), "stopped": stopped, "failed_stores": failed, "requests": 1, "api_errors": {}}
    stack.reconciliation.save_report(began, row)
    return to_text(began)


# -- the last run ------------------------------------------------------------------------------------------------------


def test_fault_names_run_store_and_since(doctor: Doctor, stack: DeployedStack, checks: Callable[..., None]) -> None:
    """A fault of the last run names the run, the store, and since when it is not checked."""
    checks("reconciliation")
    stack.stores.set("s1", StoreSettings(currency="PKR"))
    stack.reconciliation.move(Position("s1", checked_until=NOW), 1)
    run_id = ran(stack, 4, s1="forbidden")
    found = doctor()["reconciliation"]
    assert f"run {at(run_id)} (4 min ago) could not check 1 store" in found["fault"]
    assert f"s1 (forbidden, not checked since {NOW:%Y-%m-%d %H:%M:%S})" in found["fault"]
    assert f"partner-orders reports show {run_id}" in found["advice"]


def test_removed_stores_fault_is_none(doctor: Doctor, stack: DeployedStack, checks: Callable[..., None]) -> None:
    """A store that was removed or paused after the last run is no fault any more."""
    checks("reconciliation")
    stack.stores.set("paused", StoreSettings(is_paused=True))
    ran(stack, 4, gone="not_found", paused="forbidden")
    found = doctor()["reconciliation"]
    assert (found["fault"], "2 stores that failed then were removed or paused since" in found["note"]) == ("", True)


def test_refusal_before_the_token_is_past(doctor: Doctor, stack: DeployedStack, checks: Callable[..., None]) -> None:
    """A run that was refused before the current token was stored is named as such; one after it is a fault."""
    checks("reconciliation")
    stack.stores.set("s1", StoreSettings(currency="PKR"))
    run_id = ran(stack, 4, "unauthorized", s1="unauthorized")
    found = doctor()["reconciliation"]
    assert found["fault"] == ""
    assert f"run {at(run_id)}" in found["note"]
    assert "before the current credentials were stored" in found["note"]
    ran(stack, 3, "", s1="forbidden")
    assert "forbidden" in doctor()["reconciliation"]["fault"]
    ran(stack, 0, "unauthorized", s1="unauthorized")
    assert "unauthorized" in doctor()["reconciliation"]["fault"]


# -- pauses ------------------------------------------------------------------------------------------------------------


def test_paused_stores_are_named(run: Run, doctor: Doctor, stack: DeployedStack, checks: Callable[..., None]) -> None:
    """Paused stores are named, with since when and by whom where that is known; a stack without any says nothing."""
    checks("paused_stores")
    assert "paused stores" not in doctor()
    stack.stores.set("s1", StoreSettings(is_paused=True))
    assert doctor()["paused stores"] == {
        "part": "paused stores", "fault": "", "advice": "", "note": "1 store not reconciled: s1", "fixable": False,
        "pause": True,
    }  # fmt: skip
    shown = run("doctor")
    assert (shown.status, shown.out.splitlines()[-1]) == (0, "no fault, 1 pause, 1 ok")
    assert "PAUSE paused stores" in shown.out
    [store] = stack.stores.all()
    pause_store(stack, store, "closed until May")
    note = doctor()["paused stores"]["note"]
    assert re.fullmatch(r".*s1 since \d{4}-\d\d-\d\d \d\d:\d\d:\d\d by arn:aws:\S+ \(closed until May\)", note)
    resume_store(stack, store)
    assert "paused stores" not in doctor()


class Mappings:
    """Lambda, with an event source of the consumer that is off."""

    def __init__(self) -> None:
        self.state = "Disabled"

    def list_event_source_mappings(self, **_: str) -> dict[str, Any]:
        return {"EventSourceMappings": [{"State": self.state, "UUID": "u"}]}

    def update_event_source_mapping(self, UUID: str, Enabled: bool) -> None:  # noqa: N803
        assert UUID == "u"
        self.state = "Enabling" if Enabled else "Disabled"


@pytest.fixture
def mappings(stack: DeployedStack, monkeypatch: pytest.MonkeyPatch) -> Mappings:
    made, real = Mappings(), DeployedStack.client
    stack.outputs["ConsumerFunctionName"] = "consumer"
    monkeypatch.setattr(DeployedStack, "client", lambda self, name: made if name == "lambda" else real(self, name))
    return made


def test_fix_leaves_a_paused_consumer(
    doctor: Doctor, run: Run, stack: DeployedStack, checks: Callable[..., None], mappings: Mappings
) -> None:
    """A consumer that somebody paused is named, is no fault, and stays paused; another that is off is switched on."""
    checks("event_sources", "paused_consumer")
    assert run("consumer", "pause", "--reason", "a restore", "--yes").status == 0
    assert mappings.state == "Disabled"
    found = doctor()
    assert re.search(r"since \d{4}.* by arn:aws:\S+: a restore", found["paused consumer"]["note"])
    assert not found["event source of the consumer"]["fault"]
    assert run("doctor", "--fix", "--yes").status == 0
    assert mappings.state == "Disabled"
    Table(stack.dynamodb, stack.table_name).delete(keys.pause("CONSUMER"))
    assert doctor()["event source of the consumer"]["fixable"]
    fixed = run("doctor", "--fix", "--yes")
    assert (fixed.status, mappings.state) == (0, "Enabling")
    assert fixed.out.splitlines()[-1] == "1 fixed, 0 faults, 1 ok"


# -- what --fix mends --------------------------------------------------------------------------------------------------


@pytest.fixture
def schedule(stack: DeployedStack) -> Callable[[], dict[str, Any]]:
    """The schedule, switched off by hand."""
    stack.outputs["ReconcilerFunctionName"] = "reconciler"
    client, name = stack.client("scheduler"), f"{stack.name}-run"
    arn = "arn:aws:lambda:eu-central-1:123456789012:function:reconciler"
    client.create_schedule(
        Name=name,
        ScheduleExpression="rate(5 minutes)",
        State="DISABLED",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={"Arn": arn, "RoleArn": "arn:aws:iam::1:role/r", "Input": "{}"},
    )
    return lambda: dict(client.get_schedule(Name=name))


def test_fix_switches_the_schedule_on(
    doctor: Doctor, run: Run, stack: DeployedStack, checks: Callable[..., None], schedule: Callable[[], dict[str, Any]]
) -> None:
    """The schedule is switched on as it was, the target is named, and who did it when is said and kept."""
    checks("schedule", "repairs")
    before = schedule()
    fixed = run("doctor", "--fix", "--yes")
    after = schedule()
    assert (fixed.status, after["State"]) == (0, "ENABLED")
    assert (after["Target"], after["ScheduleExpression"]) == (before["Target"], before["ScheduleExpression"])
    assert "target: partner-orders in eu-central-1" in fixed.err
    assert "partner-orders: switch the reconciler's schedule on, by arn:aws:" in fixed.err
    assert "switch the reconciler's schedule on, by arn:aws:" in doctor()["mended by doctor --fix"]["note"]
    assert "schedule" in doctor()
    assert not doctor()["schedule"]["fault"]


def test_fix_asks_before_it_acts(
    doctor: Doctor, run: Run, checks: Callable[..., None], schedule: Callable[[], dict[str, Any]]
) -> None:
    """With nobody there to ask nothing is mended, and the exit status says so."""
    checks("schedule")
    ran = run("doctor", "--fix")
    assert (ran.status, schedule()["State"]) == (3, "DISABLED")
    assert "--yes" in ran.err
    assert doctor()["schedule"]["fixable"]


def test_fix_leaves_a_schedule_deployed_off(
    doctor: Doctor, run: Run, stack: DeployedStack, checks: Callable[..., None], schedule: Callable[[], dict[str, Any]]
) -> None:
    """A schedule that was deployed as off is not switched on."""
    checks("schedule")
    stack.parameters["ReconciliationState"] = "DISABLED"
    assert not doctor()["schedule"]["fixable"]
    ran = run("doctor", "--fix", "--yes")
    assert (ran.status, schedule()["State"]) == (1, "DISABLED")
    assert "--fix can repair none of these" in ran.err


def test_fix_restores_the_queues_settings(
    doctor: Doctor, run: Run, stack: DeployedStack, checks: Callable[..., None]
) -> None:
    """--fix restores the settings of the queue one by one, and leaves a policy that somebody added."""
    checks("queue")
    sqs, url = stack.client("sqs"), stack.output("OrderEventsQueueUrl")

    def attributes() -> dict[str, str]:
        return dict(sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"])

    for name, wrong, usual in (
        ("RedrivePolicy", "", "80"),
        ("MessageRetentionPeriod", "3600", "345600"),
        ("VisibilityTimeout", "5", "300"),
        ("DelaySeconds", "900", "0"),
    ):
        if wrong:
            sqs.set_queue_attributes(QueueUrl=url, Attributes={name: wrong})
        while doctor()["order-events queue"]["fixable"]:
            assert run("doctor", "--fix", "--yes").status == 0
        assert usual in attributes()[name]
    statement = {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    assert run("doctor", "--fix", "--yes").status == 1
    assert json.loads(attributes()["Policy"]) == json.loads(policy)


# -- events ------------------------------------------------------------------------------------------------------------


def test_rejected_events_are_counted(doctor: Doctor, stack: DeployedStack, checks: Callable[..., None]) -> None:
    """Rejected events that nobody replayed or discarded are a fault, with their number."""
    checks("rejected_events")
    assert not doctor()["rejected events"]["fault"]
    for number in range(60):
        stack.rejected.keep(f"{number}".encode(), Arrival("webhook", NOW, "c"), "not_an_order", [])
    stack.rejected.resolve(b"0")
    assert doctor()["rejected events"]["fault"].startswith("59 events")


def test_last_webhook_of_stack_and_store(
    doctor: Doctor, stack: DeployedStack, checks: Callable[..., None], store_order: Callable[..., None]
) -> None:
    """The last webhook is named for the stack and for each store; what reconciliation found is none."""
    checks("last_webhooks")
    for name, minutes, source in (("s1", 4, "webhook"), ("s1", 90, "webhook"), ("s2", 0, "reconciliation")):
        body = order(order_id=f"{name}-{minutes}")
        body["client"]["store_id"] = name
        event = parse_event(as_bytes(body))
        stack.orders.write([(event, Arrival(source, now() - timedelta(minutes=minutes), "request"))])
        stack.stores.register(event.order.client)
    found = doctor()
    assert found["last webhook"]["note"].endswith("(4 min ago), of store s1")
    assert found["last webhook by store"]["note"].endswith("s2 none, s1 4 min ago")


def refused(stack: DeployedStack, minutes_ago: int, count: int, name: str = "RefusedUnauthorized") -> None:
    dimensions = [{"Name": "service", "Value": f"{stack.name}-webhook"}]
    when = now() - timedelta(minutes=minutes_ago)
    data = {"MetricName": name, "Dimensions": dimensions, "Timestamp": when, "Value": count}
    stack.client("cloudwatch").put_metric_data(Namespace="PartnerOrders", MetricData=[data])


def test_refused_events_are_a_fault(
    doctor: Doctor, stack: DeployedStack, checks: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Eleven events refused for a retired secret are a fault, with what to do; the doctor's own requests are none."""
    checks("refused_requests")
    monkeypatch.setattr(
        "partner_orders_console.operations.doctor.secret_use.stored_at_of", lambda *_: now() - timedelta(days=9)
    )
    refused(stack, 10, 20)
    refused(stack, 10, 20, "RefusedWithoutBody")
    assert not doctor()["refused requests"]["fault"]
    refused(stack, 30, 11)
    found = doctor()["refused requests"]
    assert found["fault"].startswith("11 events refused in the last hour, the last at ")
    assert "show-webhook" in found["advice"]


def test_refusals_before_the_secret_are_past(doctor: Doctor, stack: DeployedStack, checks: Callable[..., None]) -> None:
    """Events that were refused before the current secret was stored are named as such, and are no fault."""
    checks("refused_requests")
    refused(stack, 30, 11)
    found = doctor()["refused requests"]
    assert (found["fault"], "before the current secret was stored" in found["note"]) == ("", True)


def test_last_use_of_each_secret(doctor: Doctor, stack: DeployedStack, checks: Callable[..., None]) -> None:
    """The doctor tells when each secret was last used; an older webhook secret that is valid is named."""
    checks("secret_use")
    stack.client("secretsmanager").put_secret_value(SecretId=stack.output("WebhookSecretArn"), SecretString="x" * 20)
    refused(stack, 30, 1, "ByPreviousSecret")
    ran(stack, -0.01)
    found = doctor()
    assert "not in the last 14 days" in found["last use of the webhook secret"]["note"]
    assert "(3" in found["last use of the older webhook secret"]["note"]
    assert "still valid" in found["last use of the older webhook secret"]["note"]
    assert found["last use of the Partner API credentials"]["note"]


# -- the whole ---------------------------------------------------------------------------------------------------------


def test_dashboard_is_named(doctor: Doctor, stack: DeployedStack, checks: Callable[..., None]) -> None:
    """The doctor names the dashboard's URL, which is an output of the template."""
    checks("dashboard")
    assert "\n  DashboardUrl:\n" in TEMPLATE.read_text(encoding="utf-8")
    assert "dashboard" not in doctor()
    stack.outputs["DashboardUrl"] = "https://eu-central-1.console.aws.amazon.com/d"
    assert doctor()["dashboard"]["note"] == "https://eu-central-1.console.aws.amazon.com/d"


def test_last_line_sums_up(run: Run, doctor: Doctor, stack: DeployedStack, checks: Callable[..., None]) -> None:
    """The last line counts the faults and what is well."""
    assert summary([Finding("a"), Finding("b")]) == "all 2 checks ok"
    assert summary([Finding("a"), Finding("b", is_pause=True)]) == "no fault, 1 pause, 1 ok"
    assert summary([Finding("a", "it is off"), Finding("b")]) == "1 fault, 1 ok"
    assert summary([Finding("a", "it is off"), Finding("b", "it is off"), Finding("c")], 1) == "1 fixed, 1 fault, 1 ok"
    checks("stores", "rejected_events")
    stack.stores.set("s1", StoreSettings(currency="PKR"))
    assert run("doctor").out.splitlines()[-1] == "all 3 checks ok"


def test_refused_pause_is_not_recorded(
    run: Run, stack: DeployedStack, mappings: Mappings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If AWS refuses to switch the event source off, no pause is recorded."""
    refusal: Any = {"Error": {"Code": "AccessDeniedException", "Message": "no"}}
    refused = ClientError(refusal, "UpdateEventSourceMapping")
    monkeypatch.setattr(mappings, "update_event_source_mapping", Mock(side_effect=refused))
    ran = run("consumer", "pause", "--reason", "a restore", "--yes")
    assert (ran.status, "may not do this" in ran.err) == (1, True)
    assert present_pause(stack) is None


def test_consumer_is_paused_and_resumed(run: Run, stack: DeployedStack, mappings: Mappings) -> None:
    """A pause needs a reason and a yes, is not begun twice, and ends with ``resume``."""
    assert run("consumer", "pause", "--reason", "x").status == 3
    assert "needs a reason" in run("consumer", "pause", "--reason", " ", "--yes").err
    assert run("consumer", "pause", "--reason", "a restore", "--yes", "--json").json["reason"] == "a restore"
    again = run("consumer", "pause", "--reason", "another", "--yes")
    assert (again.status, "already paused, since" in again.err, "a restore" in again.err) == (1, True, True)
    assert run("consumer", "resume", "--json").json["reason"] == "a restore"
    assert mappings.state == "Enabling"
    assert "nobody paused" in run("consumer", "resume").err
