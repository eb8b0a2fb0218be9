"""``partner-orders trace``: the path of one request."""

from dataclasses import asdict
from typing import Annotated

import typer

from partner_orders_console.cli.call import stack_of
from partner_orders_console.cli.output import AsJson, Column, Kind, hint, print_data, say, working
from partner_orders_console.operations.moments import moment


def trace(
    context: typer.Context,
    correlation_id: Annotated[str, typer.Argument(help="as in `rejected show`, a log line or `orders show --json`")],
    since: Annotated[
        str,
        typer.Option(help="how far to look back, in logs and for orders created: an age such as 3d, or a time in UTC"),
    ] = "1d",
    as_json: AsJson = False,
) -> None:
    """Follow one request from the webhook to its order, its rejected event, or where it stopped.

    Example: partner-orders trace request-1
    """
    from partner_orders_console.operations import tracing

    begin = moment(since)
    stack = stack_of(context)
    with working("looking") as progress:
        stages = tracing.trace(stack, correlation_id, begin, progress)
    rows = []
    for before, stage in zip([None, *stages], stages, strict=False):
        after = "" if before is None else f"+{(stage.at - before.at).total_seconds():.1f} s"
        rows.append((stage.at, after, stage.where, hint(stage.what)))
    columns = (Column("at", Kind.TIME), Column("after", Kind.NUMBER), "where", "what")
    print_data([asdict(stage) for stage in stages], as_json, columns, rows)
    if not as_json:
        say("times in UTC")
        for link in tracing.trace_links(stack, stages):
            say(f"X-Ray: {link}")
