"""``partner-orders forget``: erase one customer's personal data, and record that it was done."""

import sys
from typing import Annotated

import typer

from partner_orders_console.cli.call import stack_of
from partner_orders_console.cli.output import (
    AsJson,
    Column,
    Kind,
    Yes,
    ask,
    counted,
    print_data,
    print_json,
    print_table,
    prompt,
    say,
    working,
)
from partner_orders_console.operations.errors import OperatorError

app = typer.Typer(help="Erasures of customers' data: list.", no_args_is_help=True)


def forget(
    context: typer.Context,
    by: Annotated[
        str, typer.Option(help="what the customer is known by: phone, customer-id, loyalty-card, tax-id")
    ] = "phone",
    preview: Annotated[bool, typer.Option("--preview", help="list the orders and change nothing")] = False,
    resume: Annotated[str | None, typer.Option(help="continue an erasure that was interrupted")] = None,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Erase one customer's data from orders, their histories and rejected events.

    Figures stay. The number is read from a prompt or the standard input, never from arguments.

    Example: partner-orders forget --by phone --yes < number.txt
    """
    from partner_orders_console.operations import forgetting

    if preview and resume:
        raise OperatorError("a preview leaves nothing to continue", "Use either --preview or --resume.")
    stack = stack_of(context)
    wanted = forgetting.wanted_of(by, prompt(by, hidden=True) if sys.stdin.isatty() else sys.stdin.readline())
    size = forgetting.size_of(stack)
    say(f"The whole table is read: about {counted(size.rows, 'row')}, {counted(size.read_units, 'read unit')}.")
    if not preview:
        ask("erase this customer's data for good?", yes)
    work = forgetting.begun(stack, by, wanted, preview, resume)
    if not preview:
        say(f"Recorded as {work.erasure_id}. If this is interrupted: --resume {work.erasure_id}")
    with working("reading the table") as progress:
        forgetting.work_through(stack, by, wanted, work, progress)
    if not work.orders + work.rejected:
        say("Nobody was found. Check the spelling, and try other ways of writing it, such as without the country code.")
    if as_json:
        print_json(work.report())
        return
    if work.found:
        print_table((Column("order", Kind.ID),), ([order_id] for order_id in work.found))
    counts = f"{counted(work.orders, 'order')} and {counted(work.rejected, 'rejected event')}"
    say(f"{counts} {'would be' if preview else 'are'} erased")
    say("Not reached:")
    for place in forgetting.BEYOND:
        say(f"  - {place}")


@app.command("list")
def list_erasures(context: typer.Context, as_json: AsJson = False) -> None:
    """The erasures that were begun: when, by whom, and how many orders. Example: partner-orders erasures list"""
    from partner_orders_console.operations import forgetting

    found = forgetting.erasures(stack_of(context))
    columns = (
        *(Column("erasure", Kind.ID), Column("done", Kind.TIME), Column("known by"), Column("orders", Kind.NUMBER)),
        *(Column("rejected", Kind.NUMBER), Column("begun by")),
    )
    rows = ((it["erasure"], it["done_at"], it["kind"], it["orders"], it["rejected"], it["by"]) for it in found)
    print_data(found, as_json, columns, rows)
    if not as_json:
        say(f"{counted(len(found), 'erasure')}, times in UTC")
