"""Messages and items as earlier versions wrote them are taken by this one."""

import base64
import json
import zlib
from typing import Any

import pytest

from partner_orders.clock import to_text
from partner_orders.order_events.message import OrderEventMessage
from partner_orders.orders.event import Arrival, parse_event
from partner_orders.orders.packed_body import pack
from partner_orders.orders.table import OrdersTable, Written
from partner_orders.publisher.publish import Publisher
from tests.support.fixed_clock import NOW, clock
from tests.support.orders import as_bytes, order
from tests.support.orders_table import RETENTION, TABLE

ARRIVAL = Arrival("webhook", NOW, "c1")


def item_before_changes_were_counted(body: dict[str, Any]) -> dict[str, Any]:
    """An order as it was stored before `sequence` was there."""
    event = parse_event(as_bytes(body))
    entry = {"status": event.status, "received_at": to_text(NOW), "source": "webhook", "correlation_id": "c0"}
    entry["occurred_at"] = to_text(event.occurred_at) if event.occurred_at else ""
    texts: dict[str, Any] = {name: {"S": text} for name, text in entry.items()}
    return {
        "pk": {"S": f"ORDER#{event.order_id}"},
        "sk": {"S": "ORDER"},
        "schema_version": {"N": "1"},
        "version": {"N": "1"},
        "body_bytes": {"N": "300"},
        "snapshot_key": {"S": event.snapshot_key},
        "status": {"S": event.status},
        "occurred_at": {"S": entry["occurred_at"]},
        "listed_at": {"S": "2026-10-14T08:12:44.107000Z"},
        "listed_under": {"S": "STORE#q7xk"},
        "store_id": {"S": "q7xk"},
        "open": {"S": "OPEN"},
        "expires_at": {"N": "1826353964"},
        f"e#{event.digest}": {"M": texts | {"body": {"B": pack(event.body)}}},
    }


def test_version_1_message_is_read() -> None:
    """A message of version 1 is read as it was written."""
    body = as_bytes(order())
    text = json.dumps(
        {
            "schema_version": 1,
            "source": "webhook",
            "received_at": "2026-03-14T08:12:46.000000Z",
            "correlation_id": "request-1",
            "body": base64.b64encode(zlib.compress(body)).decode(),
        }
    )
    assert OrderEventMessage.from_text(text).body == body


@pytest.mark.parametrize("minute", [5, 30])
def test_order_without_a_sequence_is_merged(dynamodb: Any, minute: int) -> None:
    """An order stored before changes were counted is merged, and its changes count from then on."""
    dynamodb.put_item(TableName=TABLE, Item=item_before_changes_were_counted(order(12)))
    orders = OrdersTable(dynamodb, TABLE, RETENTION, clock)
    before = orders.get(order()["order_id"])
    assert before is not None
    assert before.sequence == 0
    moves = minute > 12
    written = orders.write([(parse_event(as_bytes(order(minute, comment="another"))), ARRIVAL)])
    assert written == Written(stored=1, late=0 if moves else 1)
    after = orders.get(order()["order_id"])
    assert after is not None
    assert (after.sequence, len(after.history)) == (1 if moves else 0, 2)


def test_old_image_is_published(dynamodb: Any) -> None:
    """The publisher accepts an image from before changes were counted."""
    old = item_before_changes_were_counted(order(12))
    change = {"Keys": {"pk": old["pk"], "sk": old["sk"]}, "SequenceNumber": "1"}
    record = {
        "dynamodb": change | {"NewImage": json.loads(json.dumps(old, default=lambda b: base64.b64encode(b).decode()))}
    }

    class Bus:
        def put(self, events: list[Any]) -> list[tuple[str, str]]:
            return [("put", "") for _ in events]

    bus: Any = Bus()
    letters: Any = None
    publisher = Publisher(OrdersTable(dynamodb, TABLE, RETENTION, clock), bus, letters, personal_data=False)
    assert publisher.process([record], lambda: 60.0).counts["Published"] == 1
