"""The orders that are open, by store, from the index that holds only these."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from partner_orders.aws import keys
from partner_orders.aws.dynamodb import OPEN_ORDERS
from partner_orders.clock import from_text, now, to_text
from partner_orders.orders.stored import OPEN_UNDER, OPEN_UNKNOWN_UNDER
from partner_orders_console.operations.stack import DeployedStack

LOOKED_BACK = timedelta(days=60)  # what the platform shows of the past


@dataclass(frozen=True)
class OpenOrder:
    """An order that is open. ``is_known`` is false where its status is one that we do not know."""

    order_id: str
    store_id: str
    created_at: datetime
    is_known: bool


@dataclass(frozen=True)
class OpenAtStore:
    """How many orders of a store are open, and the oldest of them."""

    store_id: str
    orders: int
    oldest: OpenOrder


def open_orders(stack: DeployedStack) -> list[OpenOrder]:
    """The open orders of the last 60 days, oldest first. Reads the whole index, which has entries of open orders and
    of open answers only. Raises botocore's errors."""
    return sorted(_each(stack), key=lambda order: (order.created_at, order.order_id))


def by_store(orders: list[OpenOrder]) -> list[OpenAtStore]:
    """The stores with open orders, the one with the oldest order first."""
    stores: dict[str, list[OpenOrder]] = {}
    for order in orders:
        stores.setdefault(order.store_id, []).append(order)
    return [OpenAtStore(store_id, len(theirs), theirs[0]) for store_id, theirs in stores.items()]


def _each(stack: DeployedStack) -> Iterator[OpenOrder]:
    since = to_text(now() - LOOKED_BACK)
    # Chosen here: a filter of DynamoDB's would read no less, and cost the local AWS as long as the reading.
    for row in stack.table.index_rows(OPEN_ORDERS):
        partition = row["open"]
        if partition.startswith((OPEN_UNDER, OPEN_UNKNOWN_UNDER)) and row["listed_at"] >= since:
            store_id, is_known = partition.partition("#")[2], partition.startswith(OPEN_UNDER)
            yield OpenOrder(keys.order_id_of(row["pk"]), store_id, from_text(row["listed_at"]), is_known)
