"""``partner-orders reconcile``: make a window whole, and see what webhooks missed."""

import json
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future, wait
from datetime import timedelta
from functools import partial
from typing import Annotated, Any

import typer

from partner_orders.clock import now
from partner_orders.reconciler.report import is_regular
from partner_orders.reconciler.stop_reason import StopReason, stop_reason
from partner_orders.reconciler.table import BACKFILL_COUNTS
from partner_orders_console.cli.call import stack_of
from partner_orders_console.cli.output import AsJson, Yes, ask, counted, print_json, print_table, say, working
from partner_orders_console.operations.errors import OperatorError
from partner_orders_console.operations.stack import DeployedStack

app = typer.Typer(help="Reconciliation: run it now, see its reports.", no_args_is_help=True)

_LONGEST_WAIT = timedelta(hours=12)
_DRIFT = ("missing", "before_registration", "different", "webhooks_missed")
_LEFT_OUT = ("store_id", "from", "to", "failure")
_PAUSE_SECONDS = 10.0


@app.command()
def run(
    context: typer.Context,
    start: Annotated[str | None, typer.Option("--from", help="UTC, such as 2026-03-14T08:00:00Z")] = None,
    end: Annotated[str | None, typer.Option("--to", help="UTC; now without")] = None,
    store: Annotated[list[str] | None, typer.Option(help="a store, by either of its ids; again for more")] = None,
    preview: Annotated[bool, typer.Option("--preview", help="show what would be queued, and change nothing")] = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> int:
    """Compare a window with the platform: a preview first, then, if you agree, the backfill, to its report.

    Without --from, all that the platform still shows: 60 days. Example: partner-orders reconcile run --preview
    """
    stack = stack_of(context)
    request = {"from": start, "to": end, "stores": store or []}
    report = _follow(stack, {**request, "preview": True})
    found = report["missing"] + report["different"] + report["not_understood"]
    if found and report["state"] == "done" and not preview:
        if not as_json:  # Programs get one document.
            _print(report, as_json=False)
        ask(f"queue {counted(found, 'order')}?", yes)
        report = _follow(stack, {**request, "preview": False})
    _print(report, as_json)
    if report["state"] == "cancelled":
        raise OperatorError("the backfill was cancelled", "`partner-orders reconcile run` asks for a new one.")
    return 1 if report["failed_stores"] or report["left_out"] else 0


@app.command()
def cancel(
    context: typer.Context,
    backfill_id: Annotated[str, typer.Argument(help="the backfill's id, as `reconcile status` shows it")],
    as_json: AsJson = False,
) -> None:
    """End a backfill before its next part. What it has queued stays queued.

    Example: partner-orders reconcile cancel 2026-11-09T08:15:02.114000Z-5be6
    """
    table = stack_of(context).reconciliation
    backfill = table.backfill(backfill_id)
    if backfill is None:
        raise OperatorError(
            f"there is no backfill {backfill_id!r}", "`partner-orders reconcile status` lists those under way."
        )
    if not backfill.is_over:
        table.cancel(backfill_id)
        backfill = table.backfill(backfill_id) or backfill
    _print(backfill.to_json(), as_json)


@app.command()
def reports(
    context: typer.Context,
    days: Annotated[int, typer.Option(help="how many days back, 90 at most", min=1, max=90)] = 7,
    as_json: AsJson = False,
) -> None:
    """What the runs found, by day and store: how many webhooks, at least, the platform failed to deliver.

    Example: partner-orders reconcile reports --days 30
    """
    stack = stack_of(context)
    with working("reading the reports"):
        found = stack.reconciliation.reports(now() - timedelta(days=days), now())
    if as_json:
        print_json(found)
        return
    drift: dict[tuple[str, str], Counter[str]] = {}
    failures: dict[tuple[str, str], Counter[str]] = {}
    for report in found:
        day = report["started_at"][:10]
        for store_id, counts in report["stores"].items():
            drift.setdefault((day, store_id), Counter()).update(counts)
        for store_id, kind in report["failed_stores"].items():
            failures.setdefault((day, store_id), Counter()).update([kind])
    rows = []
    for day, store_id in sorted(drift.keys() | failures.keys(), reverse=True):
        counts, failed = drift.get((day, store_id), Counter()), failures.get((day, store_id), Counter())
        why = ", ".join(f"{kind} ({times})" for kind, times in failed.items())
        rows.append((day, store_id, *(counts[name] or None for name in _DRIFT), why))
    print_table(("day", "store", *_DRIFT, "could not be checked"), rows)
    stopped = Counter(report["stopped"] for report in found if report["stopped"])
    regular = [*filter(is_regular, found)]
    notes = [f"{len(found) - len(regular)} of them called for"] if len(found) > len(regular) else []
    say(", ".join([counted(len(found), "run"), *notes, *(f"{times} stopped: {why}" for why, times in stopped.items())]))
    if waiting := sum(report.get("waiting", 0) for report in regular[-1:]):
        say(f"{counted(waiting, 'order')} found and queued earlier, and not in the table yet: is the consumer at work?")
    if silent := {store for report in regular[-1:] for store in report["silent_stores"]}:
        say(f"silent at the last run: {', '.join(sorted(silent))}")
    if left_out := [time for report in regular[-1:] for time in report.get("left_out", [])]:
        print_table(_LEFT_OUT, ([time[name] for name in _LEFT_OUT] for time in left_out), "left out at the last run")


@app.command()
def status(context: typer.Context, as_json: AsJson = False) -> None:
    """How far each store is checked, and the backfills under way. Example: partner-orders reconcile status"""
    stack = stack_of(context)
    positions, backfills = stack.reconciliation.positions(), stack.reconciliation.backfills()
    rows = []
    for store in stack.stores.all():
        position = positions.get(store.store_id)
        until = position.checked_until if position else None
        minutes = None if until is None else round((now() - until) / timedelta(minutes=1))
        rows.append(
            {
                "store_id": store.store_id,
                "checked_until": until.isoformat() if until else None,
                "minutes_ago": minutes,
                "is_paused": store.is_paused,
            }
        )
    if as_json:
        print_json({"stores": rows, "backfills": [backfill.to_json() for backfill in backfills]})
        return
    columns = ("store_id", "checked_until", "minutes_ago", "is_paused")
    print_table(columns, ([row[column] or None for column in columns] for row in rows))
    running = [backfill.to_json() for backfill in backfills if not backfill.is_over]
    if running:
        names = ("backfill", "from", "to", "preview", "stores_done", "stores")
        print_table(names, ([backfill[name] for name in names] for backfill in running), "backfills under way")


def _follow(stack: DeployedStack, request: dict[str, Any]) -> dict[str, Any]:
    """Ask for a backfill, and have it worked on until its report, schedule or not. Raises OperatorError."""
    client, name = stack.client("lambda", is_slow=True), stack.output("ReconcilerFunctionName")
    table = stack.reconciliation
    earlier = {backfill.backfill_id for backfill in table.backfills()}

    def invoke(event: dict[str, Any]) -> dict[str, Any]:
        answer = client.invoke(FunctionName=name, Payload=json.dumps(event).encode())
        content = json.load(answer["Payload"])
        if "FunctionError" in answer:
            raise OperatorError(
                f"the reconciler failed: {content.get('errorType', 'unknown')}",
                "Its log says why; see `partner-orders doctor`.",
            )
        return dict(content)

    with working("comparing with the platform") as shown:

        def show() -> None:
            new = [backfill for backfill in table.backfills() if backfill.backfill_id not in earlier]
            if new:
                shown("{stores_done} of {stores} stores, {orders_checked} orders".format_map(new[-1].to_json()))

        deadline = now() + _LONGEST_WAIT
        progress = _watched(partial(invoke, request), show)
        if "error" in progress:
            raise OperatorError(progress["error"])
        while progress["state"] == "running":
            if now() > deadline:
                raise OperatorError("it is still under way", "`partner-orders reconcile status` shows how far it is.")
            stopped = _watched(partial(invoke, {}), show)["stopped"]
            if backfill := table.backfill(progress["backfill"]):
                progress = backfill.to_json()
            if progress["state"] != "running":
                break
            if _has_to_wait(stopped):
                shown(f"waiting: {stopped.replace('_', ' ')}")
                time.sleep(_PAUSE_SECONDS)
    return progress


def _has_to_wait(stopped: str) -> bool:
    """Whether the cause that stopped a run passes by itself; False if the next call continues at once.

    Raises OperatorError if the next call would end like this one until an operator has removed the cause.
    """
    reason = stop_reason(stopped)
    if isinstance(reason, StopReason) and reason.continues_at_once:
        return False
    if reason is None or not reason.is_temporary:
        raise OperatorError(
            f"the reconciler stopped: {stopped}",
            "`partner-orders doctor` says what to do. The schedule then goes on with what was begun.",
        )
    return True


def _watched[T](call: Callable[[], T], show: Callable[[], None]) -> T:
    """What a call gives; ``show`` every second until then, since a call takes up to 15 minutes."""
    answer: Future[T] = Future()

    def work() -> None:
        try:
            answer.set_result(call())
        except BaseException as fault:
            answer.set_exception(fault)

    # Unlike an executor's, a daemon thread does not keep the operator who presses Ctrl-C waiting.
    threading.Thread(target=work, daemon=True).start()
    while not wait([answer], timeout=1.0).done:
        show()
    return answer.result()


def _print(report: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(report)
        return
    names = ("from", "to", "state", "stores", *BACKFILL_COUNTS)
    print_table(("", "preview" if report["preview"] else "backfill"), ((name, report[name]) for name in names))
    if report["not_read_before"]:
        say(f"not read: what is older than {report['not_read_before']}, which had passed while it waited for its turn")
    if report["failed_stores"]:
        print_table(("store", "could not be checked"), report["failed_stores"].items())
    if report["left_out"]:
        print_table(_LEFT_OUT, ([left_out[name] for name in _LEFT_OUT] for left_out in report["left_out"]), "left out")
