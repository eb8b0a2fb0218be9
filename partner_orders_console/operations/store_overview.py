"""One store at a glance: its settings, its last order and webhook, how far it is checked, and its open orders."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from partner_orders.clock import now
from partner_orders.reconciler.windows import Position
from partner_orders.stores.store import Store
from partner_orders_console.operations.last_webhooks import last_webhook
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


def overview(stack: DeployedStack, store: Store) -> StoreOverview:
    """A store as the table has it now. Raises botocore's errors."""
    since = now() - _HISTORY
    newest = (stack.orders.newest_of_store(listing, since, now()) for listing in store.listings)
    ids = [order_id for listing in store.listings for order_id in stack.orders.newest_of(listing, _NEWEST_ORDERS)]
    position = stack.reconciliation.position(store.store_id)
    return StoreOverview(
        store,
        max((time for time in newest if time), default=None),
        last_webhook(stack.orders.many(ids)),
        position,
        len(stack.orders.open_since(since, store.store_id)),
    )
