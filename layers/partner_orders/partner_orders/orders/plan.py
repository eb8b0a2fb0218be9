"""What one write of an order changes: which events are new, which are confirmed, and whether the head moves.

Pure: the row as it was read goes in, and a plan comes out.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from partner_orders.aws.attribute_values import Row
from partner_orders.clock import from_text, to_text
from partner_orders.orders import history
from partner_orders.orders.event import Arrival, OrderEvent
from partner_orders.orders.history import Moment
from partner_orders.orders.stored import events_of, snapshot_digest, statuses_of

type Arrived = tuple[OrderEvent, Arrival]


@dataclass(frozen=True)
class Plan:
    """What one write changes: events that are ``new``, events of the history that a GET ``confirmed`` since, and the
    head with its arrival, if it moves. ``returned`` are events whose entries come back from rows of their own."""

    new: list[Arrived]
    confirmed: list[Arrived]
    returned: dict[str, Row]
    head: Arrived | None
    changes_the_snapshot: bool

    @property
    def events(self) -> list[Arrived]:
        return [*self.new, *self.confirmed]


def plan_write(events: Sequence[Arrived], existing: Row | None, moved: Mapping[str, Row]) -> Plan:
    """What is new to the row, and what a GET has shown since. ``moved`` are history entries of these events that have
    rows of their own, by digest. Without a row the plan is blind and takes everything for new."""
    if existing is None:
        return Plan([*events], [], {}, max(events, key=key_of), changes_the_snapshot=True)
    entries = events_of(existing) | dict(moved)
    new = [pair for pair in events if pair[0].digest not in entries]
    confirmed = [pair for pair in events if _is_shown_later(pair[1], entries.get(pair[0].digest))]
    snapshot_key = existing["snapshot_key"]
    head = max((pair for pair in (*new, *confirmed) if key_of(pair) > snapshot_key), key=key_of, default=None)
    return Plan(
        new,
        confirmed,
        {event.digest: moved[event.digest] for event, _ in confirmed if event.digest in moved},
        head,
        changes_the_snapshot=head is not None and head[0].digest != snapshot_digest(snapshot_key),
    )


def distinct_events(events: Sequence[Arrived]) -> list[Arrived]:
    """One of each event, as it came first, with the latest time at which a GET showed it."""
    distinct: dict[str, Arrived] = {}
    for event, arrival in events:
        first = distinct.setdefault(event.digest, (event, arrival))[1]
        if _is_later(arrival.shown_at, first.shown_at):
            distinct[event.digest] = (distinct[event.digest][0], replace(first, shown_at=arrival.shown_at))
    return [*distinct.values()]


def key_of(arrived: Arrived) -> str:
    event, arrival = arrived
    return event.snapshot_key_at(arrival.shown_at)


def _is_later(one: datetime | None, other: datetime | None) -> bool:
    return one is not None and (other is None or one > other)


def _is_shown_later(arrival: Arrival, entry: Row | None) -> bool:
    """Whether a GET showed an event of the history later than its entry says."""
    if entry is None:
        return False
    known = from_text(entry["shown_at"]) if "shown_at" in entry else None
    return _is_later(arrival.shown_at, known)


def changes_the_sale(new: list[OrderEvent], row: Row) -> bool:
    """Whether events that leave the snapshot as it is decide anew if the order is a sale."""
    before = statuses_of(row)
    after = before | {event.status for event in new}
    status, claimed = row["status"], row.get("post_picked_up")
    return history.sale(status, claimed, before) != history.sale(status, claimed, after)


def history_entry(event: OrderEvent, arrival: Arrival, packed: bytes | None, is_redacted: bool) -> Row:
    entry: dict[str, Any] = {
        "status": event.status,
        "received_at": to_text(arrival.received_at),
        "source": arrival.source,
        "correlation_id": arrival.correlation_id,
    }
    if event.occurred_at:
        entry["occurred_at"] = to_text(event.occurred_at)
    if arrival.shown_at:
        entry["shown_at"] = to_text(arrival.shown_at)
    if event.problems:
        entry["problems"] = [*event.problems]
    if packed is not None:
        entry["body"] = packed
    if is_redacted:
        entry["redacted"] = True
    return entry


def conflicts_with(new: list[OrderEvent], row: Row) -> int:
    """How many of the new events share status and time with another one, in the batch or in the row's history. A blind
    write of one event of a known status hands back only the head that it replaced, and that is enough: no event of the
    history is between the two."""
    earlier = [Moment(event["status"], event.get("occurred_at")) for event in events_of(row).values()]
    replaced = None if earlier else row.get("snapshot_key")
    if len(new) == 1 and replaced:
        return int(new[0].moment == replaced[: len(new[0].moment)])
    moments = [Moment(event.status, to_text(event.occurred_at) if event.occurred_at else None) for event in new]
    return history.conflicts([*earlier, *moments]) - history.conflicts(earlier)
