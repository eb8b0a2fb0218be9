"""An order merged anew from its history: what is mended, and what stays."""

from datetime import timedelta
from typing import Any

import pytest

from partner_orders.aws import keys
from partner_orders.aws.attribute_values import Row
from partner_orders.aws.dynamodb import Table
from partner_orders.aws.update import Update
from partner_orders.clock import to_text
from partner_orders.orders.erasure import Erasure
from partner_orders.orders.event import Arrival, OrderEvent, parse_event
from partner_orders.orders.rebuilding import IncompleteHistoryError
from partner_orders.orders.stored import snapshot_digest
from partner_orders.orders.table import MAX_WRITES, ContendedError, OrdersTable
from tests.support.fixed_clock import NOW, clock
from tests.support.orders import LARGE, as_bytes, order
from tests.support.orders_table import TABLE

ARRIVAL = Arrival("webhook", NOW, "correlation-1")
KEY = keys.order("a")


def event(minute: int | None = None, **fields: Any) -> OrderEvent:
    return parse_event(as_bytes(order(minute, order_id="a", **fields)))


def row_of(dynamodb: Any) -> Row:
    row = Table(dynamodb, TABLE).get(KEY)
    assert row is not None
    return row


def damage(dynamodb: Any, **attributes: Any) -> None:
    """Set attributes of the order's row; None removes one."""
    Table(dynamodb, TABLE).update(KEY, Update().set_all(attributes).increment("version"))


def test_damaged_row_is_mended(orders: OrdersTable, dynamodb: Any) -> None:
    """A rebuild gives what differs, before and after; it mends that and tells subscribers, and a preview does not."""
    orders.write([(event(12), ARRIVAL), (event(13, status="DISPATCHED"), ARRIVAL)])
    before = row_of(dynamodb)
    assert orders.rebuild("a") == {}
    assert row_of(dynamodb) == before
    wrong = {"status": "RECEIVED", "open": "OPEN#q7xk", "store_id": None, "listed_at": to_text(NOW)}
    damage(dynamodb, schema_version=1, **wrong)
    damaged = row_of(dynamodb)
    changes = {
        "status": ("RECEIVED", "DISPATCHED"),
        "open": ("OPEN#q7xk", None),
        "store_id": (None, "q7xk"),
        "listed_at": (to_text(NOW), "2026-10-14T08:12:44.107000Z"),
    }
    assert orders.rebuild("a", is_preview=True) == changes
    assert row_of(dynamodb) == damaged
    assert orders.rebuild("a") == changes
    assert row_of(dynamodb) == before | {"version": damaged["version"] + 1, "sequence": 2}


@pytest.mark.parametrize("listed_at", ["2026-10-14T07:00:00.000000Z", None])
def test_untimed_order_stays_where_it_is(orders: OrdersTable, dynamodb: Any, listed_at: str | None) -> None:
    """An order without any time of the platform's stays listed where it is, or else by when its snapshot came."""
    orders.write([(event(sys=None), ARRIVAL)])
    damage(dynamodb, status="PACKED", listed_at=listed_at)
    changed = {} if listed_at else {"listed_at": (None, to_text(NOW))}
    assert orders.rebuild("a") == {"status": ("PACKED", "RECEIVED")} | changed
    assert row_of(dynamodb)["listed_at"] == listed_at or to_text(NOW)


def test_events_stay_under_their_digests(orders: OrdersTable, dynamodb: Any) -> None:
    """An event that is stored under a digest of other rules than today's stays the snapshot by that digest."""
    first, last = event(12), event(13)
    orders.write([(first, ARRIVAL), (last, ARRIVAL)])
    row, older = row_of(dynamodb), "0.of-older-rules"
    row[f"e#{older}"] = row.pop(f"e#{last.digest}")
    row["snapshot_key"] = row["snapshot_key"].replace(last.digest, older)
    Table(dynamodb, TABLE).put(KEY, row)
    assert orders.rebuild("a") == {}
    damage(dynamodb, snapshot_key=first.snapshot_key)
    assert (orders.rebuild("a") or {}).keys() == {"snapshot_key"}
    assert snapshot_digest(row_of(dynamodb)["snapshot_key"]) == older


# -- orders that cannot be rebuilt --------------------------------------------------------------------------------


def test_unknown_order(orders: OrdersTable) -> None:
    """There is nothing to rebuild of an order that is not there."""
    assert orders.rebuild("a") is None


def test_order_without_a_body(orders: OrdersTable, dynamodb: Any) -> None:
    """An order of which a body is gone is not rebuilt, and the error says why."""
    large = event(13, **LARGE)
    orders.write([(event(12), ARRIVAL), (large, ARRIVAL)])
    Table(dynamodb, TABLE).delete(keys.order_event("a", large.digest))
    with pytest.raises(IncompleteHistoryError, match=r"^the body of an event is gone$"):
        orders.rebuild("a")


def test_erased_order(orders: OrdersTable, dynamodb: Any) -> None:
    """An order whose customer was erased is not rebuilt, and the error says why."""
    orders.write([(event(12), ARRIVAL)])
    Erasure(dynamodb, TABLE, lambda _: True, clock).erase_order("a")
    with pytest.raises(IncompleteHistoryError, match=r"^its customer was erased, and the bodies with them$"):
        orders.rebuild("a")


# -- whoever writes in between ------------------------------------------------------------------------------------


def test_order_that_expires_meanwhile(orders: OrdersTable, dynamodb: Any) -> None:
    """An order that expires while it is read counts as not there."""
    orders.write([(event(12), ARRIVAL)])

    def expire(**_: Any) -> None:
        dynamodb.delete_item(TableName=TABLE, Key={"pk": {"S": KEY.pk}, "sk": {"S": KEY.sk}})

    dynamodb.meta.events.register("before-call.dynamodb.GetItem", expire)
    assert orders.rebuild("a") is None


def test_event_that_comes_while_it_is_read(orders: OrdersTable, dynamodb: Any) -> None:
    """An event that is written between the two reads is merged, too."""
    orders.write([(event(12), ARRIVAL)])
    damage(dynamodb, order_code="9999")
    later = event(13, status="DELIVERED")

    def come(**_: Any) -> None:
        dynamodb.meta.events.unregister("before-call.dynamodb.GetItem", come)
        orders.write([(later, ARRIVAL)])
        damage(dynamodb, status="DISPATCHED")

    dynamodb.meta.events.register("before-call.dynamodb.GetItem", come)
    assert orders.rebuild("a") == {"status": ("DISPATCHED", "DELIVERED")}
    assert row_of(dynamodb)["snapshot_key"] == later.snapshot_key


def test_rebuild_that_never_wins(orders: OrdersTable, dynamodb: Any) -> None:
    """A rebuild that is overtaken again and again ends with an error that says so, and changes nothing."""
    orders.write([(event(12), ARRIVAL)])
    damage(dynamodb, order_code="9999")
    overtaken = 0

    def overtake(params: dict[str, Any], **_: Any) -> None:
        nonlocal overtaken
        if "ConditionExpression" in params:
            overtaken += 1
            damage(dynamodb, order_code=f"{overtaken}")

    dynamodb.meta.events.register("provide-client-params.dynamodb.UpdateItem", overtake)
    with pytest.raises(ContendedError, match=r"^concurrent writes of an order won every time$"):
        orders.rebuild("a")
    assert (overtaken, row_of(dynamodb)["order_code"]) == (MAX_WRITES, f"{MAX_WRITES}")


def test_rebuilt_order_keeps_how_its_snapshot_came(orders: OrdersTable, dynamodb: Any) -> None:
    """The snapshot that a GET confirmed stays the one, though another event of its clock says more."""
    first, second = event(12, comment="one", extra="says more"), event(12, comment="two")
    orders.write([(first, ARRIVAL)])
    shown_at = NOW + timedelta(minutes=1)
    orders.write([(second, Arrival("reconciliation", NOW, "c", shown_at=shown_at))])
    damage(dynamodb, snapshot_key=first.snapshot_key)
    assert orders.rebuild("a") == {"snapshot_key": (first.snapshot_key, second.snapshot_key_at(shown_at))}
