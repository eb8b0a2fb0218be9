"""Which stores a run checks, and in which order: the most overdue first, urgent ones before the others."""

from collections import deque
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from partner_orders.clock import Clock
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


class DueStore(NamedTuple):
    """``open_orders`` has when each open order of the store was created, by its id."""

    store: Store
    position: Position
    open_orders: Mapping[str, datetime]


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

    def due(self, report: Report, requests_per_minute: int) -> deque[DueStore]:
        """Every store that is not paused, in the order of their turns. Notes the silent stores and the duration of a
        round in the report. Raises botocore's errors."""
        positions, open_orders, now = self._table.positions(), self._open_orders(), self._clock()
        stores = [store for store in self._stores.all() if not store.is_paused]
        silent = {store.store_id for store in stores if self._is_silent(store, now)}
        report.silent_stores = sorted(silent)
        report.round_seconds = round(len(stores) * 60 / requests_per_minute)
        # Were there no end to it, those that are urgent in each run would keep the rest from ever being served.
        long_wait = max(LONG_WAIT, LONG_WAIT_ROUNDS * timedelta(seconds=report.round_seconds))
        due = (
            DueStore(
                store,
                positions.get(store.store_id, Position(store.store_id)),
                open_orders.get(store.store_id, {}),
            )
            for store in stores
        )
        return deque(sorted(due, key=lambda entry: _priority(entry, silent, long_wait, now), reverse=True))

    def _open_orders(self) -> dict[str, dict[str, datetime]]:
        """The open orders of each store, with the time that they were created."""
        by_store: dict[str, dict[str, datetime]] = {}
        for order_id, known in self._orders.known(self._orders.open_since(self._clock() - self._history)).items():
            if known.store_id:
                by_store.setdefault(known.store_id, {})[order_id] = known.listed_at
        return by_store

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
        return trading and self._orders.newest_of_store(store.store_id, since) is None


def _priority(due: DueStore, silent: set[str], long_wait: timedelta, now: datetime) -> tuple[bool, timedelta, bool]:
    never, position = now - PLATFORM_HISTORY, due.position
    has_open_orders = any(created_at >= now - OPEN_ORDERS_REACH for created_at in due.open_orders.values())
    urgent = due.store.store_id in silent or has_open_orders
    # A store that failed waits its turn, or those that always fail would be served for ever.
    overdue = now - max(position.checked_until or never, position.tried_at or never)
    return urgent or overdue >= long_wait, overdue, urgent
