"""Finding orders and reading many of them."""

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from itertools import batched
from typing import Any
from zoneinfo import ZoneInfo

from partner_orders.aws import keys
from partner_orders.aws.attribute_values import Row
from partner_orders.clock import INSTANT, now
from partner_orders.exact_json import parse
from partner_orders.orders import lifecycle
from partner_orders.orders.event import REQUIRED, event_from
from partner_orders.orders.fields import MAX_IDENTIFIER
from partner_orders.orders.personal_data import without_personal_data
from partner_orders.orders.stored import HistoryEntry, StoredOrder
from partner_orders.stores.store import AmbiguousCodeError, Store
from partner_orders_console.operations.errors import NotFoundError, OperatorError
from partner_orders_console.operations.progress import Progress, silent
from partner_orders_console.operations.stack import DeployedStack
from partner_orders_console.operations.words import counted

_BATCH = 100  # orders that DynamoDB reads in one request
_SIDE_BY_SIDE = 8
_LEAST_PREFIX = 4
_PREFIX_DAYS = 7  # days back in which an order is looked for by the beginning of its id
_NAMED = 5
_OPEN_DAYS = 60
_OF_THE_TOTAL = (*REQUIRED, "payment")  # the parts of an order's body that tell its total


@dataclass(frozen=True)
class Choice:
    """Which orders: of a store (None for all), of a day in each store's own time zone (today without), of these
    statuses; or the open ones of the last 60 days, or of the day."""

    store: Store | None = None
    day: str | None = None
    statuses: Sequence[str] = ()
    open_only: bool = False


# -- reading many ------------------------------------------------------------------------------------------------------


def read_in_order(stack: DeployedStack, order_ids: Iterable[str], progress: Progress = silent) -> Iterator[StoredOrder]:
    """The orders of these ids, each once and in their order; one that has expired meanwhile is left out. Batches of 100
    are read side by side. Raises botocore's errors."""
    orders, read = stack.orders, 0
    with ThreadPoolExecutor(_SIDE_BY_SIDE) as executor:
        for group in batched(dict.fromkeys(order_ids), _BATCH * _SIDE_BY_SIDE, strict=False):
            batches = [*batched(group, _BATCH, strict=False)]
            for batch, found in zip(batches, executor.map(lambda ids: [*orders.many(ids)], batches), strict=True):
                by_id = {order.order_id: order for order in found}
                yield from (by_id[order_id] for order_id in batch if order_id in by_id)
                read += len(batch)
                progress(f"{read:,} orders read")


def statuses_of(stack: DeployedStack, order_ids: Iterable[str]) -> dict[str, str]:
    """The status of each order that is there, by its id. It may be a moment old, which halves the read units. Batches
    of 100 are read side by side. Raises botocore's errors."""

    def read(ids: Sequence[str]) -> list[Row]:
        return [*stack.table.get_many(map(keys.order, ids), attributes=("pk", "status"))]

    with ThreadPoolExecutor(_SIDE_BY_SIDE) as executor:
        batches = executor.map(read, batched(dict.fromkeys(order_ids), _BATCH, strict=False))
        return {keys.order_id_of(row["pk"]): row["status"] for rows in batches for row in rows}


def chosen(stack: DeployedStack, choice: Choice, progress: Progress = silent) -> list[StoredOrder]:
    """The orders of a choice, the oldest first. Raises OperatorError for a day that is none."""
    stores = [choice.store] if choice.store else stack.stores.all()
    if choice.open_only and not choice.day:
        since = now() - timedelta(days=_OPEN_DAYS)
        ids = stack.orders.open_since(since, choice.store.store_id if choice.store else None)
    else:
        ids = [order_id for store in stores for order_id in ids_of_days(stack, store, choice.day)]
    progress(f"reading {counted(len(ids), 'order')}")
    wanted = {lifecycle.normalise(status) for status in choice.statuses}
    listings = {listing for store in stores for listing in store.listings}
    return sorted(
        (
            order
            for order in read_in_order(stack, ids, progress)
            if (not choice.open_only or lifecycle.is_open(order.status))
            and (not wanted or order.status in wanted)
            and (choice.store is None or store_of(order) in listings)
        ),
        key=lambda order: order.attributes["listed_at"],
    )


def ids_of_days(stack: DeployedStack, store: Store, first: str | None, last: str | None = None) -> Iterator[str]:
    """The orders of a store from one day to another, both included, in its own time zone; of the first one without the
    other, and of today without any. Raises OperatorError for a day that is none."""
    zone = zone_of(store)
    start, end = day_in(zone, first)[0], day_in(zone, last or first)[1]
    for listing in store.listings:
        yield from stack.orders.of_store(listing, start, end - INSTANT)


# -- finding one -------------------------------------------------------------------------------------------------------


def find(stack: DeployedStack, name: str, store: Store | None = None) -> list[StoredOrder]:
    """The orders of this order_id or external_order_id, and with a store those of this order_code."""
    ids = [name, *stack.orders.by_external_order_id(name)]
    if store:
        ids += [found for listing in store.listings for found in stack.orders.by_order_code(listing, name)]
    return [*read_in_order(stack, ids)]


def named(stack: DeployedStack, name: str) -> StoredOrder:
    """The one order of this order_id or external_order_id, or of the last week whose order_id begins so. Raises
    OperatorError unless it is exactly one."""
    order = stack.orders.get(name)
    if order is not None:
        return order
    others = stack.orders.by_external_order_id(name)
    if not others and len(name) >= _LEAST_PREFIX:
        others = _beginning_with(stack, name)
    if len(others) > 1:
        some = ", ".join(others[:_NAMED]) + (", ..." if len(others) > _NAMED else "")
        raise OperatorError(f"{len(others)} orders are called {name}: {some}", "Give more of the order_id.")
    found = stack.orders.get(others[0]) if others else None
    if found is None:
        raise OperatorError(
            f"no order {name}",
            f"The beginning of an order_id is enough if it has {_LEAST_PREFIX} characters and the order was created in"
            f" the last {_PREFIX_DAYS} days. `partner-orders orders find` takes an order_code too.",
        )
    return found


def of_id(stack: DeployedStack, order_id: str) -> StoredOrder:
    """The order of exactly this order_id. Raises NotFoundError."""
    # Nor would DynamoDB take an empty id, or a longer one, as a key.
    order = stack.orders.get(order_id) if 0 < len(order_id) <= MAX_IDENTIFIER else None
    if order is None:
        raise NotFoundError(f"no order {order_id[:MAX_IDENTIFIER]}", "It may have expired.")
    return order


def _beginning_with(stack: DeployedStack, prefix: str) -> list[str]:
    since, until = now() - timedelta(days=_PREFIX_DAYS), now() + timedelta(days=1)
    listings = {listing for store in stack.stores.all() for listing in store.listings}
    ids = [order_id for listing in sorted(listings) for order_id in stack.orders.of_store(listing, since, until)]
    return [order_id for order_id in dict.fromkeys(ids) if order_id.startswith(prefix.lower())]


def store_named(stack: DeployedStack, name: str) -> Store:
    """A store by either of its ids. Raises NotFoundError, and OperatorError for a code that several stores have now."""
    try:
        store = stack.stores.find(name)
    except AmbiguousCodeError as error:
        raise OperatorError(str(error), "`partner-orders stores list` shows them.") from None
    if store is None:
        raise NotFoundError(f"there is no store {name}", "`partner-orders stores list` shows them.")
    return store


# -- one order as data -------------------------------------------------------------------------------------------------


def store_of(order: StoredOrder) -> str:
    """The id that the order is listed under: the chain's own where its events name no other; empty without any."""
    return order.attributes.get("listed_under", "").removeprefix("STORE#")


def total_of(order: StoredOrder) -> Any:
    """The order's total in decimal major units; None if its snapshot has none."""
    body = parse(order.snapshot.body or b"{}")
    # The lines of an order take most of the time in which it is read, and say nothing of the total.
    parts = {name: body[name] for name in _OF_THE_TOTAL if name in body} if isinstance(body, dict) else body
    payment = event_from(parts, b"").order.payment
    return payment.order_total if payment else None


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
        "order_total": total_of(order),
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
            "body": body_of(entry, show_personal_data),
        }
        for entry in order.history
    ]
    return summary(order) | {"order": body_of(order.snapshot, show_personal_data), "history": history}


def body_of(entry: HistoryEntry, show_personal_data: bool) -> Any:
    """The body of an event, without personal data unless it is asked for; None without a body."""
    value = parse(entry.body) if entry.body else None
    return value if show_personal_data or not isinstance(value, dict) else without_personal_data(value)


# -- days --------------------------------------------------------------------------------------------------------------


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
        raise OperatorError(f"{text} is not a day", "A day looks like 2026-03-14.") from None


def unknown_statuses(names: Sequence[str]) -> list[str]:
    """Those that are no status we know; the platform may have added one."""
    return [name for name in names if not lifecycle.is_known(lifecycle.normalise(name))]
