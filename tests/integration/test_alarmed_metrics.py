"""For each alarm on a metric of our own: its cause, brought about, moves the metric, as CloudWatch would read it."""

import base64
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from partner_orders.order_events.message import WEBHOOK, OrderEventMessage
from partner_orders.platform.http import Handover
from partner_orders.reconciler.table import ReconciliationTable
from tests.support.alarms import metrics
from tests.support.fixed_clock import NOW
from tests.support.platform import START, VirtualTime, lives
from tests.support.reconciler_faults import between, edited, set_store
from tests.support.reconciler_world import World
from tests.support.template import Template
from tools.fresh_handler import fresh_handler
from tools.local.simulated_platform.partner_api import Response

AFTER = START + timedelta(hours=2)
NOTHING_TO_COUNT = pytest.mark.filterwarnings("ignore:No application metrics to publish")  # Powertools warns of it


def emitted(text: str) -> Counter[str]:
    """What the printed metrics add up to, by name."""
    found: Counter[str] = Counter()
    for line in filter(lambda line: line.startswith("{"), text.splitlines()):
        content = json.loads(line)
        for metric in content.get("_aws", {}).get("CloudWatchMetrics", [{}])[0].get("Metrics", []):
            found[metric["Name"]] += int(sum(content[metric["Name"]]))
    return found


@pytest.fixture
def world(dynamodb: Any) -> World:
    return World(dynamodb, lives(orders=12), VirtualTime(AFTER))


type Cause = Callable[[World], None]


def webhooks_that_never_came(_: World) -> None:
    """The table is empty, the platform has orders."""


def a_store_closed_on_the_platform(world: World) -> None:
    set_store(world, "closed-store", name="closed")


def too_many_requests(world: World) -> None:
    world.api.faults = {"too_many": 1}


def a_blocked_address(world: World) -> None:
    page = Response(403, {"Content-Type": "text/html"}, b"<html>Access denied</html>")
    world.api.handle = lambda *_: page  # type: ignore[method-assign]


def a_refused_token(world: World) -> None:
    world.secret = json.dumps({"token": "another"})


def a_refused_client(world: World) -> None:
    world.secret = json.dumps({"client_id": "client", "client_secret": "another"})


def a_silent_store(world: World) -> None:
    store_id = world.lives[0].shop.store_id
    set_store(world, store_id, time_zone="UTC", trading_hours="mon-sun 00:00-00:00")


def an_order_that_differs_at_each_look(world: World) -> None:
    life, *others = world.lives
    world.api.show([replace(life, steps=life.steps[:1]), *others])
    between(
        world,
        lambda _, answer: edited(
            answer, orders=[each | {"comment": str(world.time.seconds)} for each in json.loads(answer.body)["orders"]]
        ),
    )
    for _ in range(4):  # The first is the daily check, which does not wait.
        world.run()
        world.drain()
        world.time.sleep(300)


def an_order_that_no_window_can_show(world: World) -> None:
    order_id = world.lives[0].order_id.encode()
    between(world, lambda _, answer: Response(500, {}, b"{}") if order_id in answer.body else answer)
    for _ in range(3):  # It is narrowed down in several visits.
        world.run()
        world.drain()
        world.time.sleep(300)


RECONCILER: list[tuple[str, Cause]] = [
    ("WebhooksMissed", webhooks_that_never_came),
    ("StoresFailed", a_store_closed_on_the_platform),
    ("PartnerApiRateLimited", too_many_requests),
    ("PartnerApiRateLimited", a_blocked_address),
    ("PartnerApiUnauthorized", a_refused_token),
    ("PartnerApiUnauthorized", a_refused_client),
    ("StoresSilent", a_silent_store),
    ("StoresChecked", webhooks_that_never_came),
    ("UnsteadyOrders", an_order_that_differs_at_each_look),
    ("MinutesLeftOut", an_order_that_no_window_can_show),
]


@pytest.mark.parametrize(("metric", "cause"), RECONCILER)
def test_cause_emits_the_alarmed_metric(
    world: World, metric: str, cause: Cause, capsys: pytest.CaptureFixture[str]
) -> None:
    """The reconciler emits each alarmed metric when its cause occurs."""
    cause(world)
    assert measured(world, capsys)[metric] > 0


def measured(world: World, capsys: pytest.CaptureFixture[str]) -> Counter[str]:
    """What a tick is counted as, by the function itself."""
    app: Any = fresh_handler("reconciler")
    app.reconciler = lambda: world.worker
    app.handler({}, SimpleNamespace(aws_request_id="r1", get_remaining_time_in_millis=lambda: 900_000))
    return emitted(capsys.readouterr().out)


@NOTHING_TO_COUNT
def test_idle_run_emits_no_silent_stores(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """A run without the lease emits no metric of silent stores; the next real run does."""
    a_silent_store(world)
    assert world.lease.acquire()
    world.new_worker()
    assert "StoresSilent" not in measured(world, capsys)
    world.time.sleep(200)  # The lease has run out.
    assert measured(world, capsys)["StoresSilent"] > 0


def throttled(*_: Any) -> None:
    raise ClientError({"Error": {"Code": "ProvisionedThroughputExceededException", "Message": ""}}, "PutItem")


def test_failed_run_is_counted_and_logged(
    world: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run that ends with an error counts and logs what it found, then fails the invocation."""
    monkeypatch.setattr(ReconciliationTable, "move", lambda *_: throttled() if world.queue.messages else None)
    app: Any = fresh_handler("reconciler")
    logged: list[dict[str, Any]] = []
    app.reconciler = lambda: world.worker
    app.logger = SimpleNamespace(info=lambda _, report: logged.append(report))
    with pytest.raises(ClientError):
        app.handler({}, SimpleNamespace(aws_request_id="r1", get_remaining_time_in_millis=lambda: 900_000))
    counted = emitted(capsys.readouterr().out)
    assert counted["WebhooksMissed"] == counted["FoundMissing"] == len(world.queue.messages) > 0
    assert [report["stopped"] for report in logged] == ["error:ClientError"]


def test_early_error_emits_no_silent_stores(
    world: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run that fails before it checked anything emits no metric of silent stores."""
    a_silent_store(world)
    monkeypatch.setattr(world.orders, "has_open", throttled)
    app: Any = fresh_handler("reconciler")
    app.reconciler = lambda: world.worker
    with pytest.raises(ClientError):
        app.handler({}, SimpleNamespace(aws_request_id="r1", get_remaining_time_in_millis=lambda: 900_000))
    counted = emitted(capsys.readouterr().out)
    assert "StoresChecked" in counted
    assert "StoresSilent" not in counted


@NOTHING_TO_COUNT
def test_no_run_counts_while_told_to_wait(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """While the platform wants no requests, no run is counted."""
    world.lease.acquire()
    world.lease.release(Handover(recent_requests=0, not_before=world.time.now() + timedelta(hours=2)))
    assert "StoresChecked" not in measured(world, capsys)


def consumer(queue_url: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    settings = {"ORDERS_TABLE_NAME": "orders", "ORDER_EVENTS_QUEUE_URL": queue_url, "CHAIN_ID": "c"}
    for name, value in (settings | {"ORDER_RETENTION_DAYS": "400", "REJECTED_RETENTION_DAYS": "90"}).items():
        monkeypatch.setenv(name, value)
    return fresh_handler("consumer")


def deliver(app: Any, text: str) -> None:
    """Hand one message to the consumer, as the queue does the first time."""
    record = {"messageId": "m", "receiptHandle": "h", "body": text, "attributes": {"ApproximateReceiveCount": "1"}}
    app.handler({"Records": [record]}, SimpleNamespace(get_remaining_time_in_millis=lambda: 30_000))


def test_rejected_and_failed_are_counted(
    dynamodb: Any, queue_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A rejected event is counted with its reason; one that cannot be stored counts as failed."""
    app = consumer(queue_url, monkeypatch)
    text = OrderEventMessage(WEBHOOK, NOW, "c1", b'{"status": "RECEIVED"}').to_text()
    deliver(app, text)
    counted = emitted(capsys.readouterr().out)
    assert (counted["Rejected"], counted["RejectedNotAnOrder"]) == (1, 1)
    dynamodb.delete_table(TableName="orders")
    deliver(app, text)
    assert emitted(capsys.readouterr().out)["Failed"] == 1


@pytest.mark.parametrize("body", [b'{"order_id": "\xff"}', b"{", b"[]", b"\x1f\x8b\x08"])
def test_unparsable_webhook_moves_an_alarm(
    dynamodb: Any,
    sqs: Any,
    queue_url: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    body: bytes,
) -> None:
    """A body that the webhook accepts and nobody can parse moves the metric of the alarm on rejected events."""
    secret = boto3.client("secretsmanager").create_secret(Name="webhook", SecretString="a-secret")["ARN"]
    app = consumer(queue_url, monkeypatch)
    monkeypatch.setenv("WEBHOOK_SECRET_ARN", secret)
    webhook = fresh_handler("webhook")
    request = {
        "headers": {"authorization": "a-secret"},
        "requestContext": {"requestId": "r1"},
        "body": base64.b64encode(body).decode(),
        "isBase64Encoded": True,
    }
    assert webhook.handler(request, SimpleNamespace())["statusCode"] == 200
    [message] = sqs.receive_message(QueueUrl=queue_url)["Messages"]
    deliver(app, message["Body"])
    assert emitted(capsys.readouterr().out)["Rejected"] == 1


def test_odd_parts_and_unknown_statuses_are_counted(
    dynamodb: Any, queue_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A stored order with a part that cannot be read is counted, and so is one with a status that we do not know."""
    app = consumer(queue_url, monkeypatch)
    body = b'{"order_id": "a", "status": "HANDED_TO_DRONE", "items": "none"}'
    text = OrderEventMessage(WEBHOOK, NOW, "c1", body).to_text()
    deliver(app, text)
    counted = emitted(capsys.readouterr().out)
    assert (counted["Stored"], counted["EventProblems"], counted["UnknownStatus"]) == (1, 1, 1)


def test_accepted_webhook_is_counted(
    queue_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The webhook counts each event that it enqueues, which the share of missed webhooks is taken of."""
    secrets = boto3.client("secretsmanager")
    secret_arn = secrets.create_secret(Name="webhook", SecretString="the-secret")["ARN"]
    monkeypatch.setenv("ORDER_EVENTS_QUEUE_URL", queue_url)
    monkeypatch.setenv("WEBHOOK_SECRET_ARN", secret_arn)
    app = fresh_handler("webhook")
    request = {"headers": {"authorization": "the-secret"}, "body": "{}", "requestContext": {"requestId": "r1"}}
    assert app.handler(request, None)["statusCode"] == 200
    assert emitted(capsys.readouterr().out)["Enqueued"] == 1


# Caused above, and by strangers in test_strangers.py.
ELSEWHERE = {"Enqueued", "Stored", "EventProblems", "UnknownStatus", "Rejected", "Failed", "RefusedUnauthorized"}


def test_every_alarm_of_ours_is_tested(template: Template) -> None:
    """Every alarm on one of our metrics is covered by a test."""
    ours = {
        metric.name
        for alarm in template.of_type("AWS::CloudWatch::Alarm").values()
        for metric in metrics(alarm).values()
        if metric.namespace == "PartnerOrders"
    }
    assert ours == {metric for metric, _ in RECONCILER} | ELSEWHERE
