"""``partner-orders send``: order events at the webhook, as the platform would post them."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from partner_orders_console.cli.call import stack_of
from partner_orders_console.cli.output import AsJson, Column, Kind, counted, print_data, say, working


def send(
    context: typer.Context,
    path: Annotated[Path, typer.Argument(exists=True, help="an event file, or a folder of them")],
    rate: Annotated[float, typer.Option(help="events a second", min=0.1)] = 10.0,
    as_json: AsJson = False,
) -> int:
    """Post order events to the webhook.

    A file holds an order's JSON, or is one of events/webhook, whose body is posted byte for byte. The secret is always
    this stack's. To try a missing or wrong one, use `make invoke` or `doctor`.

    Example: partner-orders send events/order.json
    """
    from partner_orders_console.operations.sending import event_files, post

    events = event_files(path)
    stack = stack_of(context)
    with working(f"posting {counted(len(events), 'event')}") as progress:
        posted = post(stack, events, rate, progress)
    columns = (Column("status", Kind.ID), Column("response"), Column("file", Kind.ID))
    rows = [(one.status or "none", one.response, one.file) for one in posted]
    print_data([asdict(one) for one in posted], as_json, columns, rows)
    if any(one.is_unauthorized for one in posted):
        say("The webhook refused the secret. Was it rotated less than a minute ago? If not: partner-orders doctor")
    return 0 if all(one.is_accepted for one in posted) else 1
