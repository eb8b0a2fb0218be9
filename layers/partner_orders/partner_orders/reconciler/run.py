"""One run of the reconciler: lists the platform's orders, compares them with ours, and enqueues whatever is missing or
different.

It never writes an order: what it finds goes on the same queue as the webhook's events. One worker at a time, under a
lease, serves the stores, the most overdue first, and stops in time; the next run continues from the stored positions.
"""

from collections import Counter, deque
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from partner_orders.clock import Clock
from partner_orders.platform.failures import OutOfTimeError
from partner_orders.platform.http import Handover, PartnerApiClient, RunLimits
from partner_orders.platform.orders import PlatformOrders
from partner_orders.reconciler.backfill import Backfills
from partner_orders.reconciler.comparison import Comparison
from partner_orders.reconciler.lease import Lease
from partner_orders.reconciler.pacing import Pacing
from partner_orders.reconciler.ports import EventsQueue, KnownOrders
from partner_orders.reconciler.reading import WindowReader
from partner_orders.reconciler.report import Report
from partner_orders.reconciler.run_state import RunState
from partner_orders.reconciler.schedule import LONG_WORK_SHARE, Due, DueStore, Schedule
from partner_orders.reconciler.stop_reason import RunEndedError, StopReason
from partner_orders.reconciler.store_check import StoreCheck
from partner_orders.reconciler.table import Backfill, ReconciliationTable
from partner_orders.reconciler.windows import PLATFORM_HISTORY
from partner_orders.stores.table import StoresTable

# A run that first looks or backfills make long checks the stores again after this.
ROUND = timedelta(minutes=5)
# What the platform client leaves of the time for the last writes.
RELEASE_SECONDS = 15.0


class Reconciler:
    """``retention`` is how long orders are kept."""

    def __init__(
        self,
        api: PartnerApiClient,
        platform_orders: PlatformOrders,
        orders: KnownOrders,
        stores: StoresTable,
        comparison: Comparison,
        table: ReconciliationTable,
        queue: EventsQueue,
        lease: Lease,
        retention: timedelta,
        clock: Clock,
        sleep: Callable[[float], None],
    ) -> None:
        history = min(PLATFORM_HISTORY, retention)
        reader = WindowReader(api, platform_orders, comparison, clock)
        self._api = api
        self._table = table
        self._queue = queue
        self._lease = lease
        self._clock = clock
        self._sleep = sleep
        self._schedule = Schedule(orders, stores, table, history, clock)
        self._store_check = StoreCheck(api, orders, comparison, reader, table, lease, history, clock)
        self._backfills = Backfills(api, orders, stores, comparison, reader, table, lease, history, clock)

    def add_backfill(self, event: dict[str, Any]) -> str:
        """Store a backfill for the next runs; its id. Raises InvalidRequestError."""
        return self._backfills.add(event)

    def cancel(self, backfill_id: str) -> dict[str, Any]:
        """End a backfill before its next part; its progress. Raises InvalidRequestError."""
        return self._backfills.cancel(backfill_id)

    def backfill(self, backfill_id: str) -> dict[str, Any]:
        """Progress of a backfill; its report once it is done. Raises InvalidRequestError."""
        return self._backfills.progress(backfill_id)

    def run(
        self,
        correlation_id: str,
        remaining_seconds: Callable[[], float],
        only_backfills: bool = False,
        tell: Callable[[Report], None] = lambda _: None,
    ) -> Report:
        """Serve stores and backfills until all are served or the time is up. Raises botocore's errors, once ``tell``
        has got the report of what was found until then."""
        report = Report(self._clock(), is_regular=not only_backfills)
        handover = self._lease.acquire()
        if handover is None:
            report.stopped = StopReason.LEASE_HELD
            tell(report)
            return report
        if handover.not_before is not None and self._clock() < handover.not_before:
            report.stopped = StopReason.REQUESTED_LATER
            self._lease.release(handover)
            tell(report)
            return report
        run = RunState(report, correlation_id, remaining_seconds, self._table)
        requests_before, errors_before = self._api.requests, Counter(self._api.errors)
        error = self._serve_under_lease(run, handover, only_backfills)
        report.counts["requests"] = self._api.requests - requests_before
        report.api_errors = self._api.errors - errors_before
        report.token_age_days = self._api.token_age.days if self._api.token_age else None
        try:
            self._table.save_report(report.started_at, report.to_json())
        finally:
            tell(report)
        if error is not None:
            raise error
        return report

    def _serve_under_lease(self, run: RunState, handover: Handover, only_backfills: bool) -> Exception | None:
        """Serve, release the lease, and note in the report why the run ended; the error that nobody expected."""
        pacing = Pacing(self._queue, self._lease, run.remaining_seconds, self._clock, self._sleep)
        limits = RunLimits(
            before_request=pacing.before_request,
            keep_alive=self._lease.renew,
            remaining_seconds=lambda: run.remaining_seconds() - RELEASE_SECONDS,
        )
        self._api.begin(limits, handover)
        try:
            try:
                self._serve(run, only_backfills)
            finally:
                self._lease.release(self._api.end())
        except RunEndedError as ended:
            run.report.stopped = str(ended)
        except OutOfTimeError:
            run.report.stopped = StopReason.OUT_OF_TIME
        except Exception as error:
            run.report.stopped = f"{StopReason.ERROR}:{type(error).__name__}"
            return error
        return None

    def _serve(self, run: RunState, only_backfills: bool) -> None:
        """Serve stores and backfills in turn. Raises RunEndedError, OutOfTimeError and botocore's errors."""
        backfills = deque(backfill for backfill in self._table.backfills() if not backfill.is_over)
        due = self._due(run, backfills)
        if only_backfills:
            due = Due(deque(), deque())
        turns, round_began = Turns(), self._clock()
        while due.stores or due.first_looks or backfills:
            if run.is_nearly_over:
                raise RunEndedError(StopReason.OUT_OF_TIME)
            requests_before = self._api.requests
            has_long_work = bool(due.first_looks or backfills)
            is_long_work = not due.stores or (has_long_work and turns.is_long_works_turn)
            if not is_long_work:
                self._check_first(due.stores, due.first_looks, run)
            elif turns.is_first_looks_turn(due.first_looks, backfills):
                self._check_first(due.first_looks, due.first_looks, run)
            else:
                self._serve_first(backfills, run)
            turns.count(self._api.requests - requests_before, is_long_work)
            run.save_findings()
            is_rest = not due.stores and (due.first_looks or backfills) and not only_backfills
            if is_rest and self._is_round_over(round_began):
                due, turns, round_began = self._due(run, backfills), Turns(), self._clock()

    def _due(self, run: RunState, backfills: deque[Backfill]) -> Due:
        return self._schedule.due(run.report, self._api.requests_per_minute, bool(backfills))

    def _is_round_over(self, round_began: datetime) -> bool:
        return self._clock() - round_began >= ROUND

    def _check_first(self, stores: deque[DueStore], first_looks: deque[DueStore], run: RunState) -> None:
        """Check the first store, or read a part of its history; then it is the last of those that have more."""
        rest = self._store_check.check(stores.popleft(), run)
        if rest is not None:
            first_looks.append(rest)

    def _serve_first(self, backfills: deque[Backfill], run: RunState) -> None:
        """Serve the first backfill; then it is the last of those that are not over."""
        backfill = self._backfills.serve(backfills[0], run)
        backfills.popleft()
        if not backfill.is_over:
            backfills.append(backfill)


class Turns:
    """Whose turn it is: stores are checked at their regular round, and what takes many requests gets LONG_WORK_SHARE of
    the requests, and what the round leaves."""

    def __init__(self) -> None:
        self._requests = Counter[bool]()
        self._was_first_look = False

    @property
    def is_long_works_turn(self) -> bool:
        long, regular = self._requests[True], self._requests[False]
        return max(long, 1) <= LONG_WORK_SHARE * (regular + max(long, 1))

    def count(self, requests: int, is_long_work: bool) -> None:
        self._requests[is_long_work] += requests

    def is_first_looks_turn(self, first_looks: deque[DueStore], backfills: deque[Backfill]) -> bool:
        """Whether a first look is next, and not a backfill, of which each has every second turn."""
        self._was_first_look = bool(first_looks) and not (backfills and self._was_first_look)
        return self._was_first_look
