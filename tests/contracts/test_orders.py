"""The orders table does the same on moto and on DynamoDB Local."""

import random
from datetime import timedelta
from typing import Any

import pytest

from partner_orders.orders.erasure import Erasure
from partner_orders.orders.event import Arrival, OrderEvent, parse_event
from partner_orders.orders.stored import StoredOrder
from partner_orders.orders.table import INLINE_BODY_BYTES, ROW_BODIES_BYTES, OrdersTable, Written
from tests.support.fixed_clock import NOW, clock
from tests.support.orders import as_bytes, order
from tests.support.orders_table import RETENTION, TABLE

ARRIVAL = Arrival("webhook", NOW, "correlation-1")
ORDER_ID = order()["order_id"]


@pytest.fixture
def orders(dynamodb: Any) -> OrdersTable:
    return OrdersTable(dynamodb, TABLE, RETENTION)


def event(minute: int | None = None, **fields: Any) -> OrderEvent:
    return parse_event(as_bytes(order(minute, **fields)))


def write(orders: OrdersTable, *events: OrderEvent) -> Written:
    return orders.write([(one, ARRIVAL) for one in events])


def stored(orders: OrdersTable) -> StoredOrder:
    found = orders.get(ORDER_ID)
    assert found is not None
    return found


def incompressible(length: int, seed: int = 1) -> str:
    return random.Random(seed).randbytes(length // 2).hex()


def test_newest(orders: OrdersTable) -> None:
    """A later event becomes the snapshot, and both stay in the history."""
    assert write(orders, event(12)) == Written(stored=1)
    assert write(orders, event(20, status="DISPATCHED")) == Written(stored=1)
    assert (stored(orders).status, stored(orders).version, stored(orders).sequence) == ("DISPATCHED", 2, 2)
    assert [entry.status for entry in stored(orders).history] == ["RECEIVED", "DISPATCHED"]
    assert stored(orders).snapshot.body == event(20, status="DISPATCHED").body


def test_duplicate(orders: OrdersTable) -> None:
    """An event that comes again changes nothing."""
    write(orders, event(12))
    before = stored(orders)
    assert write(orders, event(12)) == Written(duplicates=1)
    assert stored(orders) == before


def test_late(orders: OrdersTable) -> None:
    """A late event joins the history and does not move the snapshot back."""
    write(orders, event(20, status="DISPATCHED"))
    assert write(orders, event(12)) == Written(stored=1, late=1)
    assert (stored(orders).status, stored(orders).sequence) == ("DISPATCHED", 1)
    assert len(stored(orders).history) == 2


def test_conflict(orders: OrdersTable) -> None:
    """Another body at the same status and time is stored, and counted."""
    write(orders, event(12))
    assert write(orders, event(12, comment="Ring twice")).conflicts == 1
    assert stored(orders).conflicts == 1


def test_batch(orders: OrdersTable) -> None:
    """A batch of one order is one write, of what is new in it."""
    write(orders, event(12))
    batch = [event(13, status="ACCEPTED"), event(12), event(20, status="DISPATCHED"), event(20, status="DISPATCHED")]
    assert write(orders, *batch) == Written(stored=2, duplicates=2)
    assert stored(orders).version == 2


def test_confirmed(orders: OrdersTable) -> None:
    """Of two events with one clock, the one that a GET showed last is the snapshot."""
    one, other = event(12, comment="one"), event(12, comment="two")
    write(orders, one, other)
    for number, shown in enumerate((one, other, one), start=1):
        arrival = Arrival("reconciliation", NOW, "c", shown_at=NOW + timedelta(minutes=number))
        orders.write([(shown, arrival)])
        assert stored(orders).snapshot.digest == shown.digest
    assert len(stored(orders).history) == 2


def test_long_history(orders: OrdersTable, dynamodb: Any) -> None:
    """Older bodies move out of the order's row, and come back with it."""
    events = [event(12 + number, comment=incompressible(4_000, number)) for number in range(20)]
    for one in events:
        write(orders, one)
    assert {entry.body for entry in stored(orders).history} == {one.body for one in events}
    rows = dynamodb.query(
        TableName=TABLE,
        KeyConditionExpression="pk = :pk",
        ExpressionAttributeValues={":pk": {"S": f"ORDER#{ORDER_ID}"}},
    )["Items"]
    [head] = [row for row in rows if row["sk"]["S"] == "ORDER"]
    assert len(rows) > 1
    assert int(head["body_bytes"]["N"]) <= ROW_BODIES_BYTES + INLINE_BODY_BYTES


def test_large_body(orders: OrdersTable) -> None:
    """A body that is large at once has a row of its own."""
    large = event(12, comment=incompressible(6 * INLINE_BODY_BYTES))
    write(orders, large)
    assert orders.body(ORDER_ID, large.digest) == stored(orders).snapshot.body == large.body


def test_erased(orders: OrdersTable, dynamodb: Any) -> None:
    """An erased order keeps its events without the customer, and so does what comes after."""
    write(orders, event(12, comment="of Amina"), event(13, comment=f"of Amina {incompressible(12_000)}"))
    assert Erasure(dynamodb, TABLE, lambda _: True, clock).erase_order(ORDER_ID) == 2
    write(orders, event(20, status="DISPATCHED", comment="of Amina"))
    assert [entry.is_redacted for entry in stored(orders).history] == [True, True, True]
    assert not any(b"Amina" in (entry.body or b"Amina") for entry in stored(orders).history)
    assert event(12, comment="of Amina").digest in stored(orders).digests


def test_publish_again(orders: OrdersTable) -> None:
    """Publishing again raises the sequence of an order that is there."""
    assert not orders.publish_again(ORDER_ID)
    write(orders, event(12))
    assert orders.publish_again(ORDER_ID)
    assert (stored(orders).sequence, stored(orders).republished) == (2, 2)


def at(minute: int, order_id: str, **fields: Any) -> OrderEvent:
    time = f"2026-10-14T08:{minute}:00.000Z"
    return event(order_id=order_id, sys={"created_at": time, "updated_at": time}, **fields)


def test_indexes(orders: OrdersTable) -> None:
    """Orders are found by number, by code, by store and time, and while they are open."""
    write(orders, at(12, "a", external_order_id="n-1", order_code="0417", client={"store_id": "q7xk"}))
    dispatched: dict[str, Any] = {"status": "DISPATCHED", "external_order_id": "n-2", "order_code": "0417"}
    write(orders, at(20, "b", client={"store_id": "q7xk"}, **dispatched))
    write(orders, at(30, "c", external_order_id="n-3", order_code="0001", client={"store_id": "n9wz"}))
    write(orders, at(40, "d", external_order_id="n-4", order_code="0002", client={}))
    start = NOW - timedelta(hours=1)
    assert orders.by_external_order_id("n-2") == ["b"]
    assert orders.by_external_order_id("n-9") == []
    assert orders.by_order_code("q7xk", "0417") == ["b", "a"]
    assert orders.by_order_code("q7xk", "0417", limit=1) == ["b"]
    assert orders.of_store("q7xk", start, NOW) == ["a", "b"]
    assert orders.of_store("q7xk", start + timedelta(minutes=20), NOW) == ["b"]
    assert [orders.newest_of("q7xk", most) for most in (1, 2, 9)] == [["b"], ["b", "a"], ["b", "a"]]
    assert orders.stores_with_orders(start, NOW) == {"q7xk", "n9wz", ""}
    assert orders.open_since(start) == ["a", "c", "d"]
    write(orders, event(50, order_id="a", status="CANCELLED", client={"store_id": "q7xk"}))
    assert orders.open_since(start) == ["c", "d"]
