"""``partner-orders desk``: a page that shows the stack, in the browser."""

import time
import webbrowser
from typing import Annotated

import typer

from partner_orders_console.cli.call import stack_of
from partner_orders_console.cli.output import print_text, say
from partner_orders_console.operations.target import resolved


def desk(
    context: typer.Context,
    allow_changes: Annotated[
        bool, typer.Option("--allow-changes", help="let the page change things; it asks before each change")
    ] = False,
    show_personal_data: Annotated[
        bool, typer.Option("--show-personal-data", help="let the page reveal customers' data, order by order")
    ] = False,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="print the address, and open nothing")] = False,
) -> None:
    """Open a page in the browser that shows orders, the flow, what was missed and what is wrong, until Ctrl-C.

    The address works once, in the browser that opens it, on this machine only.

    Example: partner-orders desk
    """
    from partner_orders_console.desk.desk import Options
    from partner_orders_console.desk.serving import serving
    from partner_orders_console.operations.stack import DeployedStack

    stack_of(context)  # Says which one it is, or why there is none.
    target = resolved(context.obj)
    with serving(lambda: DeployedStack.find(target), Options(allow_changes, show_personal_data)) as open_desk:
        print_text(open_desk.guard.address)
        say("The address works once. Ctrl-C ends the desk.")
        if not no_browser:
            webbrowser.open(open_desk.guard.address)
        while True:
            time.sleep(3600)
