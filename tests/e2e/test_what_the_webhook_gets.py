"""Every row of the table of bad input, over HTTP, against the deployed stack."""

import gzip
import json
import uuid
import zlib
from collections.abc import Callable
from datetime import timedelta

import pytest

from partner_orders.clock import now, to_text
from partner_orders.order_events.message import MAX_BODY_BYTES
from partner_orders.orders.rejected import RejectedEvent, digest_of
from partner_orders.orders.rejected_table import RejectedTable
from partner_orders.orders.table import OrdersTable
from partner_orders.stores.table import StoresTable
from tests.support.deployed import Answer, eventually
from tests.support.sampling import every
from tools.local.stack import Stack
from tools.local.up import CHAIN_ID

Post = Callable[..., Answer]
# API Gateway hands over a body as text where its Content-Type is that of a text, and as bytes elsewhere.
BINARY = {"Content-Type": "application/octet-stream"}
PACKED = BINARY | {"Content-Encoding": "gzip"}
EARLIER = to_text(now() - timedelta(hours=1))


def order(**fields: object) -> dict[str, object]:
    return {
        "order_id": str(uuid.uuid4()),
        "status": "RECEIVED",
        "client": {"chain_id": CHAIN_ID, "store_id": "q7xk", "external_partner_config_id": "GB-01", "name": "Shop"},
        "sys": {"created_at": EARLIER, "updated_at": EARLIER},
    } | fields


def as_bytes(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode("utf-8")


def waiting(stack: Stack) -> int:
    attributes = stack.client("sqs").get_queue_attributes(
        QueueUrl=stack.outputs["OrderEventsQueueUrl"], AttributeNames=["All"]
    )["Attributes"]
    return int(attributes["ApproximateNumberOfMessages"]) + int(attributes["ApproximateNumberOfMessagesNotVisible"])


def assert_not_stored(stack: Stack, orders: OrdersTable, body: dict[str, object]) -> None:
    """Assert that an order is not in the table once the consumer has taken all that was enqueued."""
    eventually(lambda: waiting(stack) == 0 or None)
    assert orders.get(str(body["order_id"])) is None


# -- who is calling ---------------------------


@pytest.mark.parametrize("kind", every(2, ["none", "empty", "wrong", "other case", "not ascii", "half"]))
def test_wrong_secret_gets_401(post: Post, secret: bytes, stack: Stack, orders: OrdersTable, kind: str) -> None:
    """A request without the secret gets one fixed 401 response, and its order is not stored."""
    authorization = {
        "none": None,
        "empty": b"",
        "wrong": b"Basic Zm9vOmJhcg==",
        "other case": secret.swapcase(),
        "not ascii": b"\xff\xfe" + secret,
        "half": secret[:24],
    }[kind]
    body = order()
    answer = post(as_bytes(body), authorization)
    assert (answer.status, json.loads(answer.body)) == (401, {"message": "Unauthorized"})
    assert_not_stored(stack, orders, body)


@pytest.mark.parametrize("form", every(3, [b"%s", b"Bearer %s", b"  %s ", b"Bearer   %s "]))
def test_secret_may_be_bare_or_bearer(post: Post, secret: bytes, orders: OrdersTable, form: bytes) -> None:
    """The secret is accepted bare or as a bearer token, with spaces around it."""
    body = order()
    assert post(as_bytes(body), form % secret).status == 200
    assert eventually(lambda: orders.get(str(body["order_id"]))).status == "RECEIVED"


@pytest.mark.parametrize(("method", "path"), [("GET", ""), ("PUT", ""), ("POST", "/other"), ("POST", "/")])
def test_other_method_or_path_is_rejected(
    post: Post, secret: bytes, stack: Stack, orders: OrdersTable, method: str, path: str
) -> None:
    """The gateway rejects any other method or path, and the order is not stored."""
    body = order()
    # AWS's own status is 404 (test_only_one_route_exists). The local AWS asks for a signature first.
    assert 400 <= post(as_bytes(body), secret, method=method, path=path).status < 500
    assert_not_stored(stack, orders, body)


# -- bodies that are too large, or empty ---------------------------


@pytest.mark.parametrize("body", [b"", b"  \r\n"], ids=["nothing", "white space"])
def test_empty_body_gets_200(post: Post, secret: bytes, body: bytes) -> None:
    """An empty body gets a 200 that says so."""
    answer = post(body, secret)
    assert answer.status == 200
    assert "empty" in json.loads(answer.body)["message"]


def test_bomb_gets_413(post: Post, secret: bytes) -> None:
    """A small body that inflates beyond the limit gets the same 413 as a large one."""
    answer = post(gzip.compress(bytes(50 * MAX_BODY_BYTES)), secret, headers=PACKED)
    assert answer.status == 413
    assert str(MAX_BODY_BYTES) in json.loads(answer.body)["message"]


def test_body_over_limit_gets_413(post: Post, secret: bytes, orders: OrdersTable) -> None:
    """A body over the limit gets a 413 that names the limit; a body at the limit is stored."""
    body = order(comment="")
    room = MAX_BODY_BYTES - len(as_bytes(body))
    # Text that hardly compresses: what the queue and the table must hold whatever the content.
    noise = "".join(uuid.uuid4().hex for _ in range(room // 32 + 1))
    at_the_limit, over = body | {"comment": noise[:room]}, body | {"comment": noise[: room + 1]}
    answer = post(as_bytes(over), secret)
    assert answer.status == 413
    assert str(MAX_BODY_BYTES) in json.loads(answer.body)["message"]
    assert post(as_bytes(at_the_limit), secret).status == 200
    stored = eventually(lambda: orders.get(str(body["order_id"])))
    assert stored.snapshot.body == as_bytes(at_the_limit)


# -- bodies that are kept among the rejected ---------------------------


def kept(rejected: RejectedTable, body: bytes) -> RejectedEvent:
    return eventually(lambda: rejected.get(digest_of(body)))


@pytest.mark.parametrize(
    ("body", "reason"),
    every(
        3,
        [
            (b"hello", "malformed_json"),
            (as_bytes(order())[:-20], "malformed_json"),
            (as_bytes(order(comment="a raw newline")).replace(b"raw ", b"raw\n"), "malformed_json"),
            (b"[1, 2]", "not_an_object"),
            (b'"order"', "not_an_object"),
            (b"null", "not_an_object"),
        ],
    ),
)
def test_unparsable_body_is_kept_rejected(
    post: Post, secret: bytes, rejected: RejectedTable, body: bytes, reason: str
) -> None:
    """A body that cannot be parsed is acknowledged and stored whole with the reason."""
    assert post(body, secret).status == 200
    event = kept(rejected, body)
    assert (event.body, event.reason) == (body, reason)


@pytest.mark.parametrize(
    "body",
    [b'{"order_id": "\xff"}', as_bytes(order()) + "🧺".encode()[:2], gzip.compress(as_bytes(order()), mtime=0)],
    ids=["invalid UTF-8", "half an emoji", "packed, and does not say so"],
)
def test_any_bytes_are_kept_rejected(post: Post, secret: bytes, rejected: RejectedTable, body: bytes) -> None:
    """A body that is not text arrives among the rejected byte for byte."""
    assert post(body, secret, headers=BINARY).status == 200
    event = kept(rejected, body)
    assert (event.body, event.reason, event.problems) == (body, "malformed_json", ("not valid UTF-8",))


def test_cut_gzip_is_kept_as_received(post: Post, secret: bytes, rejected: RejectedTable) -> None:
    """A packed body that is cut short is stored as received, among the rejected."""
    body = gzip.compress(as_bytes(order()))[:-9]
    assert post(body, secret, headers=PACKED).status == 200
    assert kept(rejected, body).body == body


@pytest.mark.parametrize(
    "body",
    [
        b'{"order_id": "a1", "status": "RECEIVED", "n": NaN}',
        b'{"order_id": "a2", "status": "RECEIVED", "status": "CANCELLED"}',
        b'{"order_id": "a3", "deep": ' + b'{"a":' * 10_000 + b"1" + b"}" * 10_000 + b"}",
        b'{"order_id": "a4", "status": "RECEIVED", "n": ' + b"7" * 5_000 + b"}",
        b'{"order_id": "a5", "status": "RECEIVED", "n": 1e999999999}',
    ],
    ids=["NaN", "duplicate keys", "nesting", "long integer", "huge exponent"],
)
def test_ambiguous_json_is_kept_rejected(post: Post, secret: bytes, rejected: RejectedTable, body: bytes) -> None:
    """JSON without one clear meaning is acknowledged and stored whole as a rejected event."""
    assert post(body, secret).status == 200
    event = kept(rejected, body)
    assert event.body == body
    assert event.reason == "malformed_json"


@pytest.mark.parametrize(
    ("fields", "problem"),
    every(
        2,
        [
            ({"order_id": None}, "order_id"),
            ({"status": None}, "status"),
            ({"status": ["a lot of money"]}, "status"),
            ({"order_id": {"said": "yesterday"}}, "order_id"),
        ],
        first=1,
    ),
)
def test_rejected_object_keeps_its_problems(
    post: Post, secret: bytes, rejected: RejectedTable, fields: dict[str, object], problem: str
) -> None:
    """An object that is not an order is stored with each wrong field, but none of its values."""
    body = as_bytes({name: value for name, value in order(**fields).items() if value is not None})
    assert post(body, secret).status == 200
    event = kept(rejected, body)
    assert event.body == body
    assert any(text.startswith(problem) for text in event.problems)
    assert not any("money" in text or "yesterday" in text for text in event.problems)


def test_five_rejected_posts_are_one_row(post: Post, secret: bytes, rejected: RejectedTable) -> None:
    """Five deliveries of one rejected body make one row."""
    body = as_bytes({"hello": str(uuid.uuid4())})
    for _ in range(5):
        assert post(body, secret).status == 200
    assert eventually(lambda: event if (event := kept(rejected, body)).times_received == 5 else None).body == body
    assert [event.digest for event in rejected.newest()].count(digest_of(body)) == 1


# -- bodies that are stored ---------------------------


@pytest.mark.parametrize(
    "fields",
    [
        {"status": "SOMETHING_NEW"},
        {"order_type": "DRONE", "unknown": {"nested": [1, None, "x"]}},
        {"payment": {"sub_total": "12.50", "order_total": 13}},
        {"comment": "emoji 🧺, U+FFFE \ufffe, noncharacter \uffff, zero \u0000, Ä ñ 中"},
        {"cancellation": "an old shape", "status": "cancelled"},
        {"client": {"store_id": 149439, "chain_id": CHAIN_ID}},
    ],
    ids=["unknown status", "unknown values", "numbers as strings", "any text", "old shape", "numeric id"],
)
def test_unexpected_shapes_are_stored(
    post: Post, secret: bytes, orders: OrdersTable, fields: dict[str, object]
) -> None:
    """Additions and other shapes that the platform may send are stored byte for byte."""
    body = order(**fields)
    assert post(as_bytes(body), secret).status == 200
    assert eventually(lambda: orders.get(str(body["order_id"]))).snapshot.body == as_bytes(body)


@pytest.mark.parametrize(
    ("encoding", "pack"), [("", bytes), ("gzip", gzip.compress), ("X-GZIP", gzip.compress), ("deflate", zlib.compress)]
)
def test_binary_body_is_stored_alike(
    post: Post, secret: bytes, orders: OrdersTable, encoding: str, pack: Callable[[bytes], bytes]
) -> None:
    """A body sent as binary, packed or not, is stored as it was before it was packed."""
    body = order()
    headers = BINARY | ({"Content-Encoding": encoding} if encoding else {})
    assert post(pack(as_bytes(body)), secret, headers=headers).status == 200
    assert eventually(lambda: orders.get(str(body["order_id"]))).snapshot.body == as_bytes(body)


def test_repeated_and_late_events(post: Post, secret: bytes, orders: OrdersTable) -> None:
    """A repeated event is stored once, and a late one does not move the order back."""
    received = order()
    ready = received | {
        "status": "READY_FOR_PICKUP",
        "sys": {"created_at": EARLIER, "updated_at": to_text(now())},
    }
    for body in (ready, received, ready, received):
        assert post(as_bytes(body), secret).status == 200
    stored = eventually(lambda: o if (o := orders.get(str(received["order_id"]))) and len(o.history) == 2 else None)
    assert stored.status == "READY_FOR_PICKUP"


def test_first_event_registers_its_store(post: Post, secret: bytes, stores: StoresTable) -> None:
    """The first event of a store registers it, and the store is found by either id."""
    body = order(client={"chain_id": CHAIN_ID, "store_id": "n9wz", "external_partner_config_id": "GB-99"})
    assert post(as_bytes(body), secret).status == 200
    assert eventually(lambda: stores.find("n9wz")).external_partner_config_id == "GB-99"
    assert eventually(lambda: stores.find("GB-99")).store_id == "n9wz"


def test_catalogue_callback_is_dropped(post: Post, secret: bytes, stack: Stack, rejected: RejectedTable) -> None:
    """A catalogue callback is acknowledged and not kept as a rejected event."""
    body = as_bytes({"job_id": str(uuid.uuid4()), "platform_vendor_id": "q7xk", "status": "COMPLETED"})
    assert post(body, secret).status == 200
    eventually(lambda: True if waiting(stack) == 0 else None)
    assert rejected.get(digest_of(body)) is None
