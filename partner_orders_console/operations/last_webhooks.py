"""When the last webhook of each store came, by its newest orders."""

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

from partner_orders.clock import from_text
from partner_orders.order_events.message import WEBHOOK
from partner_orders.orders.stored import StoredOrder
from partner_orders.stores.store import Store
from partner_orders_console.operations.orders import read_in_order
from partner_orders_console.operations.stack import DeployedStack

_NEWEST_ORDERS = 3  # of a store: the last webhook is most likely of one of them
_SIDE_BY_SIDE = 8


def last_webhooks(stack: DeployedStack, stores: Sequence[Store]) -> dict[str, datetime | None]:
    """When it came (UTC), by store, the one that has waited longest first; paused stores are left out. A query for each
    store, and a request for each hundred orders. Raises botocore's errors."""
    names = [store.store_id for store in stores if not store.is_paused]
    with ThreadPoolExecutor(_SIDE_BY_SIDE) as executor:
        newest = [*executor.map(lambda name: stack.orders.newest_of(name, _NEWEST_ORDERS), names)]
    orders = {order.order_id: order for order in read_in_order(stack, (id_ for ids in newest for id_ in ids))}
    last = {name: last_webhook(map(orders.get, ids)) for name, ids in zip(names, newest, strict=True)}
    return dict(sorted(last.items(), key=lambda one: one[1].timestamp() if one[1] else 0.0))


def last_webhook(orders: Iterable[StoredOrder | None]) -> datetime | None:
    """When the last webhook of some orders came (UTC); an order that has expired is None."""
    entries = (entry for order in orders if order for entry in order.history if entry.source == WEBHOOK)
    return max((from_text(entry.received_at) for entry in entries), default=None)
