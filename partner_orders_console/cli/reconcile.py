"""``partner-orders reconcile``: compare a window with the platform, and see how far each store is checked."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from partner_orders_console.cli.call import stack_of
from partner_orders_console.cli.output import (
    AsJson,
    Column,
    Kind,
    Yes,
    ago,
    ask,
    at,
    counted,
    print_facts,
    print_json,
    print_table,
    say,
    working,
)
from partner_orders_console.cli.unchecked import print_unchecked
from partner_orders_console.operations.errors import OperatorError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from partner_orders.stores.store import Store

app = typer.Typer(help="Reconciliation: run it now, see its progress.", no_args_is_help=True)


@app.command()
def run(
    context: typer.Context,
    start: Annotated[str | None, typer.Option("--from", help="UTC, such as 2026-03-14T08:00:00Z")] = None,
    end: Annotated[str | None, typer.Option("--to", help="UTC; by default now")] = None,
    store: Annotated[list[str] | None, typer.Option(help="a store, by either of its ids; repeat for more")] = None,
    preview: Annotated[bool, typer.Option("--preview", help="show what would be enqueued, and change nothing")] = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> int:
    """Compare a window with the platform. Shows a preview, asks, then runs the backfill and prints its report.

    Without --from it is all that the platform still shows: 60 days.

    Example: partner-orders reconcile run --preview
    """
    from partner_orders_console.operations import reconciliation

    stack = stack_of(context)
    request = reconciliation.Request(start, end, store or ())
    with working("comparing with the platform") as progress:
        report = reconciliation.follow(stack, request, preview=True, progress=progress)
    found = reconciliation.found_in(report)
    if found and report["state"] == "done" and not preview:
        if not as_json:  # Programs get one document.
            _print(report, as_json=False)
        ask(f"enqueue {counted(found, 'order')}?", yes)
        with working("comparing with the platform") as progress:
            report = reconciliation.follow(stack, request, preview=False, progress=progress)
    _print(report, as_json)
    if not as_json:
        _conclude(report, [] if store else stack.stores.all())
    if report["state"] == "cancelled":
        raise OperatorError("the backfill was cancelled", "`partner-orders reconcile run` asks for a new one.")
    return 1 if report["failed_stores"] or report["left_out"] else 0


@app.command()
def cancel(
    context: typer.Context,
    backfill_id: Annotated[str, typer.Argument(help="the id from `reconcile status`; its beginning is enough")],
    as_json: AsJson = False,
) -> None:
    """Stop a backfill before its next part. Events that it has enqueued stay in the queue.

    Example: partner-orders reconcile cancel 2026-11-09T08:15:02.114000Z-5be6
    """
    from partner_orders_console.operations import reconciliation

    _print(reconciliation.cancel(stack_of(context), backfill_id).to_json(), as_json)


@app.command()
def status(context: typer.Context, as_json: AsJson = False) -> None:
    """How far each store is checked, and the backfills under way. Example: partner-orders reconcile status"""
    from partner_orders.clock import now
    from partner_orders_console.operations import reconciliation, store_pause

    stack = stack_of(context)
    stores = stack.stores.all()
    states = reconciliation.store_states(stack, stores)
    backfills = [backfill.to_json() for backfill in stack.reconciliation.backfills()]
    if as_json:
        print_json({"stores": [asdict(state) for state in states], "backfills": backfills})
        return
    columns = (Column("store", Kind.ID), Column("checked until", Kind.TIME), "", "paused")
    rows = (
        (state.store_id, state.checked_until, ago(state.checked_until, now()), state.is_paused or None)
        for state in states
    )
    print_table(columns, rows)
    running = [backfill for backfill in backfills if backfill["state"] == "running"]
    for backfill in running:
        names = ("backfill", "from", "to", "preview", "stores_done", "stores")
        print_facts({name: backfill[name] for name in names})
    if note := store_pause.paused_among(stores):
        say(note)
    say(f"{counted(len(states), 'store')}, {counted(len(running), 'backfill')} under way, times in UTC")


def _conclude(report: dict[str, Any], stores: "Sequence[Store]") -> None:
    """Say where nothing is to be done, and which of these stores were left out."""
    from partner_orders_console.operations import reconciliation, store_pause

    is_whole = report["state"] == "done" and not report["failed_stores"] and not report["left_out"]
    if is_whole and not reconciliation.found_in(report):
        say("Nothing is missing or different, so there is nothing to enqueue.")
    if note := store_pause.paused_among(stores):
        say(note)


def _print(report: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(report)
        return
    hidden = {"failed_stores", "left_out", "found", "not_read_before"}
    print_facts({name: value for name, value in report.items() if name not in hidden})
    if report.get("found"):
        columns = (Column("order", Kind.ID), Column("store", Kind.ID), "found")
        rows = ((order["order_id"], order["store_id"], order["found"]) for order in report["found"])
        print_table(columns, rows, "would be enqueued")
    if report["not_read_before"]:
        say(f"not read: what is older than {at(report['not_read_before'])}, which passed while the backfill waited")
    print_unchecked(report)
    say("times in UTC")
