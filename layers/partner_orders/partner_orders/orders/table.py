"""Orders in DynamoDB: one row an order, and one conditional write that is effect, deduplication and guard of the order.

The first write of an event is blind: add the event, move the head, on condition that the event is new and the head is
absent or lower. If the condition fails, DynamoDB hands back the row; what it is missing is written under its version.
See docs/data-model.md for the keys, and docs/decisions for the costs. ``orders/queries.py`` reads.
"""

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any

from partner_orders.aws import keys
from partner_orders.aws.attribute_values import Row
from partner_orders.aws.dynamodb import ConditionFailedError, Range, Table
from partner_orders.aws.keys import Key
from partner_orders.aws.update import Condition, Update, absent, all_of, any_of, equals, less, present
from partner_orders.clock import from_text, to_text
from partner_orders.orders import history, lifecycle
from partner_orders.orders.event import Arrival, OrderEvent
from partner_orders.orders.packed_body import pack, unpack
from partner_orders.orders.personal_data import redacted
from partner_orders.orders.plan import (
    Arrived,
    Plan,
    changes_the_sale,
    conflicts_with,
    distinct_events,
    history_entry,
    key_of,
    plan_write,
)
from partner_orders.orders.queries import OrderQueries
from partner_orders.orders.rebuilding import latest_of
from partner_orders.orders.stored import (
    EVENT,
    LISTED_UNDER,
    MOVED_EVENTS,
    MOVED_STATUSES,
    events_of,
    is_moved_entry,
    open_partition,
    snapshot_digest,
)

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

# The version of a row's keys: a blind write holds only for a row of this version, since keys of two do not compare.
SCHEMA_VERSION = 2
# However old an order says that it is, an event of it is kept for this long.
LEAST_RETENTION = timedelta(days=14)
# A body over this goes to a row of its own at once; a row over the other sends its older bodies there.
INLINE_BODY_BYTES = 4_096
ROW_BODIES_BYTES = 32_768
# More at once would be a longer expression than the 4 KB that DynamoDB takes.
MAX_MOVED = 100
# History entries of a row; the older ones of more than these move to rows of their own.
MAX_ENTRIES = 100
MAX_WRITES = 12


class ContendedError(RuntimeError):
    """Concurrent writes of the same order won every time; try again later."""


@dataclass(frozen=True)
class Written:
    """What became of the events of one write: how many were new, how many of those came late (the head stayed) or in
    conflict (same status and time, other body), how many we had, and how many of these a GET confirmed. ``new`` has the
    digests of those that were new."""

    stored: int = 0
    late: int = 0
    conflicts: int = 0
    duplicates: int = 0
    confirmed: int = 0
    new: frozenset[str] = field(default=frozenset(), compare=False)


class OrdersTable(OrderQueries):
    """Orders and their history. ``retention`` is counted from the platform's ``created_at``."""

    def __init__(
        self,
        client: "DynamoDBClient",
        table_name: str,
        retention: timedelta,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        super().__init__(Table(client, table_name, sleep))
        self._retention = retention

    def write(self, events: Sequence[Arrived]) -> Written:
        """Merge events of one order into the table. Safe to repeat, and to interrupt between any two calls.

        Raises botocore's errors, and ContendedError when concurrent writes of the same order won every time.
        """
        distinct = distinct_events(events)
        bodies = self._inline_bodies(distinct)
        existing: Row | None = None
        for _ in range(MAX_WRITES):
            plan = plan_write(distinct, existing, self._moved_entries(distinct, existing))
            if not plan.events:
                self._keep_own_rows_longer(distinct, existing)
                return Written(duplicates=len(events))
            try:
                before = self._update(plan, bodies, existing)
            except ConditionFailedError as failed:
                # No row: it expired between the two writes, so the blind write is right again.
                existing = failed.row
                if existing is not None and "erased_at" in existing:
                    bodies = self._inline_bodies(distinct, redact=True)
                continue
            known = existing or before
            self._keep_as_long_as_before(plan.events, known)
            self._keep_own_rows_longer(plan.events, known)
            self._make_room(plan, bodies, known)
            return Written(
                stored=len(plan.new),
                late=0 if plan.changes_the_snapshot else len(plan.new),
                conflicts=conflicts_with([event for event, _ in plan.new], known),
                duplicates=len(events) - len(plan.new),
                confirmed=len(plan.confirmed),
                new=frozenset(event.digest for event, _ in plan.new),
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

    def rebuild(self, order_id: str, is_preview: bool = False) -> dict[str, tuple[object, object]] | None:
        """Merge an order's snapshot and head anew from its history, and write what differs unless it is a preview:
        each attribute that differs, before and after. None if there is no such order.

        The write holds only for the row as it was read, so an event that comes meanwhile is merged, too. Subscribers
        get a change event. Raises IncompleteHistoryError, RejectedError, and ContendedError.
        """
        for _ in range(MAX_WRITES):
            order, row = self.get(order_id), self._table.get(keys.order(order_id))
            if order is None or row is None:
                return None
            if order.version != row["version"]:
                continue
            event, arrival = latest_of(order)
            head = _head(event, arrival)
            if history.claimed_creation(event.order) is None:
                head["listed_at"] = row.get("listed_at", head["listed_at"])
            changes = {name: (row.get(name), value) for name, value in head.items() if row.get(name) != value}
            if is_preview or not changes:
                return changes
            update = Update().set("schema_version", SCHEMA_VERSION).set_all(head)
            update.increment("version").increment("sequence").only_if(_unchanged(row))
            try:
                self._table.update(keys.order(order_id), update)
            except ConditionFailedError:
                continue
            return changes
        raise ContendedError("concurrent writes of an order won every time")

    # -- one write ----------------------------------------------------------------------------------------------

    def _moved_entries(self, events: list[Arrived], existing: Row | None) -> dict[str, Row]:
        """The entries of these events that have rows of their own, of an order whose history has moved in part."""
        if existing is None or MOVED_EVENTS not in existing:
            return {}
        wanted = [event for event, _ in events if EVENT + event.digest not in existing]
        rows = {event.digest: self._table.get(keys.order_event(event.order_id, event.digest)) for event in wanted}
        return {digest: row for digest, row in rows.items() if row is not None and is_moved_entry(row)}

    def _update(self, plan: Plan, bodies: dict[str, bytes], existing: Row | None) -> Row:
        """One write: add the events and, with a head, move the snapshot. Blind without ``existing``."""
        events = [event for event, _ in plan.new]
        redact = existing is not None and "erased_at" in existing
        update = Update().set("schema_version", SCHEMA_VERSION)
        for event, arrival in plan.new:
            update.set(EVENT + event.digest, history_entry(event, arrival, bodies.get(event.digest), redact))
        for event, arrival in plan.confirmed:
            _confirm(update, event, arrival, plan.returned.get(event.digest))
        if plan.head is not None:
            self._move_head(update, *plan.head, _least_expiry(plan.events))
        elif existing is not None:
            self._keep_longer(update, plan.events, existing)
        update.increment("version").increment("body_bytes", _inline_bytes(plan.new, bodies))
        update.increment("entries", len(plan.new) + len(plan.returned))
        if plan.returned:
            update.increment(MOVED_EVENTS, -len(plan.returned))
        if plan.changes_the_snapshot or (existing is not None and changes_the_sale(events, existing)):
            update.increment("sequence")
        is_single = len(events) == 1 and lifecycle.is_known(events[0].status)
        update.only_if(_unchanged(existing) if existing is not None else _is_blind(plan.new))
        return self._table.update(
            keys.order(plan.events[0][0].order_id),
            update,
            # What was replaced tells of a single event whether it is in conflict; otherwise it takes the whole history.
            "UPDATED_OLD" if is_single else "ALL_OLD",
            row_on_failure=True,
        )

    def _move_head(self, update: Update, event: OrderEvent, arrival: Arrival, least_expiry: int) -> None:
        """Set the plain attributes of the row that follow the snapshot."""
        head = _head(event, arrival)
        expires_at = max(self._expires_at(event, arrival), least_expiry)
        times = {"listed_at": head.pop("listed_at"), "expires_at": expires_at}
        update.set_all(head)
        # A snapshot without any time of the platform's leaves them as they are, or the first arrival decides.
        is_timed = history.claimed_creation(event.order) is not None
        for name, value in times.items():
            (update.set if is_timed else update.default)(name, value)

    def _expires_at(self, event: OrderEvent, arrival: Arrival) -> int:
        """In seconds since 1970: the retention after the order's creation, and a while after the arrival at least."""
        created_at = history.created_at(event.order, arrival.received_at)
        return max(_seconds(created_at + self._retention), _seconds(arrival.received_at + LEAST_RETENTION))

    def _keep_longer(self, update: Update, events: list[Arrived], existing: Row) -> None:
        """A late event is kept for a while after it arrived, too, and the order with it."""
        least = _least_expiry(events)
        if existing.get("expires_at", least) < least:
            update.set("expires_at", least)

    def _keep_as_long_as_before(self, events: list[Arrived], before: Row) -> None:
        """A head that arrived before a late event, and is written after it, leaves the order its time."""
        order_id = events[0][0].order_id
        if before.get("expires_at", 0) <= max(self._expires_at(event, arrival) for event, arrival in events):
            return
        row = self._table.get(keys.order(order_id))
        if row is None:
            return
        last = max(from_text(entry["received_at"]) for entry in events_of(row).values())
        least = _seconds(last + LEAST_RETENTION)
        if row["expires_at"] < least:
            longer = Update().set("expires_at", least).only_if(less("expires_at", least))
            with suppress(ConditionFailedError):  # Another write has kept it for longer still.
                self._table.update(keys.order(order_id), longer)

    def _keep_own_rows_longer(self, events: list[Arrived], before: Row | None) -> None:
        """Bodies and entries in rows of their own stay as long as their order, which late events keep for longer than
        ``before``. A duplicate, too: the write of the first may have ended before it came to this."""
        least = _least_expiry(events)
        if before is None or before.get("expires_at", least + 1) > least:
            return
        order_id = events[0][0].order_id
        for row in self._table.query(keys.order_partition(order_id), Range(prefix=keys.EVENT), consistent=True):
            if row["expires_at"] < least:
                self._table.update(Key(row["pk"], row["sk"]), Update().set("expires_at", least))

    # -- bodies and entries in rows of their own -------------------------------------------------------------------

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

    def _put_body(self, order_id: str, digest: str, packed: bytes, expires_at: int, replace: bool) -> None:
        """A body in a row of its own, before the row that refers to it; a second put changes nothing, unless it is to
        ``replace`` the first."""
        key, body = keys.order_event(order_id, digest), {"body": packed}
        if replace:
            self._put_moved(order_id, digest, body, expires_at)
        else:
            self._table.put_new(key, {"schema_version": SCHEMA_VERSION, "expires_at": expires_at} | body)

    def _make_room(self, plan: Plan, bodies: dict[str, bytes], before: Row) -> None:
        """Move older bodies, and older entries of a long history, out of a row that has grown."""
        order_id = plan.events[0][0].order_id
        if before.get("entries", 0) + len(plan.new) + len(plan.returned) > MAX_ENTRIES:
            self._move(order_id, entries=True)
        elif before.get("body_bytes", 0) + _inline_bytes(plan.new, bodies) > ROW_BODIES_BYTES:
            self._move(order_id, entries=False)

    def _move(self, order_id: str, entries: bool) -> None:
        """Move bodies, or whole history ``entries``, but not the snapshot's, to rows of their own. If another write
        comes between, or some are left, their turn will come: the row counts entries and bytes of bodies."""
        row = self._table.get(keys.order(order_id))
        if row is None:
            return
        snapshot = snapshot_digest(row["snapshot_key"])
        movable = sorted(
            ((digest, event) for digest, event in events_of(row).items() if digest != snapshot),
            key=lambda pair: pair[1]["received_at"],
        )
        chosen = dict(islice((pair for pair in movable if entries or "body" in pair[1]), MAX_MOVED))
        if not chosen:
            return
        for digest, event in chosen.items():
            moved = event if entries else {"body": event["body"]}
            self._put_moved(order_id, digest, moved, row["expires_at"])
        size = sum(len(event.get("body", b"")) for event in chosen.values())
        update = Update().increment("body_bytes", -size).increment("version")
        for digest in chosen:
            update.remove(*((EVENT + digest,) if entries else (EVENT + digest, "body")))
        if entries:
            statuses = {*row.get(MOVED_STATUSES, ()), *(event["status"] for event in chosen.values())}
            update.increment("entries", -len(chosen)).increment(MOVED_EVENTS, len(chosen))
            update.set(MOVED_STATUSES, sorted(statuses))
        try:
            self._table.update(keys.order(order_id), update.only_if(_unchanged(row)), row_on_failure=True)
        except ConditionFailedError as failed:
            if "erased_at" in (failed.row or {}):
                # Erased in between: what was just put into rows of its own must not stay as it was.
                for digest, event in chosen.items():
                    if "body" in event:
                        without = pack(redacted(unpack(event["body"])))
                        self._put_body(order_id, digest, without, row["expires_at"], replace=True)

    def _put_moved(self, order_id: str, digest: str, moved: Row, expires_at: int) -> None:
        update = Update().set("schema_version", SCHEMA_VERSION).set("expires_at", expires_at)
        for name, value in moved.items():
            update.set(name, value)
        self._table.update(keys.order_event(order_id, digest), update)


def _head(event: OrderEvent, arrival: Arrival) -> dict[str, Any]:
    """The attributes of a row that follow its snapshot; None for one that the row should not have."""
    order = event.order
    store_id = history.store_of(order.client)
    return {
        "snapshot_key": event.snapshot_key_at(arrival.shown_at),
        "status": event.status,
        "occurred_at": to_text(event.occurred_at) if event.occurred_at else None,
        "listed_at": to_text(history.created_at(order, arrival.received_at)),
        "listed_under": f"{LISTED_UNDER}{store_id or ''}",
        "store_id": order.client.store_id or None,
        "chain_id": order.client.chain_id or None,
        "external_order_id": order.external_order_id or None,
        "order_code": order.order_code or None,
        "store_order_code": f"{store_id or ''}#{order.order_code}" if order.order_code else None,
        "open": open_partition(store_id, event.status),
        "post_picked_up": order.post_picked_up,
    }


def _confirm(update: Update, event: OrderEvent, arrival: Arrival, moved: Row | None) -> None:
    """Note in the history when a GET showed an event; an entry in a row of its own comes back for it."""
    shown_at = to_text(arrival.shown_at) if arrival.shown_at else ""
    if moved is None:
        update.set_in((EVENT + event.digest, "shown_at"), shown_at)
        return
    left_out = {"pk", "sk", "schema_version", "expires_at", "body"}
    entry = {name: value for name, value in moved.items() if name not in left_out}
    update.set(EVENT + event.digest, entry | {"shown_at": shown_at})


def _unchanged(row: Row) -> Condition:
    return equals("version", row["version"])


def _is_blind(new: list[Arrived]) -> Condition:
    """The condition of a write that knows nothing of the row: events and head are news to it, its history is all in it,
    its keys are of this version, and it is not erased."""
    news = [absent(EVENT + event.digest) for event, _ in new]
    is_lower = any_of(
        absent("snapshot_key"),
        all_of(less("snapshot_key", max(map(key_of, new))), equals("schema_version", SCHEMA_VERSION)),
    )
    return all_of(*news, is_lower, absent(MOVED_EVENTS), absent("erased_at"))


def _inline_bytes(new: list[Arrived], bodies: dict[str, bytes]) -> int:
    return sum(len(bodies.get(event.digest, b"")) for event, _ in new)


def _least_expiry(events: list[Arrived]) -> int:
    """In seconds since 1970: a while after the last of these events arrived."""
    return max(_seconds(arrival.received_at + LEAST_RETENTION) for _, arrival in events)


def _seconds(instant: datetime) -> int:
    return int(instant.timestamp())
