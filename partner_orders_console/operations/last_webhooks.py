"""When the last webhook of each store came, by its newest orders."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

from partner_orders_console.operations.stack import DeployedStack
from partner_orders_console.operations.store_overview import last_webhook

_NEWEST_ORDERS = 3  # of a store: the last webhook is most likely of one of them
_SIDE_BY_SIDE = 8


def last_webhooks(stack: DeployedStack) -> dict[str, datetime | None]:
    """When it came (UTC), by store, the one that has waited longest first; paused stores are left out. For each store a
    query, and a request for its newest orders. Raises botocore's errors."""
    stores = [store.store_id for store in stack.stores.all() if not store.is_paused]

    def last_of(store_id: str) -> datetime | None:
        return last_webhook(stack, [store_id], _NEWEST_ORDERS)

    with ThreadPoolExecutor(_SIDE_BY_SIDE) as executor:
        last = dict(zip(stores, executor.map(last_of, stores), strict=True))
    return dict(sorted(last.items(), key=lambda one: one[1].timestamp() if one[1] else 0.0))
