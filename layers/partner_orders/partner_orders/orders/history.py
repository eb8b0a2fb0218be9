"""The merge: a set of events in, an order out. Pure; no clock, no AWS, nothing of how events arrived.

A union of sets and a maximum of a total order, so commutative, associative and idempotent by construction. The table
(``orders_table``) keeps the same laws with conditional writes.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from partner_orders.orders import lifecycle
from partner_orders.orders.event import OrderEvent


@dataclass(frozen=True)
class MergedOrder:
    """An order: its distinct events, and what follows from them."""

    events: Mapping[str, OrderEvent]

    @cached_property
    def snapshot(self) -> OrderEvent:
        """The latest true state: the greatest event."""
        return max(self.events.values(), key=lambda event: event.snapshot_key)

    @property
    def sale(self) -> lifecycle.Sale:
        return self._sale[0]

    @property
    def disputed(self) -> bool:
        """Whether history had to decide if a cancelled order is a sale."""
        return self._sale[1]

    @property
    def conflicts(self) -> int:
        """Events that share status and time with another one but say something else."""
        return len(self.events) - len({(event.status, event.occurred_at) for event in self.events.values()})

    @cached_property
    def _sale(self) -> tuple[lifecycle.Sale, bool]:
        return lifecycle.sale(
            self.snapshot.status,
            self.snapshot.order.post_picked_up,
            (event.status for event in self.events.values()),
        )


def merge(events: Iterable[OrderEvent]) -> MergedOrder:
    """Merge events of one order; at least one. Of equal events the first is kept."""
    distinct: dict[str, OrderEvent] = {}
    for event in events:
        distinct.setdefault(event.digest, event)
    if not distinct:
        raise ValueError("an order has at least one event")
    if len({event.order_id for event in distinct.values()}) > 1:
        raise ValueError("these events belong to several orders")
    return MergedOrder(distinct)
