"""Enqueue events of an order's history once more, byte for byte as they were received."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from partner_orders.aws import keys
from partner_orders.aws.dynamodb import Range
from partner_orders.clock import from_text, now, to_text
from partner_orders.order_events.message import REPLAY, OrderEventMessage
from partner_orders.order_events.queue import QueueRefusedError
from partner_orders.orders import history
from partner_orders.orders.event import CatalogueCallbackError, OrderEvent, RejectedError, parse_event
from partner_orders.orders.packed_body import unpack
from partner_orders.orders.rejected import digest_of
from partner_orders.orders.stored import HistoryEntry
from partner_orders_console.operations.errors import OperatorError
from partner_orders_console.operations.orders import named
from partner_orders_console.operations.stack import DeployedStack


@dataclass(frozen=True)
class ReplayedEvent:
    """An event of an order's history. ``number`` is its place there, from 1. ``changes`` says what its replay would
    change, a sentence each; mostly nothing, as it is known. ``left`` says why it cannot be replayed, if so."""

    number: int
    digest: str
    status: str
    received_at: str
    source: str
    changes: tuple[str, ...] = ()
    left: str = ""
    body: bytes = field(repr=False, default=b"")
    shown_at: datetime | None = None


@dataclass(frozen=True)
class OrderReplay:
    """The events of an order that were chosen. ``is_lost`` says that the order's own row is gone, and that these are
    the events of which rows are left."""

    order_id: str
    is_lost: bool
    events: Sequence[ReplayedEvent]

    @property
    def possible(self) -> list[ReplayedEvent]:
        return [event for event in self.events if not event.left]


def prepared(stack: DeployedStack, name: str, event: str = "") -> OrderReplay:
    """What a replay of an order's events would do: of all, or of the one with this number or this beginning of its
    digest. Writes nothing. Raises OperatorError if there is no such order or event."""
    order_id, is_lost, entries = _stored(stack, name)
    numbered = [*enumerate(entries, start=1)]
    chosen = [(number, entry) for number, entry in numbered if _is_meant(event, number, entry)]
    if not chosen or (event and len(chosen) > 1):
        found = "several events" if chosen else "no event"
        raise OperatorError(
            f"{found} of order {order_id} {'are' if chosen else 'is'} called {event}",
            f"`partner-orders orders replay {order_id} --dry-run` lists its events with their numbers.",
        )
    return OrderReplay(order_id, is_lost, [_event(stack, number, entry, is_lost) for number, entry in chosen])


def replay(stack: DeployedStack, chosen: OrderReplay) -> int:
    """Enqueue the events that can be; how many. Raises OperatorError if the queue refuses some; repeating it is
    safe."""
    messages = [
        OrderEventMessage(REPLAY, now(), f"replay/{event.digest}", event.body, event.shown_at)
        for event in chosen.possible
    ]
    try:
        stack.queue.send_all(messages)
    except QueueRefusedError as error:
        raise OperatorError(str(error), "Try again: an event that is enqueued twice is stored once.") from None
    return len(messages)


def _stored(stack: DeployedStack, name: str) -> tuple[str, bool, Sequence[HistoryEntry]]:
    """The id of an order, whether its own row is gone, and what is stored of its history. Raises OperatorError."""
    if name:
        rows = stack.table.query(keys.order_partition(name), Range(first=keys.EVENT), consistent=True)
        bodies = {row["sk"].removeprefix(keys.EVENT): row.get("body") for row in rows if row["sk"] != keys.ORDER}
        if bodies and stack.orders.get(name) is None:
            return name, True, sorted(_left_over(bodies), key=lambda entry: entry.occurred_at or "")
    order = named(stack, name)
    return order.order_id, False, order.history


def _left_over(bodies: dict[str, bytes | None]) -> Iterator[HistoryEntry]:
    """Events of an order without a row: their bodies had rows of their own."""
    for digest, packed in bodies.items():
        body = None if packed is None else unpack(packed)
        parsed = _parsed(body or b"")
        occurred_at = to_text(parsed.occurred_at) if parsed and parsed.occurred_at else None
        yield HistoryEntry(
            digest, parsed.status if parsed else "", occurred_at, "", "", "", is_redacted=False, body=body
        )


def _is_meant(event: str, number: int, entry: HistoryEntry) -> bool:
    return not event or (number == int(event) if event.isdecimal() else entry.digest.startswith(event))


def _event(stack: DeployedStack, number: int, entry: HistoryEntry, is_lost: bool) -> ReplayedEvent:
    facts = (number, entry.digest, entry.status, entry.received_at, entry.source)
    if entry.is_redacted:
        return ReplayedEvent(*facts, left="its customer was erased, and what was received with it")
    if entry.body is None:
        return ReplayedEvent(*facts, left="its body is gone")
    parsed = _parsed(entry.body)
    if parsed is None:
        return ReplayedEvent(*facts, left="this version cannot parse it, and would store it as rejected")
    if parsed.digest != entry.digest:
        return ReplayedEvent(*facts, left="its body is not the one that was received")
    changes = tuple(_changes(stack, parsed, entry.body, is_lost))
    shown_at = from_text(entry.shown_at) if entry.shown_at else None
    return ReplayedEvent(*facts, changes=changes, body=entry.body, shown_at=shown_at)


def _changes(stack: DeployedStack, event: OrderEvent, body: bytes, is_lost: bool) -> Iterator[str]:
    """What the consumer would write."""
    if is_lost:
        yield "the order's row is gone: the event is stored anew"
    store_id = history.store_of(event.order.client)
    if store_id and stack.stores.find(store_id) is None:
        yield f"store {store_id} is registered anew"
    rejected = stack.rejected.get(digest_of(body))
    if rejected is not None and not rejected.resolved_at:
        yield "the same body leaves the list of rejected events"


def _parsed(body: bytes) -> OrderEvent | None:
    try:
        return parse_event(body)
    except (RejectedError, CatalogueCallbackError):
        return None
