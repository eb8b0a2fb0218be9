"""Compares a page of the platform's orders with ours, and enqueues whatever is missing or different.

An order is in sync when the digest just observed is among the digests we have of it, and showing it now would not move
the head; never "our snapshot equals it", which the merge may forbid for ever. Where showing it would move the head, one
confirmation is enqueued: the same event, with the time at which it was shown.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import batched
from typing import NamedTuple

from partner_orders.clock import Clock
from partner_orders.exact_json import Json, parse, write_bytes
from partner_orders.order_events.message import MAX_BODY_BYTES, RECONCILIATION, OrderEventMessage
from partner_orders.order_events.queue import BATCH_ENTRIES
from partner_orders.orders import lifecycle
from partner_orders.orders.digest import changed_fields
from partner_orders.orders.event import CatalogueCallbackError, OrderEvent, RejectedError, event_from, parse_event
from partner_orders.orders.history import is_of_store
from partner_orders.orders.model import Client
from partner_orders.orders.rejected import digest_of
from partner_orders.orders.rejected_table import RejectedTable
from partner_orders.orders.stored import KnownOrder, snapshot_digest
from partner_orders.platform.order_page import identity, unreadable
from partner_orders.reconciler.ports import EventsQueue, KnownOrders
from partner_orders.reconciler.report import MAX_NAMED, Repair, Report
from partner_orders.stores.store import Store

MAX_REMEMBERED = 50_000
# What is enqueued and not in the table after this is enqueued again: it may be in the dead-letter queue.
QUEUED_AGAIN_AFTER = timedelta(hours=1)
NEVER = datetime.min.replace(tzinfo=UTC)


class _Queued(NamedTuple):
    store_id: str
    at: datetime


class ComparisonScope(NamedTuple):
    """Whose orders are compared, and the report that notes it. A ``preview`` enqueues nothing."""

    store: Store
    report: Report
    correlation_id: str
    preview: bool = False


class Shown(NamedTuple):
    """The ids of the orders that a page shows, and how many of them name the store, and another one."""

    order_ids: set[str]
    own: int
    of_others: int


class _Finding(NamedTuple):
    """A body that is not in the table; without an event if it cannot be parsed. A confirmation's event is there, and
    was not shown as late as now."""

    digest: str
    body: bytes
    event: OrderEvent | None
    is_confirmation: bool = False


@dataclass
class _ParsedPage:
    """The events of a page by the order's id, the bodies that cannot be parsed and are not in the table, and the
    identities of all its orders."""

    events: dict[str, OrderEvent] = field(default_factory=dict)
    rejected: list[_Finding] = field(default_factory=list)
    identities: set[str] = field(default_factory=set)


class _Known(NamedTuple):
    """The orders of a page that are remembered to be in sync, and what the table has of the others."""

    in_sync: set[str]
    stored: dict[str, KnownOrder]

    def moves_the_head(self, event: OrderEvent, shown_at: datetime) -> bool:
        """Whether an event of the history would be the snapshot if it was shown now, and is not."""
        stored = self.stored.get(event.order_id)
        if stored is None or snapshot_digest(stored.snapshot_key) == event.digest:
            return False
        return event.supersedes(stored.snapshot_key, shown_at)


class Comparison:
    """Remembers which orders were in sync, as the platform shows an order the same in many runs: it is not read again
    until its store is forgotten. And which it has enqueued: while that waits for the consumer, it is not found again,
    and its webhook counts as missed once."""

    def __init__(self, orders: KnownOrders, rejected: RejectedTable, queue: EventsQueue, clock: Clock) -> None:
        self._orders = orders
        self._rejected = rejected
        self._queue = queue
        self._clock = clock
        self._in_sync: dict[str, str] = {}
        self._queued: dict[str, _Queued] = {}
        self._statuses: dict[str, set[str]] = {}

    def forget(self, store_id: str, preview: bool = False) -> None:
        """Read every order of the store from the table again; unless for a ``preview``, enqueue again what waits."""
        self._in_sync = {digest: store for digest, store in self._in_sync.items() if store != store_id}
        if preview:
            return
        for digest, queued in self._queued.items():
            if queued.store_id == store_id:
                self._queued[digest] = queued._replace(at=NEVER)

    def compare(self, scope: ComparisonScope, page: Sequence[Json], platform_now: Callable[[], datetime]) -> Shown:
        """Enqueue whatever of a page is missing or different, and note it in the report.

        Raises botocore's errors and QueueRefusedError; then the page does not count as read; the batches that were
        enqueued before are in the report.
        """
        shown_at = platform_now()
        parsed = self._parse(page, scope.report)
        known = self._look_up(parsed.events)
        findings = self._sort(parsed, known, scope, len(page), shown_at)
        # What the queue refused is found, and counted, when it is looked for again.
        for batch in batched(findings, BATCH_ENTRIES, strict=False):
            self._note_and_enqueue(batch, known.stored, scope, shown_at)
        own = sum(_names(scope.store, event.order.client) for event in parsed.events.values())
        return Shown(parsed.identities | parsed.events.keys(), own, len(parsed.events) - own)

    def _parse(self, page: Sequence[Json], report: Report) -> _ParsedPage:
        parsed = _ParsedPage()
        for order in page:
            parsed.identities.add(identity(order))
            text = unreadable(order)
            body = write_bytes(order) if text is None else text
            if len(body) > MAX_BODY_BYTES:
                report.too_large.add(digest_of(body))
                continue
            try:
                event = parse_event(body) if text is not None else event_from(order, body)
            except (RejectedError, CatalogueCallbackError):
                # The consumer stores it with the reason; then the rejected row keeps it from being enqueued again.
                digest = digest_of(body)
                if self._rejected.get(digest) is None:
                    parsed.rejected.append(_Finding(digest, body, None))
                else:
                    self._queued.pop(digest, None)
                continue
            parsed.events[event.order_id] = event
        return parsed

    def _look_up(self, events: Mapping[str, OrderEvent]) -> _Known:
        in_sync = {order_id for order_id, event in events.items() if event.digest in self._in_sync}
        return _Known(in_sync, self._orders.known(events.keys() - in_sync))

    def _sort(
        self, parsed: _ParsedPage, known: _Known, scope: ComparisonScope, orders: int, shown_at: datetime
    ) -> list[_Finding]:
        """The new findings of a page of so many orders. Counts the others: those in sync, and those that wait for the
        consumer."""
        report, counts = scope.report, Counter({"orders_checked": orders})
        findings = [*parsed.rejected]
        for event in parsed.events.values():
            is_known = self._has(event, known)
            if is_known and not known.moves_the_head(event, shown_at):
                if not scope.preview or event.digest not in report.found:
                    counts["in_step"] += 1
                self._remember(event, scope.store.store_id)
            else:
                findings.append(_Finding(event.digest, event.body, event, is_confirmation=is_known))
        new = [
            finding
            for finding in findings
            if finding.digest not in report.found and (scope.preview or not self._waits(finding.digest))
        ]
        if not scope.preview:
            waiting = {finding.digest for finding in findings}.difference(finding.digest for finding in new)
            counts["waiting"] = len(waiting)
            report.waiting |= waiting - report.found
        report.counts += counts
        return new

    def _has(self, event: OrderEvent, known: _Known) -> bool:
        """Whether the event is in the history that we have of its order."""
        stored = known.stored.get(event.order_id)
        if event.order_id in known.in_sync or (stored is not None and event.digest in stored.digests):
            return True
        return stored is not None and stored.has_moved and self._orders.has_moved(event.order_id, event.digest)

    def _note_and_enqueue(
        self,
        batch: Sequence[_Finding],
        stored: Mapping[str, KnownOrder],
        scope: ComparisonScope,
        shown_at: datetime,
    ) -> None:
        report = scope.report
        repairs = {
            finding.digest: self._repair(
                scope.store,
                finding.event,
                stored.get(finding.event.order_id),
                shown_at,
                in_detail=len(report.repairs) + number < MAX_NAMED,
            )
            for number, finding in enumerate(batch)
            if finding.event is not None and not finding.is_confirmation
        }
        if not scope.preview:
            self._enqueue(batch, repairs, scope, shown_at)
            report.counts["enqueued"] += len(batch)
        report.counts["confirmed"] += sum(finding.is_confirmation for finding in batch)
        report.counts["not_understood"] += sum(finding.event is None for finding in batch)
        report.found.update(finding.digest for finding in batch)
        for repair in repairs.values():
            report.add(repair)

    def _waits(self, digest: str) -> bool:
        """Whether it was enqueued lately, and may still be on its way to the table."""
        return digest in self._queued and self._clock() - self._queued[digest].at < QUEUED_AGAIN_AFTER

    def _enqueue(
        self, batch: Sequence[_Finding], repairs: Mapping[str, Repair], scope: ComparisonScope, shown_at: datetime
    ) -> None:
        now = self._clock()
        messages = []
        for finding in batch:
            cause = "confirmed" if finding.is_confirmation else "not_understood"
            cause = repairs[finding.digest].found if finding.digest in repairs else cause
            correlation_id = f"{scope.correlation_id}/{cause}"
            messages.append(OrderEventMessage(RECONCILIATION, now, correlation_id, finding.body, shown_at))
        self._queue.send_all(messages)
        if len(self._queued) + len(batch) > MAX_REMEMBERED:
            self._queued.clear()
            self._statuses.clear()
        for finding in batch:
            self._queued[finding.digest] = _Queued(scope.store.store_id, now)
            if finding.event is not None:
                self._statuses.setdefault(finding.event.order_id, set()).add(finding.event.status)

    def _remember(self, event: OrderEvent, store_id: str) -> None:
        if len(self._in_sync) >= MAX_REMEMBERED:
            self._in_sync.clear()
        self._in_sync[event.digest] = store_id
        self._queued.pop(event.digest, None)
        self._statuses.pop(event.order_id, None)

    def _repair(
        self, store: Store, event: OrderEvent, ours: KnownOrder | None, platform_now: datetime, in_detail: bool
    ) -> Repair:
        fields: list[str] = []
        if in_detail and ours is not None and (stored := self._orders.get(event.order_id)) and stored.snapshot.body:
            fields = changed_fields(parse(stored.snapshot.body), parse(event.body))
        client = event.order.client
        # A state that is enqueued and not consumed yet is one that we know of.
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
