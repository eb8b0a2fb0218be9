"""Comparing a window with the platform on demand, and what the reconciler's runs found."""

import json
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, wait
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from partner_orders.clock import now
from partner_orders.reconciler.report import is_regular
from partner_orders.reconciler.stop_reason import StopReason, stop_reason
from partner_orders.reconciler.table import Backfill
from partner_orders.stores.store import Store
from partner_orders_console.operations.errors import NotFoundError, OperatorError
from partner_orders_console.operations.progress import Progress, silent
from partner_orders_console.operations.stack import DeployedStack
from partner_orders_console.operations.words import counted

_LONGEST_WAIT = timedelta(hours=12)
_PAUSE_SECONDS = 10.0
# Whoever presses Ctrl-C at once may be faster than the reconciler, which then begins what nobody waits for.
_LOOKS_FOR_A_PREVIEW = 5  # a second apart
DRIFT = ("missing", "before_registration", "different", "webhooks_missed")
_FOUND = ("missing", "different", "not_understood")
_NAMED_RUNS = 5


@dataclass(frozen=True)
class Request:
    """A window (texts in ISO 8601, UTC; without ``start`` 60 days, without ``end`` until now) over some stores, or all
    that are not paused."""

    start: str | None = None
    end: str | None = None
    stores: Sequence[str] = ()

    def event(self, preview: bool) -> dict[str, Any]:
        return {"from": self.start, "to": self.end, "stores": [*self.stores], "preview": preview}


@dataclass(frozen=True)
class StoreState:
    """How far a store is checked; since when (a time of the table), by whom and why it is paused, as far as its row
    tells."""

    store_id: str
    checked_until: datetime | None
    is_paused: bool
    paused_at: str
    paused_by: str
    paused_reason: str


@dataclass(frozen=True)
class Drift:
    """What the runs of a day found at a store. ``failures`` says why it could not be checked, and how often."""

    day: str
    store_id: str
    counts: Counter[str] = field(default_factory=Counter)
    failures: Counter[str] = field(default_factory=Counter)


# -- a window on demand ------------------------------------------------------------------------------------------------


def progress_of(backfill: Backfill) -> dict[str, Any]:
    """A backfill as its report has it, with ``stores_checked``, and ``stores_failed`` for good: a store that failed
    once and waits for another try is neither."""
    failed = len(backfill.failed_stores.keys() - {*backfill.pending})
    report = backfill.to_json()
    return {**report, "stores_checked": report["stores_done"] - failed, "stores_failed": failed}


def found_in(report: dict[str, Any]) -> int:
    """How many orders a preview would enqueue."""
    return sum(report[name] for name in _FOUND)


def follow(stack: DeployedStack, request: Request, preview: bool, progress: Progress = silent) -> dict[str, Any]:
    """Ask the reconciler for a backfill, and call it until the report is there, with the schedule or without.

    A preview enqueues nothing, and is cancelled if it fails or is interrupted. Raises OperatorError.
    """
    earlier = {backfill.backfill_id for backfill in stack.reconciliation.backfills()}
    following = _Following(stack, earlier, progress)
    try:
        return following.follow(request.event(preview))
    except BaseException as fault:
        if preview:
            with suppress(ClientError, BotoCoreError):
                _cancel_preview(stack, following.backfill_id, earlier, isinstance(fault, KeyboardInterrupt))
        raise


def _cancel_preview(stack: DeployedStack, backfill_id: str, earlier: set[str], may_begin_yet: bool) -> None:
    """Cancel a preview by its id, or, if no call has told it yet, each that began since."""
    for attempt in range(_LOOKS_FOR_A_PREVIEW if may_begin_yet else 1):
        if attempt:
            time.sleep(1)
        new = {
            backfill.backfill_id
            for backfill in stack.reconciliation.backfills()
            if backfill.preview and not backfill.is_over and backfill.backfill_id not in earlier
        }
        for one in new & {backfill_id} if backfill_id else new:
            stack.reconciliation.cancel(one)
        if new or backfill_id:
            return


class _Following:
    """One backfill, from its request to its report."""

    def __init__(self, stack: DeployedStack, earlier: set[str], progress: Progress) -> None:
        self._client = stack.client("lambda", is_slow=True)
        self._function = stack.output("ReconcilerFunctionName")
        self._table = stack.reconciliation
        self._earlier = earlier
        self._progress = progress
        self.backfill_id = ""

    def follow(self, event: dict[str, Any]) -> dict[str, Any]:
        deadline, is_preview = now() + _LONGEST_WAIT, event["preview"]
        report = self._watched(event)
        if "error" in report:
            # The function names its fields; here they are options.
            raise OperatorError(re.sub(r'"(from|to|preview)"', r"--\1", report["error"].replace('"stores"', "--store")))
        self.backfill_id = report["backfill"]
        while report["state"] == "running":
            if now() > deadline:
                raise OperatorError(
                    "the backfill is still running", "`partner-orders reconcile status` shows its progress."
                )
            stopped = self._watched({})["stopped"]
            if backfill := self._table.backfill(report["backfill"]):
                report = backfill.to_json()
            if report["state"] == "running" and _has_to_wait(stopped, is_preview):
                self._progress(f"waiting: {stopped.replace('_', ' ')}")
                time.sleep(_PAUSE_SECONDS)
        return report

    def _invoke(self, event: dict[str, Any]) -> dict[str, Any]:
        response = self._client.invoke(FunctionName=self._function, Payload=json.dumps(event).encode())
        content = json.load(response["Payload"])
        if "FunctionError" in response:
            raise OperatorError(
                f"the reconciler failed: {content.get('errorType', 'unknown')}",
                "`partner-orders logs reconciler --errors` says why.",
            )
        return dict(content)

    def _watched(self, event: dict[str, Any]) -> dict[str, Any]:
        """What a call returns, with progress every second until then: a call takes up to 15 minutes."""
        response: Future[dict[str, Any]] = Future()
        # Unlike an executor's, a daemon thread does not keep the operator who presses Ctrl-C waiting.
        threading.Thread(target=partial(_settle, response, partial(self._invoke, event)), daemon=True).start()
        while not wait([response], timeout=1.0).done:
            new = [backfill for backfill in self._table.backfills() if backfill.backfill_id not in self._earlier]
            if new:
                self._progress(
                    "{stores_done} of {stores} stores, {orders_checked} orders".format_map(new[-1].to_json())
                )
        return response.result()


def _settle[T](response: Future[T], call: Callable[[], T]) -> None:
    try:
        response.set_result(call())
    except BaseException as fault:
        response.set_exception(fault)


def _has_to_wait(stopped: str, is_preview: bool) -> bool:
    """Whether the cause that stopped a run passes by itself; False if the next call continues at once.

    Raises OperatorError if the next call would end like this one until an operator has removed the cause.
    """
    reason = stop_reason(stopped)
    if isinstance(reason, StopReason) and reason.continues_at_once:
        return False
    if reason is None or not reason.is_temporary:
        # A preview that failed is cancelled.
        then = (
            "Then repeat this: nothing was enqueued." if is_preview else "The schedule then continues what was begun."
        )
        raise OperatorError(f"the reconciler stopped: {stopped}", f"`partner-orders doctor` says what to do. {then}")
    return True


def cancel(stack: DeployedStack, backfill_id: str) -> Backfill:
    """End a backfill before its next part; one that is over stays as it is. ``backfill_id`` may be a unique beginning.
    Raises OperatorError."""
    found = [one for one in stack.reconciliation.backfills() if one.backfill_id.startswith(backfill_id)]
    exact = [one for one in found if one.backfill_id == backfill_id]
    if len(exact or found) != 1 or not backfill_id:
        raise OperatorError(
            f"there {'are several backfills' if found else 'is no backfill'} {backfill_id!r}",
            "`partner-orders reconcile status` lists those under way.",
        )
    [backfill] = exact or found
    if not backfill.is_over:
        stack.reconciliation.cancel(backfill.backfill_id)
    return stack.reconciliation.backfill(backfill.backfill_id) or backfill


def store_states(stack: DeployedStack, stores: Iterable[Store]) -> list[StoreState]:
    """How far each of these stores is checked."""
    positions = stack.reconciliation.positions()
    return [
        StoreState(
            store.store_id,
            positions[store.store_id].checked_until if store.store_id in positions else None,
            store.is_paused,
            store.paused_at or "",
            store.paused_by or "",
            store.paused_reason or "",
        )
        for store in stores
    ]


# -- what the runs found -----------------------------------------------------------------------------------------------


def reports(stack: DeployedStack, days: int) -> list[dict[str, Any]]:
    """The reports of the runs of the last ``days`` days, oldest first."""
    return stack.reconciliation.reports(now() - timedelta(days=days), now())


def report_of(stack: DeployedStack, run: str, days: int = 90) -> dict[str, Any]:
    """The report of the run that began at a time, of which a unique beginning is enough. Raises OperatorError."""
    text = run.strip().replace(" ", "T")
    found = [report for report in reports(stack, days) if text and report["started_at"].startswith(text)]
    if len(found) == 1:
        return found[0]
    if 1 < len(found) <= _NAMED_RUNS:
        # The list shows seconds, and a run on demand may begin in the same second as another.
        ids = ", ".join(report["started_at"] for report in found)
        raise NotFoundError(f"several runs begin with {run!r}", f"Use more of one of these: {ids}")
    raise NotFoundError(
        f"{'several runs begin' if found else 'no run begins'} with {run!r}",
        "`partner-orders reports list --by-run` shows them.",
    )


def drift_by_day(found: Sequence[dict[str, Any]]) -> list[Drift]:
    """What runs found, by day and store, the newest day first."""
    drift: dict[tuple[str, str], Drift] = {}
    for report in found:
        day = report["started_at"][:10]
        for store_id, counts in report["stores"].items():
            drift.setdefault((day, store_id), Drift(day, store_id)).counts.update(counts)
        for store_id, kind in report["failed_stores"].items():
            drift.setdefault((day, store_id), Drift(day, store_id)).failures.update([kind])
    return [drift[key] for key in sorted(drift, reverse=True)]


def left_out_at_the_last_run(found: Sequence[dict[str, Any]]) -> list[dict[str, str]]:
    """The times of stores that the last regular run could not read."""
    return [time for report in [*filter(is_regular, found)][-1:] for time in report.get("left_out", [])]


def remarks(found: Sequence[dict[str, Any]]) -> list[str]:
    """What is to be said of some runs beside their figures, a sentence each."""
    regular = [*filter(is_regular, found)]
    last = regular[-1] if regular else {}
    said = []
    if len(found) > len(regular):
        backfills = counted(len(found) - len(regular), "of the runs was", "of the runs were")
        said.append(f"{backfills} for backfills only; what these found is not counted here")
    for why, times in Counter(report["stopped"] for report in found if report["stopped"]).items():
        said.append(f"{times} stopped: {why}")
    if waiting := last.get("waiting", 0):
        said.append(f"{waiting} orders found earlier are not in the table yet: does the consumer work?")
    if silent_stores := last.get("silent_stores"):
        said.append(f"silent at the last run: {', '.join(sorted(silent_stores))}")
    return said
