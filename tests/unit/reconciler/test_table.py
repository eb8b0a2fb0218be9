"""The reconciler's rows: what is stored is read back, and only by who may write it."""

import json
import zlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from partner_orders.aws import keys
from partner_orders.aws.dynamodb import Table
from partner_orders.reconciler.lease import LeaseLostError
from partner_orders.reconciler.table import Backfill, BackfillCancelledError, ReconciliationTable
from partner_orders.reconciler.windows import LeftOut, Position
from tests.support.contracts import simulated_orders_table
from tests.support.orders_table import TABLE

NOW = datetime(2026, 10, 14, 12, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
LEFT_OUT = (LeftOut(NOW - DAY, NOW - DAY + MINUTE, "server_error:500", NOW - HOUR),)
POSITION = Position(
    "a",
    checked_until=NOW - MINUTE,
    daily_check_at=NOW - 2 * MINUTE,
    vendor_id="code-7",
    tried_at=NOW - 3 * MINUTE,
    older_look_at=NOW - 4 * MINUTE,
    begun_at=NOW - 5 * MINUTE,
    unended_visits=2,
    left_out=LEFT_OUT,
)
BACKFILL = Backfill(
    "b-1",
    NOW - DAY,
    NOW,
    preview=True,
    pending=("a", "b"),
    stores=3,
    done_until=NOW - HOUR,
    counts={"missing": 1},
    store_counts={"missing": 2},
    failed_stores={"c": "not_found"},
    not_read_before=NOW - 2 * HOUR,
    is_begun=True,
    unended_visits={"b": 1},
    left_out=({"store_id": "c", "from": "f", "to": "t", "failure": "refused"},),
    found=({"order_id": "o-1", "store_id": "a", "found": "missing"},),
)


@pytest.fixture
def client() -> Any:
    return simulated_orders_table()


@pytest.fixture
def table(client: Any) -> ReconciliationTable:
    return ReconciliationTable(client, TABLE, lambda: NOW)


@pytest.fixture
def rows(client: Any) -> Table:
    """The same table, to read and write rows by hand."""
    return Table(client, TABLE)


def fill(table: ReconciliationTable) -> None:
    """One row of each kind."""
    table.move(POSITION, 7)
    table.add(BACKFILL)
    table.save_report(NOW, {"started_at": "now"})


# -- positions --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("position", [POSITION, Position("a")])
def test_position_is_read_back(table: ReconciliationTable, position: Position) -> None:
    """A position is read back as it was written, by itself and among all."""
    table.move(position, 7)
    assert table.position("a") == position
    assert table.positions() == {"a": position}
    assert table.position("unknown") == Position("unknown")


def test_row_of_a_position_has_what_is_known(table: ReconciliationTable, rows: Table) -> None:
    """The row of a store that was never read has nothing but its id and the fencing token."""
    table.move(Position("a"), 7)
    assert rows.get(keys.position("a")) == {
        "pk": "RECONCILIATION",
        "sk": "POSITION#a",
        "schema_version": 1,
        "store_id": "a",
        "fence": 7,
    }


def test_rows_of_a_kind_are_read(table: ReconciliationTable, client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Positions and backfills are read without the reports of three months, and consistently."""
    fill(table)
    queries: list[Any] = []
    paginator = client.get_paginator("query")

    class Paginator:
        def paginate(self, **query: Any) -> Any:
            queries.append(query)
            return paginator.paginate(**query)

    monkeypatch.setattr(client, "get_paginator", lambda _: Paginator())
    assert (table.positions(), table.backfills()) == ({"a": POSITION}, [BACKFILL])
    for query, prefix in zip(queries, ("POSITION#", "BACKFILL#"), strict=True):
        assert prefix in [value["S"] for value in query["ExpressionAttributeValues"].values()]
        assert query["ConsistentRead"] is True


def test_worker_without_the_lease_moves_nothing(table: ReconciliationTable) -> None:
    """A position is written by the newest worker only."""
    table.move(POSITION, 7)
    moved = replace(POSITION, checked_until=NOW)
    with pytest.raises(LeaseLostError):
        table.move(moved, 6)
    assert table.position("a") == POSITION
    table.move(moved, 7)
    table.move(moved, 8)
    assert table.position("a") == moved


@pytest.mark.parametrize(
    "broken",
    [
        {"store_id": 7},
        {"store_id": "broken", "checked_until": 7},
        {"store_id": "broken", "checked_until": "yesterday"},
        {"store_id": "broken", "vendor_id": 7},
        {"store_id": "broken", "left_out": b"no zlib"},
        {},
    ],
)
def test_unreadable_position_stops_nothing(table: ReconciliationTable, rows: Table, broken: dict[str, Any]) -> None:
    """A row that somebody wrote by hand is as good as none, and the other positions are read."""
    table.move(POSITION, 7)
    rows.put(keys.position("0-broken"), broken)
    rows.put(keys.position("broken"), broken)
    assert table.positions() == {"a": POSITION}
    assert table.position("broken") == Position("broken")


# -- backfills --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "backfill", [BACKFILL, Backfill("b-1", NOW - DAY, NOW, preview=False, pending=("a",), stores=1)]
)
def test_backfill_is_read_back(table: ReconciliationTable, rows: Table, backfill: Backfill) -> None:
    """A backfill is read back as it was added or saved, and expires after three months."""
    table.add(backfill)
    assert (table.backfill("b-1"), table.backfills()) == (backfill, [backfill])
    later = replace(backfill, pending=("b",))
    table.save(later, 7)
    assert table.backfill("b-1") == later
    row = rows.get(keys.backfill("b-1"))
    assert row is not None
    assert (row["expires_at"], row["fence"]) == (int((NOW + 90 * DAY).timestamp()), 7)


def test_backfills_are_read_oldest_first(table: ReconciliationTable, rows: Table) -> None:
    """Every backfill that can be read is listed, and nothing else."""
    fill(table)
    other = replace(BACKFILL, backfill_id="b-0")
    table.add(other)
    rows.put(keys.backfill("b-00"), {"backfill_id": "b-00", "state": b"no zlib"})
    assert table.backfills() == [other, BACKFILL]
    assert table.backfill("b-2") is None


def test_unreadable_backfill_says_why(table: ReconciliationTable, rows: Table) -> None:
    """A backfill that is asked for and cannot be read says what is wrong with its row."""
    table.add(BACKFILL)
    row = rows.get(keys.backfill("b-1"))
    assert row is not None
    rows.put(keys.backfill("b-1"), {"backfill_id": 7, "state": row["state"]})
    with pytest.raises(TypeError, match=r"^backfill_id is not a text$"):
        table.backfill("b-1")


def test_backfill_of_an_earlier_version_is_read(table: ReconciliationTable, rows: Table) -> None:
    """A backfill without what later versions added is read as one that has none of it."""
    table.add(replace(BACKFILL, store_counts={}, not_read_before=None, found=()))
    row = rows.get(keys.backfill("b-1"))
    assert row is not None
    state = json.loads(zlib.decompress(row["state"]))
    for name in ("store_counts", "not_read_before", "found"):
        del state[name]
    old = {"backfill_id": "b-1", "state": zlib.compress(json.dumps(state).encode())}
    rows.put(keys.backfill("b-1"), old)
    assert table.backfill("b-1") == replace(BACKFILL, store_counts={}, not_read_before=None, found=())


def test_cancelled_backfill_stays_cancelled(table: ReconciliationTable) -> None:
    """No worker saves the progress of a backfill that was cancelled."""
    table.add(BACKFILL)
    table.save(BACKFILL, 7)
    table.cancel("b-1")
    with pytest.raises(BackfillCancelledError):
        table.save(replace(BACKFILL, pending=()), 8)
    assert table.backfill("b-1") == replace(BACKFILL, is_cancelled=True)


def test_unknown_backfill_is_not_cancelled(table: ReconciliationTable) -> None:
    """Cancelling a backfill that is unknown stores nothing."""
    table.cancel("b-1")
    assert table.backfill("b-1") is None


def test_worker_without_the_lease_saves_nothing(table: ReconciliationTable, rows: Table) -> None:
    """The progress of a backfill is saved by the newest worker only."""
    table.save(BACKFILL, 7)
    with pytest.raises(LeaseLostError):
        table.save(replace(BACKFILL, pending=()), 6)
    assert table.backfill("b-1") == BACKFILL
    rows.delete(keys.backfill("b-1"))
    table.save(BACKFILL, 6)
    assert table.backfill("b-1") == BACKFILL


# -- reports ----------------------------------------------------------------------------------------------------


def test_reports_between_two_times(table: ReconciliationTable, rows: Table) -> None:
    """The reports of the runs that began between two times are read, the bounds included, oldest first."""
    fill(table)
    for minutes in (3, 1, 2, 0):
        table.save_report(NOW + minutes * MINUTE, {"minutes": minutes})
    assert table.reports(NOW, NOW + 2 * MINUTE) == [{"minutes": 0}, {"minutes": 1}, {"minutes": 2}]
    row = rows.get(keys.report("2026-10-14T12:00:00.000000Z"))
    assert row is not None
    assert (row["expires_at"], row["schema_version"]) == (int((NOW + 90 * DAY).timestamp()), 1)
