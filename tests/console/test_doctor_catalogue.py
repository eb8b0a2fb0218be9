"""``doctor`` on the catalogue beside the stack: what it says of each fault, and nothing where there is none."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
import requests
from botocore.exceptions import ClientError

from partner_orders.catalogue.guards import Reason
from partner_orders.catalogue.store_settings import CatalogueSettings
from partner_orders.clock import now
from partner_orders_console.operations.catalogue_stack import CatalogueStack
from partner_orders_console.operations.doctor import catalogue as checks
from partner_orders_console.operations.doctor.catalogue import catalogue
from partner_orders_console.operations.doctor.finding import Finding
from partner_orders_console.operations.stack import Clients, DeployedStack
from tests.support.catalogue_table import catalogue_table

TABLE, NAME = "catalogue-table", "partner-orders-catalogue"
ORDERS = {f"{name}Arn": name for name in ("PartnerApiSecret", "WebhookSecret", "RequestBudgetTable")}
ORDERS["RequestBudgetTableName"] = "budget"
SHARED = {"ChainId": "chain", "RateLimitPerMinute": "60", "Architecture": "arm64"}
FUNCTIONS = ("Loader", "Pusher", "Urgent", "CatalogueWebhook")


def refused(code: str, operation: str) -> ClientError:
    error: Any = {"Code": code, "Message": f"Stack with id x does not exist: {code}"}
    return ClientError({"Error": error}, operation)


@dataclass
class World:
    """A catalogue without a fault, and what a test changes of it."""

    has_catalogue: bool = True
    status: str = "UPDATE_COMPLETE"
    orders: dict[str, str] = field(default_factory=lambda: {**SHARED, "Catalogue": "ENABLED"})
    given: dict[str, str] = field(default_factory=lambda: {**SHARED, **ORDERS})
    executions: int = 1000
    reserved: dict[str, int | None] = field(default_factory=lambda: dict.fromkeys(FUNCTIONS, 1))
    states: dict[str, str] = field(default_factory=dict)
    schedules: dict[str, str] = field(default_factory=lambda: {f"{NAME}-load": "ENABLED", f"{NAME}-push": "ENABLED"})
    source: str = "Enabled"
    messages: dict[str, int] = field(default_factory=dict)
    answers: dict[str, int] = field(default_factory=lambda: {"secret": 200, "": 401})
    alarms: list[str] = field(default_factory=list)
    done: list[str] = field(default_factory=list)

    # -- CloudFormation and CloudWatch --

    def describe_stacks(self, StackName: str) -> Any:  # noqa: N803 - boto3's name
        if StackName != NAME or not self.has_catalogue:
            raise refused("ValidationError", "DescribeStacks")
        outputs = {f"{name}FunctionName": name for name in FUNCTIONS} | {"CatalogueTableName": TABLE}
        for name in ("Files", "Callbacks", "Urgent"):
            outputs |= {f"{name}QueueUrl": name, f"{name}DeadLettersUrl": f"{name}-dead"}
            outputs |= {f"{name}QueueArn": f"arn:{name}"}
        outputs |= {"CatalogueApiId": "api", "CatalogueWebhookUrl": "https://example.com/catalogue-callbacks"}
        return {
            "Stacks": [
                {
                    "StackStatus": self.status,
                    "CreationTime": now() - timedelta(days=9),
                    "Outputs": [{"OutputKey": key, "OutputValue": value} for key, value in outputs.items()],
                    "Parameters": [{"ParameterKey": key, "ParameterValue": it} for key, it in self.given.items()],
                }
            ]
        }

    def get_paginator(self, operation: str) -> Any:
        if operation == "describe_alarms":
            alarms = [{"AlarmName": it, "StateValue": "ALARM", "AlarmDescription": "Bad."} for it in self.alarms]
            return SimpleNamespace(paginate=lambda **_: [{"MetricAlarms": alarms}])
        found = [{"ResourceType": "AWS::CloudWatch::Alarm", "PhysicalResourceId": "a", "LogicalResourceId": "A"}]
        return SimpleNamespace(paginate=lambda **_: [{"StackResourceSummaries": found}])

    # -- Lambda --

    exceptions = SimpleNamespace(ResourceNotFoundException=LookupError)

    def get_account_settings(self) -> Any:
        return {"AccountLimit": {"ConcurrentExecutions": self.executions}}

    def get_function_configuration(self, FunctionName: str) -> Any:  # noqa: N803
        if self.states.get(FunctionName) == "gone":
            raise LookupError
        return {"State": self.states.get(FunctionName, "Active")}

    def get_function_concurrency(self, FunctionName: str) -> Any:  # noqa: N803
        reserved = self.reserved[FunctionName]
        return {} if reserved is None else {"ReservedConcurrentExecutions": reserved}

    def list_event_source_mappings(self, FunctionName: str) -> Any:  # noqa: N803
        assert FunctionName == "Urgent"
        return {"EventSourceMappings": [{"UUID": "u", "State": self.source}] if self.source else []}

    def update_event_source_mapping(self, **changes: Any) -> None:
        self.done.append(f"source {changes}")

    # -- Scheduler and SQS --

    def get_schedule(self, Name: str) -> Any:  # noqa: N803
        if Name not in self.schedules:
            raise refused("ResourceNotFoundException", "GetSchedule")
        return {"Name": Name, "State": self.schedules[Name], "ScheduleExpression": "rate(1 minute)", "Arn": "x"}

    def update_schedule(self, **changes: Any) -> None:
        self.done.append(f"schedule {changes}")

    def get_queue_attributes(self, QueueUrl: str, AttributeNames: list[str]) -> Any:  # noqa: N803
        return {"Attributes": {AttributeNames[0]: str(self.messages.get(QueueUrl, 0)), AttributeNames[1]: "0"}}

    def post(self, url: str, headers: dict[str, str], **_: Any) -> Any:
        assert url == "https://example.com/catalogue-callbacks"
        return SimpleNamespace(status_code=self.answers[headers.get("Authorization", "")])


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    made = World()
    monkeypatch.setattr(checks, "webhook_header", lambda _: "secret")
    monkeypatch.setattr(requests, "post", made.post)
    return made


@pytest.fixture
def stack(world: World) -> Iterator[DeployedStack]:
    with catalogue_table(TABLE):
        clients = Clients()
        for service in ("cloudformation", "cloudwatch", "lambda", "scheduler", "sqs"):
            clients.get(service, False, lambda: world)
        made = DeployedStack("partner-orders", "eu-central-1", boto3.Session(), clients=clients)
        made.__dict__["outputs"] = ORDERS
        yield made


@pytest.fixture
def found(stack: DeployedStack, world: World) -> Callable[[], list[Finding]]:
    def look() -> list[Finding]:
        fresh = replace(stack)
        fresh.__dict__.update(outputs=ORDERS, parameters=world.orders)
        return [*catalogue(fresh)]

    return look


type Look = Callable[[], list[Finding]]


def faults(findings: list[Finding]) -> dict[str, str]:
    assert [finding for finding in findings if finding.fault and not finding.advice] == []
    return {finding.part: finding.fault for finding in findings if finding.fault}


def test_a_sound_catalogue_has_no_fault(found: Look) -> None:
    """A catalogue as it was deployed has no fault, and each part is named."""
    findings = found()
    assert faults(findings) == {}
    parts = {finding.part for finding in findings}
    assert {"catalogue", "catalogue's parameters", "function loader", "schedule of the pusher"} <= parts
    assert {"catalogue webhook", "dead letters (files)", "stores of the catalogue", "catalogue's alarms"} <= parts


def test_without_a_catalogue_nothing_is_asked(found: Look, world: World) -> None:
    """A stack that wants none, or of an earlier version, gets no finding; one that wants one is told how."""
    world.has_catalogue = False
    world.orders["Catalogue"] = "DISABLED"
    assert found() == []
    world.orders["Catalogue"] = "ENABLED"
    [finding] = found()
    assert (finding.fault, finding.note) == ("", "none is deployed yet: make deploy-catalogue")
    del world.orders["Catalogue"]
    world.has_catalogue = True
    assert found() == []


def test_failed_deployment_is_a_fault(found: Look, world: World) -> None:
    """A stack whose update failed is named with its status."""
    world.status = "UPDATE_ROLLBACK_COMPLETE"
    assert faults(found())["catalogue"] == "its status is UPDATE_ROLLBACK_COMPLETE"


def test_orders_without_shared_budget(found: Look, world: World) -> None:
    """A catalogue whose orders stack was deployed without it no longer shares the rate limit."""
    world.orders["Catalogue"] = "DISABLED"
    assert "do not share the rate limit" in faults(found())["catalogue"]


def test_stale_parameters_are_named(found: Look, world: World) -> None:
    """Parameters that differ from what the orders stack has now are named, without their values."""
    world.orders["RateLimitPerMinute"] = "30"
    world.given["PartnerApiSecretArn"] = "of a stack that is gone"
    assert faults(found()) == {
        "catalogue's parameters": "the orders stack has changed since: PartnerApiSecretArn, RateLimitPerMinute"
    }


def test_forwarding_to_another_queue(found: Look, world: World) -> None:
    """Callbacks that the orders stack forwards to another queue are a fault; to this one they are noted."""
    world.orders["CatalogueCallbacksQueueArn"] = "arn:of-a-queue-that-is-gone"
    assert faults(found()) == {"catalogue's callbacks": "the orders stack forwards them to another queue"}
    world.orders["CatalogueCallbacksQueueArn"] = "arn:Callbacks"
    assert faults(found()) == {}


def test_account_with_too_few_executions(found: Look, world: World) -> None:
    """An account below 104 executions is a fault."""
    world.executions = 103
    assert "with the catalogue it needs 104" in faults(found())["catalogue's concurrency"]


@pytest.mark.parametrize(("reserved", "said"), [(0, "0 executions"), (None, "no execution"), (2, "2 executions")])
def test_reserved_executions_are_checked(found: Look, world: World, reserved: int | None, said: str) -> None:
    """A function that reserves none, or another number, is a fault."""
    world.reserved["Pusher"] = reserved
    assert faults(found()) == {"function pusher": f"it reserves {said}, and should reserve 1"}


def test_functions_that_cannot_run(found: Look, world: World) -> None:
    """A function that is gone or failed is a fault."""
    world.states.update(Loader="gone", CatalogueWebhook="Failed")
    assert faults(found()) == {
        "function loader": "it does not exist",
        "function catalogue webhook": "its state is Failed",
    }


def test_schedules_that_are_off(found: Look, world: World) -> None:
    """A schedule that is off can be switched on; one that is gone is deployed again."""
    world.schedules = {f"{NAME}-load": "DISABLED"}
    findings = found()
    assert faults(findings) == {"schedule of the loader": "it is off", "schedule of the pusher": "it does not exist"}
    [fix] = [finding.fix for finding in findings if finding.fix]
    fix.apply()
    [done] = world.done
    assert f"'Name': '{NAME}-load'" in done
    assert "'State': 'ENABLED'" in done
    assert "Arn" not in done


@pytest.mark.parametrize(("state", "said"), [("Disabled", "it is Disabled"), ("", "the urgent queue does not call it")])
def test_urgent_source(found: Look, world: World, state: str, said: str) -> None:
    """An event source that is off can be switched on."""
    world.source = state
    findings = found()
    assert faults(findings) == {"event source of urgent changes": said}
    for finding in findings:
        if finding.fix:
            finding.fix.apply()
    assert world.done == (["source {'UUID': 'u', 'Enabled': True}"] if state else [])


@pytest.mark.parametrize(
    ("secret", "without", "said"),
    [
        (401, 401, "it does not accept the secret: it responded with 401"),
        (200, 200, "it accepts any request: it responded with 200"),
        (503, 401, "it fails: it responded with 503"),
    ],
)
def test_webhook_takes_the_secret_only(found: Look, world: World, secret: int, without: int, said: str) -> None:
    """The webhook has to take the secret, and nothing else."""
    world.answers = {"secret": secret, "": without}
    assert faults(found()) == {"catalogue webhook": said}


def test_dead_letters_are_counted(found: Look, world: World) -> None:
    """Each dead-letter queue with a message is a fault, with its runbook."""
    world.messages = {"Files-dead": 2, "Urgent-dead": 1, "Callbacks": 7}
    findings = found()
    assert faults(findings) == {
        "dead letters (files)": "2 dead-letter messages",
        "dead letters (urgent changes)": "1 dead-letter message",
    }
    assert {finding.advice for finding in findings if finding.fault} == {
        "docs/runbooks/files-dead-letters.md",
        "docs/runbooks/urgent-dead-letters.md",
    }
    assert "callbacks: 7" in json.dumps([finding.note for finding in findings])


def test_active_alarms_are_named(found: Look, world: World) -> None:
    """An active alarm of the catalogue is a fault."""
    world.alarms = ["partner-orders-catalogue-FilesRefusedAlarm-1"]
    assert faults(found()) == {"alarm partner-orders-catalogue-FilesRefusedAlarm-1": "Bad."}


def test_stores_that_wait_or_are_held(found: Look, stack: DeployedStack) -> None:
    """A store that is sent and whose changes wait for over an hour is a fault, and so are held files."""
    whole = CatalogueStack.of(stack)
    assert whole is not None
    tables, long_ago = whole.tables, now() - timedelta(hours=3)
    for store_id, is_sending in (("148003", True), ("148013", False)):
        tables.settings.put(CatalogueSettings(store_id, is_sending))
        tables.changes.add(store_id, ["4001"], long_ago)
    tables.held.hold_file("148013", Reason.SHORT_LIST, "lists/148013/a.csv", long_ago, long_ago)
    named = faults(found())
    assert {*named} == {"store 148003", "held files"}
    assert named["store 148003"].startswith("1 change waiting since")
    assert named["held files"] == "1 file held, of 148013"


def test_failing_check_is_a_finding(found: Look, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A check that AWS refuses is a finding of its own, and the others go on."""

    def deny(**_: Any) -> Any:
        raise refused("AccessDenied", "GetQueueAttributes")

    monkeypatch.setattr(world, "get_queue_attributes", deny)
    findings = found()
    assert faults(findings) == {"catalogue's queues": "AWS refused GetQueueAttributes: AccessDenied"}
    assert "stores of the catalogue" in {finding.part for finding in findings}
