"""``partner-orders export``: orders of a period for the accountants, with exact amounts."""

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from partner_orders_console.cli.call import stack_of
from partner_orders_console.cli.output import ShowPersonalData, counted, say, working


class Format(StrEnum):
    """``csv`` for spreadsheets, a line for each order; ``jsonl`` for programs, an order with all its lines on each."""

    CSV = "csv"
    JSONL = "jsonl"


def export(
    context: typer.Context,
    first: Annotated[
        str, typer.Option("--from", help="the first day, such as 2026-03-01, in each store's own time zone")
    ],
    last: Annotated[
        str | None, typer.Option("--to", help="the last day (included); by default the same as --from")
    ] = None,
    store: Annotated[list[str] | None, typer.Option(help="a store, by either of its ids; repeat for more")] = None,
    form: Annotated[Format, typer.Option("--format")] = Format.CSV,
    output: Annotated[Path | None, typer.Option(help="the file to write; by default the standard output")] = None,
    show_personal_data: ShowPersonalData = False,
) -> None:
    """Export orders of a period as CSV or JSON Lines. Without --store, orders of unregistered stores are included,
    even those of other chains. Their days are in UTC.

    Example: partner-orders export --from 2026-03-01 --to 2026-03-31
    """
    from partner_orders_console.operations import exporting

    stack = stack_of(context)
    with working("looking for stores") as progress:
        # An earlier file is overwritten only for a period that is one.
        chosen = exporting.export_of(stack, first, last, store or (), progress)
    target, was_open = exporting.opened(output, show_personal_data) if output else (sys.stdout, False)
    if was_open:
        say(f"other users could read {output}; now only its owner can (mode 0600)")
    count = -1 if form is Format.CSV else 0  # The first line of a CSV file names the columns.
    try:
        with working("reading orders") as progress:
            for line in exporting.lines(stack, chosen, form is Format.CSV, show_personal_data, progress):
                target.write(line)
                count += 1
    finally:
        if output:
            target.close()
    stores = len(chosen.stores) + len(chosen.strangers)
    say(f"{counted(count, 'order')} of {counted(stores, 'store')}")
    if chosen.strangers:
        names = ", ".join(one.store_id or "(no store)" for one in chosen.strangers)
        say(f"orders of stores that are not registered are among them: {names}; chain_id says whose they are")
