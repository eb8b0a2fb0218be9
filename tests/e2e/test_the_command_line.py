"""``partner-orders`` against the deployed stack, as an operator runs it; and what ``doctor`` says of what we break."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from partner_orders.orders.table import OrdersTable
from tests.support.deployed import Answer, CommandLine, eventually, unexpected
from tests.support.orders import as_bytes, order
from tools.local.stack import Stack
from tools.local.up import CHAIN_ID


@pytest.fixture
def made_whole(stack: Stack, run: CommandLine, no_dead_letters: None) -> None:
    """There is a store, and a reconciliation has run, so that there is a report."""
    assert run("stores", "set", "q7xk", "--currency", "PKR").returncode == 0
    stack.client("lambda").invoke(FunctionName=stack.outputs["ReconcilerFunctionName"], Payload=b"{}")


def test_sent_event_is_found_and_shown(run: CommandLine, orders: OrdersTable, tmp_path: Path) -> None:
    """An event that ``send`` posts is found and shown, without personal data."""
    order_id = str(uuid4())
    file = tmp_path / "order.json"
    body = order(order_id=order_id, order_code="7701")
    body["client"]["chain_id"] = CHAIN_ID
    file.write_bytes(as_bytes(body))
    sent = run("send", str(file))
    assert sent.returncode == 0, sent.stderr
    eventually(lambda: orders.get(order_id))
    assert order_id in run("orders", "find", "7701", "--store", "q7xk").stdout
    shown = run("orders", "show", order_id)
    assert "RECEIVED" in shown.stdout
    assert "Amna" not in shown.stdout + shown.stderr


@pytest.mark.slow
def test_unparsed_event_stays_after_replay(run: CommandLine, post: Callable[..., Answer], secret: bytes) -> None:
    """A rejected event that still cannot be parsed stays after a replay, and can be discarded."""
    body = as_bytes({"status": "RECEIVED", "note": str(uuid4())})
    assert post(body, secret).status == 200

    def listed() -> list[dict[str, Any]] | None:
        found = [entry for entry in run.json("rejected", "list") if entry["reason"] == "not_an_order"]
        return found or None

    [first, *_] = eventually(listed)
    times = first["times_received"]
    assert run("rejected", "replay", first["digest"]).returncode == 0
    eventually(lambda: run.json("rejected", "show", first["digest"])["times_received"] > times or None)
    assert run("rejected", "discard", first["digest"], "--yes").returncode == 0
    assert run("rejected", "show", first["digest"]).returncode == 1


@pytest.mark.slow
def test_reconcile_run_leaves_a_report(run: CommandLine, made_whole: None) -> None:
    """A window that starts too early is rejected; a run without one ends, with the status that its report gives, and
    leaves a report."""
    ran = run("reconcile", "run", "--from", "2026-01-01T00:00:00Z")
    assert ran.returncode == 1
    assert "within the last 60 days" in ran.stderr
    before = {report["started_at"] for report in run.json("reports", "list")}
    ran = run("reconcile", "run", "--yes")
    newest = max(run.json("reconcile", "status")["backfills"], key=lambda backfill: backfill["backfill"])
    assert newest["state"] == "done", ran.stderr
    assert ran.returncode == (1 if newest["failed_stores"] or newest["left_out"] else 0), ran.stderr
    assert {report["started_at"] for report in run.json("reports", "list")} > before


def test_doctor_finds_no_fault(run: CommandLine, made_whole: None) -> None:
    """Doctor finds no fault in a working stack, apart from what the tests turn off."""
    findings = run.json("doctor")
    assert {"stack", "table", "webhook", "Partner API", "order-events queue"} <= {one["part"] for one in findings}
    assert unexpected(findings) == {}


@contextmanager
def secret_changed(stack: Stack, output: str, text: str) -> Iterator[None]:
    client, arn = stack.client("secretsmanager"), stack.outputs[output]
    before = client.get_secret_value(SecretId=arn)["SecretString"]
    client.put_secret_value(SecretId=arn, SecretString=text)
    yield
    client.put_secret_value(SecretId=arn, SecretString=before)


@contextmanager
def secret_missing(stack: Stack) -> Iterator[None]:
    client, arn = stack.client("secretsmanager"), stack.outputs["PartnerApiSecretArn"]
    client.delete_secret(SecretId=arn, RecoveryWindowInDays=7)
    yield
    client.restore_secret(SecretId=arn)


@contextmanager
def queue_attribute(stack: Stack, name: str, value: str, usual: str) -> Iterator[None]:
    sqs, url = stack.client("sqs"), stack.outputs["OrderEventsQueueUrl"]
    sqs.set_queue_attributes(QueueUrl=url, Attributes={name: value})
    yield
    sqs.set_queue_attributes(QueueUrl=url, Attributes={name: usual})


@contextmanager
def given_up_too_soon(stack: Stack) -> Iterator[None]:
    sqs, url = stack.client("sqs"), stack.outputs["OrderEventsQueueUrl"]
    usual = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["RedrivePolicy"])["Attributes"]["RedrivePolicy"]
    with queue_attribute(stack, "RedrivePolicy", json.dumps(json.loads(usual) | {"maxReceiveCount": 3}), usual):
        yield


@contextmanager
def a_dead_letter(stack: Stack) -> Iterator[None]:
    sqs, url = stack.client("sqs"), stack.outputs["OrderEventsDeadLettersUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="not one of ours")
    yield
    sqs.purge_queue(QueueUrl=url)


@contextmanager
def event_source_off(stack: Stack, function: str) -> Iterator[None]:
    client = stack.client("lambda")
    [mapping] = client.list_event_source_mappings(FunctionName=stack.outputs[function])["EventSourceMappings"]
    client.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)
    yield
    client.update_event_source_mapping(UUID=mapping["UUID"], Enabled=True)


@contextmanager
def throttled(stack: Stack, function: str) -> Iterator[None]:
    client, name = stack.client("lambda"), stack.outputs[function]
    client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    yield
    client.delete_function_concurrency(FunctionName=name)


@contextmanager
def another_output(run: CommandLine, **changes: Any) -> Iterator[None]:
    """The webhook is somewhere else than the stack says."""
    content = json.loads(run._stack_file.read_text())
    run._stack_file.write_text(json.dumps(content | changes))
    yield
    run._stack_file.write_text(json.dumps(content))


PLANTED: dict[str, tuple[str, Callable[[Stack, CommandLine], Any]]] = {
    "token missing": ("Partner API credentials", lambda stack, _: secret_changed(stack, "PartnerApiSecretArn", "{}")),
    "placeholder left": (
        "Partner API credentials",
        lambda stack, _: secret_changed(stack, "PartnerApiSecretArn", '{"token": "PASTE-THE-PARTNER-API-TOKEN-HERE"}'),
    ),
    "token wrong": (
        "Partner API",
        lambda stack, _: secret_changed(stack, "PartnerApiSecretArn", '{"token": "another"}'),
    ),
    "credentials deleted": ("Partner API credentials", lambda stack, _: secret_missing(stack)),
    "webhook secret empty": ("webhook secret", lambda stack, _: secret_changed(stack, "WebhookSecretArn", " ")),
    "events given up too soon": ("order-events queue", lambda stack, _: given_up_too_soon(stack)),
    "queue with a policy": (
        "order-events queue",
        lambda stack, _: queue_attribute(stack, "Policy", '{"Version": "2012-10-17", "Statement": []}', ""),
    ),
    "messages come back too soon": (
        "order-events queue",
        lambda stack, _: queue_attribute(stack, "VisibilityTimeout", "5", "300"),
    ),
    "a dead letter": ("dead letters (OrderEvents)", lambda stack, _: a_dead_letter(stack)),
    "consumer not called": (
        "event source of the consumer",
        lambda stack, _: event_source_off(stack, "ConsumerFunctionName"),
    ),
    "publisher not called": (
        "event source of the publisher",
        lambda stack, _: event_source_off(stack, "PublisherFunctionName"),
    ),
    "publisher throttled": ("function publisher", lambda stack, _: throttled(stack, "PublisherFunctionName")),
    "webhook elsewhere": ("webhook", lambda _, run: another_output(run, webhook_url="http://127.0.0.1:9/order-events")),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", PLANTED)
def test_doctor_finds_planted_fault(stack: Stack, run: CommandLine, made_whole: None, name: str) -> None:
    """Doctor reports each planted fault, and no longer once it is undone."""
    part, plant = PLANTED[name]
    with plant(stack, run):
        faults = run.faults()
    assert part in faults, faults
    assert part not in run.faults()


@pytest.mark.slow
def test_doctor_reports_disabled_schedule(run: CommandLine) -> None:
    """Doctor reports that the schedule is disabled."""
    assert run.faults()["schedule"] == "it is off"
