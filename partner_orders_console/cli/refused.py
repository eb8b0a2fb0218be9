"""``partner-orders refused``: requests that the webhook refused."""

from dataclasses import asdict
from typing import Annotated

import typer

from partner_orders_console.cli.call import stack_of
from partner_orders_console.cli.output import AsJson, Column, Kind, at, counted, print_json, print_table, say, working
from partner_orders_console.operations.moments import moment


def refused(
    context: typer.Context,
    since: Annotated[str, typer.Option(help="an age such as 30m, 2h or 3d, or a time in UTC")] = "1d",
    limit: Annotated[int, typer.Option(help="at most this many, the newest first", min=1)] = 200,
    as_json: AsJson = False,
) -> None:
    """List the requests that the webhook refused: when, why, and from which network. Nothing that they sent is kept.

    Example: partner-orders refused --since 2h
    """
    from partner_orders_console.operations import refused_requests

    begin = moment(since)
    stack = stack_of(context)
    with working("reading the webhook's log"):
        found = refused_requests.refused_requests(stack, begin, limit)
    if as_json:
        print_json(
            {
                "refused": [asdict(request) for request in found.requests],
                "total": found.total,
                "unlisted": found.unlisted,
                "networks": dict(found.networks),
            }
        )
        return
    columns = (Column("at", Kind.TIME), "why", Column("from", Kind.ID), "webhook", Column("request", Kind.ID))
    rows = [(one.at, one.why, one.network, one.webhook, one.request_id) for one in found.requests]
    print_table(columns, rows)
    newest = f", the newest {len(found.requests):,} shown" if len(found.requests) < found.total else ""
    say(f"{counted(found.total, 'refused request')} since {at(begin)}{newest}, times in UTC")
    if found.unlisted:
        say(f"{found.unlisted:,} more came in a flood and are only counted: `partner-orders open dashboard`")
    if len(found.networks) > 1:
        say("most came from " + ", ".join(f"{network} ({number:,})" for network, number in found.networks))
    if refused_requests.is_silent(stack):
        say("with LogLevel=ERROR only requests are listed that came while the secret could not be read")
