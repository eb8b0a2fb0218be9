"""Orders of a period for the accountants, with exact amounts."""

import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, tzinfo
from pathlib import Path
from typing import Any, TextIO

from partner_orders.clock import from_text
from partner_orders.exact_json import write
from partner_orders.orders.event import parse_event
from partner_orders.orders.model import Order
from partner_orders.orders.stored import StoredOrder
from partner_orders.stores.store import Store
from partner_orders_console.operations.errors import OperatorError
from partner_orders_console.operations.orders import day_in, ids_of_days, read_in_order, store_named, whole, zone_of
from partner_orders_console.operations.progress import Progress, silent
from partner_orders_console.operations.spreadsheet import csv_line
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
PERSONAL = ("customer_id", "first_name", "last_name", "phone_number", "delivery_address")


@dataclass(frozen=True)
class Export:
    """Orders from the first day to the last, both included, in each store's own time zone. ``strangers`` are stores
    that nobody registered and that orders are listed under all the same; their days are in UTC."""

    first: str
    last: str
    stores: list[Store]
    strangers: list[Store]


def export_of(
    stack: DeployedStack, first: str, last: str | None, names: Sequence[str], progress: Progress = silent
) -> Export:
    """What to export: of the stores of these names, or of all. Raises OperatorError for a period that is none."""
    if day_in(UTC, first) > day_in(UTC, last or first):
        raise OperatorError(f"{last} is before {first}", "--from is the first day and --to the last.")
    if names:
        # By both of its ids, a store is still one.
        named = {found.store_id: found for found in (store_named(stack, name) for name in names)}
        return Export(first, last or first, [*named.values()], [])
    progress("looking for orders of other stores")
    stores = stack.stores.all()
    return Export(first, last or first, stores, _strangers(stack, stores, first, last))


def lines(
    stack: DeployedStack, export: Export, as_csv: bool, show_personal_data: bool, progress: Progress = silent
) -> Iterator[str]:
    """The lines of the file, one for each order; of a CSV file the first one names the columns."""
    columns = (*COLUMNS, *(PERSONAL if show_personal_data else ()))
    if as_csv:
        yield csv_line(columns)
    orders = _each_once(stack, [*export.stores, *export.strangers], export.first, export.last, progress)
    for store, order in orders:
        if as_csv:
            cells = row(order, store, show_personal_data)
            yield csv_line(cells[name] for name in columns)
        else:
            yield _json_line(order, store, show_personal_data)


def row(order: StoredOrder, store: Store, show_personal_data: bool = False) -> dict[str, Any]:
    """An order as one line: ids, state, times in the store's zone with its offset, and the money of its snapshot in
    major units; the customer only if asked for."""
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
        "disputed": "yes" if order.disputed else "no",
        "created": _at(order.attributes["listed_at"], zone),
        "changed": _at(order.attributes["occurred_at"], zone) if "occurred_at" in order.attributes else None,
        "currency": store.currency,
        "lines": len(snapshot.items or []),
        **money,
        **(_customer(snapshot) if show_personal_data else {}),
    }


def _customer(snapshot: Order) -> dict[str, Any]:
    customer = snapshot.customer
    address = customer.delivery_address if customer else None
    return {
        "customer_id": customer.id if customer else None,
        "first_name": customer.first_name if customer else None,
        "last_name": customer.last_name if customer else None,
        "phone_number": customer.phone_number if customer else None,
        "delivery_address": address.model_dump_json(exclude_none=True) if address else None,
    }


def _at(text: str, zone: tzinfo) -> str:
    """A time of the table in a zone. Lines of several stores stand side by side, so each says which."""
    return from_text(text).astimezone(zone).isoformat(timespec="seconds")


def _each_once(
    stack: DeployedStack, stores: list[Store], first: str, last: str | None, progress: Progress
) -> Iterator[tuple[Store, StoredOrder]]:
    """The orders of these stores, each with its store. An event may list an order under another store meanwhile."""
    seen: set[str] = set()
    for store in stores:
        for order in read_in_order(stack, ids_of_days(stack, store, first, last), progress):
            if order.order_id not in seen:
                seen.add(order.order_id)
                yield store, order


def _strangers(stack: DeployedStack, registered: list[Store], first: str, last: str | None) -> list[Store]:
    """The stores that nobody registered and that orders are listed under all the same, as if they were registered."""
    start, end = day_in(UTC, first)[0], day_in(UTC, last or first)[1]
    known = {listing for store in registered for listing in store.listings}
    return [Store(store_id) for store_id in sorted(stack.orders.stores_with_orders(start, end) - known)]


def opened(file: Path, is_private: bool) -> tuple[TextIO, bool]:
    """A file to write, emptied. Where it gets customers' data, nobody but its owner may read it, also if it was there
    before; whether others could is the second value. Raises OSError."""
    if not is_private:
        return file.open("w", encoding="utf-8", newline=""), False
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT, 0o600)
    target = os.fdopen(descriptor, "w", encoding="utf-8", newline="")
    mode, was_open = os.fstat(descriptor).st_mode, False
    if stat.S_ISREG(mode):
        if stat.S_IMODE(mode) & 0o077:
            os.fchmod(descriptor, 0o600)
            was_open = True
        target.truncate(0)
    return target, was_open


def _json_line(order: StoredOrder, store: Store, show_personal_data: bool) -> str:
    content: dict[str, Any] = {**whole(order, show_personal_data), "currency": store.currency}
    del content["history"]
    return write(content) + "\n"
