"""The regular check of one store: reads its window, and moves its position as far as it was read."""

from dataclasses import replace
from datetime import timedelta

from partner_orders.clock import Clock
from partner_orders.platform.failures import Failure, PartnerApiError
from partner_orders.platform.http import PartnerApiClient
from partner_orders.reconciler.comparison import Comparison, ComparisonScope
from partner_orders.reconciler.lease import Lease, LeaseLostError
from partner_orders.reconciler.ports import KnownOrders
from partner_orders.reconciler.reading import Reading, WindowReader
from partner_orders.reconciler.report import MAX_NAMED
from partner_orders.reconciler.run_state import ENDS_THE_RUN, RunState, note_failure
from partner_orders.reconciler.schedule import DueStore
from partner_orders.reconciler.table import ReconciliationTable
from partner_orders.reconciler.windows import (
    OVERLAP,
    Position,
    Window,
    is_daily_check_due,
    latest_window,
    not_shown,
    window_of,
)


class StoreCheck:
    """``history`` is how far back orders are checked at most."""

    def __init__(
        self,
        api: PartnerApiClient,
        orders: KnownOrders,
        comparison: Comparison,
        reader: WindowReader,
        table: ReconciliationTable,
        lease: Lease,
        history: timedelta,
        clock: Clock,
    ) -> None:
        self._api = api
        self._orders = orders
        self._comparison = comparison
        self._reader = reader
        self._table = table
        self._lease = lease
        self._history = history
        self._clock = clock

    def check(self, due: DueStore, run: RunState) -> None:
        """Check one store. Notes in the report why it could not be checked. Raises what ends the run (ENDS_THE_RUN)."""
        now, store = self._api.now(), due.store
        position = due.position.no_later_than(now)
        daily_check = is_daily_check_due(position, now)
        window = window_of(position, due.open_orders.values(), daily_check, now, self._history)
        has_orders = daily_check and self._has_orders(store.store_id, window)
        has_open_orders = any(window.start <= created_at < now - OVERLAP for created_at in due.open_orders.values())
        scope = ComparisonScope(store, run.report, run.correlation_id)
        expected = has_orders or has_open_orders
        reading = Reading(scope, window, position.vendor_id, expected, tries_both_ids=daily_check)
        if daily_check:
            self._comparison.forget(store.store_id)
        if not self._read(reading, position, run, daily_check):
            return
        if has_orders and not reading.shown:
            # It is read, as far as anybody can tell; but the orders that we have of it should be there.
            run.report.failed_stores[store.store_id] = Failure.NOTHING_SHOWN
        run.report.counts["stores_checked"] += 1
        missing = not_shown(due.open_orders, reading.shown, window.start, self._api.now())
        run.report.counts["not_shown"] += len(missing)
        run.report.not_shown += missing[: MAX_NAMED - len(run.report.not_shown)]

    def _has_orders(self, store_id: str, window: Window) -> bool:
        """Whether we have orders of a window that the platform should show."""
        newest = self._orders.newest_of_store(store_id, window.start + OVERLAP, window.end - OVERLAP)
        return newest is not None

    def _read(self, reading: Reading, position: Position, run: RunState, daily_check: bool) -> bool:
        """Read the window of a check, and move the position with it; whether it was read to its end."""
        try:
            for until, vendor_id in self._reader.read(reading):
                position = position.read_until(until, vendor_id)
                run.save_findings()
                self._move(position)
            if daily_check:
                self._move(replace(position, daily_check_at=reading.window.end))
        except LeaseLostError:
            raise
        except Exception as error:
            self._move(replace(position, tried_at=self._clock()))
            if isinstance(error, ENDS_THE_RUN):
                raise
            note_failure(run.report, position.store_id, error)
            if isinstance(error, PartnerApiError) and not error.failure.is_of_whole_store:
                self._read_latest(reading, position, run)
            return False
        return True

    def _read_latest(self, failed: Reading, position: Position, run: RunState) -> None:
        """Where a window that reaches far back cannot be read, enqueue what is newer than the last try all the same.
        What is between is read with the rest, when it can be."""
        window = latest_window(position, failed.window)
        if window is None:
            return
        reading = Reading(failed.scope, window, position.vendor_id)
        checked_until = position.checked_until
        try:
            for until, _ in self._reader.read(reading):
                run.save_findings()
                if checked_until is not None and window.start <= checked_until:
                    checked_until = max(checked_until, until)
                    self._move(replace(position, checked_until=checked_until, tried_at=self._clock()))
        except ENDS_THE_RUN:
            raise
        except Exception as error:
            note_failure(run.report, position.store_id, error)

    def _move(self, position: Position) -> None:
        """Store how far the store is checked. Raises LeaseLostError."""
        self._lease.renew()
        self._table.move(position, self._lease.fencing_token)
