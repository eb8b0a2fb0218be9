"""Orders that a store has neither got ready nor cancelled, though it answers its orders and has had the time."""

from datetime import datetime, timedelta
from typing import NamedTuple

from partner_orders.answers.rules import is_picked
from partner_orders.answers.stored import order_answers
from partner_orders.aws import keys
from partner_orders.aws.dynamodb import Table
from partner_orders.clock import Clock
from partner_orders.orders.queries import OrderQueries
from partner_orders.stores.table import StoresTable

# What is older is no longer an order that somebody waits for.
LOOKED_BACK = timedelta(days=1)


class Unanswered(NamedTuple):
    """How many orders wait, and for how many minutes the oldest has."""

    orders: int
    oldest_minutes: float


class UnansweredOrders:
    """``within`` is how long a store may take."""

    def __init__(self, table: Table, stores: StoresTable, within: timedelta, clock: Clock) -> None:
        self._table = table
        self._orders = OrderQueries(table)
        self._stores = stores
        self._within = within
        self._clock = clock

    def count(self) -> Unanswered:
        """Those of all stores that answer. Reads an index entry for each open order, and the orders that are overdue.
        Raises botocore's errors."""
        now = self._clock()
        overdue = self._overdue(now)
        wanted = [key(order_id) for order_id in overdue for key in (keys.order, keys.answers)]
        rows = {(row["pk"], row["sk"]): row for row in self._table.get_many(wanted)}
        since = []
        for order_id, created_at in overdue.items():
            row = rows.get(keys.order(order_id))
            answers = order_answers(order_id, rows.get(keys.answers(order_id)))
            is_answered = any(stored.answer.kind.ends_the_picking for stored in answers.answers)
            if row is not None and not is_picked(row["status"]) and not is_answered:
                since.append(created_at)
        oldest = (now - min(since)).total_seconds() / 60 if since else 0.0
        return Unanswered(len(since), oldest)

    def _overdue(self, now: datetime) -> dict[str, datetime]:
        """When each open order was created for which the time is over, by its id."""
        found: dict[str, datetime] = {}
        for store in self._stores.all():
            if store.is_answering:
                for listing in store.listings:
                    found |= self._orders.open_of_store(listing, now - LOOKED_BACK, now - self._within)
        return found
