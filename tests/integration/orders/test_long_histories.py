"""Orders with hundreds of events: what moves and erases them stays within what DynamoDB takes in one call."""

import json
from hashlib import sha256
from typing import Any

import pytest

from partner_orders.orders.erasure import Erasure
from partner_orders.orders.event import Arrival, OrderEvent, parse_event
from partner_orders.orders.packed_body import unpack
from partner_orders.orders.table import MAX_MOVED, ROW_BODIES_BYTES, OrdersTable
from tests.support.fixed_clock import NOW, clock
from tests.support.orders import as_bytes, order
from tests.support.orders_table import TABLE

pytestmark = pytest.mark.limits

ARRIVAL = Arrival("webhook", NOW, "correlation-1")


def write(orders: OrdersTable, events: list[OrderEvent]) -> None:
    for first in range(0, len(events), 10):
        orders.write([(event, ARRIVAL) for event in events[first : first + 10]])


def item_of(dynamodb: Any, order_id: str) -> dict[str, Any]:
    key = {"pk": {"S": f"ORDER#{order_id}"}, "sk": {"S": "ORDER"}}
    item: dict[str, Any] = dynamodb.get_item(TableName=TABLE, Key=key)["Item"]
    return item


@pytest.mark.slow
def test_order_with_a_long_history_is_erased(dynamodb: Any, orders: OrdersTable) -> None:
    """An order with hundreds of events can be erased, and only personal data goes."""
    events = [parse_event(as_bytes(order(comment=f"of Amina {number}"))) for number in range(200)]
    write(orders, events)
    before = orders.get(events[0].order_id)
    assert Erasure(dynamodb, TABLE, lambda _: True, clock).erase_order(events[0].order_id) == len(events)
    after = orders.get(events[0].order_id)
    assert before is not None
    assert after is not None
    assert (after.digests, after.snapshot_key, after.sequence) == (before.digests, before.snapshot_key, before.sequence)
    assert all(entry.is_redacted and b"Amina" not in (entry.body or b"Amina") for entry in after.history)
    item = item_of(dynamodb, events[0].order_id)
    inline = [value["M"]["body"]["B"] for name, value in item.items() if name[:2] == "e#" and "body" in value["M"]]
    assert int(item["body_bytes"]["N"]) == sum(map(len, inline))
    assert not any(b"Amina" in unpack(packed) for packed in inline)


def test_publishing_again_during_an_erasure(dynamodb: Any, orders: OrdersTable) -> None:
    """An order that is to be published again while it is erased is both erased and published."""
    event = parse_event(as_bytes(order(comment="of Amina")))
    write(orders, [event])

    def ask(**_: Any) -> None:
        dynamodb.meta.events.unregister("before-call.dynamodb.PutItem", ask)
        orders.publish_again(event.order_id)

    dynamodb.meta.events.register("before-call.dynamodb.PutItem", ask)
    Erasure(dynamodb, TABLE, lambda _: True, clock).erase_order(event.order_id)
    item = item_of(dynamodb, event.order_id)
    assert (item["sequence"], item["republished"]) == ({"N": "2"}, {"N": "2"})
    assert "erased_at" in item


@pytest.mark.slow
def test_tiny_bodies_move_out_in_steps(dynamodb: Any, orders: OrdersTable) -> None:
    """Hundreds of tiny bodies move out of the row in several steps."""
    events = [
        parse_event(json.dumps({"order_id": "tiny", "status": "A", "x": sha256(b"%d" % number).hexdigest()}).encode())
        for number in range(520)
    ]
    write(orders, events)
    item = item_of(dynamodb, "tiny")
    assert int(item["body_bytes"]["N"]) <= ROW_BODIES_BYTES
    assert len(dynamodb.scan(TableName=TABLE)["Items"]) > MAX_MOVED
    found = orders.get("tiny")
    assert found is not None
    assert {entry.body for entry in found.history} == {event.body for event in events}
