"""What the reconciler asks of the orders table: the fake in memory answers as the table does."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from partner_orders.orders.event import Arrival, OrderEvent, parse_event
from partner_orders.orders.stored import KnownOrder, showing
from partner_orders.orders.table import OrdersTable
from partner_orders.reconciler.ports import KnownOrders
from tests.support.contracts import FAKE, LOCAL, MOTO, dynamodb_by
from tests.support.in_memory import MemoryOrders
from tests.support.orders import as_bytes, order
from tests.support.orders_table import RETENTION, TABLE
from tests.support.platform import VirtualTime

EIGHT = datetime(2026, 10, 14, 8, tzinfo=UTC)

type Put = Callable[..., object]
type Orders = tuple[KnownOrders, Put]


@pytest.fixture(params=[FAKE, MOTO, LOCAL])
def orders(request: pytest.FixtureRequest, time: VirtualTime) -> Iterator[Orders]:
    """The orders, and how an event gets there, with the time at which a GET showed it if one did."""
    if request.param == FAKE:
        memory = MemoryOrders(time)
        yield memory, lambda event, shown_at=None: memory.put(event.body, shown_at)
        return
    with dynamodb_by(request) as dynamodb:
        table = OrdersTable(dynamodb, TABLE, RETENTION)
        yield table, lambda event, shown_at=None: table.write([(event, Arrival("webhook", time.now(), "c", shown_at))])


def at(minute: int, order_id: str, **fields: Any) -> OrderEvent:
    """An event of an order that was created at that minute past eight."""
    time = f"2026-10-14T08:{minute:02}:00.000Z"
    return parse_event(
        as_bytes(order(order_id=order_id, **{"sys": {"created_at": time, "updated_at": time}, **fields}))
    )


def minute(past: int) -> datetime:
    return EIGHT + timedelta(minutes=past)


def test_known(orders: Orders) -> None:
    """Of each order: its store, its time, its statuses and digests; one that is not there is left out."""
    known, put = orders
    events = [at(12, "a"), at(12, "a", status="DISPATCHED"), at(20, "b", client={"store_id": "n9wz"})]
    for event in events:
        put(event)
    assert known.known(["a", "b", "nobody"]) == {
        "a": KnownOrder(
            "q7xk",
            minute(12),
            frozenset({"RECEIVED", "DISPATCHED"}),
            frozenset({events[0].digest, events[1].digest}),
            events[1].snapshot_key,
            has_moved=False,
        ),
        "b": KnownOrder(
            "n9wz",
            minute(20),
            frozenset({"RECEIVED"}),
            frozenset({events[2].digest}),
            events[2].snapshot_key,
            has_moved=False,
        ),
    }


def test_showings(orders: Orders) -> None:
    """Which events a GET has shown, and when it last did."""
    known, put = orders
    received, ready = at(12, "a"), at(12, "a", status="READY_FOR_PICKUP")
    put(received, minute(13))
    put(ready)
    assert known.known(["a"])["a"].showings == {showing(received, minute(13))}
    put(received, minute(20))
    put(ready, minute(21))
    assert known.known(["a"])["a"].showings == {showing(received, minute(20)), showing(ready, minute(21))}


def test_store_by_code(orders: Orders) -> None:
    """An order that names its store by the chain's code alone is listed under that."""
    known, put = orders
    put(at(12, "a", client={"external_partner_config_id": "GB-CLIFTON-01"}))
    assert known.known(["a"])["a"].store_id == "GB-CLIFTON-01"
    assert known.newest_of_store("GB-CLIFTON-01", EIGHT, minute(59)) == minute(12)


def test_get(orders: Orders) -> None:
    """The newest event is the snapshot, whatever came last."""
    known, put = orders
    newest = at(12, "a", status="DISPATCHED")
    put(newest)
    put(at(12, "a"))
    found = known.get("a")
    assert found is not None
    assert (found.status, found.snapshot.digest, found.snapshot.body) == ("DISPATCHED", newest.digest, newest.body)
    assert [entry.status for entry in found.history] == ["RECEIVED", "DISPATCHED"]
    assert known.get("nobody") is None


def test_open_of_store(orders: Orders) -> None:
    """A store's open orders between two times, both included, until they are not open any more."""
    known, put = orders
    elsewhere = at(15, "d", client={"store_id": "n9wz"})
    for event in (at(30, "c"), at(12, "a"), at(20, "b", status="DISPATCHED"), elsewhere):
        put(event)
    end = minute(59)
    assert known.open_of_store("q7xk", EIGHT, end) == {"a": minute(12), "c": minute(30)}
    assert [*known.open_of_store("q7xk", EIGHT, end)] == ["a", "c"]
    assert [*known.open_of_store("q7xk", minute(12), minute(29))] == ["a"]
    assert [*known.open_of_store("q7xk", minute(13), minute(30))] == ["c"]
    assert known.has_open("q7xk", EIGHT, minute(12))
    assert not known.has_open("q7xk", minute(13), minute(29))
    put(at(30, "c", status="CANCELLED"))
    assert [*known.open_of_store("q7xk", EIGHT, end)] == ["a"]
    assert known.open_of_store("nowhere", EIGHT, end) == {}


def test_unknown_status_is_listed_apart(orders: Orders) -> None:
    """An order of a status that we do not know may never be closed, and is not among those to follow."""
    known, put = orders
    put(at(12, "a", status="COMPLETED"))
    assert not known.has_open("q7xk", EIGHT, minute(59))
    assert known.open_of_store("q7xk", EIGHT, minute(59)) == {}
    put(at(12, "a", status="READY_FOR_PICKUP"))
    assert [*known.open_of_store("q7xk", EIGHT, minute(59))] == ["a"]


def test_newest_of_store(orders: Orders) -> None:
    """The newest of the store's orders between two times, both included."""
    known, put = orders
    for event in (at(12, "a"), at(20, "b"), at(40, "c", client={"store_id": "n9wz"})):
        put(event)
    assert known.newest_of_store("q7xk", EIGHT, minute(59)) == minute(20)
    assert known.newest_of_store("q7xk", minute(20), minute(59)) == minute(20)
    assert known.newest_of_store("q7xk", minute(21), minute(59)) is None
    assert known.newest_of_store("q7xk", EIGHT, minute(19)) == minute(12)
    assert known.newest_of_store("q7xk", EIGHT, minute(20)) == minute(20)
    assert known.newest_of_store("q7xk", minute(20), minute(19)) is None
    assert known.newest_of_store("nowhere", EIGHT, minute(59)) is None
