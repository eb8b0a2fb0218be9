"""The regular check of one store: reads its window, and moves its position as far as it was read."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from enum import Enum, auto

from partner_orders.clock import Clock
from partner_orders.platform.failures import Failure, PartnerApiError, PlatformUnavailableError
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
    BOUNDARY,
    OPEN_ORDERS_REACH,
    OVERLAP,
    Position,
    Window,
    is_daily_check_due,
    latest_window,
    not_shown,
    window_of,
)
from partner_orders.stores.store import Store


class _Outcome(Enum):
    READ = auto()
    PART_READ = auto()
    FAILED = auto()


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

    def check(self, due: DueStore, run: RunState) -> DueStore | None:
        """Check one store, or a part of a first look that has many. What is left of it then; None if nothing is.

        Notes in the report why it could not be checked. Raises what ends the run (ENDS_THE_RUN). A visit is noted
        before its first request: if this worker is killed, the next ones know at which store.
        """
        now, store = self._api.now(), due.store
        left_out = run.left_out.pop(store.store_id, due.position.left_out)
        position = replace(due.position, left_out=left_out).no_later_than(now)
        daily_check = is_daily_check_due(position, now)
        open_orders = self._open_orders(due, daily_check, now)
        window = window_of(position, open_orders.values(), daily_check, now, self._history)
        if due.read_until is not None:
            window = window._replace(start=max(window.start, due.read_until - BOUNDARY))
        position = position.begun(self._clock())
        self._move(position)
        has_orders = daily_check and self._has_orders(store, window)
        has_open_orders = any(window.start <= created_at < now - OVERLAP for created_at in open_orders.values())
        scope = ComparisonScope(store, run.report, run.correlation_id, damps=not daily_check)
        expected = has_orders or has_open_orders
        reading = Reading(
            scope,
            window,
            position.vendor_id,
            expected,
            tries_both_ids=daily_check,
            left_out=position.left_out,
            part_length=due.part_length,
        )
        if daily_check:
            self._comparison.forget(store.store_id)
        position, outcome = self._read(reading, position, run, daily_check)
        run.report.left_out[store.store_id] = position.left_out
        if outcome is _Outcome.FAILED:
            return None
        run.report.failed_stores.pop(store.store_id, None)
        if outcome is _Outcome.PART_READ:
            return due._replace(position=position, read_until=position.checked_until, part_length=reading.part_length)
        if has_orders and not reading.shown:
            # It is read, as far as anybody can tell; but the orders that we have of it should be there.
            run.report.failed_stores[store.store_id] = Failure.NOTHING_SHOWN
        run.report.counts["stores_checked"] += 1
        missing = not_shown(_read_of(open_orders, reading), reading.shown, window.start, self._api.now())
        run.report.counts["not_shown"] += len(missing)
        run.report.not_shown += missing[: MAX_NAMED - len(run.report.not_shown)]
        return None

    def _open_orders(self, due: DueStore, daily_check: bool, now: datetime) -> dict[str, datetime]:
        """When each open order that a check reaches back to was created, by its id. What is older, no check reads."""
        if not (daily_check or due.has_open_orders):
            return {}
        reach = self._history if daily_check else min(OPEN_ORDERS_REACH, self._history)
        return {
            order_id: created_at
            for listing in due.store.listings
            for order_id, created_at in self._orders.open_of_store(listing, now - reach, now).items()
        }

    def _has_orders(self, store: Store, window: Window) -> bool:
        """Whether we have orders of a window that the platform should show."""
        start, end = window.start + OVERLAP, window.end - OVERLAP
        return any(self._orders.newest_of_store(listing, start, end) is not None for listing in store.listings)

    def _read(
        self, reading: Reading, position: Position, run: RunState, daily_check: bool
    ) -> tuple[Position, _Outcome]:
        """Read the window of a check, and move the position with it; the position, and how far the window was read."""
        before, is_first_look = position, position.daily_check_at is None
        try:
            for part in self._reader.read(reading):
                position = position.read_until(part.until, part.vendor_id, reading.window.start)
                position = replace(position, left_out=reading.left_out)
                run.save_findings()
                if part.is_last:
                    break
                is_further = before.checked_until is None or part.until > before.checked_until
                if is_first_look and reading.has_many_pages and is_further and not reading.is_narrowing:
                    position = position.ended()
                    self._move(position)
                    return position, _Outcome.PART_READ  # Others wait for their turn.
                self._move(position)
            position = replace(position.ended(), left_out=reading.left_out)
            position = replace(position, daily_check_at=reading.window.end) if daily_check else position
            self._move(position)
        except LeaseLostError:
            self._end_without_lease(before)
            raise
        except Exception as error:
            return self._after_error(error, reading, position, run), _Outcome.FAILED
        return position, _Outcome.READ

    def _after_error(self, error: Exception, reading: Reading, position: Position, run: RunState) -> Position:
        """The position after a window that could not be read. Raises what ends the run."""
        latest = _latest_window(error, reading, position)
        checked_until = position.checked_until
        position = replace(position, tried_at=self._clock(), left_out=reading.left_out)
        self._move(position if latest else position.ended())
        if isinstance(error, ENDS_THE_RUN):
            raise error
        note_failure(run.report, position.store_id, error)
        if latest is None:
            return position.ended()
        # What is between is read with the rest, when it can be.
        reading = Reading(reading.scope, latest, position.vendor_id, left_out=position.left_out)
        try:
            for part in self._reader.read(reading):
                run.save_findings()
                if checked_until is not None and latest.start <= checked_until:
                    checked_until = max(checked_until, part.until)
                    position = replace(position, checked_until=checked_until, left_out=reading.left_out)
                    self._move(position)
            self._move(position.ended())
        except LeaseLostError:
            self._end_without_lease(position)
            raise
        except Exception as latest_error:
            self._move(position.ended())
            if isinstance(latest_error, ENDS_THE_RUN):
                raise
            note_failure(run.report, position.store_id, latest_error)
        return position.ended()

    def _end_without_lease(self, position: Position) -> None:
        """Note that a visit ended by the loss of the lease, unless another worker has begun one since."""
        with suppress(LeaseLostError):
            self._table.move(position.ended(), self._lease.fencing_token)

    def _move(self, position: Position) -> None:
        """Store how far the store is checked. Raises LeaseLostError."""
        self._lease.renew()
        self._table.move(position, self._lease.fencing_token)


def _latest_window(error: Exception, reading: Reading, position: Position) -> Window | None:
    """What is newer than the last try, to be read all the same where a window that reaches far back cannot be. None if
    it would fail as well."""
    if isinstance(error, (*ENDS_THE_RUN, PlatformUnavailableError)) or reading.newest_failed:
        return None
    if not isinstance(error, PartnerApiError) or error.failure.is_of_whole_store:
        return None
    return latest_window(position, reading.window)


def _read_of(open_orders: Mapping[str, datetime], reading: Reading) -> dict[str, datetime]:
    """The open orders, each with when it was created, of the time that was not left out."""
    return {
        order_id: created_at
        for order_id, created_at in open_orders.items()
        if not any(left_out.start <= created_at <= left_out.end for left_out in reading.left_out)
    }
