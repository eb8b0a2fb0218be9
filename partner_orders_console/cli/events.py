"""``partner-orders events``: what was delivered, event by event."""

from typing import TYPE_CHECKING, Annotated

import typer

from partner_orders_console.cli.call import stack_of
from partner_orders_console.cli.output import (
    AsJson,
    Column,
    Kind,
    at,
    counted,
    print_json,
    print_table,
    say,
    working,
)
from partner_orders_console.operations.event_source import Source
from partner_orders_console.operations.moments import moment, moment_if_given

if TYPE_CHECKING:
    from partner_orders_console.operations.event_log import Choice, DeliveredEvent, EventLog

app = typer.Typer(help="Order events: list what was delivered.", no_args_is_help=True)

_SHOWN_DIGEST = 18  # characters, which is enough for `orders replay` and `rejected show`
_SHOWN_PROBLEMS = 3
_MOST = 10_000


@app.command("list")
def list_events(
    context: typer.Context,
    store: Annotated[str | None, typer.Argument(help="a store, by either of its ids; by default all stores")] = None,
    since: Annotated[str, typer.Option(help="received since then: an age such as 30m or 2h, or a time in UTC")] = "2h",
    until: Annotated[str, typer.Option(help="received before then: an age or a time in UTC")] = "",
    status: Annotated[list[str] | None, typer.Option(help="only events of this status; repeat for more")] = None,
    source: Annotated[Source | None, typer.Option(help="only events that came this way")] = None,
    created_since: Annotated[
        str, typer.Option(help="of orders created since then, by default a day before --since: an age or a time in UTC")
    ] = "",
    created_before: Annotated[
        str, typer.Option(help="of orders created before then, where a list that was cut goes on")
    ] = "",
    limit: Annotated[int, typer.Option(help="at most this many, the newest first", min=1, max=_MOST)] = 100,
    as_json: AsJson = False,
) -> None:
    """List the events that were received, newest first, with what became of each; rejected events among them.

    Events of orders created more than a day before --since are not searched, unless --created-since says so.

    Example: partner-orders events list 148020 --since 2h
    """
    from partner_orders_console.operations import event_log, orders

    begins, ends = moment(since), moment_if_given(until)
    created = moment_if_given(created_since), moment_if_given(created_before)
    stack = stack_of(context)
    found = orders.store_named(stack, store) if store else None
    wanted = source.value if source else ""
    choice = event_log.Choice(begins, ends, found, tuple(status or ()), wanted, *created, limit)
    with working("looking for orders") as progress:
        log = event_log.event_log(stack, choice, progress)
    if as_json:
        print_json(_as_data(choice, log))
    else:
        _print_events(log.events)
    _say_what_was_searched(choice, log)
    if unknown := orders.unknown_statuses(status or ()):
        say(f"the platform had no status {' or '.join(unknown)} when this was written; is it spelled right?")


def _as_data(choice: "Choice", log: "EventLog") -> dict[str, object]:
    from partner_orders_console.operations.event_log import as_data

    return {
        "events": [as_data(event) for event in log.events],
        "total": log.total,
        "since": choice.since,
        "until": choice.until,
        "orders_read": log.orders_read,
        "created_since": choice.orders_since,
        "next_until": log.next_until,
        "next_created_before": log.next_created_before,
        "other_rejected": log.other_rejected,
        "rejected_since": log.rejected_since,
    }


def _print_events(found: "list[DeliveredEvent]") -> None:
    columns = (
        *(Column("received", Kind.TIME), Column("order", Kind.ID), Column("store"), Column("status", Kind.STATE)),
        *(Column("from"), Column("kept as"), Column("problems"), Column("correlation id", Kind.ID)),
        Column("digest", Kind.ID),
    )
    print_table(columns, map(_row, found))


def _row(event: "DeliveredEvent") -> tuple[object, ...]:
    more = len(event.problems) - _SHOWN_PROBLEMS
    problems = ", ".join(event.problems[:_SHOWN_PROBLEMS]) + (f" and {more} more" if more > 0 else "")
    return (
        *(event.received_at, event.order, event.store_id, event.status, event.source, event.kept_as),
        *(event.reason or problems, event.correlation_id, event.digest[:_SHOWN_DIGEST]),
    )


def _say_what_was_searched(choice: "Choice", log: "EventLog") -> None:
    """How many there are, what was not searched, and how to go on."""
    from partner_orders.clock import to_text

    newest = f", the newest {len(log.events):,} shown" if log.next_until else ""
    before = f" and before {at(choice.until)}" if choice.until else ""
    say(f"{counted(log.total, 'event')} received since {at(choice.since)}{before}{newest}, times in UTC")
    say(
        f"{counted(log.orders_read, 'order was', 'orders were')} read; orders created before {at(choice.orders_since)}"
        " were not searched (--created-since)"
    )
    times = f"--since {to_text(choice.since)}"
    if log.next_until:
        say(f"go on with {times} --until {to_text(log.next_until)}, or a greater --limit")
    if log.next_created_before:
        times += f" --until {to_text(choice.until)}" if choice.until else ""
        earliest = f"--created-since {to_text(choice.orders_since)} --created-before {to_text(log.next_created_before)}"
        say(
            "the list is cut: there are so many orders that not all were read. Events of orders created earlier are"
            f" missing: go on with {times} {earliest}",
            style="yellow",
        )
    if log.rejected_since:
        then = to_text(log.rejected_since)
        say(
            f"of the rejected events only those since {then} were read;"
            f" `partner-orders rejected list --until {then}` lists older ones"
        )
    if log.other_rejected:
        what = counted(log.other_rejected, "rejected event")
        say(f"{what} of that time may be of any store: `partner-orders events list` without a store shows them")
