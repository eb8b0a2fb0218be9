"""Backfills: a window that an operator has made whole, or previewed, over some stores or all."""

import secrets
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from partner_orders.clock import Clock, to_text
from partner_orders.orders.fields import parse_instant
from partner_orders.platform.failures import Failure, PlatformUnavailableError
from partner_orders.platform.http import PartnerApiClient
from partner_orders.reconciler.comparison import Comparison, ComparisonScope
from partner_orders.reconciler.lease import Lease, LeaseLostError
from partner_orders.reconciler.ports import KnownOrders
from partner_orders.reconciler.reading import Reading, WindowReader
from partner_orders.reconciler.report import Report
from partner_orders.reconciler.run_state import ENDS_THE_RUN, RunState, note_failure
from partner_orders.reconciler.table import Backfill, BackfillCancelledError, ReconciliationTable
from partner_orders.reconciler.windows import BOUNDARY, OVERLAP, Position, Window, oldest_readable
from partner_orders.stores.directory import StoreDirectory
from partner_orders.stores.store import AmbiguousCodeError, Store
from partner_orders.stores.table import StoresTable

NAMES = ("from", "to", "stores", "preview")
NO_STORE = (
    "no store is registered yet, so there is none to read: the first event of a store registers it, or you do, with"
    " `partner-orders stores set` or `partner-orders stores import`"
)
ALL_PAUSED = 'every registered store is paused: name in "stores" which are meant, or end the pause of one'
# The oldest "from" that is still taken may have been written down a little before it arrives.
_GRACE = timedelta(minutes=10)


class InvalidRequestError(ValueError):
    """The event that invoked the reconciler is not one it takes; the message says what to change."""


@dataclass(frozen=True)
class BackfillRequest:
    """The window to make whole, from ``start`` to ``end`` (UTC); every store if ``stores`` is empty. A ``preview``
    finds what is missing or different, and changes nothing."""

    start: datetime
    end: datetime
    stores: tuple[str, ...]
    preview: bool

    @classmethod
    def from_event(cls, event: dict[str, Any], now: datetime, history: timedelta) -> "BackfillRequest":
        """From ``{"from", "to", "stores", "preview"}``, all optional: by default all that the platform still has and
        we would still keep, which goes ``history`` back. Raises InvalidRequestError."""
        if unknown := sorted(event.keys() - {*NAMES}):
            raise InvalidRequestError(f"{', '.join(unknown)}: not known; a backfill has {', '.join(NAMES)}")
        end = min(_instant(event, "to", now), now)
        start = _instant(event, "from", now - history)
        stores, preview = event.get("stores"), event.get("preview", False)
        stores = [] if stores is None else stores
        if start < now - history - _GRACE:
            days = round(history / timedelta(days=1))
            raise InvalidRequestError(
                f'"from" should be within the last {days} days: before, there is nothing to compare'
            )
        if start >= end:
            raise InvalidRequestError('"from" should be before "to", and not in the future')
        if not isinstance(stores, list) or not all(isinstance(store, str) and store for store in stores):
            raise InvalidRequestError('"stores" should be a list of store ids')
        if not isinstance(preview, bool):
            raise InvalidRequestError('"preview" should be true or false')
        return cls(max(start, now - history), end, tuple(stores), preview)


def _instant(event: dict[str, Any], name: str, default: datetime) -> datetime:
    if event.get(name) is None:
        return default
    try:
        return parse_instant(event[name])
    except (AttributeError, ValueError):
        raise InvalidRequestError(f'"{name}" should be a time in ISO 8601, such as 2026-03-14T08:00:00Z') from None


class Backfills:
    """``history`` is how far back orders are checked at most."""

    def __init__(
        self,
        api: PartnerApiClient,
        orders: KnownOrders,
        stores: StoresTable,
        comparison: Comparison,
        reader: WindowReader,
        table: ReconciliationTable,
        lease: Lease,
        history: timedelta,
        clock: Clock,
    ) -> None:
        self._api = api
        self._orders = orders
        self._stores = stores
        self._comparison = comparison
        self._reader = reader
        self._table = table
        self._lease = lease
        self._history = history
        self._clock = clock

    def add(self, event: dict[str, Any]) -> str:
        """Store a backfill for the next runs; its id. Raises InvalidRequestError."""
        request = BackfillRequest.from_event(event, self._clock(), self._history)
        wanted = _wanted_stores(request, self._stores.directory())
        backfill = Backfill(
            backfill_id=f"{to_text(self._clock())}-{secrets.token_hex(2)}",
            start=request.start,
            end=request.end,
            preview=request.preview,
            pending=wanted,
            stores=len(wanted),
        )
        self._table.add(backfill)
        return backfill.backfill_id

    def progress(self, backfill_id: str) -> dict[str, Any]:
        """Progress of a backfill; its report once it is done. Raises InvalidRequestError."""
        backfill = self._table.backfill(backfill_id)
        if backfill is None:
            raise InvalidRequestError("there is no backfill of this id; reports are kept for 90 days")
        return backfill.to_json()

    def cancel(self, backfill_id: str) -> dict[str, Any]:
        """End a backfill before its next part; its progress. Raises InvalidRequestError."""
        if self.progress(backfill_id)["state"] == "running":
            self._table.cancel(backfill_id)
        return self.progress(backfill_id)

    def serve(self, backfill: Backfill, run: RunState) -> Backfill:
        """Read one store of a backfill, or a part of it if it has many; the backfill as it stands after it. A visit is
        noted before its first request: if this worker is killed, the next one knows at which store. Raises what ends
        the run (ENDS_THE_RUN)."""
        try:
            if backfill.is_begun:
                backfill = backfill.after_unended_visit()
                self._save(backfill)
                return backfill
            return self._serve(backfill, run)
        except BackfillCancelledError:
            return replace(backfill, is_cancelled=True)

    def _serve(self, backfill: Backfill, run: RunState) -> Backfill:
        store = self._stores.find(backfill.pending[0])
        start, oldest = backfill.done_until or backfill.start, oldest_readable(self._api.now(), self._history)
        if start < oldest:
            backfill, start = replace(backfill, not_read_before=oldest), oldest
        if store is None:
            return self._finish_store(backfill, Failure.NOT_REGISTERED)
        if start >= backfill.end:
            return self._finish_store(backfill, Failure.TOO_OLD)
        backfill = backfill.begun()
        self._save(backfill)
        position = self._table.position(store.store_id)
        reading = self._reading(backfill, position, store, start, run)
        backfill = self._read(reading, backfill)
        if reading.left_out != position.left_out and not backfill.preview:
            # Regular checks narrow it further, and try it again.
            run.left_out[store.store_id] = reading.left_out
            self._table.move(replace(position, left_out=reading.left_out), self._lease.fencing_token)
        return backfill

    def _reading(self, backfill: Backfill, position: Position, store: Store, start: datetime, run: RunState) -> Reading:
        self._comparison.forget(store.store_id, backfill.preview)
        expected = any(
            self._orders.newest_of_store(listing, start + OVERLAP, backfill.end) is not None
            for listing in store.listings
        )
        report = run.report
        if backfill.preview:
            # The findings of a preview are not the run's.
            found = run.found_in_previews.setdefault(backfill.backfill_id, set())
            report = Report(run.report.started_at, found=found)
        scope = ComparisonScope(store, report, run.correlation_id, backfill.preview)
        window = Window(start - BOUNDARY, backfill.end)  # Ends may be exclusive.
        return Reading(
            scope,
            window,
            position.vendor_id,
            expected,
            tries_both_ids=True,
            left_out=position.left_out,
            tries_left_out=True,  # An operator asks for it.
        )

    def _read(self, reading: Reading, backfill: Backfill) -> Backfill:
        report, failure = reading.scope.report, None
        counted = Counter(report.counts)
        try:
            for part in self._reader.read(reading):
                backfill = replace(backfill, done_until=part.until).counting(report.counts - counted)
                backfill = backfill.leaving_out(reading.window.start, reading.left_out).naming(report.repairs)
                counted = Counter(report.counts)
                has_more = part.until < min(backfill.end, self._api.now() - OVERLAP)
                others_turn = has_more and not reading.is_narrowing
                if part.until < backfill.end:
                    self._save(backfill.ended() if others_turn else backfill)
                if others_turn:
                    return backfill.ended()
        except LeaseLostError:
            with suppress(LeaseLostError, BackfillCancelledError):
                self._table.save(backfill.ended(), self._lease.fencing_token)
            raise
        except BackfillCancelledError:
            raise
        except Exception as error:
            backfill = backfill.ended().counting_found(report.counts - counted)
            # It may be this store that ends every run. What is under way goes on, as most such failures pass.
            at_once = isinstance(error, PlatformUnavailableError) and backfill.done_until is None
            self._save(backfill.with_first_store_last() if at_once else backfill)
            if isinstance(error, ENDS_THE_RUN):
                raise
            failure = note_failure(report, backfill.pending[0], error)
        return self._finish_store(backfill, failure)

    def _finish_store(self, backfill: Backfill, failure: str | None) -> Backfill:
        backfill = backfill.after_first_store(failure)
        self._save(backfill)
        return backfill

    def _save(self, backfill: Backfill) -> None:
        """Store a backfill's progress. Raises LeaseLostError."""
        self._lease.renew()
        self._table.save(backfill, self._lease.fencing_token)


def _wanted_stores(request: BackfillRequest, directory: StoreDirectory) -> tuple[str, ...]:
    """The ids of the stores that a request names, by either of their ids; of all that are not paused if it names none.
    Raises InvalidRequestError."""
    if not directory.stores:
        raise InvalidRequestError(NO_STORE)
    try:
        named = {name: directory.named(name) for name in request.stores}
    except AmbiguousCodeError as error:
        raise InvalidRequestError(str(error)) from None
    if unknown := [name for name, store in named.items() if store is None]:
        raise InvalidRequestError(f"not among the registered stores: {', '.join(unknown)}")
    every = [store for store in directory.stores if not store.is_paused]
    wanted = tuple(dict.fromkeys(store.store_id for store in ([*named.values()] or every) if store))
    if not wanted:
        raise InvalidRequestError(ALL_PAUSED)
    return wanted
