"""When the last webhook came: for the stack, and for each store by its newest orders."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

from partner_orders.clock import now
from partner_orders_console.operations.doctor.finding import Finding
from partner_orders_console.operations.stack import DeployedStack
from partner_orders_console.operations.store_overview import last_webhook
from partner_orders_console.operations.words import ago, at

_NEWEST_ORDERS = 3  # of a store: the last webhook is most likely of one of them
_NAMED = 5
_SIDE_BY_SIDE = 8


def last_webhooks(stack: DeployedStack) -> Iterator[Finding]:
    """Name the stack's last webhook, and the stores that have waited longest for one. For each store a query, and a
    request for its newest orders."""
    stores = [store.store_id for store in stack.stores.all() if not store.is_paused]
    if not stores:
        return

    def last_of(store_id: str) -> datetime | None:
        return last_webhook(stack, [store_id], _NEWEST_ORDERS)

    with ThreadPoolExecutor(_SIDE_BY_SIDE) as executor:
        last = dict(zip(stores, executor.map(last_of, stores), strict=True))
    known = {store_id: when for store_id, when in last.items() if when is not None}
    if not known:
        yield Finding("last webhook", note="none among the newest orders")
        return
    newest = max(known, key=lambda store_id: known[store_id])
    yield Finding("last webhook", note=f"{at(known[newest])} ({ago(known[newest], now())}), of store {newest}")
    quiet = sorted(last, key=lambda store_id: known[store_id].timestamp() if store_id in known else 0.0)
    named = [f"{store_id} {ago(last[store_id], now()) or 'none'}" for store_id in quiet[:_NAMED]]
    more = f" and {len(quiet) - _NAMED} more" if len(quiet) > _NAMED else ""
    yield Finding("last webhook by store", note=f"longest ago first: {', '.join(named)}{more}")
