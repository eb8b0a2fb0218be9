"""Orders in DynamoDB: one row an order, and one conditional write that is effect, deduplication and guard of the order.

The first write of an event is blind: add the event, move the head, on condition that the event is new and the head is
absent or lower. If the condition fails, DynamoDB hands back the row; what it is missing is written under its version.
See docs/data-model.md for the keys, and docs/decisions for the costs. ``orders/queries.py`` reads.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any

from partner_orders.aws import keys
from partner_orders.aws.attribute_values import Row
from partner_orders.aws.dynamodb import ConditionFailedError, Table
from partner_orders.aws.update import Condition, Update, absent, all_of, any_of, equals, less, present
from partner_orders.clock import Clock, to_text
from partner_orders.orders import history, lifecycle
from partner_orders.orders.event import Arrival, OrderEvent
from partner_orders.orders.history import Moment
from partner_orders.orders.packed_body import pack, unpack
from partner_orders.orders.personal_data import redacted
from partner_orders.orders.queries import OrderQueries
from partner_orders.orders.stored import EVENT, LISTED_UNDER, events_of, snapshot_digest

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

SCHEMA_VERSION = 1
# A body over this goes to a row of its own at once; a row over the other sends its older bodies there.
INLINE_BODY_BYTES = 4_096
ROW_BODIES_BYTES = 32_768
# More at once would be a longer expression than the 4 KB that DynamoDB takes.
MAX_MOVED = 100
MAX_WRITES = 12

type Arrived = tuple[OrderEvent, Arrival]


class ContendedError(RuntimeError):
    """Concurrent writes of the same order won every time; try again later."""


@dataclass(frozen=True)
class Written:
    """What became of the events of one write: how many were new, how many of those came late (the head stayed) or in
    conflict (same status and time, other body), how many we had, and how many were past their retention."""

    stored: int = 0
    late: int = 0
    conflicts: int = 0
    duplicates: int = 0
    expired: int = 0


class OrdersTable(OrderQueries):
    """Orders and their history. ``retention`` is counted from the platform's ``created_at``."""

    def __init__(
        self,
        client: "DynamoDBClient",
        table_name: str,
        retention: timedelta,
        clock: Clock,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        super().__init__(Table(client, table_name, sleep), retention, clock)

    def write(self, events: Sequence[Arrived]) -> Written:
        """Merge events of one order into the table. Safe to repeat, and to interrupt between any two calls.

        Raises botocore's errors, and ContendedError when concurrent writes of the same order won every time.
        """
        distinct: dict[str, Arrived] = {}
        for event, arrival in events:
            distinct.setdefault(event.digest, (event, arrival))
        repeated = len(events) - len(distinct)
        fresh = [(event, arrival) for event, arrival in distinct.values() if not self.is_expired(event)]
        expired = len(distinct) - len(fresh)
        if not fresh:
            return Written(duplicates=repeated, expired=expired)

        bodies = self._inline_bodies(fresh)
        existing: Row | None = None
        for _ in range(MAX_WRITES):
            new = [pair for pair in fresh if existing is None or EVENT + pair[0].digest not in existing]
            if not new:
                return Written(duplicates=len(events) - expired, expired=expired)
            head = max((event for event, _ in new), key=lambda event: event.snapshot_key)
            moves = existing is None or head.supersedes(existing["snapshot_key"])
            try:
                before = self._update(new, bodies, head if moves else None, existing)
            except ConditionFailedError as failed:
                # No row: it expired between the two writes, so the blind write is right again.
                existing = failed.row
                if existing is not None and "erased_at" in existing:
                    bodies = self._inline_bodies(fresh, redact=True)
                continue
            if before.get("body_bytes", 0) + _inline_bytes(new, bodies) > ROW_BODIES_BYTES:
                self._move_bodies(head.order_id)
            return Written(
                stored=len(new),
                late=0 if moves else len(new),
                conflicts=_conflicts([event for event, _ in new], existing or before),
                duplicates=len(events) - expired - len(new),
                expired=expired,
            )
        raise ContendedError("concurrent writes of an order won every time")

    def publish_again(self, order_id: str) -> bool:
        """Have the order's present state published, with the next sequence; False if there is no such order."""
        update = Update().set_to_next("sequence", "sequence").set_to_next("republished", "sequence")
        try:
            self._table.update(keys.order(order_id), update.increment("version").only_if(present("sequence")))
        except ConditionFailedError:
            return False
        return True

    # -- one write ----------------------------------------------------------------------------------------------

    def _update(
        self, new: list[Arrived], bodies: dict[str, bytes], head: OrderEvent | None, existing: Row | None
    ) -> Row:
        """One write: add the events and, with a ``head``, move the snapshot. Blind without ``existing``."""
        events = [event for event, _ in new]
        redact = existing is not None and "erased_at" in existing
        update = Update().set("schema_version", SCHEMA_VERSION)
        for event, arrival in new:
            update.set(EVENT + event.digest, _history_entry(event, arrival, bodies.get(event.digest), redact))
        if head is not None:
            self._move_head(update, head, next(arrival for event, arrival in new if event is head))
        update.increment("version").increment("body_bytes", _inline_bytes(new, bodies))
        if head is not None or (existing is not None and _changes_the_sale(events, existing)):
            update.increment("sequence")
        update.only_if(equals("version", existing["version"]) if existing is not None else _is_blind(events, head))
        return self._table.update(
            keys.order(events[0].order_id),
            update,
            # What was replaced tells of a single event whether it is in conflict; otherwise it takes the whole history.
            "UPDATED_OLD" if len(new) == 1 and lifecycle.is_known(events[0].status) else "ALL_OLD",
            row_on_failure=True,
        )

    def _move_head(self, update: Update, event: OrderEvent, arrival: Arrival) -> None:
        """Set the plain attributes of the row that follow the snapshot."""
        order = event.order
        store_id = history.store_of(order.client)
        times = {
            "listed_at": to_text(history.created_at(order, arrival.received_at)),
            "expires_at": self._expires_at(event, arrival),
        }
        update.set_all(
            {
                "snapshot_key": event.snapshot_key,
                "status": event.status,
                "occurred_at": to_text(event.occurred_at) if event.occurred_at else None,
                "listed_under": f"{LISTED_UNDER}{store_id or ''}",
                "store_id": order.client.store_id or None,
                "chain_id": order.client.chain_id or None,
                "external_order_id": order.external_order_id or None,
                "order_code": order.order_code or None,
                "store_order_code": f"{store_id or ''}#{order.order_code}" if order.order_code else None,
                "open": "OPEN" if lifecycle.is_open(event.status) else None,
                "post_picked_up": order.post_picked_up,
            }
        )
        # A snapshot without any time of the platform's leaves them as they are, or the first arrival decides.
        is_timed = history.claimed_creation(order) is not None
        for name, value in times.items():
            (update.set if is_timed else update.default)(name, value)

    def _expires_at(self, event: OrderEvent, arrival: Arrival) -> int:
        created_at = history.created_at(event.order, arrival.received_at)
        return int(created_at.timestamp() + self._retention.total_seconds())

    # -- bodies in rows of their own ------------------------------------------------------------------------------

    def _inline_bodies(self, events: list[Arrived], redact: bool = False) -> dict[str, bytes]:
        """The packed bodies that the order's row can hold, by digest; larger ones are put into rows of their own."""
        bodies: dict[str, bytes] = {}
        for event, arrival in events:
            packed = pack(event.body)
            is_large = len(packed) > INLINE_BODY_BYTES
            if redact:
                packed = pack(redacted(event.body))
            if is_large:
                self._put_body(event.order_id, event.digest, packed, self._expires_at(event, arrival), replace=redact)
            else:
                bodies[event.digest] = packed
        return bodies

    def _put_body(self, order_id: str, digest: str, packed: bytes, expires_at: int, replace: bool = False) -> None:
        """A body in a row of its own, before the row that refers to it; a second put changes nothing, unless it is to
        ``replace`` the first."""
        put = self._table.put if replace else self._table.put_new
        body = {"schema_version": SCHEMA_VERSION, "body": packed, "expires_at": expires_at}
        put(keys.order_event(order_id, digest), body)

    def _move_bodies(self, order_id: str) -> None:
        """Move bodies, but not the snapshot's, to rows of their own. If another write comes between, or some are left,
        their turn will come: the row says how many bytes of bodies it holds."""
        row = self._table.get(keys.order(order_id))
        if row is None:
            return
        snapshot = snapshot_digest(row["snapshot_key"])
        movable = (
            (digest, event["body"])
            for digest, event in events_of(row).items()
            if "body" in event and digest != snapshot
        )
        moved: dict[str, bytes] = dict(islice(movable, MAX_MOVED))
        if not moved:
            return
        for digest, packed in moved.items():
            self._put_body(order_id, digest, packed, row["expires_at"])
        update = Update().increment("body_bytes", -sum(map(len, moved.values()))).increment("version")
        for digest in moved:
            update.remove(EVENT + digest, "body")
        try:
            self._table.update(
                keys.order(order_id), update.only_if(equals("version", row["version"])), row_on_failure=True
            )
        except ConditionFailedError as failed:
            if "erased_at" in (failed.row or {}):
                # Erased in between: what was just put into rows of its own must not stay as it was.
                for digest, packed in moved.items():
                    without = pack(redacted(unpack(packed)))
                    self._put_body(order_id, digest, without, row["expires_at"], replace=True)


def _is_blind(events: list[OrderEvent], head: OrderEvent | None) -> Condition:
    """The condition of a write that knows nothing of the row: events and head are news to it, and it is not erased."""
    news = [absent(EVENT + event.digest) for event in events]
    is_lower = any_of(absent("snapshot_key"), less("snapshot_key", head.snapshot_key if head else ""))
    return all_of(*news, is_lower, absent("erased_at"))


def _inline_bytes(new: list[Arrived], bodies: dict[str, bytes]) -> int:
    return sum(len(bodies.get(event.digest, b"")) for event, _ in new)


def _changes_the_sale(new: list[OrderEvent], row: Row) -> bool:
    """Whether events that leave the snapshot as it is decide anew if the order is a sale."""
    before = {event["status"] for event in events_of(row).values()}
    after = before | {event.status for event in new}
    status, claimed = row["status"], row.get("post_picked_up")
    return history.sale(status, claimed, before) != history.sale(status, claimed, after)


def _history_entry(event: OrderEvent, arrival: Arrival, packed: bytes | None, is_redacted: bool) -> Row:
    entry: dict[str, Any] = {
        "status": event.status,
        "received_at": to_text(arrival.received_at),
        "source": arrival.source,
        "correlation_id": arrival.correlation_id,
    }
    if event.occurred_at:
        entry["occurred_at"] = to_text(event.occurred_at)
    if packed is not None:
        entry["body"] = packed
    if is_redacted:
        entry["redacted"] = True
    return entry


def _conflicts(new: list[OrderEvent], row: Row) -> int:
    """How many of the new events share status and time with another one, in the batch or in the row's history. A blind
    write of one event of a known status hands back only the head that it replaced, and that is enough: no event of the
    history is between the two."""
    earlier = [Moment(event["status"], event.get("occurred_at")) for event in events_of(row).values()]
    replaced = row.get("snapshot_key", "") if not earlier else ""
    if len(new) == 1 and replaced:
        return int(new[0].moment == replaced[: len(new[0].moment)])
    moments = [Moment(event.status, to_text(event.occurred_at) if event.occurred_at else None) for event in new]
    return history.conflicts([*earlier, *moments]) - history.conflicts(earlier)
