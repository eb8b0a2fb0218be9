"""What the reconciler needs of the orders table and of the order-events queue, and no more."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Protocol

from partner_orders.order_events.message import OrderEventMessage
from partner_orders.order_events.queue import Backlog
from partner_orders.orders.stored import KnownOrder, StoredOrder


class KnownOrders(Protocol):
    """The orders that we have. The methods are those of OrderQueries."""

    def known(self, order_ids: Iterable[str]) -> dict[str, KnownOrder]: ...

    def get(self, order_id: str) -> StoredOrder | None: ...

    def has_open(self, store_id: str, start: datetime, end: datetime) -> bool: ...

    def open_of_store(self, store_id: str, start: datetime, end: datetime) -> dict[str, datetime]: ...

    def newest_of_store(self, store_id: str, since: datetime, until: datetime) -> datetime | None: ...

    def has_moved(self, order_id: str, digest: str) -> bool: ...


class EventsQueue(Protocol):
    """The one way into the table. The methods are those of OrderEventsQueue."""

    def send_all(self, messages: Sequence[OrderEventMessage]) -> None: ...

    def backlog(self) -> Backlog: ...
