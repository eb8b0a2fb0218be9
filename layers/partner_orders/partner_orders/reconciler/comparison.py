"""Comparing a page of the platform's orders with ours, and queueing what is missing or different.

An order is in step when the digest just observed is among the digests we have of it; never "our snapshot equals it",
which the merge may forbid for ever.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import batched

from partner_orders.clock import Clock
from partner_orders.exact_json import Json, parse, write_bytes
from partner_orders.order_events.message import MAX_BODY_BYTES, RECONCILIATION, OrderEventMessage
from partner_orders.order_events.queue import BATCH_ENTRIES, OrderEventsQueue
from partner_orders.orders import lifecycle
from partner_orders.orders.digest import changed_fields
from partner_orders.orders.event import CatalogueCallbackError, OrderEvent, RejectedError, understand, understand_object
from partner_orders.orders.history import is_of_store
from partner_orders.orders.model import Client
from partner_orders.orders.rejected import digest_of
from partner_orders.orders.rejected_table import RejectedTable
from partner_orders.orders.stored import KnownOrder
from partner_orders.orders.table import OrdersTable
from partner_orders.platform.orders import identity, unreadable
from partner_orders.reconciler.report import MAX_NAMED, Repair, Report
from partner_orders.stores.store import Store

MAX_REMEMBERED = 50_000
# What is queued and not in the table after this is queued once more: it may lie among the dead letters.
QUEUED_AGAIN_AFTER = timedelta(hours=1)
NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class _Queued:
    store_id: str
    at: datetime


@dataclass(frozen=True)
class _Found:
    """A body that is not in the table; without an event if nobody understands it."""

    digest: str
    body: bytes
    event: OrderEvent | None


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
        self._statuses: dict[str, set[str]] = {}

    def forget(self, store_id: str, preview: bool = False) -> None:
        """Read every order of the store from the table again; unless for a ``preview``, queue again what waits."""
        self._in_step = {digest: store for digest, store in self._in_step.items() if store != store_id}
        if preview:
            return
        for digest, queued in self._queued.items():
            if queued.store_id == store_id:
                self._queued[digest] = replace(queued, at=NEVER)

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

        Raises botocore's errors and QueueRefusedError; then the page does not count as read; the batches that were
        queued before are in the report.
        """
        found: list[_Found] = []
        counts = Counter({"orders_checked": len(page)})
        events: dict[str, OrderEvent] = {}
        shown: set[str] = set()
        for order in page:
            shown.add(identity(order))
            text = unreadable(order)
            body = write_bytes(order) if text is None else text
            if len(body) > MAX_BODY_BYTES:
                report.too_large.add(digest_of(body))
                continue
            try:
                event = understand(body) if text is not None else understand_object(order, body)
            except (RejectedError, CatalogueCallbackError):
                # The consumer says why; once it has, the rejected row keeps us from asking again.
                digest = digest_of(body)
                if self._rejected.get(digest) is None:
                    found.append(_Found(digest, body, None))
                else:
                    self._queued.pop(digest, None)
                continue
            events[event.order_id] = event
        remembered = {order_id for order_id, event in events.items() if event.digest in self._in_step}
        known = self._orders.known(events.keys() - remembered)
        for order_id, event in events.items():
            ours = known.get(order_id)
            if order_id in remembered or (ours is not None and event.digest in ours.digests):
                if not preview or event.digest not in report.found:
                    counts["in_step"] += 1
                self._remember(event, store.store_id)
            elif not self._orders.is_expired(event):
                found.append(_Found(event.digest, event.body, event))
        news = [one for one in found if one.digest not in report.found and (preview or not self._waits(one.digest))]
        if not preview:
            waiting = {one.digest for one in found}.difference(one.digest for one in news)
            counts["waiting"] = len(waiting)
            report.waiting |= waiting - report.found
        report.counts += counts
        # What the queue refused is found, and counted, when it is looked for again.
        for some in batched(news, BATCH_ENTRIES, strict=False):
            repairs = {
                one.digest: self._repair(
                    store,
                    one.event,
                    known.get(one.event.order_id),
                    platform_now(),
                    in_detail=len(report.repairs) + number < MAX_NAMED,
                )
                for number, one in enumerate(some)
                if one.event is not None
            }
            if not preview:
                causes = [repairs[one.digest].found if one.digest in repairs else "not_understood" for one in some]
                self._enqueue(store, [*zip(some, causes, strict=True)], correlation_id)
                report.counts["enqueued"] += len(some)
            report.counts["not_understood"] += len(some) - len(repairs)
            report.found.update(one.digest for one in some)
            for repair in repairs.values():
                report.add(repair)
        own = sum(_names(store, event.order.client) for event in events.values())
        return Shown(shown | events.keys(), own, len(events) - own)

    def _waits(self, digest: str) -> bool:
        """Whether it was queued lately, and may still be on its way to the table."""
        return digest in self._queued and self._clock() - self._queued[digest].at < QUEUED_AGAIN_AFTER

    def _enqueue(self, store: Store, found: Sequence[tuple[_Found, str]], correlation_id: str) -> None:
        now = self._clock()
        self._queue.send_all(
            [OrderEventMessage(RECONCILIATION, now, f"{correlation_id}/{cause}", one.body) for one, cause in found]
        )
        if len(self._queued) + len(found) > MAX_REMEMBERED:
            self._queued.clear()
            self._statuses.clear()
        for one, _ in found:
            self._queued[one.digest] = _Queued(store.store_id, now)
            if one.event is not None:
                self._statuses.setdefault(one.event.order_id, set()).add(one.event.status)

    def _remember(self, event: OrderEvent, store_id: str) -> None:
        if len(self._in_step) >= MAX_REMEMBERED:
            self._in_step.clear()
        self._in_step[event.digest] = store_id
        self._queued.pop(event.digest, None)
        self._statuses.pop(event.order_id, None)

    def _repair(
        self, store: Store, event: OrderEvent, ours: KnownOrder | None, platform_now: datetime, in_detail: bool
    ) -> Repair:
        fields: list[str] = []
        if in_detail and ours is not None and (stored := self._orders.get(event.order_id)) and stored.snapshot.body:
            fields = changed_fields(parse(stored.snapshot.body), parse(event.body))
        client = event.order.client
        # A state that we have queued and the consumer has not come to is one that we know of.
        queued = self._statuses.get(event.order_id, set())
        statuses = queued if ours is None else queued | ours.statuses
        earlier = not statuses and _is_from_before(store, event)
        never_sent_to_us = not statuses or (lifecycle.is_sent(event.status) and event.status not in statuses)
        return Repair(
            order_id=event.order_id,
            store_id=store.store_id if _names(store, client) else client.store_id or store.store_id,
            found="missing" if ours is None and queued <= {event.status} else "different",
            status=event.status,
            webhook_missed=never_sent_to_us and not earlier,
            before_registration=earlier,
            fields=tuple(fields),
            late_seconds=round((platform_now - event.occurred_at).total_seconds()) if event.occurred_at else None,
        )


def _is_from_before(store: Store, event: OrderEvent) -> bool:
    """Whether the order was created before we knew its store: nobody sent us webhooks of it then."""
    created_at = event.order.sys.created_at
    return bool(store.registered_at and created_at and created_at < store.registered_at)


def _names(store: Store, client: Client) -> bool:
    return is_of_store(client, store.store_id, store.external_partner_config_id)
