"""``partner-orders stacks``: all stacks of an operator at a glance."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from partner_orders_console.cli.output import AsJson, Column, Kind, print_json, print_table, say, working

if TYPE_CHECKING:
    from partner_orders_console.operations.stacks import StackState
    from partner_orders_console.operations.target import Target


def stacks(
    context: typer.Context,
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[NAME]...", help="environments of samconfig.toml, or stacks in the region of the call"),
    ] = None,
    as_json: AsJson = False,
) -> int:
    """Show all stacks of samconfig.toml, or those named, each in a line. Status 1 if any is in trouble.

    Example: partner-orders stacks staging production
    """
    from partner_orders_console.operations.stack import DeployedStack
    from partner_orders_console.operations.stacks import states, targets_of

    asked: Target = context.obj
    targets = targets_of(asked, names or ())
    with working(f"reading {', '.join(targets)}"):
        found = states(targets, DeployedStack.find)
    status = 0 if all(state.is_well for state in found) else 1
    if as_json:
        print_json([asdict(state) for state in found])
        return status
    columns = (
        *(Column("name", Kind.ID), Column("region", Kind.ID), Column("version", Kind.ID), Column("state", Kind.STATE)),
        *(Column("alarms", Kind.NUMBER), Column("last event", Kind.TIME), Column("orders today", Kind.NUMBER)),
        *(Column("rejected", Kind.NUMBER), Column("dead letters", Kind.NUMBER), Column("last run", Kind.TIME)),
    )
    print_table(columns, map(_row, found))
    for state in found:
        for trouble in [state.fault] if state.fault else state.troubles:
            say(f"{state.name}: {trouble}")
        for alarm in state.alarms:
            say(f"{state.name}: alarm {alarm}")
    say("times in UTC; an event's is that of its five minutes")
    return status


def _row(state: "StackState") -> tuple[object, ...]:
    if state.fault:
        return state.name, state.region, "", "unread", *(None,) * 6
    return (
        *(state.name, state.region, state.version, "ok" if state.is_well else "FAULT"),
        *(len(state.alarms), state.last_event_at, state.orders_today),
        *(state.rejected, state.dead_letters, state.last_run_at),
    )
