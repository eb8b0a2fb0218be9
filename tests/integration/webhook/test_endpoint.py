"""The webhook with its secret and its queue: who gets in, what is enqueued, and what a fault of ours looks like."""

import base64
import gzip
import json
import random
import tracemalloc
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import boto3
import pytest
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    EndpointConnectionError,
    NoCredentialsError,
    ReadTimeoutError,
)

from partner_orders.order_events.message import MAX_BODY_BYTES, OrderEventMessage
from partner_orders.order_events.queue import OrderEventsQueue
from partner_orders.platform.webhook_secret import (
    MAX_AGE_SECONDS,
    REFRESH_EVERY_SECONDS,
    RETRY_SECONDS,
    SecretUnavailableError,
    WebhookSecret,
)
from partner_orders.webhook.endpoint import (
    ACCEPTED,
    EMPTY,
    TOO_LARGE,
    UNAUTHORIZED,
    UNAUTHORIZED_WITHOUT_BODY,
    Response,
    Webhook,
)
from tests.support.fixed_clock import clock
from tests.support.orders import as_bytes, order
from tests.support.orders_table import Calls
from tests.support.packing import EACH_PACK, Pack

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


ODD = b'\r\n \t{"a": 1,\r\n"a":2.0}\n\r \0 ' + "\ufeffe\u0301 is not \u00e9".encode()


@pytest.mark.parametrize(
    "body", [as_bytes(order(comment="🧺 \ufffe Ä")), ODD, ODD * 900], ids=["order", "odd", "large"]
)
def test_event_is_enqueued_byte_for_byte(
    secret: WebhookSecret, queue: OrderEventsQueue, sqs: Any, queue_url: str, body: bytes
) -> None:
    """A body with the secret is enqueued byte for byte, with its source, its time to the microsecond, and the request
    id."""
    came_at = clock() + timedelta(seconds=7, microseconds=123_457)
    assert Webhook(secret, queue, lambda: came_at).receive(request(body.decode())).status == 200
    [message] = waiting(sqs, queue_url)
    assert message == OrderEventMessage("webhook", came_at, "request-1", body)


@pytest.mark.parametrize("body", [as_bytes(order()), bytes(range(256)) + ODD, bytes(range(256)) * 200])
def test_base64_body_is_decoded(webhook: Webhook, sqs: Any, queue_url: str, body: bytes) -> None:
    """A base64 body is decoded before it is enqueued, whatever bytes it has."""
    assert webhook.receive(request(base64.b64encode(body).decode(), encoded=True)).status == 200
    assert waiting(sqs, queue_url)[0].body == body


@pytest.mark.parametrize(
    "authorization",
    [None, "", " ", "Bearer ", "Basic", SECRET[:-1], SECRET + "x", SECRET.swapcase(), SECRET[6:], "\u00e9" + SECRET,
     "\ud800", f"bearer {SECRET}", f"Bearer Bearer {SECRET}", f"{SECRET}, {SECRET}"],
)  # fmt: skip
def test_wrong_secret_is_rejected(webhook: Webhook, sqs: Any, queue_url: str, authorization: str | None) -> None:
    """Anything but the secret gets the same 401 and is counted, with a body or without; nothing is enqueued."""
    whole = request(as_bytes(order()).decode(), authorization)
    empty = request("", authorization)
    for made in (whole, empty | {"headers": empty["headers"] | {"content-length": "0"}}):
        answer = webhook.receive(made)
        assert (answer.status, answer.message, answer.counted_as) == (401, "Unauthorized", "RefusedUnauthorized")
    assert waiting(sqs, queue_url) == []


@pytest.mark.parametrize("name", ["x-authorization", "proxy-authorization", "x-secret", "x-api-key", "cookie"])
def test_secret_in_another_header_is_rejected(webhook: Webhook, name: str) -> None:
    """The secret counts in its own header only; elsewhere in a request it does not."""
    elsewhere = {"headers": {name: SECRET}, "queryStringParameters": {"authorization": SECRET}, "cookies": [SECRET]}
    assert webhook.receive(request(SECRET, None) | elsewhere) == UNAUTHORIZED


def test_no_other_secret_is_accepted(secret: WebhookSecret) -> None:
    """Of thousands of other secrets none is accepted, nor one that differs from ours in one character."""
    changed = (SECRET[:place] + "~" + SECRET[place + 1 :] for place in range(len(SECRET)))
    shorter = (SECRET[:length] for length in range(len(SECRET)))
    for other in (*changed, *shorter, f"{SECRET}x", *map(str, range(5_000))):
        assert secret.admitted_by(other) is None, other
    assert secret.admitted_by(SECRET) is not None


@pytest.mark.parametrize("name", ["headers", "requestContext", "body", "isBase64Encoded"])
def test_missing_or_null_part_of_a_request(webhook: Webhook, name: str) -> None:
    """A request part may be missing or null: both get the same response."""
    whole = request(as_bytes(order()).decode())
    without = {key: value for key, value in whole.items() if key != name}
    answers = [webhook.receive(without), webhook.receive(without | {name: None})]
    expected = {"headers": UNAUTHORIZED, "body": EMPTY}.get(name, ACCEPTED)
    assert answers == [expected, expected]


@pytest.mark.parametrize("form", ["{}", " {} ", "\t{}\t", "Bearer {}", "Bearer   {} ", " Bearer {}"])
def test_bare_or_bearer_secret_is_accepted(webhook: Webhook, form: str) -> None:
    """The secret is accepted as it stands or as a bearer token."""
    assert webhook.receive(request(as_bytes(order()).decode(), form.format(SECRET))).status == 200


# -- bodies --------------------------


HALF_AN_EMOJI = "\ud83e"


@pytest.mark.parametrize(
    ("text", "encoded", "body"),
    [
        ("{", False, b"{"),
        ("[]", False, b"[]"),
        ("<order/>", False, b"<order/>"),
        ('{"job_id": 5, "status": "COMPLETED"}', False, b'{"job_id": 5, "status": "COMPLETED"}'),
        ('{"comment": "a raw\nnewline"}', False, b'{"comment": "a raw\nnewline"}'),
        ('{"n": NaN}', False, b'{"n": NaN}'),
        ("[" * 100_000, False, b"[" * 100_000),
        ("\ufeff", False, b"\xef\xbb\xbf"),
        ("\x00", False, b"\x00"),
        (HALF_AN_EMOJI, False, b"\xed\xa0\xbe"),
        ("/////w==", True, b"\xff\xff\xff\xff"),
        ("8J+nug==", True, "🧺".encode()),
        ("not base64!", True, b"not base64!"),
        ("8J+nug=", True, b"8J+nug="),
        ("é", True, "é".encode()),
    ],
)
def test_any_body_is_enqueued(
    webhook: Webhook, sqs: Any, queue_url: str, text: str, encoded: bool, body: bytes
) -> None:
    """Any body that is not empty gets 200 and is enqueued byte for byte, whether or not it can be parsed."""
    answer = webhook.receive(request(text, encoded=encoded))
    assert (answer.status, answer.counted_as) == (200, "Enqueued")
    assert [message.body for message in waiting(sqs, queue_url)] == [body]


@pytest.mark.parametrize("content_type", ["", "text/plain", "application/octet-stream", "multipart/form-data"])
def test_content_type_does_not_count(webhook: Webhook, sqs: Any, queue_url: str, content_type: str) -> None:
    """A body is enqueued whatever its content type says that it is."""
    body = as_bytes(order())
    made = request(body.decode())
    made["headers"]["content-type"] = content_type
    assert webhook.receive(made) == ACCEPTED
    assert [message.body for message in waiting(sqs, queue_url)] == [body]


@pytest.mark.parametrize(
    ("text", "encoded"), [("", False), (None, False), ("\n \t\r", False), ("", True), ("IA==", True)]
)
def test_empty_body_is_counted(webhook: Webhook, sqs: Any, queue_url: str, text: Any, encoded: bool) -> None:
    """An empty body gets 200, is counted by a metric of its own, and is not enqueued."""
    answer = webhook.receive(request(text, encoded=encoded))
    assert (answer.status, answer.counted_as) == (200, "EmptyBodies")
    assert waiting(sqs, queue_url) == []


@pytest.mark.parametrize("text", ["", "{", "x" * (MAX_BODY_BYTES + 1), HALF_AN_EMOJI])
def test_wrong_secret_is_judged_before_the_body(webhook: Webhook, text: str) -> None:
    """A wrong secret gets 401 whatever the body is."""
    assert webhook.receive(request(text, "wrong")) == UNAUTHORIZED


class UntouchedBody(dict[str, Any]):
    """A request whose body must not be looked at."""

    def get(self, name: str, default: Any = None) -> Any:
        assert name in {"headers", "requestContext"}
        return super().get(name, default)


def test_stranger_costs_no_decoding(webhook: Webhook) -> None:
    """The body of a request without the secret is neither decoded nor inflated."""
    compressed = request(encoded(gzip.compress(b"{}")), "wrong", encoded=True)
    assert webhook.receive(UntouchedBody(compressed)) == UNAUTHORIZED


@pytest.mark.parametrize("size", [MAX_BODY_BYTES, MAX_BODY_BYTES + 1, 4 * MAX_BODY_BYTES])
@pytest.mark.parametrize("form", ["text", "two bytes a letter", "base64", "noise"])
def test_limit_counts_bytes(webhook: Webhook, sqs: Any, queue_url: str, size: int, form: str) -> None:
    """A body of exactly the limit is enqueued whole, even one that nothing makes smaller; one byte more gets a 413 that
    names the limit."""
    body = ("é" * (size // 2) + "x" * (size % 2)).encode() if form == "two bytes a letter" else b"x" * size
    body = random.Random(size).randbytes(size) if form == "noise" else body
    given = request(encoded(body), encoded=True) if form in ("base64", "noise") else request(body.decode())
    answer = webhook.receive(given)
    assert answer == (ACCEPTED if size == MAX_BODY_BYTES else TOO_LARGE)
    assert answer.status == (200 if size == MAX_BODY_BYTES else 413)
    assert json.loads(TOO_LARGE.to_http()["body"])["message"] == f"The body is over the limit of {MAX_BODY_BYTES} bytes"
    assert [message.body for message in waiting(sqs, queue_url)] == ([body] if size == MAX_BODY_BYTES else [])


# -- content encodings --------------------------


def encoded(body: bytes) -> str:
    return base64.b64encode(body).decode()


def compressed(body: bytes, encoding: str | None, secret: str = SECRET) -> dict[str, Any]:
    """A request with a compressed body, as API Gateway hands it over."""
    made = request(encoded(body), secret, encoded=True)
    return made if encoding is None else made | {"headers": made["headers"] | {"content-encoding": encoding}}


@pytest.mark.parametrize("spelled", ["{}", " {} "])
@pytest.mark.parametrize("case", [str.lower, str.upper, str.title])
@pytest.mark.parametrize(("encoding", "pack"), EACH_PACK)
def test_one_encoding_is_taken_off(
    webhook: Webhook, sqs: Any, queue_url: str, encoding: str, pack: Pack, case: Callable[[str], str], spelled: str
) -> None:
    """A gzip or deflate body is inflated before it is enqueued, however the encoding is spelled."""
    body = as_bytes(order())
    header = spelled.format(case(encoding))
    assert webhook.receive(compressed(pack(body), header)) == ACCEPTED
    assert [message.body for message in waiting(sqs, queue_url)] == [body]


@pytest.mark.parametrize(
    "encoding", [None, "", "identity", "br", "zstd", "gzip, gzip", "gzip,deflate", "identity, gzip"]
)
def test_other_encodings_are_kept_as_received(webhook: Webhook, sqs: Any, queue_url: str, encoding: str | None) -> None:
    """A body under an unknown encoding, under several or under none is enqueued as received."""
    received = gzip.compress(gzip.compress(as_bytes(order())))
    assert webhook.receive(compressed(received, encoding)) == ACCEPTED
    assert [message.body for message in waiting(sqs, queue_url)] == [received]


@pytest.mark.parametrize(("encoding", "pack"), EACH_PACK)
@pytest.mark.parametrize("damage", ["plain", "cut", "checksum", "one byte", "more after it", "twice", "replaced bytes"])
def test_corrupt_encoding_is_kept_as_received(
    webhook: Webhook, sqs: Any, queue_url: str, encoding: str, pack: Pack, damage: str
) -> None:
    """A body that does not inflate whole is enqueued as received, not in part."""
    body = as_bytes(order())
    packed = pack(body)
    received = {
        "plain": body,
        "cut": packed[:-1],
        "checksum": packed[:-8] + bytes(byte ^ 0xFF for byte in packed[-8:]),
        "one byte": packed[:1],
        "more after it": packed + b"\n",
        "twice": packed + packed,
        "replaced bytes": packed.decode("utf-8", "replace").encode(),
    }[damage]
    assert webhook.receive(compressed(received, encoding)) == ACCEPTED
    assert [message.body for message in waiting(sqs, queue_url)] == [received]


@pytest.mark.parametrize(("encoding", "pack"), EACH_PACK)
def test_empty_compressed_body_is_counted(
    webhook: Webhook, sqs: Any, queue_url: str, encoding: str, pack: Pack
) -> None:
    """A compressed body with nothing in it counts as empty."""
    assert webhook.receive(compressed(pack(b" \n"), encoding)) == EMPTY
    assert waiting(sqs, queue_url) == []


@pytest.mark.parametrize(("encoding", "pack"), EACH_PACK)
@pytest.mark.parametrize("size", [MAX_BODY_BYTES, MAX_BODY_BYTES + 1])
def test_limit_counts_inflated_bytes(
    webhook: Webhook, sqs: Any, queue_url: str, encoding: str, pack: Pack, size: int
) -> None:
    """An inflated body of exactly the limit is enqueued; one byte more gets 413."""
    answer = webhook.receive(compressed(pack(b"x" * size), encoding))
    assert answer == (ACCEPTED if size == MAX_BODY_BYTES else TOO_LARGE)
    assert [len(message.body) for message in waiting(sqs, queue_url)] == ([size] if size == MAX_BODY_BYTES else [])


@pytest.mark.slow
@pytest.mark.limits
@pytest.mark.parametrize(("encoding", "pack"), EACH_PACK)
def test_bomb_takes_little_memory(webhook: Webhook, encoding: str, pack: Pack) -> None:
    """A body that inflates to a thousand times the limit gets 413, and not much more than the limit is held."""
    bomb = compressed(pack(bytes(200 * 2**20)), encoding)
    tracemalloc.start()
    try:
        assert webhook.receive(bomb) == TOO_LARGE
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 4 * MAX_BODY_BYTES


def test_stranger_is_told_nothing_of_a_bomb(webhook: Webhook) -> None:
    """A bomb without the secret gets the 401 that everything else gets."""
    assert webhook.receive(compressed(gzip.compress(bytes(2 * MAX_BODY_BYTES)), "gzip", "wrong")) == UNAUTHORIZED


# -- faults of ours --------------------------


@pytest.mark.parametrize(
    ("response", "status", "message", "counted_as", "also"),
    [
        (ACCEPTED, 200, "Accepted", "Enqueued", ""),
        (EMPTY, 200, "Accepted, but the body is empty", "EmptyBodies", ""),
        (UNAUTHORIZED, 401, "Unauthorized", "RefusedUnauthorized", ""),
        (UNAUTHORIZED_WITHOUT_BODY, 401, "Unauthorized", "RefusedUnauthorized", "RefusedWithoutBody"),
        (TOO_LARGE, 413, "The body is over the limit of 262144 bytes", "RefusedTooLarge", ""),
    ],
)
def test_caller_gets_json(response: Response, status: int, message: str, counted_as: str, also: str) -> None:
    """The caller gets a status and a message in JSON; the metrics have a name for each kind."""
    body = json.dumps({"message": message})
    assert response.to_http() == {"statusCode": status, "headers": {"content-type": "application/json"}, "body": body}
    assert (response.counted_as, response.also_counted_as) == (counted_as, also)


def test_request_may_lack_its_id(webhook: Webhook, sqs: Any, queue_url: str) -> None:
    """A request without the gateway's id is enqueued without one."""
    body = as_bytes(order())
    assert webhook.receive({"headers": {"authorization": SECRET}, "body": body.decode()}) == ACCEPTED
    assert waiting(sqs, queue_url) == [OrderEventMessage("webhook", clock(), "", body)]


def test_queue_failure_is_a_503(webhook: Webhook, sqs: Any, queue_url: str) -> None:
    """A queue that fails gives a 503, counted as our fault."""
    sqs.delete_queue(QueueUrl=queue_url)
    answer = webhook.receive(request(as_bytes(order()).decode()))
    assert (answer.status, answer.message, answer.counted_as) == (503, "Not available, try again", "Unavailable")
    assert answer.fault


class RefusingQueue:
    """SQS that takes no message, in the way of each call: a batch whose entries it refuses is no error."""

    def send_message(self, **_: Any) -> None:
        raise ClientError({"Error": {"Code": "KMS.ThrottlingException"}}, "SendMessage")

    def send_message_batch(self, **batch: Any) -> dict[str, Any]:
        return {"Failed": [{"Id": entry["Id"], "Code": "KMS.ThrottlingException"} for entry in batch["Entries"]]}


def test_refused_message_is_a_503(secret: WebhookSecret) -> None:
    """A message that the queue refuses gives a 503, by whichever call it is sent."""
    client: Any = RefusingQueue()
    webhook = Webhook(secret, OrderEventsQueue(client, "https://queue"), clock)
    assert webhook.receive(request(as_bytes(order()).decode())).status == 503


@pytest.mark.parametrize("service", ["sqs", "secretsmanager"])
@pytest.mark.parametrize("fault", [ReadTimeoutError, EndpointConnectionError, NoCredentialsError])
def test_unreachable_service_is_a_503(
    webhook: Webhook, sqs: Any, secrets_manager: Any, service: str, fault: type[BotoCoreError]
) -> None:
    """A queue or a secret that cannot be reached gives a 503, as one that responds with an error does."""

    def fail(**_: Any) -> None:
        raise fault(endpoint_url="https://aws")

    client = {"sqs": sqs, "secretsmanager": secrets_manager}[service]
    client.meta.events.register("before-call", fail)
    assert webhook.receive(request(as_bytes(order()).decode())).status == 503


def test_cold_start_without_secret_is_a_503(webhook: Webhook, secrets_manager: Any) -> None:
    """On a cold start, a secret that cannot be read gives a 503, never a 401."""
    secrets_manager.delete_secret(SecretId="webhook", ForceDeleteWithoutRecovery=True)
    assert webhook.receive(request(as_bytes(order()).decode())).status == 503
    assert webhook.receive(request(as_bytes(order()).decode(), "wrong")).status == 503


def test_unread_previous_secret_is_a_503(webhook: Webhook, secrets_manager: Any) -> None:
    """While only the previous secret cannot be read, a caller who still sends it gets 503, never 401."""

    def fail(params: Any, **_: Any) -> None:
        if b"AWSPREVIOUS" in params["body"]:
            raise ClientError({"Error": {"Code": "InternalServiceError"}}, "GetSecretValue")

    secrets_manager.put_secret_value(SecretId="webhook", SecretString="second")
    secrets_manager.meta.events.register("before-call.*.GetSecretValue", fail)
    assert webhook.receive(request(as_bytes(order()).decode())).status == 503


def test_empty_secret_admits_nobody(webhook: Webhook, secrets_manager: Any) -> None:
    """An empty secret does not admit a request with an empty header: the response is 503."""
    secrets_manager.put_secret_value(SecretId="webhook", SecretString=" ")
    assert webhook.receive(request(as_bytes(order()).decode(), "")).status == 503


@pytest.mark.parametrize("stored", ["\ufeff{}", "\ufeff{}\r\n", " \ufeff {} ", "\n{}\t"])
def test_secret_is_read_without_a_mark(webhook: Webhook, secrets_manager: Any, stored: str) -> None:
    """A secret that was stored with a byte order mark and white space is the text between them."""
    secrets_manager.put_secret_value(SecretId="webhook", SecretString=stored.format("my-own"))
    body = as_bytes(order()).decode()
    assert webhook.receive(request(body, "my-own")) == ACCEPTED
    assert webhook.receive(request(body, "wrong")) == UNAUTHORIZED


def test_byte_order_mark_alone_admits_nobody(webhook: Webhook, secrets_manager: Any) -> None:
    """A secret of nothing but a byte order mark is an empty one."""
    secrets_manager.put_secret_value(SecretId="webhook", SecretString="\ufeff\n")
    assert webhook.receive(request("{}", "")).status == 503


def test_warm_environment_keeps_its_secret(webhook: Webhook, secrets_manager: Any, seconds: Seconds) -> None:
    """A warm environment keeps using its secret after it was deleted; any other gets 503."""
    assert webhook.receive(request(as_bytes(order()).decode())).status == 200
    secrets_manager.delete_secret(SecretId="webhook", ForceDeleteWithoutRecovery=True)
    for _ in range(3):
        seconds.now += 3_600
        assert webhook.receive(request(as_bytes(order()).decode())).status == 200
        assert webhook.receive(request(as_bytes(order()).decode(), "wrong")).status == 503


@pytest.mark.parametrize("fault", [ReadTimeoutError, EndpointConnectionError, NoCredentialsError])
def test_unreachable_secrets_change_nothing(
    webhook: Webhook, secrets_manager: Any, seconds: Seconds, fault: type[BotoCoreError]
) -> None:
    """A warm environment keeps using its secret while Secrets Manager cannot be reached; any other gets 503."""

    def fail(**_: Any) -> None:
        raise fault(endpoint_url="https://aws")

    def status(authorization: str) -> int:
        try:
            return webhook.receive(request(as_bytes(order()).decode(), authorization)).status
        except BotoCoreError:
            return 500  # what API Gateway answers then

    assert status(SECRET) == 200
    secrets_manager.meta.events.register("before-call", fail)
    for _ in range(3):
        seconds.now += 3_600
        assert (status(SECRET), status("wrong")) == (200, 503)


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


@pytest.mark.slow
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


def test_use_of_previous_secret_is_counted(webhook: Webhook, secrets_manager: Any, seconds: Seconds) -> None:
    """A request with the previous secret is accepted and counted by a second name; one with the current is not."""
    body = as_bytes(order()).decode()
    assert webhook.receive(request(body)).also_counted_as == ""
    secrets_manager.put_secret_value(SecretId="webhook", SecretString="second")
    seconds.now += 301
    assert webhook.receive(request(body, "second")) == ACCEPTED
    answer = webhook.receive(request(body))
    assert (answer.status, answer.counted_as, answer.also_counted_as) == (200, "Enqueued", "ByPreviousSecret")
    assert webhook.receive(request("", f"Bearer {SECRET}")).also_counted_as == "ByPreviousSecret"


def test_refusal_without_a_body_is_counted(webhook: Webhook) -> None:
    """A refused request that says it has no body, as the doctor's has none, is no lost event."""
    empty = request("", "wrong")
    empty["headers"]["content-length"] = "0"
    assert webhook.receive(empty) == UNAUTHORIZED_WITHOUT_BODY
    assert UNAUTHORIZED_WITHOUT_BODY.counted_as == UNAUTHORIZED.counted_as
    empty["headers"]["content-length"] = "2"
    assert webhook.receive(empty) == UNAUTHORIZED


def test_old_secret_ends_in_five_minutes(secret: WebhookSecret, secrets_manager: Any, seconds: Seconds) -> None:
    """A secret from two rotations ago is rejected after five minutes at most."""
    assert secret.admits(SECRET)
    for text in ("second", "third"):
        secrets_manager.put_secret_value(SecretId="webhook", SecretString=text)
    seconds.now += 300
    assert not secret.admits(SECRET)


def test_secret_is_read_each_five_minutes(secret: WebhookSecret, secrets_manager: Any, seconds: Seconds) -> None:
    """For callers with the secret it is read again after five minutes, and no sooner."""
    calls = Calls(secrets_manager)
    reads = []
    for pause in (0, 299, 1, 299):
        seconds.now += pause
        assert secret.admits(SECRET)
        reads.append(calls.made.count("GetSecretValue"))
    assert reads == [2, 2, 4, 4]  # current and previous


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
