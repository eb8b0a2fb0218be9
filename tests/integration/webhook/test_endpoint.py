"""The webhook with its secret and its queue: who gets in, what is refused, and what a fault of ours looks like."""

import base64
import json
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from partner_orders.order_events.message import MAX_BODY_BYTES, OrderEventMessage
from partner_orders.order_events.queue import OrderEventsQueue
from partner_orders.platform.webhook_secret import (
    MAX_AGE_SECONDS,
    REFRESH_EVERY_SECONDS,
    RETRY_SECONDS,
    SecretUnavailableError,
    WebhookSecret,
)
from partner_orders.webhook.endpoint import Webhook
from tests.support.fixed_clock import clock
from tests.support.orders import as_bytes, order
from tests.support.orders_table import Calls

SECRET = "Basic c2VjcmV0LTQ3MTE="


class Seconds:
    """A clock that is turned by hand."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def seconds() -> Seconds:
    return Seconds()


@pytest.fixture
def secrets_manager(aws: None) -> Any:
    client = boto3.client("secretsmanager")
    client.create_secret(Name="webhook", SecretString=SECRET)
    return client


@pytest.fixture
def secret(secrets_manager: Any, seconds: Seconds) -> WebhookSecret:
    return WebhookSecret(secrets_manager, "webhook", seconds)


class Unreadable:
    """Makes every read of the secret fail, or none, and counts those that failed."""

    def __init__(self, secrets_manager: Any) -> None:
        self._events = secrets_manager.meta.events
        self.reads = 0

    def __call__(self, on: bool) -> None:
        (self._events.register if on else self._events.unregister)("before-call.*.GetSecretValue", self._fail)

    def _fail(self, **_: Any) -> None:
        self.reads += 1
        raise ClientError({"Error": {"Code": "InternalServiceError"}}, "GetSecretValue")


@pytest.fixture
def unreadable(secrets_manager: Any) -> Unreadable:
    return Unreadable(secrets_manager)


@pytest.fixture
def webhook(secret: WebhookSecret, queue: OrderEventsQueue) -> Webhook:
    return Webhook(secret, queue, clock)


def request(body: Any, authorization: str | None = SECRET, encoded: bool = False) -> dict[str, Any]:
    headers = {} if authorization is None else {"authorization": authorization}
    return {
        "headers": headers,
        "body": body,
        "isBase64Encoded": encoded,
        "requestContext": {"requestId": "request-1"},
    }


def waiting(sqs: Any, queue_url: str) -> list[OrderEventMessage]:
    messages = sqs.receive_message(QueueUrl=queue_url, MaxNumberOfMessages=10).get("Messages", [])
    return [OrderEventMessage.from_text(message["Body"]) for message in messages]


def test_an_event_with_the_secret_is_on_the_queue_byte_for_byte(webhook: Webhook, sqs: Any, queue_url: str) -> None:
    body = as_bytes(order(comment="🧺 \ufffe Ä"))
    assert webhook.receive(request(body.decode())).status == 200
    [message] = waiting(sqs, queue_url)
    assert message == OrderEventMessage("webhook", clock(), "request-1", body)


def test_a_base64_body_is_decoded_first(webhook: Webhook, sqs: Any, queue_url: str) -> None:
    body = as_bytes(order())
    assert webhook.receive(request(base64.b64encode(body).decode(), encoded=True)).status == 200
    assert waiting(sqs, queue_url)[0].body == body


@pytest.mark.parametrize(
    "authorization",
    [None, "", " ", "Bearer ", "Basic", SECRET[:-1], SECRET + "x", SECRET.swapcase(), SECRET[6:], "\u00e9" + SECRET,
     "\ud800", f"bearer {SECRET}", f"Bearer Bearer {SECRET}", f"{SECRET}, {SECRET}"],
)  # fmt: skip
def test_anything_but_the_secret_is_refused_alike_and_nothing_is_queued(
    webhook: Webhook, sqs: Any, queue_url: str, authorization: str | None
) -> None:
    answer = webhook.receive(request(as_bytes(order()).decode(), authorization))
    assert (answer.status, answer.message, answer.counted_as) == (401, "Unauthorized", "RefusedUnauthorized")
    assert waiting(sqs, queue_url) == []


@pytest.mark.parametrize("name", ["headers", "requestContext", "body", "isBase64Encoded"])
def test_a_request_in_which_a_part_is_missing_or_null_is_answered_like_any_other(webhook: Webhook, name: str) -> None:
    whole = request(as_bytes(order()).decode())
    without = {key: value for key, value in whole.items() if key != name}
    answers = [webhook.receive(without), webhook.receive(without | {name: None})]
    expected = {"headers": 401, "body": 400}.get(name, 200)
    assert [answer.status for answer in answers] == [expected, expected]


@pytest.mark.parametrize("form", ["{}", " {} ", "Bearer {}", "Bearer   {} "])
def test_the_secret_is_taken_as_it_stands_or_as_a_bearer(webhook: Webhook, form: str) -> None:
    assert webhook.receive(request(as_bytes(order()).decode(), form.format(SECRET))).status == 200


@pytest.mark.parametrize(
    ("body", "encoded", "status", "counted_as"),
    [
        ("", False, 400, "RefusedEmpty"),
        (None, False, 400, "RefusedEmpty"),
        ("\n ", False, 400, "RefusedEmpty"),
        ("{", False, 400, "RefusedNotJson"),
        ('{"a": 1} x', False, 400, "RefusedNotJson"),
        ("[" * 100_000, False, 400, "RefusedNotAnObject"),
        ("[]", False, 400, "RefusedNotAnObject"),
        ("12", False, 400, "RefusedNotAnObject"),
        ("/////w==", True, 400, "RefusedNotUtf8"),
        ("not base64!", True, 400, "RefusedNotUtf8"),
        ("é", True, 400, "RefusedNotUtf8"),
        ('{"a": "\ud800"}', False, 400, "RefusedNotUtf8"),
        ('{"a": "' + "x" * MAX_BODY_BYTES + '"}', False, 413, "RefusedTooLarge"),
        ('{"a": "' + "é" * (MAX_BODY_BYTES // 2) + '"}', False, 413, "RefusedTooLarge"),
    ],
)
def test_a_body_that_is_no_json_object_within_the_limit_is_refused_and_counted_by_reason(
    webhook: Webhook, sqs: Any, queue_url: str, body: Any, encoded: bool, status: int, counted_as: str
) -> None:
    answer = webhook.receive(request(body, encoded=encoded))
    assert (answer.status, answer.counted_as) == (status, counted_as)
    assert json.loads(answer.to_http()["body"])["message"] == answer.message
    assert waiting(sqs, queue_url) == []


@pytest.mark.parametrize(
    "body",
    [
        '{"n": NaN}',
        '{"a": 1, "a": 2}',
        '{"a":' * 20_000 + "1" + "}" * 20_000,
        '{"n": ' + "7" * 5_000 + "}",
        '{"n": 1e999999999}',
    ],
)
def test_json_that_is_strange_but_json_is_the_consumers_to_judge(webhook: Webhook, body: str) -> None:
    assert webhook.receive(request(body)).status == 200


# -- faults of ours --------------------------


def test_a_queue_that_refuses_is_a_503(webhook: Webhook, sqs: Any, queue_url: str) -> None:
    sqs.delete_queue(QueueUrl=queue_url)
    answer = webhook.receive(request(as_bytes(order()).decode()))
    assert (answer.status, answer.counted_as) == (503, "Unavailable")
    assert answer.fault


def test_a_secret_that_cannot_be_read_on_a_cold_start_is_a_503_and_never_a_401(
    webhook: Webhook, secrets_manager: Any
) -> None:
    secrets_manager.delete_secret(SecretId="webhook", ForceDeleteWithoutRecovery=True)
    assert webhook.receive(request(as_bytes(order()).decode())).status == 503
    assert webhook.receive(request(as_bytes(order()).decode(), "wrong")).status == 503


def test_an_empty_secret_lets_nobody_in(webhook: Webhook, secrets_manager: Any) -> None:
    secrets_manager.put_secret_value(SecretId="webhook", SecretString=" ")
    assert webhook.receive(request(as_bytes(order()).decode(), "")).status == 503


def test_a_warm_environment_goes_on_with_the_secret_it_has(
    webhook: Webhook, secrets_manager: Any, seconds: Seconds
) -> None:
    assert webhook.receive(request(as_bytes(order()).decode())).status == 200
    secrets_manager.delete_secret(SecretId="webhook", ForceDeleteWithoutRecovery=True)
    for _ in range(3):
        seconds.now += 3_600
        assert webhook.receive(request(as_bytes(order()).decode())).status == 200
        assert webhook.receive(request(as_bytes(order()).decode(), "wrong")).status == 503


def test_a_secret_that_was_emptied_by_mistake_refuses_nobody_who_was_let_in(
    webhook: Webhook, secrets_manager: Any, seconds: Seconds
) -> None:
    assert webhook.receive(request(as_bytes(order()).decode())).status == 200
    secrets_manager.put_secret_value(SecretId="webhook", SecretString=" ")
    for _ in range(2):
        seconds.now += 301
        assert webhook.receive(request(as_bytes(order()).decode())).status == 200
        answer = webhook.receive(request(as_bytes(order()).decode(), "wrong"))
        assert (answer.status, answer.counted_as, answer.fault) == (503, "Unavailable", "SecretUnavailableError")
    secrets_manager.put_secret_value(SecretId="webhook", SecretString="second")
    seconds.now += RETRY_SECONDS
    assert webhook.receive(request(as_bytes(order()).decode(), "wrong")).status == 401
    assert webhook.receive(request(as_bytes(order()).decode(), "second")).status == 200


def test_while_the_secret_cannot_be_read_what_may_be_the_new_one_is_not_refused_and_is_soon_let_in(
    webhook: Webhook, secrets_manager: Any, seconds: Seconds, unreadable: Unreadable
) -> None:
    body = as_bytes(order()).decode()
    assert webhook.receive(request(body)).status == 200
    secrets_manager.put_secret_value(SecretId="webhook", SecretString="second")
    seconds.now += 61
    unreadable(True)
    assert webhook.receive(request(body, "second")).status == 503
    unreadable(False)
    seconds.now += RETRY_SECONDS - 0.1
    assert webhook.receive(request(body, "second")).status == 503
    assert webhook.receive(request(body)).status == 200
    seconds.now += 0.1
    assert webhook.receive(request(body, "second")).status == 200
    assert webhook.receive(request(body, "wrong")).status == 401


def test_while_the_secret_cannot_be_read_nobody_else_is_let_in(
    webhook: Webhook, seconds: Seconds, unreadable: Unreadable, sqs: Any, queue_url: str
) -> None:
    body = as_bytes(order()).decode()
    assert webhook.receive(request(body)).status == 200
    assert len(waiting(sqs, queue_url)) == 1
    unreadable(True)
    seconds.now += REFRESH_EVERY_SECONDS
    for authorization in (None, "", "Bearer ", SECRET[:-1], "wrong") * 100:
        seconds.now += 7
        assert webhook.receive(request(body, authorization)).status == 503
    assert waiting(sqs, queue_url) == []


@pytest.mark.parametrize("warm", [False, True])
def test_a_secret_that_cannot_be_read_is_asked_for_after_a_pause_however_many_come(
    webhook: Webhook, seconds: Seconds, unreadable: Unreadable, warm: bool
) -> None:
    body = as_bytes(order()).decode()
    if warm:
        assert webhook.receive(request(body)).status == 200
        seconds.now += 61
    unreadable(True)
    for _ in range(1_000):
        assert webhook.receive(request(body, "wrong")).status == 503
        seconds.now += 0.1
    assert 100 / RETRY_SECONDS - 1 <= unreadable.reads <= 100 / RETRY_SECONDS + 1


def test_an_event_with_the_secret_hardly_ever_waits_for_one_that_cannot_be_read(
    webhook: Webhook, seconds: Seconds, unreadable: Unreadable
) -> None:
    body = as_bytes(order()).decode()
    assert webhook.receive(request(body)).status == 200
    unreadable(True)
    seconds.now += MAX_AGE_SECONDS
    for _ in range(600):
        assert webhook.receive(request(body)).status == 200
        seconds.now += 1
    assert 9 <= unreadable.reads <= 600 / REFRESH_EVERY_SECONDS + 1


# -- rotation --------------------------


def test_after_a_rotation_both_secrets_are_valid_until_the_next_one(
    secret: WebhookSecret, secrets_manager: Any, seconds: Seconds
) -> None:
    assert secret.admits(SECRET)
    secrets_manager.put_secret_value(SecretId="webhook", SecretString="second")
    seconds.now += 61
    assert secret.admits("second")
    assert secret.admits(SECRET)
    secrets_manager.put_secret_value(SecretId="webhook", SecretString="third")
    seconds.now += 61
    assert secret.admits("third")
    assert secret.admits("second")
    assert not secret.admits(SECRET)


def test_a_retired_secret_is_refused_after_five_minutes_at_most(
    secret: WebhookSecret, secrets_manager: Any, seconds: Seconds
) -> None:
    assert secret.admits(SECRET)
    for text in ("second", "third"):
        secrets_manager.put_secret_value(SecretId="webhook", SecretString=text)
    seconds.now += 300
    assert not secret.admits(SECRET)


def test_however_many_refusals_the_secret_is_read_once_a_minute(
    secret: WebhookSecret, secrets_manager: Any, seconds: Seconds
) -> None:
    calls = Calls(secrets_manager)
    for _ in range(600):
        assert not secret.admits("wrong")
        seconds.now += 1
    refreshes = calls.made.count("GetSecretValue") / 2  # current and previous
    assert refreshes <= 600 / 60 + 1


def test_a_retired_secret_is_refused_a_minute_later_at_most_when_a_read_failed(
    secret: WebhookSecret, secrets_manager: Any, seconds: Seconds, unreadable: Unreadable
) -> None:
    assert secret.admits(SECRET)
    for text in ("second", "third"):
        secrets_manager.put_secret_value(SecretId="webhook", SecretString=text)
    unreadable(True)
    seconds.now += MAX_AGE_SECONDS
    assert secret.admits(SECRET)
    unreadable(False)
    seconds.now += REFRESH_EVERY_SECONDS
    assert not secret.admits(SECRET)


def test_no_error_of_the_secrets_holds_a_secret(secret: WebhookSecret, secrets_manager: Any) -> None:
    def fail(**_: Any) -> None:
        raise ClientError({"Error": {"Code": "InternalServiceError", "Message": SECRET}}, "GetSecretValue")

    secrets_manager.meta.events.register("before-call.*.*", fail)
    with pytest.raises(SecretUnavailableError) as error:
        secret.admits(SECRET)
    assert SECRET not in str(error.value)
    assert error.value.__cause__ is None
