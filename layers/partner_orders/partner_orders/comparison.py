"""Comparing a page of the platform's orders with ours, and queueing what is missing or different.

An order is in step when the digest just observed is among the digests we have of it; never "our snapshot equals it",
which the merge may forbid for ever.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from partner_orders import lifecycle
from partner_orders.clock import Clock
from partner_orders.digest import changed_fields
from partner_orders.event import CatalogueCallbackError, OrderEvent, RejectedError, understand, understand_object
from partner_orders.json_text import Json, parse, write_bytes
from partner_orders.message import MAX_BODY_BYTES, RECONCILIATION, OrderEventMessage
from partner_orders.order import Client
from partner_orders.order_events_queue import OrderEventsQueue
from partner_orders.orders_table import OrdersTable
from partner_orders.partner_api import identity, unreadable
from partner_orders.reconciliation_report import MAX_NAMED, Repair, Report
from partner_orders.rejected_table import RejectedTable, digest_of
from partner_orders.stored_order import KnownOrder
from partner_orders.stores_table import Store

MAX_REMEMBERED = 50_000
# What is queued and not in the table after this is queued once more: it may lie among the dead letters.
QUEUED_AGAIN_AFTER = timedelta(hours=1)
NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class _Queued:
    store_id: str
    at: datetime


@dataclass(frozen=True)
class Shown:
    """The ids of the orders that a page shows, and how many of them name the store, and another one."""

    order_ids: set[str]
    own: int
    of_others: int


class Comparison:
    """Remembers what was in step, as the platform shows an order the same at many ticks: it is not read again until
    its store is forgotten. And what it has queued: while that waits for the consumer, it is not found again, and its
    webhook counts as missed once."""

    def __init__(self, orders: OrdersTable, rejected: RejectedTable, queue: OrderEventsQueue, clock: Clock) -> None:
        self._orders = orders
        self._rejected = rejected
        self._queue = queue
        self._clock = clock
        self._in_step: dict[str, str] = {}
        self._queued: dict[str, _Queued] = {}

    def forget(self, store_id: str) -> None:
        """Read every order of the store from the table again, and queue again what is not there."""
        self._in_step = {digest: store for digest, store in self._in_step.items() if store != store_id}
        for digest, queued in self._queued.items():
            if queued.store_id == store_id:
                self._queued[digest] = _Queued(store_id, NEVER)

    def compare(
        self,
        store: Store,
        page: Sequence[Json],
        report: Report,
        correlation_id: str,
        preview: bool,
        platform_now: Callable[[], datetime],
    ) -> Shown:
        """Queue what of the page is missing or different, unless it is a ``preview``, and note it in the report.

        Raises botocore's errors and QueueRefusedError; then nothing of the page counts as done.
        """
        found: dict[str, tuple[str, bytes]] = {}
        repairs: list[Repair] = []
        counts = Counter({"orders_checked": len(page)})
        events: dict[str, OrderEvent] = {}
        shown: set[str] = set()
        for order in page:
            shown.add(identity(order))
            text = unreadable(order)
            body = write_bytes(order) if text is None else text
            digest = digest_of(body)
            if len(body) > MAX_BODY_BYTES:
                report.too_large.add(digest)
                continue
            try:
                event = understand(body) if text is not None else understand_object(order, body)
            except (RejectedError, CatalogueCallbackError):
                # The consumer says why; once it has, the rejected row keeps us from asking again.
                if self._rejected.get(digest) is not None:
                    self._queued.pop(digest, None)
                elif digest in report.found:
                    continue
                elif not preview and self._waits(digest):
                    counts["waiting"] += 1
                else:
                    counts["not_understood"] += 1
                    found[digest] = ("not_understood", body)
                continue
            events[event.order_id] = event
        remembered = {order_id for order_id, event in events.items() if event.digest in self._in_step}
        known = self._orders.known(events.keys() - remembered)
        for order_id, event in events.items():
            ours = known.get(order_id)
            if event.digest in report.found:
                continue  # In this run already; the consumer may not have come to it yet.
            if order_id in remembered or (ours is not None and event.digest in ours.digests):
                counts["in_step"] += 1
                self._remember(event.digest, store.store_id)
            elif not self._orders.is_expired(event):
                if not preview and self._waits(event.digest):
                    counts["waiting"] += 1
                    continue
                in_detail = len(report.repairs) + len(repairs) < MAX_NAMED
                repairs.append(self._repair(store, event, ours, platform_now(), in_detail))
                found[event.digest] = (repairs[-1].found, event.body)
        if found and not preview:
            self._enqueue(store, found, correlation_id)
            counts["enqueued"] = len(found)
        # Only now: what the queue refused is found, and counted, when it is looked for again.
        report.counts += counts
        report.found.update(found)
        for repair in repairs:
            report.add(repair)
        own = sum(_names(store, event.order.client) for event in events.values())
        return Shown(shown | events.keys(), own, len(events) - own)

    def _waits(self, digest: str) -> bool:
        """Whether it was queued lately, and may still be on its way to the table."""
        return digest in self._queued and self._clock() - self._queued[digest].at < QUEUED_AGAIN_AFTER

    def _enqueue(self, store: Store, found: Mapping[str, tuple[str, bytes]], correlation_id: str) -> None:
        now = self._clock()
        self._queue.send_all(
            [
                OrderEventMessage(RECONCILIATION, now, f"{correlation_id}/{cause}", body)
                for cause, body in found.values()
            ]
        )
        if len(self._queued) + len(found) > MAX_REMEMBERED:
            self._queued.clear()
        self._queued |= dict.fromkeys(found, _Queued(store.store_id, now))

    def _remember(self, digest: str, store_id: str) -> None:
        if len(self._in_step) >= MAX_REMEMBERED:
            self._in_step.clear()
        self._in_step[digest] = store_id
        self._queued.pop(digest, None)

    def _repair(
        self, store: Store, event: OrderEvent, ours: KnownOrder | None, platform_now: datetime, in_detail: bool
    ) -> Repair:
        fields: list[str] = []
        if in_detail and ours is not None and (stored := self._orders.get(event.order_id)) and stored.snapshot.body:
            fields = changed_fields(parse(stored.snapshot.body), parse(event.body))
        earlier = ours is None and _is_from_before(store, event)
        never_sent_to_us = ours is None or (lifecycle.is_sent(event.status) and event.status not in ours.statuses)
        return Repair(
            order_id=event.order_id,
            store_id=store.store_id,
            found="missing" if ours is None else "different",
            status=event.status,
            webhook_missed=never_sent_to_us and not earlier and event.digest not in self._queued,
            before_registration=earlier,
            fields=tuple(fields),
            late_seconds=round((platform_now - event.occurred_at).total_seconds()) if event.occurred_at else None,
        )


def _is_from_before(store: Store, event: OrderEvent) -> bool:
    """Whether the order was created before we knew its store: nobody sent us webhooks of it then."""
    created_at = event.order.sys.created_at
    return bool(store.registered_at and created_at and created_at < store.registered_at)


def _names(store: Store, client: Client) -> bool:
    """Whether an order is of this store, by either of its ids; one that names none is."""
    if client.store_id is None:
        return client.external_partner_config_id in (None, store.store_id, store.external_partner_config_id)
    return store.store_id in (client.store_id, client.external_partner_config_id)
