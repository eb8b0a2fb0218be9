"""Reconciliation: ask the platform what we should have, and queue what is missing or different.

It never writes an order: what it finds goes on the same queue as what the webhook gets. One worker at a time, under a
lease, serves the stores, the most overdue first, and stops in time; the next tick goes on from the stored positions.
"""

import secrets
from collections import Counter, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from partner_orders.clock import Clock, to_text
from partner_orders.order_events.queue import OrderEventsQueue
from partner_orders.orders.table import OrdersTable
from partner_orders.platform.orders import (
    ANOTHER_STORE,
    EMPTY_PAGE,
    MAX_PAGES,
    NOT_FOUND,
    SETTLED,
    UNAUTHORISED,
    OutOfTimeError,
    PartnerApi,
    PartnerApiError,
    TooManyPagesError,
)
from partner_orders.reconciler.backfill_request import BackfillRequest, InvalidRequestError
from partner_orders.reconciler.comparison import Comparison
from partner_orders.reconciler.lease import Lease, LeaseLostError
from partner_orders.reconciler.report import MAX_NAMED, UNDER_WAY, Report
from partner_orders.reconciler.table import Backfill, Position, ReconciliationTable
from partner_orders.stores.store import Store
from partner_orders.stores.table import StoresTable
from partner_orders.stores.trading_hours import BadTradingHoursError, TradingHours

# What the platform gives back at most (contract 4.2), less a margin for the time that a run takes.
PLATFORM_HISTORY = timedelta(days=60) - timedelta(minutes=30)
# Each window begins this long before the last one ended: longer than an order takes to show.
OVERLAP = timedelta(minutes=15)
# Orders change late (a cancellation after pick-up), so every store's last week is looked at once a day.
SWEEP = timedelta(days=7)
SWEEP_EVERY = timedelta(days=1)
# An open order is looked for where it was created, this far back; the sweep goes further.
OPEN_ORDERS = timedelta(days=3)
SILENT_AFTER = timedelta(hours=1)
# Who waits for this long, and for so many rounds, is as urgent as a store with open orders or gone silent.
LONG_WAIT = timedelta(hours=1)
LONG_WAIT_ROUNDS = 3
# A run that a backfill makes long checks the stores again after this.
ROUND = timedelta(minutes=5)
# A window of more pages is read in parts, so that no stop costs more than a part.
PAGES_AT_ONCE = 20
SHORTEST_PART = timedelta(minutes=1)
# What begins so long before the last try is worth a request of its own for what came since.
FAR_BACK = timedelta(days=1)
BOUNDARY = timedelta(seconds=1)
# So many stores are checked between two of a backfill.
STORES_PER_BACKFILL = 3
# The consumer takes some hundred messages a second: behind more than these, a live order would wait for seconds.
PAUSE_ABOVE_MESSAGES = 200
# So it does where more than these wait to be received whenever one looks, for so long.
PAUSE_ABOVE_UNRECEIVED = 20
UNRECEIVED_FOR = timedelta(seconds=5)
# So long a backfill may wait for its turn before the oldest of it is past; the platform's 60 days leave it more.
BACKFILL_WAIT = timedelta(minutes=20)
TOO_OLD = "too_old"
# The platform shows nothing of a store in a time of which we have orders.
NOTHING_SHOWN = "nothing_shown"
LAST_START_SECONDS = 40.0
HAND_BACK_SECONDS = 15.0


NO_STORE = (
    "no store is registered yet, so there is none to read: the first event of a store registers it, or you do, with"
    " `partner-orders stores set` or `partner-orders stores import`"
)
ALL_PAUSED = 'every registered store is paused: name in "stores" which are meant, or end the pause of one'


@dataclass
class _Run:
    """One invocation: its report so far, the orders of the present window that the platform showed, whether a store
    that shows nothing of what we have is asked for by its other id, the events that each preview has found, how many
    orders were queued when the report was last kept, and since when messages wait to be received."""

    report: Report
    correlation_id: str
    remaining_seconds: Callable[[], float]
    seen: set[str] = field(default_factory=set)
    tries_both_ids: bool = False
    previewed: dict[str, set[str]] = field(default_factory=dict)
    kept: int = 0
    unreceived_since: datetime | None = None


class _StoppedError(Exception):
    """The rest of the work is for the next tick."""


# What a store fails with whatever is asked of it.
_ALL_OF_A_STORE = {NOT_FOUND, ANOTHER_STORE, "forbidden", UNAUTHORISED}
# What ends the run, and is no fault of the store that was being served.
_ENDS_THE_RUN = (LeaseLostError, OutOfTimeError, _StoppedError)


class Reconciler:
    """``retention`` is how long orders are kept."""

    def __init__(
        self,
        api: PartnerApi,
        orders: OrdersTable,
        stores: StoresTable,
        comparison: Comparison,
        table: ReconciliationTable,
        queue: OrderEventsQueue,
        lease: Lease,
        retention: timedelta,
        clock: Clock,
        sleep: Callable[[float], None],
    ) -> None:
        self._api = api
        self._orders = orders
        self._stores = stores
        self._comparison = comparison
        self._table = table
        self._queue = queue
        self._lease = lease
        self._history = min(PLATFORM_HISTORY, retention)
        self._clock = clock
        self._sleep = sleep

    # -- invocations ----------------------------------------------------------------------------------------------

    def add_backfill(self, event: dict[str, Any]) -> str:
        """Note a backfill down for this tick and those to come; gives its id. Raises InvalidRequestError."""
        request = BackfillRequest.from_event(event, self._clock(), self._history)
        stores = self._stores.all()
        if not stores:
            raise InvalidRequestError(NO_STORE)
        names = {store.external_partner_config_id: store.store_id for store in stores}
        names |= {store.store_id: store.store_id for store in stores}
        if unknown := [name for name in request.stores if name not in names]:
            raise InvalidRequestError(f"not among the registered stores: {', '.join(unknown)}")
        every = [store.store_id for store in stores if not store.is_paused]
        wanted = tuple(dict.fromkeys(names[name] for name in request.stores or every))
        if not wanted:
            raise InvalidRequestError(ALL_PAUSED)
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

    def backfill(self, backfill_id: str) -> dict[str, Any]:
        """Progress of a backfill; its report once it is done. Raises InvalidRequestError."""
        backfill = self._table.backfill(backfill_id)
        if backfill is None:
            raise InvalidRequestError("there is no backfill of this id; reports are kept for 90 days")
        return backfill.to_json()

    def tick(
        self,
        correlation_id: str,
        remaining_seconds: Callable[[], float],
        only_backfills: bool = False,
        tell: Callable[[Report], None] = lambda _: None,
    ) -> Report:
        """Serve stores and backfills until all are served or the time is up. Raises botocore's errors, once ``tell``
        has got the report of what was found until then."""
        report = Report(self._clock(), is_regular=not only_backfills)
        if not self._lease.take():
            report.stopped = "another_worker_holds_the_lease"
            tell(report)
            return report
        if self._lease.not_before is not None and self._clock() < self._lease.not_before:
            report.stopped = "the_platform_wants_to_be_asked_later"
            lease = self._lease
            lease.give_back(lease.last_request_at, lease.recent_requests or 0, lease.time_format)
            tell(report)
            return report
        run = _Run(report, correlation_id, remaining_seconds)
        self._api.ahead, self._api.not_before = timedelta(0), None
        self._api.before_request = lambda: self._before_request(run)
        self._api.keep_alive = self._lease.keep
        self._api.remaining_seconds = lambda: remaining_seconds() - HAND_BACK_SECONDS
        self._api.take_over(self._lease.last_request_at, self._lease.recent_requests, self._lease.time_format)
        requests_before, errors_before = self._api.requests, Counter(self._api.errors)
        failure: Exception | None = None
        try:
            try:
                self._serve(run, only_backfills)
            finally:
                self._lease.give_back(
                    self._api.last_request_at, self._api.recent_requests, self._api.time_format, self._api.not_before
                )
        except LeaseLostError:
            report.stopped = "lease_lost"
        except OutOfTimeError:
            report.stopped = "out_of_time"
        except _StoppedError as stopped:
            report.stopped = str(stopped)
        except Exception as error:
            report.stopped, failure = f"error:{type(error).__name__}", error
        report.counts["requests"] = self._api.requests - requests_before
        report.api_errors = self._api.errors - errors_before
        report.token_age_days = self._api.token_age.days if self._api.token_age else None
        try:
            self._table.keep_report(report.started_at, report.to_json())
        finally:
            tell(report)
        if failure is not None:
            raise failure
        return report

    # -- what to serve, in which order ------------------------------------------------------------------------------

    def _serve(self, run: _Run, only_backfills: bool) -> None:
        backfills = deque(backfill for backfill in self._table.backfills() if not backfill.is_done)
        stores, open_orders = self._due(run)
        if only_backfills:
            stores.clear()
        round_began, turn = self._clock(), 0
        while stores or backfills:
            if run.remaining_seconds() < LAST_START_SECONDS:
                raise _StoppedError("out_of_time")
            if backfills and (not stores or turn % (STORES_PER_BACKFILL + 1) == STORES_PER_BACKFILL):
                backfill = self._serve_backfill(backfills[0], run)
                backfills.popleft()
                if not backfill.is_done:
                    backfills.append(backfill)
            else:
                store, position = stores.popleft()
                self._serve_store(store, position, open_orders.get(store.store_id, {}), run)
            turn += 1
            self._keep_what_was_found(run)
            if backfills and not stores and not only_backfills and self._clock() - round_began >= ROUND:
                (stores, open_orders), round_began = self._due(run), self._clock()

    def _keep_what_was_found(self, run: _Run) -> None:
        """What is queued is in step when it is looked for again: who kills this worker must not undo that it counts."""
        if run.report.counts["enqueued"] > run.kept:
            run.kept = run.report.counts["enqueued"]
            self._table.keep_report(run.report.started_at, run.report.to_json() | {"stopped": UNDER_WAY})

    def _due(self, run: _Run) -> tuple[deque[tuple[Store, Position]], dict[str, dict[str, datetime]]]:
        """Every store with its position, in the order of their turns, and the open orders of each."""
        positions, open_orders, now = self._table.positions(), self._open_orders(), self._clock()
        stores = [store for store in self._stores.all() if not store.is_paused]
        silent = {store.store_id for store in stores if self._is_silent(store, now)}
        run.report.silent_stores = sorted(silent)
        run.report.round_seconds = round(len(stores) * 60 / self._api.requests_per_minute)
        never = now - PLATFORM_HISTORY
        # Were there no end to it, those that are urgent in each run would keep the rest from ever being served.
        long_wait = max(LONG_WAIT, LONG_WAIT_ROUNDS * timedelta(seconds=run.report.round_seconds))

        def turn(entry: tuple[Store, Position]) -> tuple[bool, timedelta, bool]:
            store, position = entry
            lately = [at for at in open_orders.get(store.store_id, {}).values() if at >= now - OPEN_ORDERS]
            urgent = store.store_id in silent or bool(lately)
            # One that failed waits its turn, or those that always fail would be served for ever.
            overdue = now - max(position.checked_until or never, position.tried_at or never)
            return urgent or overdue >= long_wait, overdue, urgent

        due = [(store, positions.get(store.store_id, Position(store.store_id))) for store in stores]
        return deque(sorted(due, key=turn, reverse=True)), open_orders

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

    # -- one store --------------------------------------------------------------------------------------------------

    def _serve_store(self, store: Store, position: Position, open_orders: dict[str, datetime], run: _Run) -> None:
        now = self._api.now()
        if position.checked_until is not None and position.checked_until > now:
            position = replace(position, checked_until=now)
        sweeping = position.swept_at is None or now - position.swept_at >= SWEEP_EVERY
        start = self._window_start(position, open_orders, sweeping, now)
        held = sweeping and self._orders.newest_of_store(store.store_id, start + OVERLAP, now - OVERLAP) is not None
        expected = held or any(start <= created < now - OVERLAP for created in open_orders.values())
        run.seen, run.tries_both_ids = set(), sweeping
        if sweeping:
            self._comparison.forget(store.store_id)
        try:
            for until, vendor_id in self._read(store, position.vendor_id, start, now, run, some_expected=expected):
                checked_until = max(position.checked_until or until, until)
                position = replace(position, checked_until=checked_until, vendor_id=vendor_id)
                self._keep_what_was_found(run)
                self._move(position)
            if sweeping:
                self._move(replace(position, swept_at=now))
        except LeaseLostError:
            raise
        except Exception as error:
            self._move(replace(position, tried_at=self._clock()))
            if isinstance(error, _ENDS_THE_RUN):
                raise
            self._failed(store.store_id, error, run)
            if isinstance(error, PartnerApiError) and error.kind not in _ALL_OF_A_STORE:
                self._read_the_latest(store, position, start, now, run)
            return
        if held and not run.seen:
            # It is read, as far as anybody can tell; but what we have of it should be there.
            run.report.failed_stores[store.store_id] = NOTHING_SHOWN
        run.report.counts["stores_checked"] += 1
        settled = self._api.now() - OVERLAP
        gone = [name for name, created in open_orders.items() if start < created < settled and name not in run.seen]
        run.report.counts["not_shown"] += len(gone)
        run.report.not_shown += sorted(gone)[: MAX_NAMED - len(run.report.not_shown)]

    def _read_the_latest(self, store: Store, position: Position, start: datetime, now: datetime, run: _Run) -> None:
        """Where a window that reaches far back cannot be read, queue what is newer than the last try all the same. What
        is between is read with the rest, when it can be."""
        checked = position.checked_until
        since = max(filter(None, (checked, position.tried_at)), default=now) - OVERLAP
        if since - start < FAR_BACK:
            return
        try:
            for until, _ in self._read(store, position.vendor_id, since, now, run):
                self._keep_what_was_found(run)
                if checked is not None and since <= checked:
                    checked = max(checked, until)
                    self._move(replace(position, checked_until=checked, tried_at=self._clock()))
        except _ENDS_THE_RUN:
            raise
        except Exception as error:
            self._failed(store.store_id, error, run)

    def _move(self, position: Position) -> None:
        """Store how far we are, if we still may. Raises LeaseLostError."""
        self._lease.keep()
        self._table.move(position, self._lease.fence)

    def _save(self, backfill: Backfill) -> None:
        self._lease.keep()
        self._table.save(backfill, self._lease.fence)

    def _window_start(
        self, position: Position, open_orders: dict[str, datetime], sweeping: bool, now: datetime
    ) -> datetime:
        """The first time, everything; then what overlaps the last window, reaching back to the oldest open order of
        the last days, and once a day to the oldest of all."""
        if position.checked_until is None:
            return now - self._history
        start = position.checked_until - OVERLAP
        reach = timedelta.max if sweeping else OPEN_ORDERS
        start = min([start, *(created - OVERLAP for created in open_orders.values() if now - created <= reach)])
        if sweeping:
            # From when it was due: what changed while nobody looked was older by as long.
            due_at = now if position.swept_at is None else min(now, position.swept_at + SWEEP_EVERY)
            start = min(start, due_at - SWEEP)
        return max(start, now - self._history)

    def _serve_backfill(self, backfill: Backfill, run: _Run) -> Backfill:
        """One store of a backfill, or a part of it if it has many; gives the backfill as it stands after it."""
        name = backfill.pending[0]
        store = self._stores.find(name)
        start, oldest = backfill.done_until or backfill.start, self._api.now() - self._history - BACKFILL_WAIT
        if start < oldest:
            backfill, start = replace(backfill, not_read_before=oldest), oldest
        failure = None
        if store is None:
            failure = "not_registered"
        elif start >= backfill.end:
            failure = TOO_OLD
        else:
            self._comparison.forget(store.store_id, backfill.preview)
            expected = self._orders.newest_of_store(store.store_id, start + OVERLAP, backfill.end) is not None
            run.seen, run.tries_both_ids = set(), True
            # What a preview finds is no finding of the run's.
            if backfill.preview:
                found = run.previewed.setdefault(backfill.backfill_id, set())
                run = replace(run, report=Report(run.report.started_at, found=found))
            before = Counter(run.report.counts)
            vendor_id = self._table.position(name).vendor_id
            try:
                # Ends may be exclusive.
                window = start - BOUNDARY, backfill.end
                for checked, _ in self._read(store, vendor_id, *window, run, backfill.preview, expected):
                    backfill = replace(backfill, done_until=checked).counting(run.report.counts - before)
                    before = Counter(run.report.counts)
                    if checked < backfill.end:
                        self._save(backfill)
                    if checked < min(backfill.end, self._api.now() - OVERLAP):
                        return backfill  # There is more of it, and others wait for their turn.
            except LeaseLostError:
                raise
            except Exception as error:
                backfill = backfill.counting_found(run.report.counts - before)
                # It may be this store that ends every run. What is under way goes on, as most such faults pass.
                at_once = isinstance(error, PartnerApiError) and error.everywhere and backfill.done_until is None
                self._save(backfill.with_first_store_last() if at_once else backfill)
                if isinstance(error, _ENDS_THE_RUN):
                    raise
                failure = self._failed(name, error, run)
        backfill = backfill.after_first_store(failure)
        self._save(backfill)
        return backfill

    def _failed(self, store_id: str, error: Exception, run: _Run) -> str:
        """Note why a store could not be checked; if no other could be either, end the run."""
        kind = error.kind if isinstance(error, PartnerApiError) else type(error).__name__
        run.report.failed_stores[store_id] = kind
        if isinstance(error, PartnerApiError) and error.everywhere:
            raise _StoppedError(kind) from None
        return kind

    # -- reading ----------------------------------------------------------------------------------------------------

    def _read(
        self,
        store: Store,
        vendor_id: str | None,
        start: datetime,
        end: datetime,
        run: _Run,
        preview: bool = False,
        some_expected: bool = False,
    ) -> Iterator[tuple[datetime, str]]:
        """Read a window in parts, oldest first; after each that was read to its last page and queued, gives the time
        up to which it was, by the platform's clock, and the id of the store that the API took."""
        # What is newer than this may still find its place; twice, since we may not know the platform's clock yet.
        end = min(end, self._api.now() - 2 * SETTLED)
        length = longest = end - start
        while start < end:
            part_end = min(start + length, end)
            most = PAGES_AT_ONCE if length > SHORTEST_PART else MAX_PAGES
            asked_at = self._clock()
            try:
                vendor_id = self._read_part(store, vendor_id, start, part_end, most, run, preview, some_expected)
            except TooManyPagesError as too_many:
                if most == MAX_PAGES:
                    raise  # A minute of a store's orders on so many pages is no truth.
                length = longest = max((part_end - start) / (1.2 * too_many.pages / most), SHORTEST_PART)
                continue
            except PartnerApiError as error:
                # In the end on one page, which is of one moment: whatever moves, or is missing from the other pages.
                if not error.in_parts or part_end - start <= SHORTEST_PART:
                    raise
                self._api.errors[error.kind] += 1
                some_expected = some_expected or error.kind == EMPTY_PAGE
                length = max((part_end - start) / 2, SHORTEST_PART)
                continue
            length = min(2 * length, longest)
            yield min(part_end, asked_at + self._api.ahead - SETTLED), vendor_id
            # Ends may be exclusive.
            start = part_end - BOUNDARY if part_end < end else end

    def _read_part(
        self,
        store: Store,
        vendor_id: str | None,
        start: datetime,
        end: datetime,
        most: int,
        run: _Run,
        preview: bool,
        some_expected: bool,
    ) -> str:
        # Either id is said to work in a path (contract 1), so the other is tried where one is not found, shows nothing
        # of what we have, or is another store's now. The one that worked last comes first, while it is this store's.
        ids = [name for name in (store.store_id, store.external_partner_config_id) if name]
        names = sorted(dict.fromkeys(ids), key=lambda name: name != vendor_id)
        names = [name for name in names if name not in {".", ".."}]  # which would lead elsewhere
        fault, silent = NOT_FOUND, ""
        for name in names:
            own = of_others = 0
            try:
                for page in self._api.orders(name, start, end, most, some_expected):
                    shown = self._comparison.compare(
                        store, page, run.report, run.correlation_id, preview, self._api.now
                    )
                    run.seen |= shown.order_ids
                    own, of_others = own + shown.own, of_others + shown.of_others
            except PartnerApiError as error:
                if error.kind != NOT_FOUND and (error.everywhere or not silent):
                    raise
                continue
            if of_others and not own and name != store.store_id:
                fault = ANOTHER_STORE
            elif run.seen or not some_expected or not run.tries_both_ids:
                return name
            else:
                silent = silent or name
        if not silent:
            raise PartnerApiError(fault)
        return silent

    # -- staying within bounds ----------------------------------------------------------------------------------------

    def _before_request(self, run: _Run) -> None:
        """Before each request: the lease is ours, and live orders do not wait behind what we have queued."""
        self._lease.keep()
        while self._is_behind(run):
            if run.remaining_seconds() < LAST_START_SECONDS:
                raise _StoppedError("the_queue_is_behind")
            self._sleep(1.0)
            self._lease.keep()

    def _is_behind(self, run: _Run) -> bool:
        """Whether live orders may wait for seconds. SQS tells how many messages there are, and of no message how old it
        is; those that nobody receives for a while have waited for as long, or others as many before them."""
        backlog = self._queue.backlog()
        if backlog.unreceived <= PAUSE_ABOVE_UNRECEIVED:
            run.unreceived_since = None
        elif run.unreceived_since is None:
            run.unreceived_since = self._clock()
        unreceived_for = self._clock() - run.unreceived_since if run.unreceived_since else timedelta(0)
        return unreceived_for >= UNRECEIVED_FOR or sum(backlog) > PAUSE_ABOVE_MESSAGES
