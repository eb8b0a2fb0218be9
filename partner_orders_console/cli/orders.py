"""``partner-orders orders``: find orders, and see their lives."""

from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer

from partner_orders_console.cli.call import stack_of
from partner_orders_console.cli.output import (
    AsJson,
    Column,
    DryRun,
    Kind,
    ShowPersonalData,
    ago,
    at,
    counted,
    print_facts,
    print_json,
    print_table,
    print_text,
    room_beside,
    say,
    working,
)
from partner_orders_console.operations.errors import OperatorError
from partner_orders_console.operations.moments import moment_if_given

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import tzinfo
    from decimal import Decimal

    from partner_orders.orders.stored import StoredOrder
    from partner_orders.stores.store import Store
    from partner_orders_console.operations.answers import Answered
    from partner_orders_console.operations.order_lines import OrderLine
    from partner_orders_console.operations.order_replay import ReplayedEvent

app = typer.Typer(help="Orders: list, find, show, publish, rebuild, replay.", no_args_is_help=True)

Day = Annotated[
    str | None, typer.Option(help="a day such as 2026-03-14, in each store's own time zone; by default today")
]


@app.command("list")
def list_orders(
    context: typer.Context,
    store: Annotated[str | None, typer.Option(help="a store, by either of its ids; by default all stores")] = None,
    day: Day = None,
    status: Annotated[list[str] | None, typer.Option(help="only orders with this status; repeat for more")] = None,
    open_only: Annotated[
        bool, typer.Option("--open", help="only open orders, of the last 60 days or of the --day")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """List the orders of a day, or the open orders, of one store or of all stores.

    Example: partner-orders orders list --store 148020 --day 2026-03-14 --status CANCELLED
    """
    from partner_orders_console.operations import orders

    stack = stack_of(context)
    found = orders.store_named(stack, store) if store else None
    choice = orders.Choice(found, day, status or (), open_only)
    with working("looking for orders") as progress:
        chosen = orders.chosen(stack, choice, progress)
    zones = {one.store_id: one for one in ([found] if found else stack.stores.all())}
    print_orders(chosen, as_json, zones)
    if unknown := orders.unknown_statuses(status or ()):
        say(f"the platform had no status {' or '.join(unknown)} when this was written; is it spelled right?")
    if not (chosen or day or open_only):
        say("no --day was given, so only today was searched; `partner-orders orders find ID` searches every day")
    if open_only and not (chosen or day):
        say("no --day was given, so only orders of the last 60 days were searched")


@app.command()
def find(
    context: typer.Context,
    order_id: Annotated[
        str, typer.Argument(metavar="ID", help="order_id, external_order_id, or with --store order_code")
    ],
    store: Annotated[str | None, typer.Option(help="the store of an order_code")] = None,
    as_json: AsJson = False,
) -> None:
    """Orders by any of their three ids. Example: partner-orders orders find 0888 --store 148020"""
    from partner_orders_console.operations import orders

    stack = stack_of(context)
    found = orders.store_named(stack, store) if store else None
    matching = orders.find(stack, order_id, found)
    print_orders(matching, as_json, {found.store_id: found} if found else {})
    if not matching:
        other_try = f"`partner-orders orders list --store {store}` shows those of a day." if store else ""
        raise OperatorError(f"no order {order_id}", other_try or "An order_code needs its --store.")


@app.command()
def show(
    context: typer.Context,
    order_id: Annotated[
        str, typer.Argument(help="order_id or external_order_id; for a recent order, a unique beginning is enough")
    ],
    as_json: AsJson = False,
    show_personal_data: ShowPersonalData = False,
) -> None:
    """An order's life with the answers to it, its lines and money.

    Example: partner-orders orders show b7gw-7888-947312
    """
    from partner_orders_console.operations import answers, orders

    stack = stack_of(context)
    order = orders.named(stack, order_id)
    answered = answers.of_order(stack, order.order_id)
    if as_json:
        print_json(orders.whole(order, show_personal_data) | {"answers": [it.to_json() for it in answered]})
        return
    store_id = orders.store_of(order)
    store = stack.stores.find(store_id) if store_id else None
    _print_order(order, store, answered, show_personal_data)


@app.command()
def publish(
    context: typer.Context,
    order_ids: Annotated[
        list[str] | None, typer.Argument(metavar="ID...", help="order_ids or external_order_ids")
    ] = None,
    since: Annotated[
        str, typer.Option(help="orders with an event received since then: an age such as 26h, or a time in UTC")
    ] = "",
    until: Annotated[str, typer.Option(help="and before then: an age or a time in UTC")] = "",
    store: Annotated[str, typer.Option(help="only orders of this store, by either of its ids")] = "",
    preview: Annotated[bool, typer.Option("--preview", help="say how many orders, and change nothing")] = False,
) -> None:
    """Publish the current state of orders again, for subscribers that missed a change.

    Each gets its next sequence. With --since these are the orders that had an event in this time, and that were created
    up to a day before. What waits in the publisher's dead-letter queue is brought back by `dead-letters redrive
    publisher`.

    Example: partner-orders orders publish b7gw-7888-947312
    """
    from partner_orders_console.operations import orders, publishing

    if bool(order_ids) == bool(since) or (order_ids and (until or store)):
        raise OperatorError("it is not clear which orders are meant", "Name their ids, or say --since.")
    begins, ends = moment_if_given(since), moment_if_given(until)
    stack = stack_of(context)
    publishing.check_publishes(stack)
    with working("looking for the orders") as progress:
        if begins is None:
            found = [*dict.fromkeys(orders.named(stack, order_id).order_id for order_id in order_ids or ())]
        else:
            of_store = orders.store_named(stack, store) if store else None
            found = publishing.orders_of_time(stack, begins, ends, of_store, progress)
    if preview:
        say(f"{counted(len(found), 'order', 'orders')} would be published again")
        return
    with working("publishing") as progress:
        expired = publishing.publish_again(stack, found, progress)
    published = counted(len(found) - len(expired), "order is", "orders are")
    say(f"{published} published again; they reach the bus within seconds")
    if expired:
        orders_have = counted(len(expired), "order has", "orders have")
        raise OperatorError(f"{orders_have} just expired", ", ".join(expired[:10]))


@app.command()
def rebuild(
    context: typer.Context,
    order_ids: Annotated[list[str], typer.Argument(metavar="ID...", help="order_ids or external_order_ids")],
    preview: Annotated[bool, typer.Option("--preview", help="show what differs, and change nothing")] = False,
    as_json: AsJson = False,
) -> None:
    """Rebuild orders from their stored history and show what changed. No event is lost.

    Example: partner-orders orders rebuild b7gw-7888-947312 --preview
    """
    from partner_orders_console.operations.order_rebuilding import rebuild as rebuild_orders

    stack = stack_of(context)
    with working("rebuilding") as progress:
        done = rebuild_orders(stack, order_ids, preview, progress)
    if as_json:
        fields = [
            {name: {"before": before, "after": after} for name, (before, after) in one.changes.items()} for one in done
        ]
        print_json([{"order_id": one.order_id, "changes": changes} for one, changes in zip(done, fields, strict=True)])
        return
    columns = (Column("order_id", Kind.ID), Column("field"), Column("before"), Column("after"))
    print_table(columns, ((one.order_id, name, *values) for one in done for name, values in one.changes.items()))
    changed = sum(bool(one.changes) for one in done)
    say(f"{changed} of {counted(len(done), 'order')} {'would change' if preview else 'changed'}")


@app.command()
def replay(
    context: typer.Context,
    order: Annotated[str, typer.Argument(metavar="ORDER", help="an order_id or external_order_id")],
    event: Annotated[
        str, typer.Option(help="only this event: its number in --dry-run, or the beginning of its digest")
    ] = "",
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> int:
    """Enqueue the stored events of an order again, byte for byte as received. A known event changes nothing.

    This shows whether an event still comes through, and stores it again if the order's row is lost.

    Example: partner-orders orders replay b7gw-7888-947312 --dry-run
    """
    from partner_orders_console.operations import order_replay

    stack = stack_of(context)
    with working("reading the order"):
        chosen = order_replay.prepared(stack, order, event.strip())
        enqueued = 0 if dry_run else order_replay.replay(stack, chosen)
    status = 0 if len(chosen.possible) == len(chosen.events) else 1
    if as_json:
        print_json(
            {
                "order_id": chosen.order_id,
                "enqueued": enqueued,
                "events": [_replayed_json(one) for one in chosen.events],
            }
        )
        return status
    columns = (
        *(Column("number", Kind.NUMBER), Column("received", Kind.TIME), Column("status", Kind.STATE)),
        *(Column("from"), Column("digest", Kind.ID), Column("would change" if dry_run else "changes")),
    )
    print_table(columns, (_replayed_row(one) for one in chosen.events))
    if dry_run:
        say(f"{counted(len(chosen.possible), 'event')} would be enqueued again; nothing was done")
    else:
        what = f"{counted(enqueued, 'event is', 'events are')} enqueued again"
        say(f"{what}; `partner-orders orders show {chosen.order_id}` shows the order")
    return status


def _replayed_json(event: "ReplayedEvent") -> dict[str, object]:
    return {
        "number": event.number,
        "digest": event.digest,
        "status": event.status,
        "received_at": event.received_at or None,
        "source": event.source or None,
        "bytes": len(event.body),
        "changes": event.changes,
        "left": event.left,
    }


def _replayed_row(event: "ReplayedEvent") -> tuple[object, ...]:
    what = f"left: {event.left}" if event.left else "; ".join(event.changes) or "nothing: it is known"
    return event.number, event.received_at, event.status, event.source, event.digest[:18], what


def print_orders(found: "list[StoredOrder]", as_json: bool, stores: "dict[str, Store]") -> None:
    """A line for each order. Times are in the zone of the store, if there is only one."""
    from partner_orders.clock import now
    from partner_orders_console.operations import orders

    if as_json:
        print_json([orders.summary(order) for order in found])
        return
    zone: tzinfo = orders.zone_of(next(iter(stores.values()))) if len(stores) == 1 else ZoneInfo("UTC")
    columns = (
        *(Column("created", Kind.TIME), Column("age"), Column("order_id", Kind.ID), Column("code")),
        *(Column("store"), Column("status", Kind.STATE), Column("total", Kind.NUMBER)),
    )
    rows = []
    for order in found:
        store_id, total = orders.store_of(order), orders.total_of(order)
        currency = stores[store_id].currency if store_id in stores else None
        rows.append(
            (
                at(order.attributes["listed_at"], zone),
                ago(order.attributes["listed_at"], now()).removesuffix(" ago"),
                order.order_id,
                order.attributes.get("order_code"),
                store_id,
                order.status + (" (disputed)" if order.disputed else ""),
                None if total is None else f"{total} {currency or ''}".strip(),
            )
        )
    print_table(columns, rows)
    say(f"{counted(len(found), 'order')}, times in {zone}")


def _print_order(
    order: "StoredOrder", store: "Store | None", answered: "list[Answered]", show_personal_data: bool
) -> None:
    from partner_orders.orders.event import parse_event
    from partner_orders_console.operations import orders
    from partner_orders_console.operations.order_lines import lines_of, money_of

    zone: tzinfo = orders.zone_of(store) if store else ZoneInfo("UTC")
    snapshot = parse_event(order.snapshot.body or b"{}").order
    currency = store.currency or "" if store else ""
    print_text(f"{order.order_id}  {order.status}", "bold")
    facts: dict[str, object] = {
        "external_order_id": order.attributes.get("external_order_id"),
        "order_code": order.attributes.get("order_code"),
        "store": f"{orders.store_of(order) or '?'}  {(store.name or '') if store else ''}",
        "sale": order.sale.value + (" (disputed: the cancellation does not say)" if order.disputed else ""),
        "conflicts": order.conflicts or None,
        "problems": ", ".join(sorted({path for entry in order.history for path in entry.problems})),
        "type": " ".join(filter(None, (snapshot.order_type, snapshot.transport_type))),
        "times": f"in {zone}",
    }
    if show_personal_data and snapshot.customer:
        names = (snapshot.customer.first_name, snapshot.customer.last_name, snapshot.customer.phone_number)
        facts["customer"] = " ".join(filter(None, names))
    print_facts(facts)
    _print_life(order, answered, zone)
    if snapshot.items:
        _print_lines(lines_of(snapshot), currency)
    if snapshot.payment:
        rows = [(name, _money(value, currency)) for name, value in money_of(snapshot).items()]
        print_table((Column("money"), Column("", Kind.NUMBER)), rows)


def _print_life(order: "StoredOrder", answered: "list[Answered]", zone: "tzinfo") -> None:
    from partner_orders_console.operations.order_life import life_of

    rows, changes = [], []
    for step in life_of(order, answered):
        mark = "►" if step.is_present else " "
        when = at(step.occurred_at, zone) if step.occurred_at else "(no time)"
        rows.append((f"{mark} {when}", step.what, step.source, at(step.received_at, zone)))
        changes.append(step.note if step.is_answer else ", ".join(step.changed))
    columns = (
        *(Column("  life", Kind.TIME), Column("status", Kind.STATE), Column("from")),
        Column("received", Kind.TIME),
    )
    longest = max(map(len, " ".join(changes).split()), default=0)
    if 0 <= room_beside(columns, rows) < longest:  # Beside the rest, the names of fields would be folded.
        print_table(columns, rows)
        changed_rows = [(row[0], row[1], changed) for row, changed in zip(rows, changes, strict=True) if changed]
        print_table((*columns[:2], Column("changed")), changed_rows)
        return
    print_table((*columns, Column("changed")), [(*row, changed) for row, changed in zip(rows, changes, strict=True)])


def _print_lines(lines: "Iterable[OrderLine]", currency: str) -> None:
    columns = (
        *(Column("sku", Kind.ID), Column("line"), Column("ordered", Kind.NUMBER)),
        *(Column("amount", Kind.NUMBER), Column("total", Kind.NUMBER), Column("")),
    )
    print_table(
        columns,
        ((line.sku, line.name, line.ordered, line.amount, _money(line.total, currency), line.note) for line in lines),
    )


def _money(amount: "Decimal | None", currency: str) -> str | None:
    return None if amount is None else f"{amount} {currency}"
