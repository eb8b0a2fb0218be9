"""``partner-orders open``: a part of the stack in the browser."""

import webbrowser
from typing import Annotated

import typer

from partner_orders_console.cli.call import stack_of
from partner_orders_console.cli.output import print_text


def open_place(
    context: typer.Context,
    place: Annotated[str, typer.Argument(help="dashboard, log, table, queue, stack, secrets or traces")],
    function: Annotated[str, typer.Argument(help="whose log: webhook, consumer, reconciler or publisher")] = "",
    print_only: Annotated[bool, typer.Option("--print", help="print the address, and open nothing")] = False,
) -> None:
    """Open a part of the stack in the browser; the address is printed too.

    Example: partner-orders open dashboard
    """
    from partner_orders_console.operations.links import link

    address = link(stack_of(context), place, function)
    print_text(address)
    if not print_only:
        webbrowser.open(address)
