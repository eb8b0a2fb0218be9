"""Which stores a run checks, and in which order: the most overdue first, urgent ones before the others."""

from collections import deque
from datetime import datetime, timedelta
from typing import NamedTuple

from partner_orders.clock import Clock
from partner_orders.platform.failures import Failure
from partner_orders.reconciler.ports import KnownOrders
from partner_orders.reconciler.report import Report
from partner_orders.reconciler.table import ReconciliationTable
from partner_orders.reconciler.windows import OPEN_ORDERS_REACH, PLATFORM_HISTORY, Position
from partner_orders.stores.store import Store
from partner_orders.stores.table import StoresTable
from partner_orders.stores.trading_hours import BadTradingHoursError, TradingHours

SILENT_AFTER = timedelta(hours=1)
# A store that waits for this long, and for so many rounds, is as urgent as one with open orders or gone silent.
LONG_WAIT = timedelta(hours=1)
LONG_WAIT_ROUNDS = 3
# What takes many requests (first looks, backfills) gets at most this part of them while stores wait to be checked.
LONG_WORK_SHARE = 1 / 4


class DueStore(NamedTuple):
    """``has_open_orders``: of the last days, as the run began or its round. A first look that this run has begun goes
    on from ``read_until``, with a part of ``part_length`` at most."""

    store: Store
    position: Position
    has_open_orders: bool
    read_until: datetime | None = None
    part_length: timedelta | None = None

    @property
    def is_first_look(self) -> bool:
        """Whether the store is new, and takes as many requests as its history has pages. One whose last visit did not
        end waits with the others until the rest was served."""
        return self.position.daily_check_at is None and not self.position.unended_visits


class Due(NamedTuple):
    """``stores`` are to be checked in this round, the most overdue first; ``first_looks`` are new, and take turns with
    them until all of their history was read."""

    stores: deque[DueStore]
    first_looks: deque[DueStore]


class Schedule:
    """``history`` is how far back orders are checked at most."""

    def __init__(
        self, orders: KnownOrders, stores: StoresTable, table: ReconciliationTable, history: timedelta, clock: Clock
    ) -> None:
        self._orders = orders
        self._stores = stores
        self._table = table
        self._history = history
        self._clock = clock

    def due(self, report: Report, requests_per_minute: int, has_backfills: bool) -> Due:
        """Every store that is neither paused nor given up, in the order of their turns. Notes the silent stores, those
        whose visits do not end, and the duration of a round in the report. Raises botocore's errors."""
        positions, now = self._table.positions(), self._clock()
        stores = [store for store in self._stores.all() if not store.is_paused]
        reach = min(OPEN_ORDERS_REACH, self._history)
        every = [
            DueStore(
                store,
                positions.get(store.store_id, Position(store.store_id)),
                any(self._orders.has_open(listing, now - reach, now) for listing in store.listings),
            )
            for store in stores
        ]
        silent = {store.store_id for store in stores if self._is_silent(store, now)}
        report.silent_stores = sorted(silent)
        report.left_out = {due.store.store_id: due.position.left_out for due in every}
        ending_runs = [due for due in every if due.position.ends_runs]
        report.failed_stores |= {due.store.store_id: Failure.ENDS_THE_RUN for due in ending_runs}
        servable = [due for due in every if not due.position.is_given_up(now)]
        first_looks = [due for due in servable if due.is_first_look]
        regular = [due for due in servable if not due.is_first_look]
        takes_turns = has_backfills or bool(first_looks)
        share = LONG_WORK_SHARE if takes_turns and regular else 0
        report.round_seconds = round(len(regular or first_looks) * 60 / requests_per_minute / (1 - share))
        # Were there no end to it, those that are urgent in each run would keep the rest from ever being served.
        long_wait = max(LONG_WAIT, LONG_WAIT_ROUNDS * timedelta(seconds=report.round_seconds))

        def in_turn(stores: list[DueStore]) -> deque[DueStore]:
            return deque(sorted(stores, key=lambda due: _priority(due, silent, long_wait, now), reverse=True))

        return Due(in_turn(regular), in_turn(first_looks))

    def _is_silent(self, store: Store, now: datetime) -> bool:
        """Whether no order came in a whole hour of trading."""
        if not store.trading_hours or not store.time_zone:
            return False
        try:
            hours = TradingHours.from_text(store.trading_hours, store.time_zone)
        except BadTradingHoursError:
            return False
        since = now - SILENT_AFTER
        trading = hours.is_open(since) and hours.is_open(now)
        return trading and all(self._orders.newest_of_store(name, since, now) is None for name in store.listings)


def _priority(
    due: DueStore, silent: set[str], long_wait: timedelta, now: datetime
) -> tuple[int, bool, timedelta, bool]:
    """What is greater comes first: a store whose visits did not end after all others, whom it would keep waiting."""
    never, position = now - PLATFORM_HISTORY, due.position
    urgent = due.store.store_id in silent or due.has_open_orders
    # A store that failed waits its turn, or those that always fail would be served for ever.
    overdue = now - max(position.checked_until or never, position.tried_at or never, position.begun_at or never)
    return -position.unended_visits, urgent or overdue >= long_wait, overdue, urgent
