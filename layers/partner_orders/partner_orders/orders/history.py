"""The rules of an order: what follows from its events, each rule once.

The merge is a union of sets and a maximum of a total order, so it is commutative, associative and idempotent by
construction. Pure: no clock, no AWS, nothing of how events arrived. ``orders/table.py`` merges in the table with
conditional writes; ``merge()`` here is the model that the tests compare it with.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from typing import NamedTuple

from partner_orders.orders import lifecycle
from partner_orders.orders.event import OrderEvent
from partner_orders.orders.model import Client, Order


class Sale(StrEnum):
    """Whether the order is a sale: yes, no, or not yet known."""

    YES = "yes"
    NO = "no"
    NOT_YET_KNOWN = "not_yet_known"


class SaleRuling(NamedTuple):
    """Whether an order is a sale; disputed where history had to decide."""

    sale: Sale
    disputed: bool


class Moment(NamedTuple):
    """What two events share that are in conflict: status and time, as text or as an instant."""

    status: str
    occurred_at: datetime | str | None


def sale(status: str, post_picked_up: bool | None, statuses: Iterable[str]) -> SaleRuling:
    """Whether an order is a sale, and whether that is disputed.

    ``status`` and ``post_picked_up`` (docs/platform.md 3.6) are the snapshot's; ``statuses`` all that were ever seen.
    History decides only where a cancellation does not say whether it came after pick-up, and the sale is then disputed.
    """
    if lifecycle.has_left_the_store(status):
        return SaleRuling(Sale.YES, False)
    if status != lifecycle.CANCELLED:
        return SaleRuling(Sale.NOT_YET_KNOWN, False)
    if post_picked_up is not None:
        return SaleRuling(Sale.YES if post_picked_up else Sale.NO, False)
    has_left = any(map(lifecycle.has_left_the_store, statuses))
    return SaleRuling(Sale.YES if has_left else Sale.NO, True)


def conflicts(moments: Collection[Moment]) -> int:
    """How many distinct events share status and time with another one but say something else."""
    return len(moments) - len(set(moments))


def created_at(order: Order, received_at: datetime) -> datetime:
    """When the order was created (UTC): as the platform says, else its clock, else when it arrived."""
    return claimed_creation(order) or received_at


def claimed_creation(order: Order) -> datetime | None:
    """When the order was created by any time of the platform's, if it gives one."""
    return order.sys.created_at or order.occurred_at


def store_of(client: Client) -> str | None:
    """The id of the store that an order is listed under: the platform's, else the chain's own."""
    return client.store_id or client.external_partner_config_id


def is_of_store(client: Client, store_id: str, code: str | None) -> bool:
    """Whether an order is of the store with this id and this code of the chain's own; one that names none is."""
    if client.store_id is None:
        return client.external_partner_config_id in (None, store_id, code)
    return store_id in (client.store_id, client.external_partner_config_id)


@dataclass(frozen=True)
class MergedOrder:
    """An order: its distinct events with the times at which a GET last showed them, and what follows from these."""

    events: Mapping[str, OrderEvent]
    shown_at: Mapping[str, datetime]

    @cached_property
    def snapshot(self) -> OrderEvent:
        """The latest true state: the greatest event."""
        return max(self.events.values(), key=self.key_of)

    @property
    def snapshot_key(self) -> str:
        return self.key_of(self.snapshot)

    def key_of(self, event: OrderEvent) -> str:
        return event.snapshot_key_at(self.shown_at.get(event.digest))

    @property
    def sale(self) -> Sale:
        return self._ruling.sale

    @property
    def disputed(self) -> bool:
        """Whether history had to decide if a cancelled order is a sale."""
        return self._ruling.disputed

    @property
    def conflicts(self) -> int:
        """Events that share status and time with another one but say something else."""
        return conflicts([Moment(event.status, event.occurred_at) for event in self.events.values()])

    @cached_property
    def _ruling(self) -> SaleRuling:
        statuses = (event.status for event in self.events.values())
        return sale(self.snapshot.status, self.snapshot.order.post_picked_up, statuses)


def merge(events: Iterable[OrderEvent], shown_at: Mapping[str, datetime] | None = None) -> MergedOrder:
    """Merge events of one order; at least one. Of equal events the first is kept. ``shown_at`` (UTC) has, by digest,
    the greatest time at which a GET showed an event as the present state."""
    distinct: dict[str, OrderEvent] = {}
    for event in events:
        distinct.setdefault(event.digest, event)
    if not distinct:
        raise ValueError("an order has at least one event")
    if len({event.order_id for event in distinct.values()}) > 1:
        raise ValueError("these events belong to several orders")
    return MergedOrder(distinct, shown_at or {})
