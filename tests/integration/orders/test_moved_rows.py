"""What moves out of an order's row once it has grown, and what then still holds. The limits are small here."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from partner_orders.aws import keys
from partner_orders.aws.attribute_values import Row, from_attributes
from partner_orders.orders import table
from partner_orders.orders.erasure import Erasure
from partner_orders.orders.event import Arrival, OrderEvent, parse_event
from partner_orders.orders.packed_body import pack, unpack
from partner_orders.orders.personal_data import redacted
from partner_orders.orders.plan import history_entry
from partner_orders.orders.stored import StoredOrder
from partner_orders.orders.table import OrdersTable, Written
from tests.support.fixed_clock import NOW, clock
from tests.support.orders import as_bytes, order
from tests.support.orders_table import TABLE, Calls

pytestmark = pytest.mark.limits

MOST = 3
STATUSES = ("RECEIVED", "ACCEPTED", "RECEIVED", "READY_FOR_PICKUP", "DISPATCHED", "DELIVERED")


def event(number: int, **fields: Any) -> OrderEvent:
    """The event of a minute; the higher one is the snapshot."""
    return parse_event(as_bytes(order(12 + number, order_id="a", status=STATUSES[number], **fields)))


EVENTS = [event(number) for number in range(len(STATUSES))]
SIZES = [len(pack(one.body)) for one in EVENTS]


def arrival(number: int) -> Arrival:
    return Arrival("webhook", NOW + timedelta(seconds=number), f"correlation-{number}")


def write(orders: OrdersTable, *numbers: int) -> None:
    for number in numbers:
        orders.write([(EVENTS[number], arrival(number))])


def write_first(orders: OrdersTable, is_one_batch: bool) -> None:
    """Write as many events as a row may have."""
    if is_one_batch:
        orders.write([(EVENTS[number], arrival(number)) for number in range(MOST)])
    else:
        write(orders, *range(MOST))


def entry(number: int) -> Row:
    return history_entry(EVENTS[number], arrival(number), pack(EVENTS[number].body), is_redacted=False)


def rows(dynamodb: Any) -> dict[str, Row]:
    """Every row of the table, by its sort key."""
    return {row["sk"]: row for row in map(from_attributes, dynamodb.scan(TableName=TABLE)["Items"])}


def own_rows(row: Row, attributes: dict[int, Row]) -> dict[str, Row]:
    """The rows of their own that some events should have beside an order's row."""
    common = {"pk": "ORDER#a", "schema_version": 2, "expires_at": row["expires_at"]}
    names = {number: keys.order_event("a", EVENTS[number].digest).sk for number in attributes}
    return {names[number]: common | {"sk": names[number]} | attributes[number] for number in attributes}


def bookkeeping(row: Row) -> Row:
    names = ("version", "sequence", "entries", "body_bytes", "moved_events", "moved_statuses")
    return {name: row[name] for name in names if name in row}


def events_in(row: Row) -> dict[str, Row]:
    return {name: value for name, value in row.items() if name.startswith("e#")}


def stored(orders: OrdersTable) -> StoredOrder:
    found = orders.get("a")
    assert found is not None
    return found


@pytest.fixture
def few_entries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "MAX_ENTRIES", MOST)


@pytest.fixture
def few_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    """As many bytes of bodies as the first three events have."""
    monkeypatch.setattr(table, "ROW_BODIES_BYTES", sum(SIZES[:MOST]))


# -- entries ----------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("few_entries")
@pytest.mark.parametrize("is_one_batch", [False, True])
def test_full_row_keeps_its_entries(orders: OrdersTable, dynamodb: Any, is_one_batch: bool) -> None:
    """As many entries as a row may have stay in it."""
    write_first(orders, is_one_batch)
    assert rows(dynamodb).keys() == {"ORDER"}


@pytest.mark.usefixtures("few_entries")
def test_older_entries_move(orders: OrdersTable, dynamodb: Any) -> None:
    """With one entry more all but the snapshot's move to rows of their own, and the order's row counts them."""
    write(orders, 0, 1, 2, 3)
    found = rows(dynamodb)
    row = found.pop("ORDER")
    assert events_in(row) == {f"e#{EVENTS[3].digest}": entry(3)}
    assert bookkeeping(row) == {
        "version": 5,
        "sequence": 4,
        "entries": 1,
        "body_bytes": SIZES[3],
        "moved_events": 3,
        "moved_statuses": ["ACCEPTED", "RECEIVED"],
    }
    assert found == own_rows(row, {number: entry(number) for number in range(3)})


@pytest.mark.usefixtures("few_entries")
def test_snapshot_never_moves(orders: OrdersTable, dynamodb: Any) -> None:
    """The snapshot's entry stays in the order's row, however early it came."""
    write(orders, 3, 0, 1, 2)
    assert events_in(rows(dynamodb)["ORDER"]) == {f"e#{EVENTS[3].digest}": entry(3)}


@pytest.mark.usefixtures("few_entries")
def test_entries_move_in_steps(orders: OrdersTable, dynamodb: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """At most so many entries move at once, first those that came first; the next ones move with the next write."""
    monkeypatch.setattr(table, "MAX_MOVED", 2)
    # As a restored or an older row may be, in another order than they came.
    orders.write([(EVENTS[number], arrival(number)) for number in (3, 1, 2, 0)])
    assert events_in(rows(dynamodb)["ORDER"]).keys() == {f"e#{EVENTS[number].digest}" for number in (2, 3)}
    write(orders, 4)
    assert bookkeeping(rows(dynamodb)["ORDER"]) | {"version": 0} == {
        "version": 0,
        "sequence": 2,
        "entries": 3,
        "body_bytes": SIZES[2] + SIZES[3] + SIZES[4],
        "moved_events": 2,
        "moved_statuses": ["ACCEPTED", "RECEIVED"],
    }
    write(orders, 5)
    assert bookkeeping(rows(dynamodb)["ORDER"]) | {"version": 0} == {
        "version": 0,
        "sequence": 3,
        "entries": 2,
        "body_bytes": SIZES[4] + SIZES[5],
        "moved_events": 4,
        "moved_statuses": ["ACCEPTED", "READY_FOR_PICKUP", "RECEIVED"],
    }
    assert [one.body for one in stored(orders).history] == [one.body for one in EVENTS]


@pytest.mark.usefixtures("few_entries")
def test_moved_event_that_comes_again(orders: OrdersTable, dynamodb: Any) -> None:
    """An event whose entry has moved is a duplicate when it comes again, alone or with a new one."""
    write(orders, 0, 1, 2, 3)
    before = rows(dynamodb)
    assert orders.write([(EVENTS[0], arrival(9)), (EVENTS[2], arrival(9))]) == Written(duplicates=2)
    assert rows(dynamodb) == before
    assert orders.write([(EVENTS[0], arrival(9)), (EVENTS[4], arrival(4))]) == Written(stored=1, duplicates=1)
    assert stored(orders).digests == {one.digest for one in EVENTS[:5]}


@pytest.mark.usefixtures("few_entries")
def test_confirmed_entry_comes_back(orders: OrdersTable, dynamodb: Any) -> None:
    """An entry that a GET confirms comes back from its own row, where its body stays, and is counted where it is."""
    write(orders, 0, 1, 2, 3)
    before = rows(dynamodb)
    shown = Arrival("reconciliation", NOW, "c", shown_at=NOW + timedelta(minutes=1))
    assert orders.write([(EVENTS[1], shown)]) == Written(duplicates=1, confirmed=1)
    after = rows(dynamodb)
    row = after.pop("ORDER")
    returned = {name: value for name, value in entry(1).items() if name != "body"}
    assert events_in(row) == {
        f"e#{EVENTS[1].digest}": returned | {"shown_at": "2026-10-14T09:01:00.000000Z"},
        f"e#{EVENTS[3].digest}": entry(3),
    }
    assert bookkeeping(row) == bookkeeping(before.pop("ORDER")) | {"version": 6, "entries": 2, "moved_events": 2}
    assert after == before
    assert [one.body for one in stored(orders).history] == [one.body for one in EVENTS[:4]]


@pytest.mark.usefixtures("few_entries")
def test_returned_entries_move_again(orders: OrdersTable, dynamodb: Any) -> None:
    """Entries that came back count for the most of a row, and move again once it has more."""
    write(orders, 0, 1, 2, 3)
    for number in range(MOST):
        shown = Arrival("reconciliation", NOW, "c", shown_at=NOW + timedelta(minutes=1))
        orders.write([(EVENTS[number], shown)])
    row = rows(dynamodb)["ORDER"]
    assert (bookkeeping(row)["entries"], bookkeeping(row)["moved_events"]) == (1, 3)
    assert [one.body for one in stored(orders).history] == [one.body for one in EVENTS[:4]]
    assert all(one.shown_at for one in stored(orders).history[:3])


# -- bodies -----------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("few_bytes")
@pytest.mark.parametrize("is_one_batch", [False, True])
def test_full_row_keeps_its_bodies(orders: OrdersTable, dynamodb: Any, is_one_batch: bool) -> None:
    """As many bytes of bodies as a row may have stay in it."""
    write_first(orders, is_one_batch)
    found = rows(dynamodb)
    assert found.keys() == {"ORDER"}
    assert found["ORDER"]["body_bytes"] == table.ROW_BODIES_BYTES


@pytest.mark.usefixtures("few_bytes")
def test_older_bodies_move(orders: OrdersTable, dynamodb: Any) -> None:
    """With one byte more the bodies move to rows of their own, but the snapshot's, and their entries stay."""
    write(orders, 0, 1, 2, 3)
    found = rows(dynamodb)
    row = found.pop("ORDER")
    without = {number: {name: value for name, value in entry(number).items() if name != "body"} for number in range(3)}
    assert events_in(row) == {f"e#{EVENTS[number].digest}": (without | {3: entry(3)})[number] for number in range(4)}
    assert bookkeeping(row) == {"version": 5, "sequence": 4, "entries": 4, "body_bytes": SIZES[3]}
    assert found == own_rows(row, {number: {"body": pack(EVENTS[number].body)} for number in range(3)})
    assert [one.body for one in stored(orders).history] == [one.body for one in EVENTS[:4]]


@pytest.mark.usefixtures("few_bytes")
def test_bodies_move_in_steps(orders: OrdersTable, dynamodb: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """At most so many bodies move at once; those that have moved are not among the next ones."""
    monkeypatch.setattr(table, "MAX_MOVED", 2)
    write(orders, 0, 1, 2, 3)
    assert len(rows(dynamodb)) == 3
    write(orders, 4, 5)
    found = rows(dynamodb)
    assert found.pop("ORDER")["body_bytes"] == SIZES[4] + SIZES[5]
    assert {unpack(row["body"]) for row in found.values()} == {one.body for one in EVENTS[:4]}


@pytest.mark.usefixtures("few_entries")
def test_entries_without_a_body_move(orders: OrdersTable, dynamodb: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """An entry whose body has moved before joins it."""
    monkeypatch.setattr(table, "ROW_BODIES_BYTES", SIZES[0] + SIZES[1] - 1)
    write(orders, 0, 1)
    assert rows(dynamodb)["ORDER"]["body_bytes"] == SIZES[1]
    write(orders, 2, 3)
    found = rows(dynamodb)
    row = found.pop("ORDER")
    assert bookkeeping(row) | {"version": 0, "sequence": 0} == {
        "version": 0,
        "sequence": 0,
        "entries": 1,
        "body_bytes": SIZES[3],
        "moved_events": 3,
        "moved_statuses": ["ACCEPTED", "RECEIVED"],
    }
    assert found == own_rows(row, {number: entry(number) for number in range(3)})


def test_nothing_to_move(orders: OrdersTable, dynamodb: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nothing but the snapshot's body is there, nothing is written."""
    monkeypatch.setattr(table, "ROW_BODIES_BYTES", SIZES[0] - 1)
    calls = Calls(dynamodb)
    write(orders, 0)
    assert calls.made == ["UpdateItem", "GetItem"]
    assert rows(dynamodb)["ORDER"]["version"] == 1


# -- whoever writes in between ------------------------------------------------------------------------------------


def once_before_the_row_shrinks(dynamodb: Any, act: Callable[[], object]) -> None:
    """Act when the last of what moves has a row of its own, before it leaves the order's row."""
    is_moving = False

    def look(params: dict[str, Any], **_: Any) -> None:
        nonlocal is_moving
        if params["Key"]["sk"]["S"] != "ORDER":
            is_moving = True
        elif is_moving:
            dynamodb.meta.events.unregister("provide-client-params.dynamodb.UpdateItem", look)
            act()

    dynamodb.meta.events.register("provide-client-params.dynamodb.UpdateItem", look)


@pytest.mark.usefixtures("few_entries")
def test_overtaken_move_loses_nothing(orders: OrdersTable, dynamodb: Any) -> None:
    """A write between the copies and the removal keeps everything in the order's row until the next write."""
    once_before_the_row_shrinks(dynamodb, lambda: orders.publish_again("a"))
    write(orders, 0, 1, 2, 3)
    row = rows(dynamodb)["ORDER"]
    assert (row["entries"], row["republished"], "moved_events" in row) == (4, 5, False)
    assert [one.body for one in stored(orders).history] == [one.body for one in EVENTS[:4]]
    write(orders, 4)
    assert [one.body for one in stored(orders).history] == [one.body for one in EVENTS[:5]]
    assert rows(dynamodb)["ORDER"]["moved_events"] == 4


@pytest.mark.privacy
@pytest.mark.parametrize("limit", ["few_entries", "few_bytes"])
def test_erasure_during_a_move(orders: OrdersTable, dynamodb: Any, limit: str, request: pytest.FixtureRequest) -> None:
    """What was just copied to rows of its own is redacted, if the customer is erased before the row shrinks."""
    request.getfixturevalue(limit)
    erasure = Erasure(dynamodb, TABLE, lambda _: True, clock)
    once_before_the_row_shrinks(dynamodb, lambda: erasure._erase_row("a"))
    write(orders, 0, 1, 2, 3)
    found = rows(dynamodb)
    row = found.pop("ORDER")
    assert row["erased_at"]
    assert [unpack(value["body"]) for value in events_in(row).values()] == [redacted(one.body) for one in EVENTS[:4]]
    assert {name: unpack(value["body"]) for name, value in found.items()} == {
        keys.order_event("a", one.digest).sk: redacted(one.body) for one in EVENTS[:3]
    }


@pytest.mark.usefixtures("few_entries")
def test_order_that_expires_before_a_move(orders: OrdersTable, dynamodb: Any) -> None:
    """Where the order has expired before anything moves, nothing is left and the write has not failed."""
    write(orders, 0, 1, 2)

    def expire(**_: Any) -> None:
        dynamodb.delete_item(TableName=TABLE, Key={"pk": {"S": "ORDER#a"}, "sk": {"S": "ORDER"}})

    dynamodb.meta.events.register("before-call.dynamodb.GetItem", expire)
    assert orders.write([(EVENTS[3], arrival(3))]) == Written(stored=1)
    assert rows(dynamodb) == {}
