"""The log of deliveries: the events that were received in a time, as the table holds them, whatever order they are of.

An order is listed by when it was created, and not by when its events were received. So the orders are read that were
created up to a day before, and their histories searched.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cached_property
from time import monotonic

from partner_orders.clock import INSTANT, from_text, now
from partner_orders.orders import lifecycle
from partner_orders.orders.rejected import RejectedEvent
from partner_orders.orders.stored import StoredOrder
from partner_orders.stores.store import Store
from partner_orders_console.operations.errors import OperatorError
from partner_orders_console.operations.order_pages import Place, newest_places
from partner_orders_console.operations.orders import read_in_order, store_of
from partner_orders_console.operations.progress import Progress, silent
from partner_orders_console.operations.stack import DeployedStack

MAX_ORDERS = 10_000  # that are read for a list, the newest ones
MAX_SECONDS = 60.0  # after which no further order is read
MAX_REJECTED = 1_000
LOOKED_BACK = timedelta(days=1)
# An order may be dated by a clock that is ahead of ours.
_AHEAD = timedelta(hours=1)


class KeptAs(StrEnum):
    """What became of an event: it is the order's present state, or only in its history, or it was rejected."""

    SNAPSHOT = "snapshot"
    HISTORY = "history"
    REJECTED = "rejected"


@dataclass(frozen=True)
class Choice:
    """Which events: received from ``since`` on and before ``until`` (UTC), of a store (None for all), with one of these
    statuses, from one source; of orders created from ``created_since`` on and before ``created_before``. At most
    ``limit`` of them, the newest."""

    since: datetime
    until: datetime | None = None
    store: Store | None = None
    statuses: tuple[str, ...] = ()
    source: str = ""
    created_since: datetime | None = None
    created_before: datetime | None = None
    limit: int = 100

    @property
    def orders_since(self) -> datetime:
        """Orders created before are not read."""
        return self.created_since or self.since - LOOKED_BACK

    @property
    def orders_until(self) -> datetime:
        """Nor are those created from then on."""
        received = now() if self.until is None else min(self.until, now())
        return min(received + _AHEAD, self.created_before or received + _AHEAD)

    def takes(self, event: "DeliveredEvent") -> bool:
        """Whether an event is one of the choice, apart from its store."""
        received = from_text(event.received_at)
        if received < self.since or (self.until is not None and received >= self.until):
            return False
        wanted = self._wanted
        return (not wanted or event.status in wanted) and self.source in {"", event.source}

    @cached_property
    def _wanted(self) -> set[str]:
        return {lifecycle.normalise(status) for status in self.statuses}


@dataclass(frozen=True)
class DeliveredEvent:
    """An event as it was first received (text in UTC). ``problems`` are the paths of its parts that could not be read.
    A rejected event has a ``reason``, and neither order nor status; its digest is the one that `rejected` takes."""

    received_at: str
    kept_as: KeptAs
    source: str
    correlation_id: str
    digest: str
    order_id: str | None = None
    external_order_id: str | None = None
    store_id: str | None = None
    status: str | None = None
    problems: tuple[str, ...] = ()
    reason: str | None = None

    @property
    def order(self) -> str:
        """The shorter one of the order's ids; commands take either."""
        return min((name for name in (self.external_order_id, self.order_id) if name), key=len, default="")


@dataclass(frozen=True)
class EventLog:
    """The newest events of a choice, of ``total``. Where there are more than its limit, ``next_until`` is the time
    before which the others were received. ``next_created_before`` is set if not all orders were read: only those
    created from then on were. ``other_rejected`` counts rejected events that are left out, since a store was named;
    ``rejected_since`` is set if only the rejected events from then on were read."""

    events: list[DeliveredEvent]
    total: int
    orders_read: int
    next_until: datetime | None = None
    next_created_before: datetime | None = None
    other_rejected: int = 0
    rejected_since: datetime | None = None


@dataclass(frozen=True)
class _OfOrders:
    events: list[DeliveredEvent]
    orders_read: int
    next_created_before: datetime | None


def event_log(stack: DeployedStack, choice: Choice, progress: Progress = silent) -> EventLog:
    """The events of a choice, newest first: a query for each store, a request for each hundred orders. Raises
    OperatorError for a time that ends before it begins, and botocore's errors."""
    if choice.until is not None and choice.until <= choice.since:
        raise OperatorError("--until is not after --since", "Give --since the earlier time.")
    of_orders = _of_orders(stack, choice, progress)
    rejected, rejected_since = _rejected(stack, choice)
    of_no_store = [] if choice.store else rejected
    found = sorted((*of_orders.events, *of_no_store), key=lambda event: event.received_at, reverse=True)
    return EventLog(
        found[: choice.limit],
        len(found),
        of_orders.orders_read,
        next_until=_just_after(found[choice.limit].received_at) if len(found) > choice.limit else None,
        next_created_before=of_orders.next_created_before,
        other_rejected=len(rejected) - len(of_no_store),
        rejected_since=rejected_since,
    )


def _of_orders(stack: DeployedStack, choice: Choice, progress: Progress) -> _OfOrders:
    """The events of a choice that are in orders, and whether all orders were read that may have some."""
    stores = [choice.store] if choice.store else stack.stores.all()
    progress("looking for orders")
    places = newest_places(stack, stores, (choice.orders_since, choice.orders_until), MAX_ORDERS + 1)
    ends = monotonic() + MAX_SECONDS
    created_at = {place.order_id: place.created_at for place in places}
    next_place = places[MAX_ORDERS].created_at if len(places) > MAX_ORDERS else None
    events: list[DeliveredEvent] = []
    orders_read = 0
    for order in read_in_order(stack, _ids(places[:MAX_ORDERS]), progress):
        orders_read += 1
        if not choice.store or store_of(order) in choice.store.listings:
            events += filter(choice.takes, _events(order))
        if monotonic() > ends:
            next_place = created_at[order.order_id]
            break
    return _OfOrders(events, orders_read, _just_after(next_place) if next_place else None)


def _ids(places: list[Place]) -> Iterator[str]:
    return (place.order_id for place in places)


def _events(order: StoredOrder) -> Iterator[DeliveredEvent]:
    """The events of an order, without their bodies."""
    for entry in order.history:
        yield DeliveredEvent(
            received_at=entry.received_at,
            kept_as=KeptAs.SNAPSHOT if entry is order.snapshot else KeptAs.HISTORY,
            source=entry.source,
            correlation_id=entry.correlation_id,
            digest=entry.digest,
            order_id=order.order_id,
            external_order_id=order.attributes.get("external_order_id"),
            store_id=store_of(order) or None,
            status=entry.status,
            problems=entry.problems,
        )


def _rejected(stack: DeployedStack, choice: Choice) -> tuple[list[DeliveredEvent], datetime | None]:
    """The rejected events of a choice, without their content, and when the oldest one that was read was received if
    there may be older ones. None has a status."""
    if choice.statuses:
        return [], None
    events = [*map(_rejected_event, stack.rejected.each(choice.since, choice.until, MAX_REJECTED))]
    is_cut = len(events) == MAX_REJECTED
    return [*filter(choice.takes, events)], from_text(events[-1].received_at) if is_cut else None


def _rejected_event(event: RejectedEvent) -> DeliveredEvent:
    return DeliveredEvent(
        received_at=event.first_received_at,
        kept_as=KeptAs.REJECTED,
        source=event.source,
        correlation_id=event.correlation_id,
        digest=event.digest,
        reason=event.reason,
    )


def _just_after(received_at: str) -> datetime:
    """The end of a time that includes an instant: several may share it, and none of them is to be passed over."""
    return from_text(received_at) + INSTANT


def as_data(event: DeliveredEvent) -> dict[str, object]:
    """An event as programs read it."""
    return {
        "received_at": event.received_at,
        "order_id": event.order_id,
        "external_order_id": event.external_order_id,
        "store_id": event.store_id,
        "status": event.status,
        "source": event.source,
        "kept_as": event.kept_as.value,
        "reason": event.reason,
        "problems": event.problems,
        "correlation_id": event.correlation_id,
        "digest": event.digest,
    }
