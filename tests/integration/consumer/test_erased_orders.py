"""A rejected event that names an erased order is kept without the customer's data."""

import gzip
import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from partner_orders.consumer.intake import Delivery, Intake
from partner_orders.order_events.message import OrderEventMessage
from partner_orders.orders.erasure import Erasure
from partner_orders.orders.event import Arrival
from partner_orders.orders.personal_data import redacted
from partner_orders.orders.rejected import RejectedEvent, digest_of
from partner_orders.orders.rejected_table import RejectedTable
from tests.support.fixed_clock import clock
from tests.support.orders import as_bytes, order
from tests.support.orders_table import TABLE, Calls

WHOLE = as_bytes(order(20))
ID = order()["order_id"]
CUT = WHOLE[: WHOLE.index(b'"items"')]
# Each names the order and its customer, and none can be parsed.
UNPARSABLE = {
    "cut": CUT,
    "not a number": b'{"x":NaN,' + WHOLE[1:],
    "UTF-16": WHOLE.decode().encode("utf-16"),
    "quoted twice": json.dumps(json.dumps(CUT.decode())).encode(),
    "a form": f"order_id={ID}&first_name=Amna&phone=%2B92300123441".encode(),
    "in capitals": CUT.replace(ID.encode(), ID.upper().encode()),
    "the id alone": b"Amna +92300123441 " + ID.encode() + b"\xff",
}


def deliver(intake: Intake, *bodies: bytes) -> None:
    for number, body in enumerate(bodies):
        text = OrderEventMessage("webhook", clock(), f"c{number}", body).to_text()
        assert intake.process([Delivery(f"m{number}", text)], lambda: 30.0).failed == {}


def erase(dynamodb: Any, order_id: str = ID) -> None:
    Erasure(dynamodb, TABLE, lambda _: True, clock).erase_order(order_id)


def kept(rejected: RejectedTable, body: bytes) -> RejectedEvent:
    found = rejected.get(digest_of(body))
    assert found is not None
    return found


@pytest.fixture
def erased(intake: Intake, dynamodb: Any) -> Intake:
    """The consumer, after the order came and its customer was erased."""
    deliver(intake, as_bytes(order(10)))
    erase(dynamodb)
    return intake


@pytest.mark.parametrize(
    "fields", [{"status": ""}, {"status": None}, {"status": ["RECEIVED"]}, {"status": "", "body": "bm8gbWVzc2FnZQ=="}]
)
def test_unreadable_event_is_redacted(erased: Intake, rejected: RejectedTable, fields: Any) -> None:
    """An event of an erased order that is rejected is kept with its figures and without personal data, also where it
    has a body, as a message has."""
    body = as_bytes(order(20, **fields))
    deliver(erased, body)
    event = kept(rejected, body)
    assert (event.reason, event.erased_at is not None) == ("not_an_order", True)
    assert b"sub_total" in event.body
    assert b"Amna" not in event.body
    assert b"123441" not in event.body


def test_refused_event_is_redacted(erased: Intake, rejected: RejectedTable, monkeypatch: pytest.MonkeyPatch) -> None:
    """An event of an erased order that the table refuses is kept without personal data."""

    def refuse(*_: Any) -> Any:
        raise ClientError({"Error": {"Code": "ValidationException"}}, "UpdateItem")

    monkeypatch.setattr(erased._orders, "write", refuse)
    deliver(erased, WHOLE)
    event = kept(rejected, WHOLE)
    assert (event.reason, b"Amna" in event.body, b"sub_total" in event.body) == ("refused_by_the_table", False, True)


@pytest.mark.parametrize("body", UNPARSABLE.values(), ids=UNPARSABLE.keys())
def test_unparsable_bytes_are_not_kept(erased: Intake, rejected: RejectedTable, body: bytes) -> None:
    """Of bytes that cannot be parsed and name an erased order, the reason and the size are kept, and no content."""
    deliver(erased, body)
    event = kept(rejected, body)
    reason, left = ("not_an_object", b"{}") if body.startswith(b'"') else ("malformed_json", b"")
    assert (event.reason, event.body) == (reason, left)
    assert event.problems[-1] == f"names an order whose customer was erased: {len(left)} of {len(body)} bytes kept"


@pytest.mark.parametrize("order_id", ["Order-17", "17, ring twice"])
def test_ids_need_not_be_uuids(intake: Intake, rejected: RejectedTable, dynamodb: Any, order_id: str) -> None:
    """An event of an erased order is kept without personal data also if the order's id is no UUID."""
    deliver(intake, as_bytes(order(10, order_id=order_id)))
    erase(dynamodb, order_id)
    body = as_bytes(order(20, order_id=order_id, status=""))
    deliver(intake, body)
    assert kept(rejected, body).body == redacted(body)


def test_cut_event_of_an_id_of_words(intake: Intake, rejected: RejectedTable, dynamodb: Any) -> None:
    """Bytes are not kept if they name an erased order by such an id, beside UUIDs of something else."""
    body = as_bytes(order(20, order_id="Order-17"))
    deliver(intake, as_bytes(order(10, order_id="Order-17")))
    erase(dynamodb, "Order-17")
    cut = body[: body.index(b'"items"')]
    deliver(intake, cut)
    assert kept(rejected, cut).body == b""


def test_second_copy_brings_nothing_back(erased: Intake, rejected: RejectedTable) -> None:
    """A copy that was kept whole before the erasure loses its data with the next one."""
    rejected.keep(CUT, Arrival("webhook", clock()), "malformed_json", ["cut"])
    deliver(erased, CUT, CUT)
    event = kept(rejected, CUT)
    assert (event.body, event.times_received) == (b"", 3)


def test_message_of_another_version_is_not_kept(erased: Intake, rejected: RejectedTable) -> None:
    """A message that cannot be read and holds an event of an erased order is kept as reason and size."""
    text = (
        OrderEventMessage("webhook", clock(), "c", WHOLE).to_text().replace('"schema_version":2', '"schema_version":9')
    )
    assert erased.process([Delivery("m", text)], lambda: 30.0).failed == {}
    event = kept(rejected, text.encode())
    assert (event.reason, event.body) == ("unreadable_message", b"")


def test_other_orders_are_kept_whole(erased: Intake, rejected: RejectedTable) -> None:
    """Bytes that name other orders, or none, are kept as they came."""
    deliver(erased, as_bytes(order(order_id="another")))
    others = (
        CUT.replace(ID.encode(), b"another"),
        as_bytes(order(status="", order_id="another")),
        b"\xff\xfe nothing",
        gzip.compress(b"x", mtime=0),
        as_bytes({"status": "", "order_id": "\ud800"}),
    )
    deliver(erased, *others)
    assert [kept(rejected, body).body for body in others] == [*others]


def test_look_up_of_many_ids_is_bounded(erased: Intake, dynamodb: Any) -> None:
    """Of a body that names thousands of orders the first 500 are looked up, a hundred in a request."""
    calls = Calls(dynamodb)
    deliver(erased, b" ".join(b'"order_id":"o-%d"' % number for number in range(2_000)))
    assert calls.made.count("BatchGetItem") == 5


def test_search_for_ids_is_fast(erased: Intake, rejected: RejectedTable) -> None:
    """A hostile body with many separators is searched at once."""
    body = b'{"order_id' + b" " * 250_000 + b","
    deliver(erased, body)
    assert kept(rejected, body).body == body
