"""One store at a glance: its settings, its last order and webhook, how far it is checked, and its open orders."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from partner_orders.clock import from_text, now
from partner_orders.order_events.message import WEBHOOK
from partner_orders.reconciler.windows import Position
from partner_orders.stores.store import Store
from partner_orders_console.operations.stack import DeployedStack

_HISTORY = timedelta(days=60)  # what the platform shows of the past
_NEWEST_ORDERS = 10


@dataclass(frozen=True)
class StoreOverview:
    """``last_webhook_at`` is among the store's ten newest orders; times are UTC."""

    store: Store
    last_order_at: datetime | None
    last_webhook_at: datetime | None
    position: Position
    open_orders: int

    @property
    def checked_until(self) -> datetime | None:
        return self.position.checked_until

    @property
    def unended_visits(self) -> int:
        return self.position.unended_visits


def last_webhook(stack: DeployedStack, listings: Iterable[str], newest: int) -> datetime | None:
    """When the last webhook came, among so many newest orders of each listing of a store. A query for each, and a
    request for a hundred orders. Raises botocore's errors."""
    ids = [order_id for listing in listings for order_id in stack.orders.newest_of(listing, newest)]
    entries = (entry for order in stack.orders.many(ids) for entry in order.history if entry.source == WEBHOOK)
    return max((from_text(entry.received_at) for entry in entries), default=None)


def overview(stack: DeployedStack, store: Store) -> StoreOverview:
    """A store as the table has it now. Raises botocore's errors."""
    since = now() - _HISTORY
    newest = (stack.orders.newest_of_store(listing, since, now()) for listing in store.listings)
    position = stack.reconciliation.position(store.store_id)
    return StoreOverview(
        store,
        max((time for time in newest if time), default=None),
        last_webhook(stack, store.listings, _NEWEST_ORDERS),
        position,
        len(stack.orders.open_since(since, store.store_id)),
    )
