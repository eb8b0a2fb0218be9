"""The schedule: which stores are due, in which order, and how often all of them are."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from partner_orders.platform.failures import Failure
from partner_orders.reconciler.report import Report
from partner_orders.reconciler.schedule import Due, Schedule
from partner_orders.reconciler.windows import LeftOut, Position
from partner_orders.stores.store import Store

# A Wednesday.
NOW = datetime(2026, 10, 14, 12, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def checked(store_id: str, ago: timedelta) -> Position:
    """The position of a store that was last checked so long ago."""
    return Position(store_id, NOW - ago, NOW - ago)


def trading(hours: str | None = "wed 08:00-20:00", time_zone: str | None = "UTC") -> Store:
    return Store("s", trading_hours=hours, time_zone=time_zone)


@dataclass
class Chain:
    """Stores with their positions. ``open_orders`` and ``newest_orders`` are times of orders, by what they are listed
    under."""

    stores: list[Store]
    known: list[Position] = field(default_factory=list)
    open_orders: dict[str, datetime] = field(default_factory=dict)
    newest_orders: dict[str, datetime] = field(default_factory=dict)
    history: timedelta = 60 * DAY
    report: Report = field(default_factory=lambda: Report(NOW))

    def all(self) -> list[Store]:
        return self.stores

    def positions(self) -> dict[str, Position]:
        return {position.store_id: position for position in self.known}

    def has_open(self, listing: str, start: datetime, end: datetime) -> bool:
        return listing in self.open_orders and start <= self.open_orders[listing] <= end

    def newest_of_store(self, listing: str, since: datetime, until: datetime) -> datetime | None:
        at = self.newest_orders.get(listing)
        return at if at is not None and since <= at <= until else None

    def due(self, requests_per_minute: int = 60, has_backfills: bool = False) -> Due:
        parts: Any = self
        schedule = Schedule(parts, parts, parts, self.history, lambda: NOW)
        return schedule.due(self.report, requests_per_minute, has_backfills)

    def regular(self, requests_per_minute: int = 60) -> list[str]:
        """The ids of the stores that are not new, in the order of their turns."""
        return [due.store.store_id for due in self.due(requests_per_minute).stores]


def crowd(size: int, new: int = 0) -> Chain:
    """So many stores that are checked, and some that are new."""
    names = [f"s{number}" for number in range(size)]
    fresh = [Store(f"new{number}") for number in range(new)]
    return Chain([*map(Store, names), *fresh], [checked(name, 5 * MINUTE) for name in names])


# -- whose turn it is -------------------------------------------------------------------------------------------


def test_stores_of_each_kind_have_their_turns() -> None:
    """Paused and given-up stores have none, new ones have turns of their own; a store whose visits do not end fails."""
    given_up = Position("given-up", begun_at=NOW, unended_visits=3)
    minute = LeftOut(NOW - HOUR, NOW - HOUR + MINUTE, "server_error:500", NOW)
    known = [given_up, replace(checked("old", MINUTE), left_out=(minute,)), replace(given_up, store_id="p")]
    paused = [Store("p", is_paused=True), replace(trading(), store_id="q", is_paused=True)]
    chain = Chain([Store("new"), Store("given-up"), Store("old"), *paused], known)
    chain.report.failed_stores["failed-before"] = "not_found"
    due = chain.due()
    assert [it.store.store_id for it in due.stores] == ["old"]
    assert [(it.store.store_id, it.position) for it in due.first_looks] == [("new", Position("new"))]
    assert chain.report.failed_stores == {"failed-before": "not_found", "given-up": Failure.ENDS_THE_RUN}
    assert chain.report.left_out == {"new": (), "given-up": (), "old": (minute,)}


def test_most_overdue_store_is_first() -> None:
    """The store that was longest not served comes first; a try and a visit count as much as a check."""
    longest_ago = checked("d", DAY)
    known = [
        checked("a", 2 * MINUTE),
        checked("b", 9 * MINUTE),
        replace(longest_ago, store_id="c", tried_at=NOW - 5 * MINUTE),
        replace(longest_ago, begun_at=NOW - MINUTE),
    ]
    assert Chain([Store(name) for name in "abcd"], known).regular() == ["b", "c", "a", "d"]


def test_unended_visits_come_last() -> None:
    """The more visits of a store did not end, the later its turn, however long ago it was served."""
    known = [replace(checked(str(number), (1 + number) * HOUR), unended_visits=number) for number in range(3)]
    assert Chain([Store(name) for name in "201"], known).regular() == ["0", "1", "2"]


def test_urgent_stores_come_first() -> None:
    """A store with an open order, or gone silent, comes before others that wait for longer, up to an hour."""
    silent = replace(trading(), store_id="silent")
    known = [checked("calm", HOUR - MINUTE), checked("open", 2 * MINUTE), checked("silent", MINUTE)]
    chain = Chain([Store("calm"), Store("open"), silent], known, open_orders={"open": NOW - DAY})
    assert chain.regular() == ["open", "silent", "calm"]
    chain.known[0] = checked("calm", HOUR)
    assert chain.regular() == ["calm", "open", "silent"]


def test_long_wait_grows_with_the_round() -> None:
    """Where a round takes long, a store is urgent only after three of them."""
    chain = crowd(30)
    chain.known[0] = checked("s0", 89 * MINUTE)
    chain.open_orders["s1"] = NOW - HOUR
    assert chain.regular(requests_per_minute=1)[:2] == ["s1", "s0"]
    assert chain.report.round_seconds == 1_800
    chain.known[0] = checked("s0", 90 * MINUTE)
    assert chain.regular(requests_per_minute=1)[:2] == ["s0", "s1"]


@pytest.mark.parametrize(
    ("age", "history", "is_open"),
    [(3 * DAY, 60 * DAY, True), (4 * DAY, 60 * DAY, False), (DAY, DAY, True), (2 * DAY, DAY, False)],
)
def test_open_orders_of_last_days_count(age: timedelta, history: timedelta, is_open: bool) -> None:
    """An open order counts for three days, or as long as orders are checked."""
    store = Store("s", other_listings=("code",))
    chain = Chain([store], [checked("s", MINUTE)], open_orders={"code": NOW - age}, history=history)
    assert [due.has_open_orders for due in chain.due().stores] == [is_open]


# -- how long a round takes -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("chain", "has_backfills", "seconds"),
    [
        (crowd(60), False, 120),
        (crowd(60, new=1), False, 160),
        (crowd(60), True, 160),
        (crowd(60, new=1), True, 160),
        (crowd(0, new=30), False, 60),
        (crowd(0, new=30), True, 60),
        (crowd(0), True, 0),
    ],
)
def test_round_takes_a_request_a_store(chain: Chain, has_backfills: bool, seconds: int) -> None:
    """A round takes a request for each store; first looks and backfills take a quarter of all while stores wait."""
    chain.due(requests_per_minute=30, has_backfills=has_backfills)
    assert chain.report.round_seconds == seconds


# -- silent stores ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("store", "is_silent"),
    [
        (trading(), True),
        (trading("wed 11:00-12:30"), True),
        (trading("wed 11:30-20:00"), False),
        (trading("wed 08:00-12:00"), False),
        (trading(time_zone="Asia/Karachi"), True),
        (trading(time_zone="Pacific/Auckland"), False),
        (trading(None), False),
        (trading(time_zone=None), False),
        (trading("whenever"), False),
        (trading(time_zone="Nowhere"), False),
        (replace(trading(), is_paused=True), False),
    ],
)
def test_silent_store_trades_for_an_hour(store: Store, is_silent: bool) -> None:
    """A store is silent where it has traded for an hour without an order."""
    chain = Chain([store])
    chain.due()
    assert chain.report.silent_stores == ["s"] * is_silent


@pytest.mark.parametrize(
    ("newest", "is_silent"),
    [({}, True), ({"s": HOUR}, False), ({"code": MINUTE}, False), ({"s": HOUR + MINUTE, "code": 2 * HOUR}, True)],
)
def test_order_of_any_listing_ends_the_silence(newest: dict[str, timedelta], is_silent: bool) -> None:
    """An order of the last hour counts under whichever id it is listed."""
    store = Store("s", trading_hours="wed 08:00-20:00", time_zone="UTC", other_listings=("code",))
    chain = Chain([store], newest_orders={listing: NOW - ago for listing, ago in newest.items()})
    chain.due()
    assert chain.report.silent_stores == ["s"] * is_silent
