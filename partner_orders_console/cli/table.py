"""``partner-orders table``: bring back what was lost, from a point in time."""

from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from partner_orders_console.cli.call import stack_of
from partner_orders_console.cli.output import AsJson, Yes, ask, at, counted, print_facts, print_json, say, working

if TYPE_CHECKING:
    from partner_orders_console.operations.table_restore import Plan, Restored

app = typer.Typer(help="The table: restore lost rows.", no_args_is_help=True)

_MEGABYTE = 1_000_000


@app.command()
def restore(
    context: typer.Context,
    to: Annotated[str, typer.Option(help="the time before the loss, in UTC, such as 2026-03-14T09:00:00Z")],
    preview: Annotated[bool, typer.Option("--preview", help="show what would be done, and change nothing")] = False,
    write_over: Annotated[
        list[str] | None, typer.Option(help="an order_id to restore over what is there, and no others; repeat for more")
    ] = None,
    yes: Yes = False,
    as_json: AsJson = False,
) -> int:
    """Write lost rows back as they were at a time of the last 35 days. Rows that are there stay as they are. The
    consumer must be paused. Safe to interrupt: the same call goes on.

    Example: partner-orders table restore --to 2026-03-14T09:00:00Z --preview
    """
    from partner_orders_console.operations import table_restore

    when = table_restore.restore_time(to)
    stack = stack_of(context)
    plan = table_restore.plan(stack, when)
    if preview:
        _print_plan(plan, as_json)
        return 0
    if not as_json:
        _print_plan(plan, as_json)
    table_restore.require_paused(plan)
    orders = tuple(dict.fromkeys(write_over or ()))
    what = f"restore {counted(len(orders), 'order')} over what is there" if orders else "restore what is lost"
    ask(f"{what}, as it was at {at(when)} UTC?", yes)
    with working("restoring") as shown:
        restored = table_restore.restore(stack, plan, orders, shown)
    return _tell(plan, restored, as_json)


def _print_plan(plan: "Plan", as_json: bool) -> None:
    if as_json:
        facts = asdict(plan)
        times = {name: value.isoformat() for name, value in facts.items() if isinstance(value, datetime)}
        print_json(facts | times)
        return
    exists = "there already: rows are copied from it" if plan.is_there else "a new one, which may take an hour"
    print_facts(
        {
            "table": plan.source,
            "rows": f"about {plan.rows:,}, {plan.size_bytes / _MEGABYTE:,.1f} MB",
            "to": f"{at(plan.to)} UTC (from {at(plan.earliest)} to {at(plan.latest)} can be restored)",
            "restored into": f"{plan.target}, {exists}",
            "consumer": "paused" if plan.consumer_is_paused else "receives events: pause it before you restore",
            "erased since": f"{counted(plan.erasures_since, 'erasure')}: repeat them afterwards"
            if plan.erasures_since
            else None,
        }
    )


def _tell(plan: "Plan", restored: "Restored", as_json: bool) -> int:
    if as_json:
        print_json(asdict(restored))
    else:
        print_facts({"rows written back": restored.total, **restored.rows})
    for order_id in restored.begun_anew:
        say(f"{order_id} was lost and began again with a later event. Its history is missing")
    if restored.begun_anew:
        say("`partner-orders table restore` with the same --to and --write-over ORDER_ID restores such an order")
    say("Now `partner-orders consumer resume`, then `partner-orders reconcile run --from` the restored time")
    if plan.erasures_since:
        say("Restored rows bring erased data back: `partner-orders erasures list`, then `partner-orders forget` again")
    say(f"When all is well: `aws dynamodb delete-table --table-name {restored.target}`")
    return 1 if restored.begun_anew else 0
