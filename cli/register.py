"""``partner-orders register``: what to paste into the plug-in, and whether it works."""

import time
from datetime import datetime
from typing import Annotated

import typer

from cli.errors import OperatorError
from cli.output import out, say, working
from cli.secrets import ShowSecret, webhook_secret
from cli.stack import DeployedStack
from partner_orders.clock import from_text, now


def register(
    context: typer.Context,
    show_secret: ShowSecret = False,
    timeout: Annotated[int, typer.Option(help="seconds to wait for the test order; 0 for not at all", min=0)] = 600,
) -> None:
    """Step by step, what to paste into the Shop Integrations plug-in; then wait for the platform's test order.

    Example: partner-orders register --show-secret
    """
    stack = DeployedStack.find(context.obj)
    secret = webhook_secret(stack) if show_secret else "(--show-secret prints it here)"
    steps = (
        "In the partner portal open Shop Integrations.",
        f"Webhook URL for orders:  {stack.webhook_url}",
        f"Webhook secret:          {secret}",
        "Save, and press Test Order.",
    )
    for number, step in enumerate(steps, start=1):
        out.print(f"{number}. {step}", markup=False)
    if not timeout:
        return
    began = now()
    say(f"waiting for the test order, {timeout} seconds at most (Ctrl-C ends it)")
    with working("waiting"):
        found = _arrival(stack, began, timeout)
    if not found:
        raise OperatorError(
            "nothing arrived that was created since",
            "`partner-orders doctor` tries the webhook. Are URL and secret in the plug-in exactly as above?"
            " An order that says it was created earlier is not seen here: `partner-orders orders find`.",
        )
    say(found)


def _arrival(stack: DeployedStack, began: datetime, timeout: int) -> str:
    """What arrived first since, if anything did."""
    while (now() - began).total_seconds() < timeout:
        for store in stack.stores.all():
            # A test order may say it was created a little earlier.
            newest = stack.orders.newest_of_store(store.store_id, began.replace(second=0, microsecond=0))
            if newest is not None:
                order_id = [*stack.orders.of_store(store.store_id, newest, newest), ""][0]
                order = stack.orders.get(order_id)
                if order is not None and any(from_text(entry.received_at) >= began for entry in order.history):
                    return f"an order of store {store.store_id} arrived: {order_id}, {order.status}"
        for rejected in stack.rejected.newest(1):
            if from_text(rejected.first_received_at) >= began:
                return f"an event arrived and was rejected: partner-orders rejected show {rejected.digest}"
        time.sleep(2.0)
    return ""
