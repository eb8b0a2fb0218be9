"""``partner-orders reports``: what the reconciler's runs found."""

from typing import Annotated, Any

import typer

from partner_orders_console.cli.call import stack_of
from partner_orders_console.cli.output import (
    AsJson,
    Column,
    Kind,
    at,
    counted,
    print_facts,
    print_json,
    print_table,
    say,
    working,
)
from partner_orders_console.cli.unchecked import print_left_out, print_unchecked
from partner_orders_console.operations.errors import OperatorError

app = typer.Typer(help="What the reconciler's runs found.", no_args_is_help=True)


@app.command("list")
def list_reports(
    context: typer.Context,
    days: Annotated[int, typer.Option(help="how many days back, 90 at most", min=1, max=90)] = 7,
    by_run: Annotated[bool, typer.Option("--by-run", help="a line for each run, the newest first")] = False,
    by_day: Annotated[bool, typer.Option("--by-day", help="a line for each day and store (the default)")] = False,
    as_json: AsJson = False,
) -> None:
    """What the runs found: how many webhooks, at least, the platform failed to deliver.

    Example: partner-orders reports list --by-run --days 1
    """
    from partner_orders_console.operations import reconciliation, store_pause

    if by_run and by_day:
        raise OperatorError("--by-run and --by-day exclude each other", "Use one of them.")
    stack = stack_of(context)
    with working("reading the reports"):
        found = reconciliation.reports(stack, days)
    if as_json:
        print_json(found)
        return
    if by_run:
        _print_runs(found)
    else:
        _print_days(found)
    for remark in reconciliation.remarks(found):
        say(remark)
    print_left_out(reconciliation.left_out_at_the_last_run(found), "left out at the last run")
    if note := store_pause.paused_among(stack.stores.all()):
        say(note)
    say(f"{counted(len(found), 'run')}, times in UTC")


@app.command()
def show(
    context: typer.Context,
    run: Annotated[str, typer.Argument(help="the start time from `reports list --by-run`; its beginning is enough")],
    as_json: AsJson = False,
) -> None:
    """One run: its figures, the orders that it repaired, and the stores that it could not check.

    Example: partner-orders reports show 2026-11-09T08:15
    """
    from partner_orders_console.operations import reconciliation

    report = reconciliation.report_of(stack_of(context), run)
    if as_json:
        print_json(report)
        return
    print_facts({name: value for name, value in report.items() if isinstance(value, int | str)})
    if report["repairs"]:
        columns = (Column("order", Kind.ID), Column("store", Kind.ID), "found", Column("status", Kind.STATE), "fields")
        rows = (
            [it["order_id"], it["store_id"], it["found"], it["status"], ", ".join(it["fields"])]
            for it in report["repairs"]
        )
        print_table(columns, rows, "repaired")
    print_unchecked(report)
    say("times in UTC")


def _print_runs(found: list[dict[str, Any]]) -> None:
    from partner_orders.reconciler.report import is_regular

    counts = ("orders_checked", "missing", "different")
    numbers = [Column(name, Kind.NUMBER) for name in ("orders", "missing", "different", "failed stores")]
    columns: list[str | Column] = [Column("began", Kind.TIME), *numbers, "remark"]
    rows = (
        (
            at(it["started_at"]),
            *(it[name] if is_regular(it) else None for name in counts),
            len(it["failed_stores"]) or None,
            ", ".join(filter(None, ("" if is_regular(it) else "backfill", it["stopped"]))),
        )
        for it in reversed(found)
    )
    print_table(columns, rows)


def _print_days(found: list[dict[str, Any]]) -> None:
    from partner_orders_console.operations import reconciliation

    numbers = [Column(name, Kind.NUMBER) for name in reconciliation.DRIFT]
    columns: list[str | Column] = [Column("day", Kind.ID), Column("store", Kind.ID), *numbers, "could not be checked"]
    rows = []
    for drift in reconciliation.drift_by_day(found):
        why = ", ".join(f"{kind} ({times})" for kind, times in drift.failures.items())
        rows.append((drift.day, drift.store_id, *(drift.counts[name] or None for name in reconciliation.DRIFT), why))
    print_table(columns, rows)
