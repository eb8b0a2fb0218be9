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


def test_event_is_enqueued_byte_for_byte(webhook: Webhook, sqs: Any, queue_url: str) -> None:
    """An event with the secret is enqueued byte for byte, with its source, time and request id."""
    body = as_bytes(order(comment="🧺 \ufffe Ä"))
    assert webhook.receive(request(body.decode())).status == 200
    [message] = waiting(sqs, queue_url)
    assert message == OrderEventMessage("webhook", clock(), "request-1", body)


def test_base64_body_is_decoded(webhook: Webhook, sqs: Any, queue_url: str) -> None:
    """A base64 body is decoded before it is enqueued."""
    body = as_bytes(order())
    assert webhook.receive(request(base64.b64encode(body).decode(), encoded=True)).status == 200
    assert waiting(sqs, queue_url)[0].body == body


@pytest.mark.parametrize(
    "authorization",
    [None, "", " ", "Bearer ", "Basic", SECRET[:-1], SECRET + "x", SECRET.swapcase(), SECRET[6:], "\u00e9" + SECRET,
     "\ud800", f"bearer {SECRET}", f"Bearer Bearer {SECRET}", f"{SECRET}, {SECRET}"],
)  # fmt: skip
def test_wrong_secret_is_rejected(webhook: Webhook, sqs: Any, queue_url: str, authorization: str | None) -> None:
    """Anything but the secret gets the same 401 and is counted; nothing is enqueued."""
    answer = webhook.receive(request(as_bytes(order()).decode(), authorization))
    assert (answer.status, answer.message, answer.counted_as) == (401, "Unauthorized", "RefusedUnauthorized")
    assert waiting(sqs, queue_url) == []


@pytest.mark.parametrize("name", ["headers", "requestContext", "body", "isBase64Encoded"])
def test_missing_or_null_part_of_a_request(webhook: Webhook, name: str) -> None:
    """A request part may be missing or null: both get the same response."""
    whole = request(as_bytes(order()).decode())
    without = {key: value for key, value in whole.items() if key != name}
    answers = [webhook.receive(without), webhook.receive(without | {name: None})]
    expected = {"headers": 401, "body": 400}.get(name, 200)
    assert [answer.status for answer in answers] == [expected, expected]


@pytest.mark.parametrize("form", ["{}", " {} ", "Bearer {}", "Bearer   {} "])
def test_bare_or_bearer_secret_is_accepted(webhook: Webhook, form: str) -> None:
    """The secret is accepted as it stands or as a bearer token."""
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
def test_invalid_body_is_rejected_by_reason(
    webhook: Webhook, sqs: Any, queue_url: str, body: Any, encoded: bool, status: int, counted_as: str
) -> None:
    """A body that is not a JSON object within the size limit is rejected and counted by reason."""
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
def test_unusual_json_is_accepted(webhook: Webhook, body: str) -> None:
    """Unusual JSON gets 200: the consumer validates it."""
    assert webhook.receive(request(body)).status == 200


# -- faults of ours --------------------------


def test_queue_failure_is_a_503(webhook: Webhook, sqs: Any, queue_url: str) -> None:
    """A queue that fails gives a 503, counted as our fault."""
    sqs.delete_queue(QueueUrl=queue_url)
    answer = webhook.receive(request(as_bytes(order()).decode()))
    assert (answer.status, answer.counted_as) == (503, "Unavailable")
    assert answer.fault


def test_cold_start_without_secret_is_a_503(webhook: Webhook, secrets_manager: Any) -> None:
    """On a cold start, a secret that cannot be read gives a 503, never a 401."""
    secrets_manager.delete_secret(SecretId="webhook", ForceDeleteWithoutRecovery=True)
    assert webhook.receive(request(as_bytes(order()).decode())).status == 503
    assert webhook.receive(request(as_bytes(order()).decode(), "wrong")).status == 503


def test_empty_secret_admits_nobody(webhook: Webhook, secrets_manager: Any) -> None:
    """An empty secret does not admit a request with an empty header: the response is 503."""
    secrets_manager.put_secret_value(SecretId="webhook", SecretString=" ")
    assert webhook.receive(request(as_bytes(order()).decode(), "")).status == 503


def test_warm_environment_keeps_its_secret(webhook: Webhook, secrets_manager: Any, seconds: Seconds) -> None:
    """A warm environment keeps using its secret after it was deleted; any other gets 503."""
    assert webhook.receive(request(as_bytes(order()).decode())).status == 200
    secrets_manager.delete_secret(SecretId="webhook", ForceDeleteWithoutRecovery=True)
    for _ in range(3):
        seconds.now += 3_600
        assert webhook.receive(request(as_bytes(order()).decode())).status == 200
        assert webhook.receive(request(as_bytes(order()).decode(), "wrong")).status == 503


def test_emptied_secret_admits_the_last_one(webhook: Webhook, secrets_manager: Any, seconds: Seconds) -> None:
    """While the secret is empty by mistake, the last one is admitted and others get 503, until it is set again."""
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


def test_new_secret_is_admitted_once_read(
    webhook: Webhook, secrets_manager: Any, seconds: Seconds, unreadable: Unreadable
) -> None:
    """While the secret cannot be read, the new one gets 503, not 401. The next successful read admits it."""
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


def test_unread_secret_admits_nobody_else(
    webhook: Webhook, seconds: Seconds, unreadable: Unreadable, sqs: Any, queue_url: str
) -> None:
    """While the secret cannot be read, requests with another one get 503 and nothing is enqueued."""
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
def test_failed_read_is_retried_later(webhook: Webhook, seconds: Seconds, unreadable: Unreadable, warm: bool) -> None:
    """After a failed read, the secret is read again only after a pause, however many requests come."""
    body = as_bytes(order()).decode()
    if warm:
        assert webhook.receive(request(body)).status == 200
        seconds.now += 61
    unreadable(True)
    for _ in range(1_000):
        assert webhook.receive(request(body, "wrong")).status == 503
        seconds.now += 0.1
    assert 100 / RETRY_SECONDS - 1 <= unreadable.reads <= 100 / RETRY_SECONDS + 1


def test_valid_caller_rarely_waits(webhook: Webhook, seconds: Seconds, unreadable: Unreadable) -> None:
    """A caller with the secret rarely waits for a read while the secret cannot be read."""
    body = as_bytes(order()).decode()
    assert webhook.receive(request(body)).status == 200
    unreadable(True)
    seconds.now += MAX_AGE_SECONDS
    for _ in range(600):
        assert webhook.receive(request(body)).status == 200
        seconds.now += 1
    assert 9 <= unreadable.reads <= 600 / REFRESH_EVERY_SECONDS + 1


# -- rotation --------------------------


def test_rotation_keeps_both_secrets_valid(secret: WebhookSecret, secrets_manager: Any, seconds: Seconds) -> None:
    """After a rotation the old and the new secret are valid until the next rotation."""
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


def test_old_secret_ends_in_five_minutes(secret: WebhookSecret, secrets_manager: Any, seconds: Seconds) -> None:
    """A secret from two rotations ago is rejected after five minutes at most."""
    assert secret.admits(SECRET)
    for text in ("second", "third"):
        secrets_manager.put_secret_value(SecretId="webhook", SecretString=text)
    seconds.now += 300
    assert not secret.admits(SECRET)


def test_rejections_rarely_read_the_secret(secret: WebhookSecret, secrets_manager: Any, seconds: Seconds) -> None:
    """However many requests are rejected, the secret is read at most once a minute."""
    calls = Calls(secrets_manager)
    for _ in range(600):
        assert not secret.admits("wrong")
        seconds.now += 1
    refreshes = calls.made.count("GetSecretValue") / 2  # current and previous
    assert refreshes <= 600 / 60 + 1


def test_old_secret_ends_after_failed_reads(
    secret: WebhookSecret, secrets_manager: Any, seconds: Seconds, unreadable: Unreadable
) -> None:
    """While reads fail a replaced secret stays valid. It is rejected within a minute once they succeed."""
    assert secret.admits(SECRET)
    for text in ("second", "third"):
        secrets_manager.put_secret_value(SecretId="webhook", SecretString=text)
    unreadable(True)
    seconds.now += MAX_AGE_SECONDS
    assert secret.admits(SECRET)
    unreadable(False)
    seconds.now += REFRESH_EVERY_SECONDS
    assert not secret.admits(SECRET)


def test_secret_errors_contain_no_secret(secret: WebhookSecret, secrets_manager: Any) -> None:
    """An error about the secret contains no secret and has no cause that might."""

    def fail(**_: Any) -> None:
        raise ClientError({"Error": {"Code": "InternalServiceError", "Message": SECRET}}, "GetSecretValue")

    secrets_manager.meta.events.register("before-call.*.*", fail)
    with pytest.raises(SecretUnavailableError) as error:
        secret.admits(SECRET)
    assert SECRET not in str(error.value)
    assert error.value.__cause__ is None
