"""What people, the desk and the console read of orders: every event once, in the order that they are promised."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from partner_orders.aws import keys
from partner_orders.aws.dynamodb import Table
from partner_orders.orders import table
from partner_orders.orders.erasure import Erasure
from partner_orders.orders.event import Arrival, OrderEvent, parse_event
from partner_orders.orders.queries import MAX_ID_BYTES
from partner_orders.orders.stored import KnownOrder, Showing, StoredOrder, showing, stored_order
from partner_orders.orders.table import OrdersTable
from tests.support.contracts import stale_orders_table
from tests.support.fixed_clock import NOW, clock
from tests.support.orders import LARGE, as_bytes, order
from tests.support.orders_table import RETENTION, TABLE, Calls

ARRIVAL = Arrival("webhook", NOW, "correlation-1")
AN_HOUR_AGO = NOW - timedelta(hours=1)


@pytest.fixture(autouse=True)
def short_history(monkeypatch: pytest.MonkeyPatch) -> None:
    """The fourth event of an order sends the older ones to rows of their own."""
    monkeypatch.setattr(table, "MAX_ENTRIES", 3)


def event(minute: int | None = None, **fields: Any) -> OrderEvent:
    return parse_event(as_bytes(order(minute, **fields)))


def write(orders: OrdersTable, *events: OrderEvent) -> None:
    for one in events:
        orders.write([(one, ARRIVAL)])


def created(order_id: str, minute: int, **fields: Any) -> OrderEvent:
    at = f"2026-10-14T08:{minute:02d}:00.000Z"
    return event(order_id=order_id, sys={"created_at": at, "updated_at": at}, **fields)


def with_moved_entries(orders: OrdersTable, order_id: str) -> list[OrderEvent]:
    """The events of an order of which all but the last have moved."""
    events = [event(12 + number, order_id=order_id, comment=f"{number}") for number in range(4)]
    write(orders, *events)
    return events


def stored(orders: OrdersTable, order_id: str) -> StoredOrder:
    found = orders.get(order_id)
    assert found is not None
    return found


def row_of(dynamodb: Any, order_id: str) -> dict[str, Any]:
    row = Table(dynamodb, TABLE).get(keys.order(order_id))
    assert row is not None
    return row


# -- whole orders -------------------------------------------------------------------------------------------------


def test_order_is_read_without_its_answers(orders: OrdersTable, dynamodb: Any) -> None:
    """The answers to an order are no part of its history."""
    write(orders, event(12, order_id="a"))
    before = stored(orders, "a")
    Table(dynamodb, TABLE).put(keys.answers("a"), {"schema_version": 1})
    assert stored(orders, "a") == before


def test_order_is_read_as_just_written() -> None:
    """An order is read with what was written a moment ago, alone and among many, and counts as erased at once."""
    dynamodb = stale_orders_table()
    orders = OrdersTable(dynamodb, TABLE, RETENTION)
    first, large = event(12, order_id="a"), event(13, order_id="a", **LARGE)
    write(orders, first, large)
    assert [entry.body for entry in stored(orders, "a").history] == [first.body, large.body]
    assert [*orders.many(["a"])] == [stored(orders, "a")]
    Erasure(dynamodb, TABLE, lambda _: True, clock).erase_order("a")
    assert orders.erased_among(["a"]) == {"a"}


def test_many_orders_are_read_whole(orders: OrdersTable, dynamodb: Any) -> None:
    """Of many orders each is read as it would be alone, those with rows of their own by one request more."""
    write(orders, event(12, order_id="small"), event(12, order_id="large"), event(13, order_id="large", **LARGE))
    with_moved_entries(orders, "long")
    calls = Calls(dynamodb)
    found = {one.order_id: one for one in orders.many(["small", "large", "nobody", "long", "small"])}
    assert calls.made == ["BatchGetItem", "Query", "Query"]
    assert found == {name: stored(orders, name) for name in ("small", "large", "long")}
    assert [len(found[name].history) for name in ("small", "large", "long")] == [1, 2, 4]
    assert all(entry.body for one in found.values() for entry in one.history)


def test_order_that_goes_meanwhile_is_left_out(orders: OrdersTable, dynamodb: Any) -> None:
    """An order that expires between the two requests that read it is left out, and the others are read."""
    with_moved_entries(orders, "a")
    write(orders, event(12, order_id="b"))

    def expire(**_: Any) -> None:
        dynamodb.delete_item(TableName=TABLE, Key={"pk": {"S": "ORDER#a"}, "sk": {"S": "ORDER"}})

    dynamodb.meta.events.register("before-call.dynamodb.Query", expire)
    assert [one.order_id for one in orders.many(["a", "b"])] == ["b"]


def test_stored_order_is_whole(orders: OrdersTable) -> None:
    """An order has every attribute of its row, and a history in the order of the platform's clock, which begins with
    the events that have none."""
    write(orders, event(13, order_id="a"), event(12, order_id="a"), event(order_id="a", status="ACCEPTED", sys=None))
    found = stored(orders, "a")
    assert [entry.occurred_at for entry in found.history] == [
        None,
        "2026-10-14T08:12:00.000000Z",
        "2026-10-14T08:13:00.000000Z",
    ]
    assert found == StoredOrder(
        order_id="a",
        snapshot_key=event(13, order_id="a").snapshot_key,
        status="RECEIVED",
        post_picked_up=None,
        version=3,
        sequence=1,
        republished=0,
        attributes={
            "pk": "ORDER#a",
            "sk": "ORDER",
            "snapshot_key": found.snapshot_key,
            "status": "RECEIVED",
            "occurred_at": "2026-10-14T08:13:00.000000Z",
            "listed_at": "2026-10-14T08:12:44.107000Z",
            "listed_under": "STORE#q7xk",
            "store_id": "q7xk",
            "chain_id": order()["client"]["chain_id"],
            "external_order_id": "k4vd-2611-r8mz",
            "order_code": "0417",
            "store_order_code": "q7xk#0417",
            "open": "OPEN#q7xk",
        },
        history=found.history,
    )


@pytest.mark.privacy
def test_shown_order_has_no_body(orders: OrdersTable) -> None:
    """What a log or an error shows of an order has its events and none of their bodies, which name the customer."""
    write(orders, event(12, order_id="a"))
    shown = repr(stored(orders, "a"))
    assert (stored(orders, "a").snapshot.digest in shown, "Amna" in shown) == (True, False)


def test_moved_statuses_decide_the_sale(orders: OrdersTable, dynamodb: Any) -> None:
    """A row alone tells whether a cancelled order is a sale, also if the event that says so has moved out of it."""
    dispatched = event(12, order_id="a", status="DISPATCHED")
    write(orders, dispatched, *(event(minute, order_id="a", status="CANCELLED") for minute in (13, 14, 15)))
    assert orders.has_moved("a", dispatched.digest)
    assert stored_order(row_of(dynamodb, "a")).sale == stored(orders, "a").sale == "yes"


@pytest.mark.parametrize("source", ["webhook", "reconciliation", "replay", "answer"])
def test_sale_does_not_depend_on_who_told(orders: OrdersTable, source: str) -> None:
    """A cancelled order is a sale by its history, whichever way the event that says so has come."""
    orders.write([(event(12, order_id="a", status="DISPATCHED"), Arrival(source, NOW, "c"))])
    write(orders, event(13, order_id="a", status="CANCELLED"))
    assert (stored(orders, "a").sale, stored(orders, "a").disputed) == ("yes", True)


# -- what is known of orders ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("sys", [order()["sys"], None], ids=["timed", "untimed"])
def test_known_order_is_whole(orders: OrdersTable, sys: Any) -> None:
    """What is known of an order tells its store, its events, and which of them a GET showed when."""
    first, shown = event(order_id="a", sys=sys), event(order_id="a", sys=sys, comment="shown")
    other = event(12, order_id="b", client={}, status="ACCEPTED")
    shown_at = NOW + timedelta(minutes=1)
    write(orders, first, other)
    orders.write([(shown, Arrival("reconciliation", NOW, "c", shown_at))])
    occurred_at = "2026-10-14T08:12:44.107000Z" if sys else None
    assert showing(shown, shown_at) == Showing(shown.digest, "RECEIVED", occurred_at, shown_at)
    assert orders.known(["a", "b", "nobody"]) == {
        "a": KnownOrder(
            store_id="q7xk",
            listed_at=shown.order.sys.created_at or NOW,
            statuses=frozenset({"RECEIVED"}),
            digests=frozenset({first.digest, shown.digest}),
            snapshot_key=shown.snapshot_key_at(shown_at),
            has_moved=False,
            showings=frozenset({showing(shown, shown_at)}),
        ),
        "b": KnownOrder(
            store_id=None,
            listed_at=NOW - timedelta(minutes=47, seconds=15, milliseconds=893),
            statuses=frozenset({"ACCEPTED"}),
            digests=frozenset({other.digest}),
            snapshot_key=other.snapshot_key,
            has_moved=False,
            showings=frozenset(),
        ),
    }


def test_known_order_says_what_has_moved(orders: OrdersTable) -> None:
    """Of a long history it is known that some has moved; an event tells whether it has."""
    *moved, last = with_moved_entries(orders, "a")
    large = event(12, order_id="b", **LARGE)
    write(orders, large)
    known = orders.known(["a", "b"])
    assert (known["a"].has_moved, known["a"].digests) == (True, frozenset({last.digest}))
    assert (known["b"].has_moved, known["b"].digests) == (False, frozenset({large.digest}))
    assert [orders.has_moved("a", one.digest) for one in (*moved, last)] == [True, True, True, False]
    assert not orders.has_moved("b", large.digest)


def test_body_of_its_own_row(orders: OrdersTable) -> None:
    """A body is read by its event where it has a row of its own, and nowhere else."""
    small, large = event(12, order_id="a"), event(13, order_id="a", **LARGE)
    write(orders, small, large)
    assert (orders.body("a", large.digest), orders.body("a", small.digest)) == (large.body, None)


def test_ids_that_can_be_no_key(orders: OrdersTable, dynamodb: Any) -> None:
    """Whether an order was erased is not asked of ids that DynamoDB takes for no key."""
    calls = Calls(dynamodb)
    assert orders.erased_among(["x" * (MAX_ID_BYTES + 1), "\ud800"]) == set()
    assert calls.made == []


# -- lists ------------------------------------------------------------------------------------------------------


@pytest.fixture
def day(orders: OrdersTable) -> OrdersTable:
    """Five orders of two stores, and of none."""
    here, there = {"store_id": "q7xk"}, {"store_id": "n9wz"}
    write(
        orders,
        created("a", 12, client=here, status="COMPLETED"),
        created("b", 20, client=here, status="DISPATCHED"),
        created("c", 30, client=there),
        created("d", 40, client=here),
        created("e", 50, client={}),
    )
    return orders


def test_stores_with_orders(day: OrdersTable) -> None:
    """The stores are those of the orders of a period; one is empty where orders name none."""
    assert day.stores_with_orders(AN_HOUR_AGO, NOW) == {"q7xk", "n9wz", ""}
    assert day.stores_with_orders(AN_HOUR_AGO, NOW - timedelta(minutes=35)) == {"q7xk"}


def test_ten_orders_of_a_code(orders: OrdersTable) -> None:
    """Of a code that was used over and over the ten newest orders are given."""
    write(orders, *(created(f"{minute}", minute, client={"store_id": "q7xk"}) for minute in range(11)))
    assert orders.by_order_code("q7xk", "0417") == [f"{minute}" for minute in range(10, 0, -1)]


def test_newest_orders_of_a_store(day: OrdersTable) -> None:
    """The newest orders of a store are listed by their creation, newest first."""
    assert day.newest_of("q7xk", 10) == ["d", "b", "a"]
    assert day.newest_of("q7xk", 2) == ["d", "b"]


def test_open_orders_of_a_store(day: OrdersTable) -> None:
    """The open orders of a store are those of a known status and of an unknown one, oldest first."""
    write(day, created("f", 45, client={"store_id": "q7xk"}, status="COMPLETED"))
    assert day.open_since(AN_HOUR_AGO, "q7xk") == ["a", "d", "f"]
    assert day.open_since(AN_HOUR_AGO, "n9wz") == ["c"]
    assert day.open_since(AN_HOUR_AGO) == ["a", "c", "d", "f", "e"]


# -- what was last said of a store's orders -------------------------------------------------------------------------


def digests(events: Iterator[OrderEvent]) -> list[str]:
    return [one.digest for one in events]


def test_newest_events_are_of_the_newest_orders(day: OrdersTable, dynamodb: Any) -> None:
    """The newest events are the snapshots of the newest orders, newest first, also if one expires meanwhile."""
    write(day, created("g", 55, client={"store_id": "q7xk"}, **LARGE))
    assert [one.order_id for one in day.newest_events("q7xk", 10)] == ["g", "d", "b", "a"]
    assert [one.order_id for one in day.newest_events("q7xk", 2)] == ["g", "d"]

    def expire(**_: Any) -> None:
        dynamodb.delete_item(TableName=TABLE, Key={"pk": {"S": "ORDER#d"}, "sk": {"S": "ORDER"}})

    dynamodb.meta.events.register("before-call.dynamodb.GetItem", expire)
    assert [one.order_id for one in day.newest_events("q7xk", 10)] == ["g", "b", "a"]


@pytest.mark.parametrize(
    ("others", "snapshot", "later"),
    [
        ([event(11)], event(12), []),
        ([event(12, comment="less", items=[])], event(12), []),
        ([event(12), event(14)], event(13, status="DELIVERED"), [event(14)]),
        ([event(12)], event(sys=None, status="DELIVERED"), [event(12)]),
        ([event(sys=None)], event(12), []),
        ([event(sys=None)], event(sys=None, status="DELIVERED"), []),
    ],
    ids=["earlier", "same clock", "later", "untimed snapshot", "untimed event", "both untimed"],
)
def test_newest_events_of_an_order(
    orders: OrdersTable, others: list[OrderEvent], snapshot: OrderEvent, later: list[OrderEvent]
) -> None:
    """Of an order its snapshot and the events of a later clock are told, and none that came before it."""
    write(orders, *others, snapshot)
    assert stored(orders, snapshot.order_id).snapshot.digest == snapshot.digest
    assert {*digests(orders.newest_events("q7xk", 10))} == {snapshot.digest, *(one.digest for one in later)}


def test_newest_events_without_a_body(orders: OrdersTable, dynamodb: Any) -> None:
    """An event whose body has gone is left out, and the others are told."""
    small, large = event(13), event(12, status="DELIVERED", **LARGE)
    write(orders, large, small)
    Table(dynamodb, TABLE).delete(keys.order_event(large.order_id, large.digest))
    assert digests(orders.newest_events("q7xk", 10)) == [small.digest]
