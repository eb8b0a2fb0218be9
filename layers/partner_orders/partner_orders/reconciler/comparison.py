"""Compares a page of the platform's orders with ours, and enqueues whatever is missing or different.

An order is in sync when the digest just observed is among the digests we have of it, and showing it now would not move
the head; never "our snapshot equals it", which the merge may forbid for ever. Where showing it would move the head, one
confirmation is enqueued: the same event, with the time at which it was shown. The platform may list an order twice, in
two states: each is compared by itself.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import batched
from typing import NamedTuple

from partner_orders.clock import Clock
from partner_orders.exact_json import Json, number_by_value, parse, write_bytes
from partner_orders.order_events.message import MAX_BODY_BYTES, RECONCILIATION, OrderEventMessage
from partner_orders.order_events.queue import BATCH_ENTRIES
from partner_orders.orders import lifecycle
from partner_orders.orders.digest import changed_fields
from partner_orders.orders.event import CatalogueCallbackError, OrderEvent, RejectedError, event_from, parse_event
from partner_orders.orders.history import is_of_store
from partner_orders.orders.model import Client
from partner_orders.orders.rejected import digest_of
from partner_orders.orders.rejected_table import RejectedTable
from partner_orders.orders.stored import KnownOrder, Showing, showing, snapshot_digest
from partner_orders.platform.order_page import unreadable
from partner_orders.reconciler.damping import is_damped
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
    """Whose orders are compared, and the report that notes it. A ``preview`` enqueues nothing. With ``damps``, an order
    that differs at each look waits (damping.py); the next reading without it enqueues what it finds."""

    store: Store
    report: Report
    correlation_id: str
    preview: bool = False
    damps: bool = False


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
    """The events of a page by digest, the bodies that cannot be parsed and are not in the table, and the ids of all its
    orders; of one without an id, the digest of its body."""

    events: dict[str, OrderEvent] = field(default_factory=dict)
    rejected: list[_Finding] = field(default_factory=list)
    order_ids: set[str] = field(default_factory=set)


class _Known(NamedTuple):
    """The digests of a page that are remembered to be in sync, and what the table has of the orders of the others."""

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
        # What is enqueued and not seen in the table yet, by order and digest.
        self._enqueued: dict[str, dict[str, Showing]] = {}
        self._unsteady_fields: dict[str, tuple[str, ...]] = {}

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
        return Shown(parsed.order_ids, own, len(parsed.events) - own)

    def _parse(self, page: Sequence[Json], report: Report) -> _ParsedPage:
        parsed = _ParsedPage()
        for order in page:
            text = unreadable(order)
            body = write_bytes(order) if text is None else text
            parsed.order_ids.add(_order_id(order) or digest_of(body))
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
            parsed.events[event.digest] = event
            parsed.order_ids.add(event.order_id)
        return parsed

    def _look_up(self, events: Mapping[str, OrderEvent]) -> _Known:
        in_sync = events.keys() & self._in_sync.keys()
        wanted = {event.order_id for digest, event in events.items() if digest not in in_sync}
        return _Known(in_sync, self._orders.known(wanted))

    def _sort(
        self, parsed: _ParsedPage, known: _Known, scope: ComparisonScope, orders: int, shown_at: datetime
    ) -> list[_Finding]:
        """The new findings of a page of so many orders. Counts the others: those in sync, those that wait for the
        consumer, and those that are damped."""
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
        if not scope.damps:
            return new
        return [finding for finding in new if not self._is_damped(finding.event, known, shown_at, report)]

    def _has(self, event: OrderEvent, known: _Known) -> bool:
        """Whether the event is in the history that we have of its order."""
        stored = known.stored.get(event.order_id)
        if event.digest in known.in_sync or (stored is not None and event.digest in stored.digests):
            return True
        return stored is not None and stored.has_moved and self._orders.has_moved(event.order_id, event.digest)

    def _is_damped(self, event: OrderEvent | None, known: _Known, shown_at: datetime, report: Report) -> bool:
        """Whether a finding waits, as its order differs at each look. Notes that, and the fields in which it differs
        from the stored one; they are read once, and then remembered."""
        if event is None:
            return False
        stored, order_id = known.stored.get(event.order_id), event.order_id
        # What is enqueued counts too, but the event itself does not wait for a message of its own that was lost.
        noted = {digest: each for digest, each in self._enqueued.get(order_id, {}).items() if digest != event.digest}
        noted |= {each.digest: each for each in (stored.showings if stored else ())}
        if not is_damped(event, noted.values(), shown_at):
            return False
        if order_id not in self._unsteady_fields and len(report.damped) < MAX_NAMED:
            if len(self._unsteady_fields) >= MAX_REMEMBERED:
                self._unsteady_fields.clear()
            self._unsteady_fields[order_id] = self._changed_fields(event)
        report.damped[order_id] = self._unsteady_fields.get(order_id, ())
        return True

    def _note_and_enqueue(
        self,
        batch: Sequence[_Finding],
        stored: Mapping[str, KnownOrder],
        scope: ComparisonScope,
        shown_at: datetime,
    ) -> None:
        report = scope.report
        repairs: dict[str, Repair] = {}
        # Of an order that is listed twice, the second state is not missing once more.
        earlier: dict[str, dict[str, str]] = {}
        for finding in batch:
            event = finding.event
            if event is None or finding.is_confirmation:
                continue
            statuses = earlier.setdefault(event.order_id, self._enqueued_statuses(event.order_id))
            in_detail = len(report.repairs) + len(repairs) < MAX_NAMED
            ours = stored.get(event.order_id)
            repairs[event.digest] = self._repair(scope.store, event, ours, statuses, shown_at, in_detail)
            statuses[event.digest] = event.status
        again: set[str] = set()
        if not scope.preview:
            again = {finding.digest for finding in batch if self._was_counted(finding.digest)}
            self._enqueue(batch, repairs, scope, shown_at)
            report.counts["enqueued"] += len(batch)
        report.counts["confirmed"] += sum(finding.is_confirmation for finding in batch)
        report.counts["not_understood"] += sum(finding.event is None for finding in batch)
        report.found.update(finding.digest for finding in batch)
        for digest, repair in repairs.items():
            if digest not in again:
                report.add(repair)

    def _was_counted(self, digest: str) -> bool:
        """Whether it was enqueued before, and nobody has asked for its store anew since."""
        return digest in self._queued and self._queued[digest].at != NEVER

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
            self._enqueued.clear()
        for finding in batch:
            self._queued[finding.digest] = _Queued(scope.store.store_id, now)
            if finding.event is not None:
                showings = self._enqueued.setdefault(finding.event.order_id, {})
                showings[finding.digest] = showing(finding.event, shown_at)

    def _remember(self, event: OrderEvent, store_id: str) -> None:
        if len(self._in_sync) >= MAX_REMEMBERED:
            self._in_sync.clear()
        self._in_sync[event.digest] = store_id
        self._queued.pop(event.digest, None)
        if enqueued := self._enqueued.get(event.order_id):
            enqueued.pop(event.digest, None)
            if not enqueued:
                del self._enqueued[event.order_id]

    def _enqueued_statuses(self, order_id: str) -> dict[str, str]:
        """The statuses, by digest, of what is enqueued of an order and not seen in the table yet."""
        return {digest: each.status for digest, each in self._enqueued.get(order_id, {}).items()}

    def _changed_fields(self, event: OrderEvent) -> tuple[str, ...]:
        """The names of the fields in which an event differs from the stored order; reads it."""
        stored = self._orders.get(event.order_id)
        if stored is None or stored.snapshot.body is None:
            return ()
        return tuple(changed_fields(parse(stored.snapshot.body), parse(event.body)))

    def _repair(
        self,
        store: Store,
        event: OrderEvent,
        ours: KnownOrder | None,
        enqueued: Mapping[str, str],
        platform_now: datetime,
        in_detail: bool,
    ) -> Repair:
        client = event.order.client
        # A state that is enqueued and not consumed yet is one that we know of.
        statuses = {*enqueued.values(), *(ours.statuses if ours else ())}
        earlier = not statuses and _is_from_before(store, event)
        never_sent_to_us = not statuses or (lifecycle.is_sent(event.status) and event.status not in statuses)
        return Repair(
            order_id=event.order_id,
            store_id=store.store_id if _names(store, client) else client.store_id or store.store_id,
            found="missing" if ours is None and enqueued.keys() <= {event.digest} else "different",
            status=event.status,
            webhook_missed=never_sent_to_us and not earlier,
            before_registration=earlier,
            fields=self._changed_fields(event) if in_detail and ours else (),
            late_seconds=round((platform_now - event.occurred_at).total_seconds()) if event.occurred_at else None,
        )


def _is_from_before(store: Store, event: OrderEvent) -> bool:
    """Whether the order was created before we knew its store: nobody sent us webhooks of it then."""
    created_at = event.order.sys.created_at
    return bool(store.registered_at and created_at and created_at < store.registered_at)


def _order_id(order: Json) -> str | None:
    """The id of an order that may not be one that can be parsed."""
    match order:
        case {"order_id": str(order_id)}:
            return order_id
        case {"order_id": (int() | Decimal()) as number}:
            return number_by_value(number)
        case _:
            return None


def _names(store: Store, client: Client) -> bool:
    return is_of_store(client, store.store_id, store.external_partner_config_id)
