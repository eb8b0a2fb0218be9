"""For each alarm on a metric of webhook or consumer: its cause makes the function emit what makes the alarm fire."""

import base64
from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import boto3
import pytest

from partner_orders.clock import now
from partner_orders.order_events.message import WEBHOOK, OrderEventMessage
from tests.support.emitted_metrics import Emitted, alarms_of, emitted, fired, repeated, sums
from tests.support.orders import CHAIN_ID, as_bytes, order
from tests.support.orders_table import TABLE, dynamodb_with_table
from tests.support.template import Template
from tools.fresh_handler import fresh_handler

SECRET = "the-webhook-secret"
EVENT = as_bytes(order())


class Functions:
    """Webhook and consumer as cold starts load them, and what they print."""

    def __init__(self, printed: pytest.CaptureFixture[str]) -> None:
        self._consumer: Any = fresh_handler("consumer")
        self._webhook: Any = fresh_handler("webhook")
        self._printed = printed

    def post(self, body: bytes, authorization: str = SECRET) -> int:
        """Send a request to the webhook; gives the status of its response."""
        request = {
            "headers": {"authorization": authorization},
            "requestContext": {"requestId": "r1"},
            "body": base64.b64encode(body).decode(),
            "isBase64Encoded": True,
        }
        return int(self._webhook.handler(request, SimpleNamespace())["statusCode"])

    def deliver(self, body: bytes, seconds_ago: float = 0.0) -> None:
        """Hand the consumer an event that the webhook received so long ago."""
        received_at = now() - timedelta(seconds=seconds_ago)
        self.hand_over(OrderEventMessage(WEBHOOK, received_at, "c1", body).to_text())

    def hand_over(self, text: str) -> None:
        """Hand one message to the consumer, as the queue does the first time."""
        record = {"messageId": "m", "receiptHandle": "h", "body": text, "attributes": {"ApproximateReceiveCount": "1"}}
        self._consumer.handler({"Records": [record]}, SimpleNamespace(get_remaining_time_in_millis=lambda: 30_000))

    def text(self) -> str:
        """What was printed since the last call."""
        return self._printed.readouterr().out

    def emitted(self) -> Emitted:
        return emitted(self.text())


@pytest.fixture
def dynamodb(aws: None) -> Any:
    """moto's, since the handlers make their own clients."""
    return dynamodb_with_table()


@pytest.fixture
def functions(
    dynamodb: Any, queue_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Functions:
    secret_arn = boto3.client("secretsmanager").create_secret(Name="webhook", SecretString=SECRET)["ARN"]
    settings = {
        "ORDERS_TABLE_NAME": TABLE,
        "ORDER_EVENTS_QUEUE_URL": queue_url,
        "CHAIN_ID": CHAIN_ID,
        "ORDER_RETENTION_DAYS": "400",
        "REJECTED_RETENTION_DAYS": "90",
        "WEBHOOK_SECRET_ARN": secret_arn,
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    return Functions(capsys)


def an_unparsable_event(functions: Functions) -> None:
    functions.deliver(b'{"status": "RECEIVED"}')


def an_unreadable_part(functions: Functions) -> None:
    functions.deliver(b'{"order_id": "a", "status": "RECEIVED", "items": "none"}')


def an_unknown_status(functions: Functions) -> None:
    functions.deliver(b'{"order_id": "a", "status": "HANDED_TO_DRONE"}')


def a_missing_table(functions: Functions) -> None:
    boto3.client("dynamodb").delete_table(TableName=TABLE)
    functions.deliver(EVENT)


def an_event_that_waited(functions: Functions) -> None:
    functions.deliver(EVENT, seconds_ago=6)


def an_event_without_a_publisher(functions: Functions) -> None:
    functions.deliver(EVENT)


def strangers(functions: Functions) -> None:
    assert {functions.post(EVENT, f"guess {number}") for number in range(51)} == {401}


# By the function that emits.
CAUSES: dict[str, list[tuple[str, Callable[[Functions], None]]]] = {
    "webhook": [("RefusedBurstAlarm", strangers)],
    "consumer": [
        ("RejectedAlarm", an_unparsable_event),
        ("EventProblemsAlarm", an_unreadable_part),
        ("UnknownStatusAlarm", an_unknown_status),
        ("OrderEventsFailingAlarm", a_missing_table),
        ("OrderEventsSlowAlarm", an_event_that_waited),
        ("PublisherNotRunningAlarm", an_event_without_a_publisher),
    ],
}
# Judged with the reconciler's metrics in test_share_is_of_accepted_webhooks.
SHARE = "WebhooksMissedShareAlarm"


@pytest.mark.parametrize(("alarm", "cause"), [cause for causes in CAUSES.values() for cause in causes])
def test_cause_fires_its_alarm(
    template: Template, functions: Functions, alarm: str, cause: Callable[[Functions], None]
) -> None:
    """What the function emits under a cause, time and again, makes its alarm fire, and none of another cause."""
    cause(functions)
    without_a_run = {"ReconciliationNotRunAlarm"}
    # Every event that is stored here is one without a publisher.
    stored = {"PublisherNotRunningAlarm"} if alarm not in {"RejectedAlarm", "RefusedBurstAlarm"} else set()
    active = fired(template, repeated(functions.emitted()))
    assert {alarm} <= active <= {alarm} | without_a_run | stored


def test_usual_event_fires_no_alarm(template: Template, functions: Functions) -> None:
    """An event that is accepted, stored and published makes no alarm fire."""
    assert functions.post(EVENT) == 200
    functions.deliver(EVENT, seconds_ago=4)
    found = functions.emitted()
    assert found.keys() == {"Enqueued", "Stored", "Lag", "Age"}
    assert 4 < found["Lag"][0] < 5
    others = {"Invocations": [1.0], "StoresChecked": [1.0]}
    assert fired(template, repeated(found | others)) == set()


def test_share_is_of_accepted_webhooks(template: Template, functions: Functions) -> None:
    """The share of missed webhooks is taken of those that the webhook counts."""
    assert functions.post(b"{}") == 200
    found = functions.emitted()
    assert found == {"Enqueued": [1.0]}
    missed = {"WebhooksMissed": [1.0], "StoresChecked": [1.0]}
    # One for each that came is more than a quarter; one in five is not.
    assert SHARE in fired(template, repeated(found | missed))
    assert SHARE not in fired(template, {**repeated(found), **repeated(missed, every=25)})


@pytest.mark.parametrize("body", [b'{"order_id": "\xff"}', b"{", b"[]", b"\x1f\x8b\x08"])
def test_unparsable_webhook_moves_an_alarm(functions: Functions, sqs: Any, queue_url: str, body: bytes) -> None:
    """A body that the webhook accepts and nobody can parse moves the metric of the alarm on rejected events."""
    assert functions.post(body) == 200
    functions.text()
    [message] = sqs.receive_message(QueueUrl=queue_url)["Messages"]
    functions.hand_over(message["Body"])
    assert sums(functions.text())["Rejected"] == 1


def test_reasons_and_stored_events_are_counted(functions: Functions) -> None:
    """A rejected event is counted with its reason; a stored one is counted with its problem and its status."""
    functions.deliver(b'{"status": "RECEIVED"}')
    counted = sums(functions.text())
    assert (counted["Rejected"], counted["RejectedNotAnOrder"]) == (1, 1)
    functions.deliver(b'{"order_id": "a", "status": "HANDED_TO_DRONE", "items": "none"}')
    counted = sums(functions.text())
    assert (counted["Stored"], counted["EventProblems"], counted["UnknownStatus"]) == (1, 1, 1)


def test_every_alarm_of_events_is_caused(template: Template) -> None:
    """Every alarm on a metric of webhook, consumer or publisher has a cause here, which makes that function emit it."""
    for function in ("webhook", "consumer", "publisher"):
        of_both = {SHARE} if function == "webhook" else set[str]()
        assert {alarm for alarm, _ in CAUSES.get(function, [])} | of_both == alarms_of(template, function), function
