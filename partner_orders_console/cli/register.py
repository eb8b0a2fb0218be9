"""``partner-orders register``: what to paste into the plug-in, and whether it works."""

from typing import Annotated

import typer

from partner_orders_console.cli.call import stack_of
from partner_orders_console.cli.output import print_text, say, working
from partner_orders_console.cli.secrets import ShowSecret


def register(
    context: typer.Context,
    show_secret: ShowSecret = False,
    timeout: Annotated[int, typer.Option(help="seconds to wait for the test order; 0 does not wait", min=0)] = 600,
) -> None:
    """Show what to paste into the Shop Integrations plug-in, then wait for the test order.

    Example: partner-orders register --show-secret
    """
    from partner_orders_console.operations.registering import AwaitedOrder
    from partner_orders_console.operations.webhook_secret import webhook_secret

    stack = stack_of(context)
    secret = webhook_secret(stack) if show_secret else "(--show-secret prints it here)"
    steps = (
        "In the partner portal open Shop Integrations.",
        f"Webhook URL for orders:  {stack.webhook_url}",
        f"Webhook secret:          {secret}",
        "Save, and press Test Order.",
    )
    awaited = AwaitedOrder(stack) if timeout else None
    for number, step in enumerate(steps, start=1):
        print_text(f"{number}. {step}")
    if awaited is None:
        return
    say(f"waiting for the test order, {timeout} seconds at most (Ctrl-C ends it)")
    with working("waiting"):
        arrival = awaited.wait(timeout)
    say(str(arrival))
