"""``partner-orders watch``: orders, answers, rejected events and runs as they come."""

import time

import typer

from partner_orders_console.cli.call import stack_of
from partner_orders_console.cli.output import AsJson, at, print_json, print_text, say

_PAUSE_SECONDS = 1.0


def watch(context: typer.Context, as_json: AsJson = False) -> None:
    """Show orders, answers, rejected events and the reconciler's runs as they come, until Ctrl-C.

    Example: partner-orders watch
    """
    from partner_orders.clock import now
    from partner_orders_console.operations.changes import Changes, line_of

    changes = Changes(stack_of(context))
    say("watching (Ctrl-C ends it); times in UTC")
    while True:
        for before, after in changes.changes():
            if not (line := line_of(before, after)):
                continue
            if as_json:
                print_json({"at": now(), "change": line})
            else:
                print_text(f"{at(now())}  {line}")
        time.sleep(_PAUSE_SECONDS)
