"""Publishing: each change that the table's stream shows becomes an event on the bus, or an event for each answer that
ended by it; those of one order in order.

A transient fault holds back the order that it befell, and is tried again; a permanent one puts the event on the
publisher's dead letters, since the stream's own record of a failure holds no data, and the stream lives a day. Lambda
reads the stream again from the first change that is held, and no more than a batch of it: what was put after that one
is put again, under the same id, and what is further on waits.
"""

import json
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from partner_orders.answers.stored import ANSWER, REPUBLISHED, attribute_name, order_answers, republished_number
from partner_orders.aws import keys
from partner_orders.aws.attribute_values import Row
from partner_orders.aws.error_codes import code_of
from partner_orders.aws.event_bus import EventBus, Fate
from partner_orders.orders.queries import OrderQueries
from partner_orders.orders.rejected import rejected_event
from partner_orders.orders.stored import StoredOrder, stored_order
from partner_orders.publisher.change_event import ChangeEvent, answer_ended, event_rejected, order_changed
from partner_orders.publisher.stream_record import StreamRecord

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

SCHEMA_VERSION = 1
# Less than this left, and the rest is for the next call.
LAST_START_SECONDS = 10.0
# So many changes that were not published are named; the others fare alike.
MAX_NAMED = 10


@dataclass
class _Change:
    """A record of the stream, and what is left to publish of it; ``events`` is None until they are built."""

    record: StreamRecord
    events: deque[ChangeEvent] | None = None


@dataclass
class Published:
    """``held`` are the places in the stream of what must come again; ``faults`` says why, by code. ``correlation_ids``
    are of the first changes that were held or given up."""

    counts: Counter[str] = field(default_factory=Counter)
    held: list[str] = field(default_factory=list)
    faults: Counter[str] = field(default_factory=Counter)
    correlation_ids: list[str] = field(default_factory=list)

    def name(self, record: StreamRecord) -> None:
        """Have a change that was not published among those that can be traced, if there is room and it has an id."""
        if len(self.correlation_ids) == MAX_NAMED:
            return
        if (correlation_id := _correlation_id(record)) and correlation_id not in self.correlation_ids:
            self.correlation_ids.append(correlation_id)


class PublisherDeadLetters:
    """Events that the bus will not take: for each, what it would have been, or where it should have come from."""

    def __init__(self, client: "SQSClient", url: str) -> None:
        self._client = client
        self._url = url

    def keep(self, pk: str, fault: str, event: ChangeEvent | None) -> None:
        """Raises botocore's errors."""
        message = {
            "schema_version": SCHEMA_VERSION,
            "pk": pk,
            "fault": fault,
            "detail_type": event.detail_type if event else None,
            "detail": event.detail_text() if event else None,
        }
        self._client.send_message(QueueUrl=self._url, MessageBody=json.dumps(message, separators=(",", ":")))


class Publisher:
    """``personal_data`` puts orders on the bus whole."""

    def __init__(
        self, orders: OrderQueries, bus: EventBus, dead_letters: PublisherDeadLetters, personal_data: bool
    ) -> None:
        self._orders = orders
        self._bus = bus
        self._dead_letters = dead_letters
        self._personal_data = personal_data

    def process(self, records: Sequence[dict[str, Any]], remaining_seconds: Callable[[], float]) -> Published:
        """Publish a batch of the stream. Raises nothing of a single record's."""
        published = Published()
        waiting = self._by_subject(records)
        while waiting:
            if remaining_seconds() < LAST_START_SECONDS:
                for rest in waiting.values():
                    self._hold(rest, "OutOfTime", published)
                break
            self._round(waiting, published)
        return published

    @staticmethod
    def _by_subject(records: Sequence[dict[str, Any]]) -> dict[str, deque[_Change]]:
        waiting: dict[str, deque[_Change]] = {}
        for record in map(StreamRecord.from_lambda, records):
            waiting.setdefault(record.pk, deque()).append(_Change(record))
        return waiting

    def _round(self, waiting: dict[str, deque[_Change]], published: Published) -> None:
        """Publish the oldest event of each subject; what is done, or has to wait, is out of ``waiting`` then."""
        built: list[tuple[str, ChangeEvent]] = []
        for pk in [*waiting]:
            try:
                event = self._oldest_event(waiting[pk][0])
            except (ClientError, BotoCoreError) as error:
                self._hold(waiting.pop(pk), code_of(error), published)
            except Exception as error:  # It will be no better next time.
                self._bury(pk, type(error).__name__, None, waiting, published)
            else:
                if event is None:
                    _done(pk, waiting)
                else:
                    built.append((pk, event))
        fates = self._bus.put([event for _, event in built])
        for (pk, event), (fate, code) in zip(built, fates, strict=True):
            match fate:
                case Fate.PUT:
                    published.counts["Published"] += 1
                    _done(pk, waiting)
                case Fate.TRANSIENT:
                    self._hold(waiting.pop(pk), code, published)
                case Fate.PERMANENT:
                    self._bury(pk, code, event, waiting, published)

    def _oldest_event(self, change: _Change) -> ChangeEvent | None:
        if change.events is None:
            change.events = deque(self._events(change.record))
        return change.events[0] if change.events else None

    def _events(self, record: StreamRecord) -> Sequence[ChangeEvent]:
        """What to publish of a record, in order; nothing of rewrites, bookkeeping and expiry."""
        if record.after is None:
            return ()
        match record.sk:
            case keys.ORDER:
                return self._of_order(record.before, record.after)
            case keys.ANSWERS:
                return _of_answers(keys.order_id_of(record.pk), record.before or {}, record.after)
            case keys.REJECTED:
                return _of_rejected(record.before, record.after)
            case _:
                return ()

    def _of_order(self, row_before: Row | None, row_after: Row) -> Sequence[ChangeEvent]:
        before = stored_order(row_before) if row_before else None
        after = stored_order(row_after)
        if before is not None and before.sequence == after.sequence:
            return ()
        new_body = self._body(after)
        old_body = None
        if before is not None:
            same = before.snapshot.digest == after.snapshot.digest
            old_body = new_body if same else self._body(before)
        return (order_changed(before, after, old_body, new_body, self._personal_data),)

    def _body(self, order: StoredOrder) -> bytes:
        """The snapshot's body: in the record, or in a row of its own."""
        body = order.snapshot.body or self._orders.body(order.order_id, order.snapshot.digest)
        if body is None:
            raise LookupError("the snapshot's body is not there any more")
        return body

    def _bury(
        self,
        pk: str,
        fault: str,
        event: ChangeEvent | None,
        waiting: dict[str, deque[_Change]],
        published: Published,
    ) -> None:
        try:
            self._dead_letters.keep(pk, fault, event)
        except (ClientError, BotoCoreError) as error:
            self._hold(waiting.pop(pk), code_of(error), published)
            return
        published.counts["NotPublished"] += 1
        published.faults[fault] += 1
        published.name(waiting[pk][0].record)
        _done(pk, waiting)

    @staticmethod
    def _hold(changes: deque[_Change], fault: str, published: Published) -> None:
        published.held += [change.record.number for change in changes]
        published.faults[fault] += 1
        published.counts["Held"] += len(changes)
        for change in changes:
            published.name(change.record)


def _of_answers(order_id: str, before: Row, after: Row) -> Sequence[ChangeEvent]:
    """An event for each answer that has its outcome since, in the order of acceptance."""
    ended = {
        name
        for name, entry in after.items()
        if name.startswith(ANSWER) and "outcome" in entry and "outcome" not in before.get(name, {})
    }
    if after.get(REPUBLISHED) != before.get(REPUBLISHED):
        ended.add(attribute_name(republished_number(after)))
    if not ended:
        return ()
    return [
        answer_ended(order_id, after.get("store_id"), stored, stored.ending)
        for stored in order_answers(order_id, after).answers
        if stored.ending is not None and attribute_name(stored.number) in ended
    ]


def _of_rejected(before: Row | None, after: Row) -> Sequence[ChangeEvent]:
    """An event for a new one, and for one that is to be published again."""
    if before is not None and before.get("republished") == after.get("republished"):
        return ()
    return (event_rejected(rejected_event(after)),)


def _correlation_id(record: StreamRecord) -> str:
    """Of the event that a change came from; empty where the row does not tell."""
    row = record.after or {}
    try:
        if record.sk == keys.REJECTED:
            return rejected_event(row).correlation_id
        if record.sk == keys.ANSWERS:
            answers = _of_answers(keys.order_id_of(record.pk), record.before or {}, row)
            return str(answers[0].detail["correlation_id"])
        return stored_order(row).snapshot.correlation_id
    except Exception:  # A row that cannot be read may be why it was not published.
        return ""


def _done(pk: str, waiting: dict[str, deque[_Change]]) -> None:
    """The oldest event of a subject is dealt with, and with its last event the change."""
    change = waiting[pk][0]
    if change.events:
        change.events.popleft()
    if not change.events:
        waiting[pk].popleft()
    if not waiting[pk]:
        del waiting[pk]
