"""The reconciler's side of the table and of the queue, in memory; tests/contracts holds both to the real ones."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from partner_orders.clock import to_text
from partner_orders.order_events.message import OrderEventMessage
from partner_orders.order_events.queue import Backlog
from partner_orders.orders import history, lifecycle
from partner_orders.orders.event import OrderEvent, parse_event
from partner_orders.orders.stored import HistoryEntry, KnownOrder, StoredOrder, showing
from tests.support.platform import VirtualTime


class _Arrived(NamedTuple):
    event: OrderEvent
    received_at: datetime
    shown_at: datetime | None

    @property
    def key(self) -> str:
        return self.event.snapshot_key_at(self.shown_at)


class MemoryOrders:
    """The orders table, as far as the reconciler reads it: it knows every event that it was given."""

    def __init__(self, time: VirtualTime) -> None:
        self._time = time
        self._orders: dict[str, dict[str, _Arrived]] = defaultdict(dict)
        # What is known of each order, and the same by store, as the table's indexes have it.
        self._seen: dict[str, KnownOrder] = {}
        self._of_store: dict[str | None, dict[str, KnownOrder]] = defaultdict(dict)
        self.read_orders = 0

    def put(self, body: bytes, shown_at: datetime | None = None) -> None:
        """Write an event, as the consumer would."""
        event = parse_event(body)
        events = self._orders[event.order_id]
        first = events.setdefault(event.digest, _Arrived(event, self._time.now(), shown_at))
        if shown_at and (first.shown_at is None or shown_at > first.shown_at):
            events[event.digest] = first._replace(shown_at=shown_at)
        known, before = self._known(event.order_id), self._seen.get(event.order_id)
        if before is not None:
            del self._of_store[before.store_id][event.order_id]
        self._seen[event.order_id] = self._of_store[known.store_id][event.order_id] = known

    def known(self, order_ids: Iterable[str]) -> dict[str, KnownOrder]:
        wanted = list(order_ids)
        self.read_orders += len(wanted)
        return {order_id: self._seen[order_id] for order_id in wanted if order_id in self._seen}

    def get(self, order_id: str) -> StoredOrder | None:
        if order_id not in self._orders:
            return None
        arrived, newest = self._orders[order_id].values(), self._snapshot(order_id)
        snapshot = newest.event
        entries = [
            HistoryEntry(
                event.digest,
                event.status,
                to_text(event.occurred_at) if event.occurred_at else None,
                to_text(received_at),
                source="webhook",
                correlation_id="",
                is_redacted=False,
                body=event.body,
            )
            for event, received_at, _ in arrived
        ]
        entries.sort(key=lambda entry: (entry.occurred_at or "", lifecycle.rank(entry.status), entry.received_at))
        return StoredOrder(
            order_id=order_id,
            snapshot_key=newest.key,
            status=snapshot.status,
            post_picked_up=snapshot.order.post_picked_up,
            version=len(entries),
            sequence=len(entries),
            republished=0,
            attributes={},
            history=tuple(entries),
        )

    def open_since(self, start: datetime) -> list[str]:
        listed_at = {order_id: known.listed_at for order_id, known in self._seen.items()}
        found = [
            order_id
            for order_id, at in listed_at.items()
            if at >= start and lifecycle.is_open(self._snapshot(order_id).event.status)
        ]
        return sorted(found, key=lambda order_id: listed_at[order_id])

    def has_open(self, store_id: str, start: datetime, end: datetime) -> bool:
        return bool(self.open_of_store(store_id, start, end))

    def open_of_store(self, store_id: str, start: datetime, end: datetime) -> dict[str, datetime]:
        listed_at = {
            order_id: known.listed_at
            for order_id, known in self._of_store[store_id].items()
            if start <= known.listed_at <= end
            and lifecycle.is_open(status := self._snapshot(order_id).event.status)
            and lifecycle.is_known(status)
        }
        return dict(sorted(listed_at.items(), key=lambda pair: pair[1]))

    def newest_of_store(self, store_id: str, since: datetime, until: datetime) -> datetime | None:
        times = (known.listed_at for known in self._of_store[store_id].values())
        return max((at for at in times if since <= at <= until), default=None)

    def has_moved(self, order_id: str, digest: str) -> bool:  # noqa: ARG002 (all of a history is in one place here)
        return False

    def _snapshot(self, order_id: str) -> _Arrived:
        return max(self._orders[order_id].values(), key=lambda arrived: arrived.key)

    def _known(self, order_id: str) -> KnownOrder:
        events, newest = self._orders[order_id], self._snapshot(order_id)
        return KnownOrder(
            history.store_of(newest.event.order.client),
            history.created_at(newest.event.order, newest.received_at),
            frozenset(arrived.event.status for arrived in events.values()),
            frozenset(events),
            newest.key,
            has_moved=False,
            showings=frozenset(
                showing(arrived.event, arrived.shown_at) for arrived in events.values() if arrived.shown_at
            ),
        )


class MemoryQueue:
    """The order-events queue, as far as the reconciler uses it. Its consumer keeps up: ``messages`` are those that it
    has received and deleted, and that ``World.drain`` writes."""

    def __init__(self, time: VirtualTime) -> None:
        self._time = time
        self.messages: list[OrderEventMessage] = []
        self.backlog_until = 0.0  # A backlog of others' messages lasts until then, in seconds.

    def send_all(self, messages: Sequence[OrderEventMessage]) -> None:
        self.messages += messages

    def backlog(self) -> Backlog:
        return Backlog(10_000 if self._time.seconds < self.backlog_until else 0, 0)
