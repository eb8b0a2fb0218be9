"""``partner-orders export``: orders of a period for the accountants, with exact amounts."""

import os
import stat
import sys
from collections.abc import Iterator
from contextlib import nullcontext
from datetime import UTC, timedelta, tzinfo
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, TextIO

import typer

from partner_orders.clock import from_text
from partner_orders.exact_json import write
from partner_orders.orders.event import parse_event
from partner_orders.orders.stored import StoredOrder
from partner_orders.stores.store import Store
from partner_orders_console.cli.call import stack_of
from partner_orders_console.cli.output import ShowPersonalData, counted, csv_line, say, working
from partner_orders_console.operations.errors import OperatorError
from partner_orders_console.operations.orders import day_in, read_in_order, store_named, whole, zone_of
from partner_orders_console.operations.stack import DeployedStack

MONEY = (
    *("sub_total", "order_total", "delivery_fee", "service_fee", "difference_to_minimum", "container_charge"),
    *("discount", "total_taxes", "collect_at_pickup"),
)
COLUMNS = (
    *("order_id", "external_order_id", "order_code", "chain_id", "store_id"),
    *("status", "sale", "disputed", "created", "changed"),
    *("currency", "lines", *MONEY),
)


class Format(StrEnum):
    """``csv`` for spreadsheets, a line for each order; ``jsonl`` for programs, an order with all its lines on each."""

    CSV = "csv"
    JSONL = "jsonl"


def export(
    context: typer.Context,
    first: Annotated[str, typer.Option("--from", help="the first day, in each store's own time zone: 2026-03-01")],
    last: Annotated[str | None, typer.Option("--to", help="the last day, included; the first one without")] = None,
    store: Annotated[list[str] | None, typer.Option(help="a store, by either of its ids; again for more")] = None,
    form: Annotated[Format, typer.Option("--format")] = Format.CSV,
    output: Annotated[Path | None, typer.Option(help="a file; the standard output without")] = None,
    show_personal_data: ShowPersonalData = False,
) -> None:
    """Orders of a period as CSV or JSON Lines. Without --store those of stores that are not registered are among them,
    of other chains too, by days in UTC.

    Example: partner-orders export --from 2026-03-01 --to 2026-03-31
    """
    stack = stack_of(context)
    # An earlier file is overwritten only for a period that is one.
    if day_in(UTC, first) > day_in(UTC, last or first):
        raise OperatorError(f"{last} is before {first}", "--to is the last day, and --from the first.")
    # By both of its ids, a store is still one.
    named = {found.store_id: found for found in (store_named(stack, name) for name in store or ())}
    stores = [*named.values()] if store else stack.stores.all()
    strangers = [] if store else _strangers(stack, stores, first, last)
    count = 0
    with _opened(output, show_personal_data) if output else nullcontext(sys.stdout) as target:
        if form is Format.CSV:
            target.write(csv_line(COLUMNS))
        with working("reading orders") as shown:
            for one, order in _each_once(stack, [*stores, *strangers], first, last):
                if form is Format.CSV:
                    cells = row(order, one)
                    target.write(csv_line(cells[name] for name in COLUMNS))
                else:
                    _write_line(target, order, one, show_personal_data)
                count += 1
                if count % 100 == 0:
                    shown(f"{count} orders")
    say(f"{counted(count, 'order')} of {counted(len(stores) + len(strangers), 'store')}")
    if strangers:
        names = ", ".join(one.store_id or "(no store)" for one in strangers)
        say(f"among them what is not of a registered store: {names}; the column chain_id says whose it is")


def row(order: StoredOrder, store: Store) -> dict[str, Any]:
    """An order as one line: ids, state, times in the store's zone with its offset, and the money of its snapshot in
    major units."""
    snapshot = parse_event(order.snapshot.body or b"{}").order
    zone = zone_of(store)
    money = {name: getattr(snapshot.payment, name) if snapshot.payment else None for name in MONEY}
    return {
        "order_id": order.order_id,
        "external_order_id": order.attributes.get("external_order_id"),
        "order_code": order.attributes.get("order_code"),
        "chain_id": order.attributes.get("chain_id"),
        "store_id": store.store_id,
        "status": order.status,
        "sale": order.sale.value,
        "disputed": order.disputed,
        "created": _at(order.attributes["listed_at"], zone),
        "changed": _at(order.attributes["occurred_at"], zone) if "occurred_at" in order.attributes else None,
        "currency": store.currency,
        "lines": len(snapshot.items or []),
        **money,
    }


def _at(text: str, zone: tzinfo) -> str:
    """A time of the table in a zone. Lines of several stores stand side by side, so each says which."""
    return from_text(text).astimezone(zone).isoformat(timespec="seconds")


def _orders(stack: DeployedStack, store: Store, first: str, last: str | None) -> Iterator[StoredOrder]:
    zone = zone_of(store)
    start, end = day_in(zone, first)[0], day_in(zone, last or first)[1]
    last_moment = end - timedelta(microseconds=1)
    ids = (found for listing in store.listings for found in stack.orders.of_store(listing, start, last_moment))
    yield from read_in_order(stack, ids)


def _each_once(
    stack: DeployedStack, stores: list[Store], first: str, last: str | None
) -> Iterator[tuple[Store, StoredOrder]]:
    """The orders of these stores, each with its store. An event may list an order under another store meanwhile."""
    seen: set[str] = set()
    for store in stores:
        for order in _orders(stack, store, first, last):
            if order.order_id not in seen:
                seen.add(order.order_id)
                yield store, order


def _strangers(stack: DeployedStack, registered: list[Store], first: str, last: str | None) -> list[Store]:
    """The stores that nobody registered and that orders are listed under all the same, as if they were registered."""
    start, end = day_in(UTC, first)[0], day_in(UTC, last or first)[1]
    known = {listing for store in registered for listing in store.listings}
    with working("looking for orders of other stores"):
        return [Store(store_id) for store_id in sorted(stack.orders.stores_with_orders(start, end) - known)]


def _opened(file: Path, is_private: bool) -> TextIO:
    """A file to write, emptied. Where it gets customers' data, nobody but its owner may read it, also if it was there
    before. Raises OSError."""
    if not is_private:
        return file.open("w", encoding="utf-8", newline="")
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT, 0o600)
    target = os.fdopen(descriptor, "w", encoding="utf-8", newline="")
    mode = os.fstat(descriptor).st_mode
    if stat.S_ISREG(mode):
        if stat.S_IMODE(mode) & 0o077:
            os.fchmod(descriptor, 0o600)
            say(f"others could read {file}; from now on only its owner can (mode 0600)")
        target.truncate(0)
    return target


def _write_line(target: TextIO, order: StoredOrder, store: Store, show_personal_data: bool) -> None:
    content: dict[str, Any] = {**whole(order, show_personal_data), "currency": store.currency}
    del content["history"]
    target.write(write(content) + "\n")
