"""The rows of an order, attribute by attribute: what subscribers, people and other versions of this code read."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from partner_orders.aws import keys
from partner_orders.aws.attribute_values import Row, from_attributes
from partner_orders.aws.dynamodb import Table
from partner_orders.clock import to_text
from partner_orders.orders import table
from partner_orders.orders.event import Arrival, OrderEvent, parse_event
from partner_orders.orders.packed_body import pack
from partner_orders.orders.table import LEAST_RETENTION, ContendedError, OrdersTable, Written
from tests.support.contracts import stale_orders_table
from tests.support.fixed_clock import NOW
from tests.support.orders import CHAIN_ID, LARGE, as_bytes, order
from tests.support.orders_table import RETENTION, TABLE, Calls

ARRIVAL = Arrival("webhook", NOW, "correlation-1")
CREATED = datetime.fromisoformat(order()["sys"]["created_at"])
UNTIMED: dict[str, Any] = {"sys": None}


def event(minute: int | None = None, **fields: Any) -> OrderEvent:
    return parse_event(as_bytes(order(minute, **({"order_id": "a"} | fields))))


def row_of(dynamodb: Any) -> Row:
    row = Table(dynamodb, TABLE).get(keys.order("a"))
    assert row is not None
    return row


def test_row_of_an_order(orders: OrdersTable, dynamodb: Any) -> None:
    """The row of an order has its bookkeeping, what follows from its snapshot, and its events."""
    first, second = event(12), event(13, comment="later")
    orders.write([(first, ARRIVAL)])
    orders.write([(second, Arrival("reconciliation", NOW, "correlation-2", shown_at=NOW))])
    assert row_of(dynamodb) == {
        "pk": "ORDER#a",
        "sk": "ORDER",
        "schema_version": 2,
        "version": 2,
        "sequence": 2,
        "entries": 2,
        "body_bytes": len(pack(first.body)) + len(pack(second.body)),
        "snapshot_key": second.snapshot_key_at(NOW),
        "status": "RECEIVED",
        "occurred_at": "2026-10-14T08:13:00.000000Z",
        "listed_at": to_text(CREATED),
        "listed_under": "STORE#q7xk",
        "store_id": "q7xk",
        "chain_id": CHAIN_ID,
        "external_order_id": "k4vd-2611-r8mz",
        "order_code": "0417",
        "store_order_code": "q7xk#0417",
        "open": "OPEN#q7xk",
        "expires_at": int((CREATED + RETENTION).timestamp()),
        f"e#{first.digest}": {
            "status": "RECEIVED",
            "occurred_at": "2026-10-14T08:12:00.000000Z",
            "received_at": to_text(NOW),
            "source": "webhook",
            "correlation_id": "correlation-1",
            "body": pack(first.body),
        },
        f"e#{second.digest}": {
            "status": "RECEIVED",
            "occurred_at": "2026-10-14T08:13:00.000000Z",
            "shown_at": to_text(NOW),
            "received_at": to_text(NOW),
            "source": "reconciliation",
            "correlation_id": "correlation-2",
            "body": pack(second.body),
        },
    }


@pytest.mark.parametrize("code", [{}, {"order_code": "0417", "store_order_code": "#0417"}], ids=["no code", "a code"])
def test_row_of_an_order_that_says_little(orders: OrdersTable, dynamodb: Any, code: dict[str, str]) -> None:
    """An order of no store and no time is listed without one, by when it first came; by its code if it has one."""
    bare = parse_event(as_bytes({"order_id": "a", "status": "PACKED", "order_code": code.get("order_code")}))
    orders.write([(bare, ARRIVAL)])
    assert row_of(dynamodb) == {
        "pk": "ORDER#a",
        "sk": "ORDER",
        "schema_version": 2,
        "version": 1,
        "sequence": 1,
        "entries": 1,
        "body_bytes": len(pack(bare.body)),
        "snapshot_key": bare.snapshot_key,
        "status": "PACKED",
        "listed_at": to_text(NOW),
        "listed_under": "STORE#",
        **code,
        "open": "OPEN_UNKNOWN#",
        "expires_at": int((NOW + RETENTION).timestamp()),
        f"e#{bare.digest}": {
            "status": "PACKED",
            "received_at": to_text(NOW),
            "source": "webhook",
            "correlation_id": "correlation-1",
            "body": pack(bare.body),
        },
    }


def test_untimed_snapshot_leaves_the_times(orders: OrdersTable, dynamodb: Any) -> None:
    """A snapshot without any time of the platform's stays listed where the order was, and expires with it."""
    for number, fields in enumerate(
        (UNTIMED, UNTIMED | {"comment": "more is said"}, UNTIMED | {"status": "DELIVERED"})
    ):
        orders.write([(event(**fields), Arrival("webhook", NOW + timedelta(hours=number)))])
    row = row_of(dynamodb)
    assert (row["status"], row["listed_at"]) == ("DELIVERED", to_text(NOW))
    assert row["expires_at"] == int((NOW + RETENTION).timestamp())
    orders.write([(event(12, status="CANCELLED"), ARRIVAL)])
    row = row_of(dynamodb)
    assert (row["status"], row["listed_at"]) == ("CANCELLED", to_text(CREATED))


def test_single_event_gets_little_back(orders: OrdersTable, dynamodb: Any) -> None:
    """A single new event is not answered with the whole history, which may be large; other writes need it."""
    returned: list[Row] = []

    def note(parsed: dict[str, Any], **_: Any) -> None:
        returned.append(from_attributes(parsed.get("Attributes", {})))

    first, second = event(12), event(13)
    orders.write([(first, ARRIVAL)])
    dynamodb.meta.events.register("after-call.dynamodb.UpdateItem", note)
    orders.write([(second, ARRIVAL)])
    orders.write([(event(14, status="PACKED"), ARRIVAL)])
    entry = f"e#{first.digest}"
    assert [entry in row for row in returned] == [False, True]


def test_confirmed_and_new_in_one_write(orders: OrdersTable) -> None:
    """A new event is in conflict with one of the history also if a GET has confirmed another one meanwhile."""
    first, second = event(12), event(13)
    orders.write([(first, ARRIVAL), (second, ARRIVAL)])
    confirmed = (second, Arrival("reconciliation", NOW, "c", shown_at=NOW))
    assert orders.write([(event(12, comment="other"), ARRIVAL), confirmed]) == Written(
        stored=1, late=1, duplicates=1, conflicts=1, confirmed=1
    )


@pytest.mark.parametrize("room", [0, 1])
def test_row_of_a_body(orders: OrdersTable, dynamodb: Any, monkeypatch: pytest.MonkeyPatch, room: int) -> None:
    """A body that is larger than may be in the order's row has a row of its own, and none other."""
    one = event(12)
    monkeypatch.setattr(table, "INLINE_BODY_BYTES", len(pack(one.body)) - 1 + room)
    orders.write([(one, ARRIVAL)])
    own = Table(dynamodb, TABLE).get(keys.order_event("a", one.digest))
    assert ("body" in row_of(dynamodb)[f"e#{one.digest}"], row_of(dynamodb)["body_bytes"] > 0) == (bool(room),) * 2
    expected = {
        "pk": "ORDER#a",
        "sk": f"EVENT#{one.digest}",
        "schema_version": 2,
        "expires_at": int((CREATED + RETENTION).timestamp()),
        "body": pack(one.body),
    }
    assert own == (None if room else expected)


def test_batch_with_a_new_head_is_one_write(orders: OrdersTable, dynamodb: Any) -> None:
    """Events of a batch that has a new snapshot take one write, also if others of them are late."""
    orders.write([(event(13), ARRIVAL)])
    calls = Calls(dynamodb)
    assert orders.write([(event(12), ARRIVAL), (event(14), ARRIVAL)]) == Written(stored=2)
    assert calls.made == ["UpdateItem"]


# -- for how long -----------------------------------------------------------------------------------------------


def write_large(client: Any) -> OrdersTable:
    """A table that keeps orders for a day, and in it one whose body has a row of its own."""
    orders = OrdersTable(client, TABLE, timedelta(days=1))
    orders.write([(event(13, **LARGE), ARRIVAL)])
    return orders


def expiries(client: Any) -> list[datetime]:
    times = [int(item["expires_at"]["N"]) for item in client.scan(TableName=TABLE)["Items"]]
    return [datetime.fromtimestamp(time, UTC) for time in times]


def test_late_event_leaves_the_answers(dynamodb: Any) -> None:
    """A late event keeps the order and its bodies for longer; how long the answers to it are kept is their own."""
    orders = write_large(dynamodb)
    answers = {"schema_version": 1, "expires_at": 1}
    Table(dynamodb, TABLE).put(keys.answers("a"), answers)
    orders.write([(event(12), Arrival("webhook", NOW + timedelta(days=1)))])
    later = NOW + timedelta(days=1) + LEAST_RETENTION
    assert sorted(expiries(dynamodb)) == [datetime.fromtimestamp(1, UTC), later, later]


def test_late_event_keeps_a_body_just_written() -> None:
    """A body that was written a moment ago is kept for longer, too."""
    client = stale_orders_table()
    write_large(client).write([(event(12), Arrival("webhook", NOW + timedelta(days=1)))])
    assert expiries(client) == [NOW + timedelta(days=1) + LEAST_RETENTION] * 2


def test_no_request_where_nothing_is_kept_longer(dynamodb: Any) -> None:
    """Rows that are kept for long enough are not written again."""
    orders = write_large(dynamodb)
    calls = Calls(dynamodb)
    orders.write([(event(12), ARRIVAL)])
    assert calls.made == ["UpdateItem", "UpdateItem", "Query"]


def test_order_dated_ahead_is_corrected(dynamodb: Any) -> None:
    """A snapshot with an earlier creation shortens the time again, as far as the arrivals of the history allow."""
    orders = OrdersTable(dynamodb, TABLE, timedelta(days=1))
    ahead = {"created_at": "2026-11-14T08:00:00.000Z", "updated_at": "2026-10-14T08:14:00.000Z"}
    orders.write([(event(sys=ahead), ARRIVAL)])
    calls = Calls(dynamodb)
    orders.write([(event(15), ARRIVAL)])
    assert calls.made == ["UpdateItem", "GetItem"]
    assert expiries(dynamodb) == [NOW + LEAST_RETENTION]


def test_no_request_where_the_batch_keeps_the_order(orders: OrdersTable, dynamodb: Any) -> None:
    """Where one event of a batch keeps the order for as long as it was, nothing else is looked at."""
    orders.write([(event(12), ARRIVAL)])
    older = {"created_at": "2026-10-01T00:00:00.000Z", "updated_at": "2026-10-14T08:14:00.000Z"}
    calls = Calls(dynamodb)
    orders.write([(event(13), ARRIVAL), (event(sys=older), ARRIVAL)])
    assert calls.made == ["UpdateItem"]


# -- publishing again, and writes that never win ------------------------------------------------------------------


def test_publish_again(orders: OrdersTable, dynamodb: Any) -> None:
    """Only an order that is there is published again, as the next change."""
    assert not orders.publish_again("a")
    assert Table(dynamodb, TABLE).get(keys.order("a")) is None
    orders.write([(event(12), ARRIVAL)])
    before = row_of(dynamodb)
    assert orders.publish_again("a")
    assert row_of(dynamodb) == before | {"version": 2, "sequence": 2, "republished": 2}


def test_write_that_never_wins(orders: OrdersTable, dynamodb: Any) -> None:
    """A write that is overtaken again and again ends with an error that says so, and is tried twelve times."""
    orders.write([(event(20), ARRIVAL)])

    def overtake(**_: Any) -> None:
        row = row_of(dynamodb)
        item = {name: value for name, value in row.items() if name not in {"pk", "sk"}} | {
            "version": row["version"] + 1
        }
        Table(dynamodb, TABLE).put(keys.order("a"), item)

    calls = Calls(dynamodb)
    dynamodb.meta.events.register("before-call.dynamodb.UpdateItem", overtake)
    with pytest.raises(ContendedError, match=r"^concurrent writes of an order won every time$"):
        orders.write([(event(12), ARRIVAL)])
    assert calls.made.count("UpdateItem") == 12
