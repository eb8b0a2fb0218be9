"""``partner-orders orders``: find orders, and see their lives."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from decimal import Decimal
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer

from partner_orders.clock import from_text, now
from partner_orders.exact_json import parse
from partner_orders.orders import lifecycle
from partner_orders.orders.digest import changed_fields
from partner_orders.orders.event import parse_event
from partner_orders.orders.model import Line
from partner_orders.orders.personal_data import without_personal_data
from partner_orders.orders.stored import HistoryEntry, StoredOrder
from partner_orders.stores.store import Store
from partner_orders_console.cli.call import stack_of
from partner_orders_console.cli.output import (
    AsJson,
    ShowPersonalData,
    counted,
    print_json,
    print_table,
    print_text,
    say,
    working,
)
from partner_orders_console.cli.stores import store_named
from partner_orders_console.operations.errors import OperatorError
from partner_orders_console.operations.stack import DeployedStack

app = typer.Typer(help="Orders: list, find, show, publish.", no_args_is_help=True)

WEIGHED = frozenset({"KG", "WEIGHT"})
Day = Annotated[str | None, typer.Option(help="a day in the store's time zone, 2026-03-14; today without")]


@app.command("list")
def list_orders(
    context: typer.Context,
    store: Annotated[str | None, typer.Option(help="a store, by either of its ids")] = None,
    day: Day = None,
    status: Annotated[str | None, typer.Option(help="only orders of this status")] = None,
    open_only: Annotated[
        bool, typer.Option("--open", help="the open orders: of the last 60 days, or of the --day")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """A store's orders of a day, or the open orders of a store or of all.

    Example: partner-orders orders list --store 148020 --day 2026-03-14 --status CANCELLED
    """
    if not (store or open_only):
        raise OperatorError("which orders?", "Name a --store, or ask for the --open ones.")
    if day and not store:
        raise OperatorError("a day begins when it begins at a store", "Name its --store.")
    stack = stack_of(context)
    found = store_named(stack, store) if store else None
    zone = zone_of(found) if found else UTC
    if found and (day or not open_only):
        start, end = day_in(zone, day)
        last = end - timedelta(microseconds=1)
        ids = [order_id for listing in found.listings for order_id in stack.orders.of_store(listing, start, last)]
    else:
        ids = stack.orders.open_since(now() - timedelta(days=60), found.store_id if found else None)
    with working(f"reading {counted(len(ids), 'order')}"):
        orders = [order for order in map(stack.orders.get, dict.fromkeys(ids)) if order is not None]
    orders.sort(key=lambda order: order.attributes["listed_at"])
    if open_only:
        orders = [order for order in orders if lifecycle.is_open(order.status)]
    if found:
        orders = [order for order in orders if _store_of(order) in found.listings]
    if status:
        orders = [order for order in orders if order.status == lifecycle.normalise(status)]
    print_orders(orders, zone, as_json)


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
    stack = stack_of(context)
    zone: tzinfo = UTC
    ids = [order_id, *stack.orders.by_external_order_id(order_id)]
    if store:
        found = store_named(stack, store)
        zone = zone_of(found)
        ids += [found_id for listing in found.listings for found_id in stack.orders.by_order_code(listing, order_id)]
    orders = [order for order in map(stack.orders.get, dict.fromkeys(ids)) if order is not None]
    print_orders(orders, zone, as_json)
    if not orders:
        other_try = f"`partner-orders orders list --store {store}` shows a day's." if store else ""
        raise OperatorError(f"no order {order_id}", other_try or "An order_code needs its --store.")


@app.command()
def show(
    context: typer.Context,
    order_id: Annotated[str, typer.Argument(help="the order_id or external_order_id")],
    as_json: AsJson = False,
    show_personal_data: ShowPersonalData = False,
) -> None:
    """An order's life, items and money. Example: partner-orders orders show b7gw-7888-947312"""
    stack = stack_of(context)
    order = _named(stack, order_id)
    if as_json:
        print_json(whole(order, show_personal_data))
        return
    store_id = _store_of(order)
    store = stack.stores.find(store_id) if store_id else None
    _print_order(order, store, show_personal_data)


@app.command()
def publish(
    context: typer.Context,
    order_ids: Annotated[list[str], typer.Argument(metavar="ID...", help="order_ids or external_order_ids")],
) -> None:
    """Publish orders' present state again, each with its next sequence, for subscribers that have missed a change. What
    waits in the publisher's dead letters is brought back by `dead-letters redrive publisher`.

    Example: partner-orders orders publish b7gw-7888-947312
    """
    stack = stack_of(context)
    if "PublisherDeadLettersUrl" not in stack.outputs:
        raise OperatorError("this stack publishes nothing", "Deploy it with ChangeEvents=ENABLED.")
    with working("looking for the orders"):
        found = dict.fromkeys(_named(stack, order_id).order_id for order_id in order_ids)
    for order_id in found:
        if not stack.orders.publish_again(order_id):
            raise OperatorError(f"order {order_id} has just expired", "Publish the others without it.")
    say(f"{counted(len(found), 'order is', 'orders are')} published again; the bus has them in a moment")


def print_orders(orders: list[StoredOrder], zone: tzinfo, as_json: bool) -> None:
    """A line for each order."""
    if as_json:
        print_json([summary(order) for order in orders])
        return
    columns = ("created", "order_id", "external_order_id", "order_code", "store", "status", "sale", "events")
    print_table(
        columns,
        (
            (
                at(order.attributes["listed_at"], zone),
                order.order_id,
                order.attributes.get("external_order_id"),
                order.attributes.get("order_code"),
                _store_of(order),
                order.status,
                order.sale.value + (" (disputed)" if order.disputed else ""),
                len(order.history),
            )
            for order in orders
        ),
    )
    say(f"{counted(len(orders), 'order')}, times in {zone}")


def summary(order: StoredOrder) -> dict[str, Any]:
    """An order's ids and state, without a body."""
    names = ("external_order_id", "order_code", "store_id", "chain_id", "occurred_at", "listed_at")
    return {
        "order_id": order.order_id,
        **{name: order.attributes.get(name) for name in names},
        "status": order.status,
        "sale": order.sale.value,
        "disputed": order.disputed,
        "conflicts": order.conflicts,
        "sequence": order.sequence,
    }


def whole(order: StoredOrder, show_personal_data: bool) -> dict[str, Any]:
    """An order with its snapshot and history."""
    history = [
        {
            "digest": entry.digest,
            "status": entry.status,
            "occurred_at": entry.occurred_at,
            "received_at": entry.received_at,
            "source": entry.source,
            "correlation_id": entry.correlation_id,
            "redacted": entry.is_redacted,
            "shown_at": entry.shown_at,
            "problems": list(entry.problems),
            "body": _body(entry, show_personal_data),
        }
        for entry in order.history
    ]
    return summary(order) | {"order": _body(order.snapshot, show_personal_data), "history": history}


def zone_of(store: Store) -> tzinfo:
    """The store's time zone; UTC until an operator has set one."""
    return ZoneInfo(store.time_zone) if store.time_zone else UTC


def day_in(zone: tzinfo, text: str | None) -> tuple[datetime, datetime]:
    """When a day begins and ends in a zone. Raises OperatorError."""
    try:
        day = date.fromisoformat(text) if text else now().astimezone(zone).date()
        begins, ends = (datetime.combine(one, time(), zone) for one in (day, day + timedelta(days=1)))
        return begins.astimezone(UTC), ends.astimezone(UTC)
    except (ValueError, OverflowError):
        raise OperatorError(f"{text} is no day", "A day looks like 2026-03-14.") from None


def at(text: str, zone: tzinfo) -> str:
    """A time of the table for a person, in a zone."""
    return f"{from_text(text).astimezone(zone):%Y-%m-%d %H:%M:%S}"


def _named(stack: DeployedStack, order_id: str) -> StoredOrder:
    """The one order of this order_id or external_order_id. Raises OperatorError."""
    order = stack.orders.get(order_id)
    if order is None:
        others = stack.orders.by_external_order_id(order_id)
        if len(others) > 1:
            raise OperatorError(
                f"{len(others)} orders are called {order_id}", f"`partner-orders orders find {order_id}`."
            )
        order = stack.orders.get(others[0]) if others else None
    if order is None:
        raise OperatorError(f"no order {order_id}", "`partner-orders orders find` takes an order_code too.")
    return order


def _store_of(order: StoredOrder) -> str:
    """The id that the order is listed under: the chain's own where its events name no other; empty without any."""
    return order.attributes.get("listed_under", "").removeprefix("STORE#")


def _body(entry: HistoryEntry, show_personal_data: bool) -> Any:
    value = parse(entry.body) if entry.body else None
    return value if show_personal_data or not isinstance(value, dict) else without_personal_data(value)


def _print_order(order: StoredOrder, store: Store | None, show_personal_data: bool) -> None:
    zone = zone_of(store) if store else UTC
    snapshot = parse_event(order.snapshot.body or b"{}").order
    currency = store.currency or "" if store else ""
    print_text(f"{order.order_id}  {order.status}", "bold")
    facts: dict[str, object] = {
        "external_order_id": order.attributes.get("external_order_id"),
        "order_code": order.attributes.get("order_code"),
        "store": f"{_store_of(order) or '?'}  {(store.name or '') if store else ''}",
        "sale": order.sale.value + (" (disputed: the cancellation does not say)" if order.disputed else ""),
        "conflicts": order.conflicts or None,
        "problems": ", ".join(sorted({path for entry in order.history for path in entry.problems})),
        "type": " ".join(filter(None, (snapshot.order_type, snapshot.transport_type))),
        "times": f"in {zone}",
    }
    if show_personal_data and snapshot.customer:
        names = (snapshot.customer.first_name, snapshot.customer.last_name, snapshot.customer.phone_number)
        facts["customer"] = " ".join(filter(None, names))
    print_table(("", ""), ((name, fact) for name, fact in facts.items() if fact))
    _print_life(order, zone)
    if snapshot.items:
        _print_items(snapshot.items, currency)
    if snapshot.payment:
        money = snapshot.payment.model_dump(exclude_none=True)
        rows = [(name, f"{value} {currency}") for name, value in money.items() if isinstance(value, Decimal)]
        print_table(("money", ""), rows)


def _print_life(order: StoredOrder, zone: tzinfo) -> None:
    rows = []
    before: bytes | None = None
    for entry in order.history:
        changed = ", ".join(changed_fields(parse(before), parse(entry.body))) if before and entry.body else ""
        mark = "►" if entry is order.snapshot else " "
        when = at(entry.occurred_at, zone) if entry.occurred_at else "(no time)"
        rows.append((f"{mark} {when}", entry.status, entry.source, at(entry.received_at, zone), changed))
        before = entry.body or before
    print_table(("  life", "status", "from", "received", "changed"), rows)


def _print_items(items: Iterable[Line], currency: str) -> None:
    by_id = {item.id: item for item in items if item.id}
    rows = []
    for item in items:
        now_, then = item.pricing, item.original_pricing
        weighed = now_ is not None and now_.pricing_type in WEIGHED
        amount = None if now_ is None else (f"{now_.weight} kg" if weighed else now_.quantity)
        ordered = None if then is None else (f"{then.weight} kg" if weighed else then.quantity)
        note = item.status
        if item.replaced_id:
            replaced = by_id.get(item.replaced_id)
            note = f"replaces {replaced.name if replaced and replaced.name else item.replaced_id}"
        total = f"{now_.total_price} {currency}" if now_ and now_.total_price is not None else None
        rows.append((item.sku, item.name, ordered if ordered != amount else None, amount, total, note))
    print_table(("sku", "item", "ordered", "amount", "total", ""), rows)
