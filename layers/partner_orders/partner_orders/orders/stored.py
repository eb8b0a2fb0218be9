"""An order as its row in the table holds it, read."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import NamedTuple

from partner_orders.aws import keys
from partner_orders.aws.attribute_values import Row
from partner_orders.clock import from_text, to_text
from partner_orders.orders import lifecycle
from partner_orders.orders.event import OrderEvent
from partner_orders.orders.history import Moment, Sale, SaleRuling, conflicts, sale
from partner_orders.orders.packed_body import unpack

# An event of the order's history is an attribute of this name and its digest.
EVENT = "e#"
# Statuses of the history entries that have moved to rows of their own, and how many have.
MOVED_STATUSES = "moved_statuses"
MOVED_EVENTS = "moved_events"
# What an order without a store is listed under.
LISTED_UNDER = "STORE#"
# What an open order of a store is listed under, too. One of an unknown status is listed apart, since a status that the
# platform has added may be final: such orders are never closed, and whoever looks for open ones must not read them all.
OPEN_UNDER = "OPEN#"
OPEN_UNKNOWN_UNDER = "OPEN_UNKNOWN#"


@dataclass(frozen=True)
class HistoryEntry:
    """One distinct event of a stored order. ``body`` is the JSON as it came, if it was read; without personal data, if
    the event is redacted, and the digest is still that of the event as it came. ``shown_at`` is the greatest time at
    which a GET showed the event as the present state, ``problems`` the paths of its parts that could not be read."""

    digest: str
    status: str
    occurred_at: str | None
    received_at: str
    source: str
    correlation_id: str
    is_redacted: bool
    shown_at: str | None = None
    problems: tuple[str, ...] = ()
    body: bytes | None = field(repr=False, default=None)


@dataclass(frozen=True)
class StoredOrder:
    """An order as the table holds it. Times are text in UTC, as ``clock.to_text`` writes them.

    ``version`` counts its writes, ``sequence`` its changes: of the snapshot, and of whether it is a sale.
    ``republished`` is the sequence at which an operator asked to have it published again.
    """

    order_id: str
    snapshot_key: str
    status: str
    post_picked_up: bool | None
    version: int
    sequence: int
    republished: int
    attributes: dict[str, str]
    history: tuple[HistoryEntry, ...]
    moved_statuses: frozenset[str] = frozenset()

    @cached_property
    def snapshot(self) -> HistoryEntry:
        digest = snapshot_digest(self.snapshot_key)
        return next(entry for entry in self.history if entry.digest == digest)

    @property
    def digests(self) -> frozenset[str]:
        return frozenset(entry.digest for entry in self.history)

    @property
    def sale(self) -> Sale:
        return self._ruling.sale

    @property
    def disputed(self) -> bool:
        return self._ruling.disputed

    @property
    def conflicts(self) -> int:
        return conflicts([Moment(entry.status, entry.occurred_at) for entry in self.history])

    @cached_property
    def _ruling(self) -> SaleRuling:
        statuses = {entry.status for entry in self.history} | self.moved_statuses
        return sale(self.status, self.post_picked_up, statuses)


class Showing(NamedTuple):
    """An event that a GET has shown as the present state, and when it last did (by the platform's clock).
    ``occurred_at`` is the text of the event's clock."""

    digest: str
    status: str
    occurred_at: str | None
    shown_at: datetime


def showing(event: OrderEvent, shown_at: datetime) -> Showing:
    occurred_at = to_text(event.occurred_at) if event.occurred_at else None
    return Showing(event.digest, event.status, occurred_at, shown_at)


@dataclass(frozen=True)
class KnownOrder:
    """What tells whether an order is in sync with the platform, without its bodies. Where some of its history has moved
    to rows of its own, ``digests`` and ``showings`` are only those of the rest."""

    store_id: str | None
    listed_at: datetime
    statuses: frozenset[str]
    digests: frozenset[str]
    snapshot_key: str
    has_moved: bool
    showings: frozenset[Showing] = frozenset()


def stored_order(row: Row, others: Iterable[Row] = ()) -> StoredOrder:
    """The order of a row. ``others`` are its rows with moved bodies and history entries, where they were read."""
    events = events_of(row)
    bodies: dict[str, bytes] = {}
    for other in others:
        digest = other["sk"].removeprefix(keys.EVENT)
        bodies[digest] = other["body"]
        if is_moved_entry(other):
            events.setdefault(digest, other)
    entries = [_entry(digest, event, bodies.get(digest)) for digest, event in events.items()]
    entries.sort(key=lambda entry: (entry.occurred_at or "", lifecycle.rank(entry.status), entry.received_at))
    return StoredOrder(
        order_id=keys.order_id_of(row["pk"]),
        snapshot_key=row["snapshot_key"],
        status=row["status"],
        post_picked_up=row.get("post_picked_up"),
        version=row["version"],
        sequence=row["sequence"],
        republished=row.get("republished", 0),
        attributes={name: value for name, value in row.items() if isinstance(value, str)},
        history=tuple(entries),
        moved_statuses=frozenset(row.get(MOVED_STATUSES, ())),
    )


def known_order(row: Row) -> KnownOrder:
    """What an order's row tells without its bodies."""
    return KnownOrder(
        # What it is listed under has the chain's own id of the store where an event names no other.
        store_id=row["listed_under"].removeprefix(LISTED_UNDER) or None,
        listed_at=from_text(row["listed_at"]),
        statuses=statuses_of(row),
        digests=frozenset(events_of(row)),
        snapshot_key=row["snapshot_key"],
        has_moved=MOVED_EVENTS in row,
        showings=frozenset(
            Showing(digest, event["status"], event.get("occurred_at"), from_text(event["shown_at"]))
            for digest, event in events_of(row).items()
            if event.get("shown_at")
        ),
    )


def events_of(row: Row) -> dict[str, Row]:
    """The history entries that an order's row holds, by digest."""
    return {name.removeprefix(EVENT): value for name, value in row.items() if name.startswith(EVENT)}


def statuses_of(row: Row) -> frozenset[str]:
    """The statuses of all history entries, moved ones too."""
    return frozenset(event["status"] for event in events_of(row).values()) | frozenset(row.get(MOVED_STATUSES, ()))


def open_partition(store_id: str | None, status: str) -> str | None:
    """What an order of a store is listed under while it is open; None for one that is not."""
    if not lifecycle.is_open(status):
        return None
    return f"{OPEN_UNDER if lifecycle.is_known(status) else OPEN_UNKNOWN_UNDER}{store_id or ''}"


def is_moved_entry(row: Row) -> bool:
    """Whether a row of its own holds a history entry, and not only the body of one."""
    return "status" in row


def snapshot_digest(snapshot_key: str) -> str:
    return snapshot_key.rpartition("|")[2]


def _entry(digest: str, event: Row, moved_body: bytes | None) -> HistoryEntry:
    packed = event.get("body", moved_body)
    return HistoryEntry(
        digest=digest,
        status=event["status"],
        occurred_at=event.get("occurred_at"),
        received_at=event["received_at"],
        source=event["source"],
        correlation_id=event["correlation_id"],
        is_redacted="redacted" in event,
        shown_at=event.get("shown_at"),
        problems=tuple(event.get("problems", ())),
        body=None if packed is None else unpack(packed),
    )
