"""Events that could not be parsed: which there are, sending them to the consumer again, and deleting them."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import batched, islice
from typing import Any

from partner_orders.aws.dynamodb import MAX_KEYS
from partner_orders.clock import now
from partner_orders.exact_json import MalformedJsonError, parse
from partner_orders.order_events.message import REPLAY, OrderEventMessage, UnreadableMessageError
from partner_orders.order_events.queue import QueueRefusedError
from partner_orders.orders.event import CatalogueCallbackError, RejectedError, parse_event
from partner_orders.orders.personal_data import without_personal_data
from partner_orders.orders.rejected import RejectedEvent, digest_of
from partner_orders_console.operations.errors import NotFoundError, OperatorError
from partner_orders_console.operations.marked_json import MarkedLine, marked_json
from partner_orders_console.operations.progress import Progress, silent
from partner_orders_console.operations.stack import DeployedStack

_MOST_SHOWN = 100_000  # bytes of a body that is no JSON
# What erasing leaves of a body that is no order at all.
_NOTHING_LEFT = (b"", b"{}")


@dataclass(frozen=True)
class Choice:
    """Which unresolved events: of a reason, first received from ``since`` on and before ``until`` (UTC)."""

    reason: str = ""
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True)
class Found:
    """The newest events of a choice, of ``total`` unresolved ones."""

    events: list[RejectedEvent]
    total: int


@dataclass(frozen=True)
class Chosen:
    """The digests of some events, and the reasons that they have."""

    digests: list[str]
    reasons: list[str]


@dataclass(frozen=True)
class Replayed:
    """How many events are on the queue again, and why the others are not, a sentence each."""

    enqueued: int
    left: list[str] = field(default_factory=list)


def unresolved(stack: DeployedStack, choice: Choice, limit: int | None = None) -> Found:
    """The unresolved events of a choice, newest first, ``limit`` at most."""
    return Found([*islice(each(stack, choice, limit), limit)], stack.rejected.count())


@dataclass(frozen=True)
class Group:
    """The unresolved events of one reason among the newest: how many there are, and the newest of them."""

    reason: str
    events: int
    newest: RejectedEvent


def groups(events: Iterable[RejectedEvent]) -> list[Group]:
    """Events by reason, the most frequent one first; ``events`` are the newest first."""
    found: dict[str, list[RejectedEvent]] = {}
    for event in events:
        found.setdefault(event.reason, []).append(event)
    some = [Group(reason, len(theirs), theirs[0]) for reason, theirs in found.items()]
    return sorted(some, key=lambda group: (-group.events, group.reason))


def shown(event: RejectedEvent, show_personal_data: bool) -> list[MarkedLine] | None:
    """The body of an event with what is wrong marked, without personal data unless it is asked for; None for one that
    is no JSON object, and may hold anybody's data anywhere, unless that is asked for."""
    try:
        value = parse(readable_body(event))
    except (MalformedJsonError, UnreadableMessageError):
        if not show_personal_data:
            return None
        text = event.body[:_MOST_SHOWN].decode("utf-8", "backslashreplace")
        return [MarkedLine(0, line) for line in text.split("\n")]
    if show_personal_data:
        return marked_json(value, event.problems)
    return marked_json(without_personal_data(value), event.problems) if isinstance(value, dict) else None


def order_of(event: RejectedEvent) -> str:
    """The order that an event became when it was replayed; empty where it is none, or not known."""
    try:
        return parse_event(readable_body(event)).order_id if event.resolved_at else ""
    except (RejectedError, CatalogueCallbackError, UnreadableMessageError):
        return ""


def readable_body(event: RejectedEvent) -> bytes:
    """The body that was meant. Raises UnreadableMessageError."""
    if event.reason != "unreadable_message":
        return event.body
    return OrderEventMessage.from_text(event.body.decode("utf-8", "surrogatepass")).body


def chosen(stack: DeployedStack, choice: Choice) -> Chosen:
    """Which unresolved events a choice means, newest first, without their bodies."""
    return _chosen(each(stack, choice))


def chosen_by_name(stack: DeployedStack, digests: Sequence[str]) -> Chosen:
    """The events whose digests begin so, each once. Raises OperatorError as ``named`` does."""
    return _chosen(named(stack, digest) for digest in digests)


def _chosen(events: Iterable[RejectedEvent]) -> Chosen:
    reasons = {event.digest: event.reason for event in events}
    return Chosen([*reasons], sorted({*reasons.values()}))


def named(stack: DeployedStack, digest: str) -> RejectedEvent:
    """The event whose digest begins so. Raises OperatorError unless it is exactly one."""
    event = stack.rejected.get(digest) if digest else None
    if event:
        return event
    found = [one for one in stack.rejected.each() if digest and one.digest.startswith(digest)]
    if len(found) != 1:
        raise NotFoundError(
            f"{'several' if found else 'no'} rejected events begin with {digest}",
            "`partner-orders rejected list` shows them.",
        )
    return found[0]


def replay(stack: DeployedStack, digests: Sequence[str], progress: Progress = silent) -> Replayed:
    """Enqueue events once more, after their cause was removed. Those that are parsed now leave the list.

    Raises OperatorError if the queue refuses some; repeating the call is safe.
    """
    enqueued, left = 0, []
    for some in batched(digests, MAX_KEYS, strict=False):
        progress(f"{enqueued} of {len(digests)} events enqueued")
        replayed = _replay(stack, stack.rejected.many(some))
        enqueued += replayed.enqueued
        left += replayed.left
    return Replayed(enqueued, left)


def _replay(stack: DeployedStack, events: Sequence[RejectedEvent]) -> Replayed:
    messages, redacted, left = [], [], []
    for event in events:
        body, reason = _body_of(event)
        if reason:
            left.append(reason)
            continue
        if digest_of(body) != event.digest:
            redacted.append(event)
        messages.append(OrderEventMessage(REPLAY, now(), f"replay/{event.digest}", body))
    try:
        stack.queue.send_all(messages)
    except QueueRefusedError as error:
        raise OperatorError(str(error), "Try again: an event that is enqueued twice is stored once.") from None
    for event in redacted:
        # The consumer finds an event's row by the body it receives. This body is another one: the message around it is
        # gone, or a customer's data. If it is rejected again, it gets a row of its own.
        stack.rejected.resolve_row(event.digest)
    return Replayed(len(messages), left)


def discard(stack: DeployedStack, digests: Sequence[str], progress: Progress = silent) -> None:
    """Delete events for good."""
    for number, digest in enumerate(digests):
        progress(f"{number} of {len(digests)} deleted")
        stack.rejected.discard(digest)


def plain(event: RejectedEvent) -> dict[str, Any]:
    """An event without its body, as programs read it."""
    return {
        "digest": event.digest,
        "reason": event.reason,
        "problems": list(event.problems),
        "first_received_at": event.first_received_at,
        "source": event.source,
        "correlation_id": event.correlation_id,
        "times_received": event.times_received,
        "resolved_at": event.resolved_at,
        "erased_at": event.erased_at,
    }


def each(stack: DeployedStack, choice: Choice, limit: int | None = None) -> Iterator[RejectedEvent]:
    """The unresolved events of a choice, newest first; ``limit`` bounds what is read where no reason is chosen."""
    found = stack.rejected.each(choice.since, choice.until, None if choice.reason else limit)
    return (event for event in found if choice.reason in {"", event.reason})


def _body_of(event: RejectedEvent) -> tuple[bytes, str]:
    """The body to enqueue, or why there is none."""
    if event.erased_at and event.body in _NOTHING_LEFT:
        deletes = f"`partner-orders rejected discard {event.digest}` deletes it"
        return b"", f"nothing of {event.digest} is left since a customer was erased; {deletes}"
    try:
        return readable_body(event), ""
    except UnreadableMessageError:
        return b"", f"{event.digest} is no message of ours, and would not be parsed as an order either"
