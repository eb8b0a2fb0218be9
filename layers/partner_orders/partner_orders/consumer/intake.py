"""The consumer's work on a batch of messages: parse each, merge those of one order, write orders side by side.

Failed until proven done: every message starts as failed and is cleared by what became of it. A permanent fault clears
it too, once the body is among the rejected.
"""

import math
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future, wait
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial

from botocore.exceptions import ClientError

from partner_orders.aws.error_codes import code_of
from partner_orders.clock import Clock
from partner_orders.order_events.message import (
    REPLAY,
    WEBHOOK,
    OrderEventMessage,
    UnreadableMessageError,
    body_within,
    correlation_id_of,
)
from partner_orders.orders import lifecycle
from partner_orders.orders.erased_orders import left_of
from partner_orders.orders.event import Arrival, CatalogueCallbackError, OrderEvent, RejectedError, parse_event
from partner_orders.orders.rejected_table import RejectedTable
from partner_orders.orders.table import OrdersTable
from partner_orders.stores.table import StoresTable

# Less than this left, and no new work is begun: what one order's calls may take at worst.
LAST_START_SECONDS = 12.0
# Kept back to hand the rest of the batch to the queue.
HAND_BACK_SECONDS = 3.0


@dataclass(frozen=True)
class Delivery:
    """One message as the queue delivered it, for the ``attempt``-th time."""

    message_id: str
    text: str = field(repr=False)
    attempt: int = 1

    @property
    def traced_by(self) -> str:
        """What logs call it: its correlation id, or the queue's id where it has none."""
        return correlation_id_of(self.text) or self.message_id


@dataclass
class Outcome:
    """What became of a batch. ``failed`` maps the ids of messages that must come again to the kind of fault;
    ``rejected`` are ids and reasons; ``counts`` is what the metrics count. For each event of the webhook that was
    stored, ``lag_seconds`` has the seconds from the webhook to the table, and ``age_seconds`` those since the event's
    time by the platform, if it has one."""

    failed: dict[str, str]
    counts: Counter[str] = field(default_factory=Counter)
    rejected: list[tuple[str, str]] = field(default_factory=list)
    lag_seconds: list[float] = field(default_factory=list)
    age_seconds: list[float] = field(default_factory=list)


class _PermanentFaultError(ValueError):
    """A body that cannot be parsed however often it comes; it belongs among the rejected."""

    def __init__(self, body: bytes, arrival: Arrival, reason: str, problems: Sequence[str]) -> None:
        super().__init__(reason)
        self.body = body
        self.arrival = arrival
        self.reason = reason
        self.problems = problems


@dataclass(frozen=True)
class _Arrived:
    message_id: str
    event: OrderEvent
    arrival: Arrival


class Intake:
    """``forwards`` takes the messages of catalogue jobs; None where nobody does, and they are dropped."""

    def __init__(
        self,
        orders: OrdersTable,
        stores: StoresTable,
        rejected: RejectedTable,
        clock: Clock,
        executor: Executor,
        forwards: Callable[[str], None] | None = None,
    ) -> None:
        self._orders = orders
        self._stores = stores
        self._rejected = rejected
        self._clock = clock
        self._executor = executor
        self._forwards = forwards

    def process(self, deliveries: Sequence[Delivery], remaining_seconds: Callable[[], float]) -> Outcome:
        """Work through a batch. Raises nothing of a single message's; ``remaining_seconds`` is the time the function
        has left."""
        outcome = Outcome(failed={delivery.message_id: "NotStarted" for delivery in deliveries})
        orders: dict[str, list[_Arrived]] = {}
        work: list[tuple[list[str], Callable[[], Counter[str]]]] = []
        for delivery in deliveries:
            try:
                arrived = self._understand(delivery)
            except _PermanentFaultError as fault:
                work.append(([delivery.message_id], partial(self._reject, delivery.message_id, fault, outcome)))
            except CatalogueCallbackError:
                work.append(([delivery.message_id], partial(self._forward, delivery.text)))
            except Exception as error:  # Never its neighbours' fault.
                outcome.failed[delivery.message_id] = type(error).__name__
            else:
                orders.setdefault(arrived.event.order_id, []).append(arrived)
        work += [
            ([one.message_id for one in events], partial(self._write, events, outcome)) for events in orders.values()
        ]

        tries = [(ids, self._executor.submit(self._in_time, step, remaining_seconds)) for ids, step in work]
        wait([future for _, future in tries], timeout=max(0.0, remaining_seconds() - HAND_BACK_SECONDS))
        for message_ids, future in tries:
            fault_name = _fault(future)
            if fault_name is None:
                outcome.counts += future.result()
            for message_id in message_ids:
                if fault_name is None:
                    outcome.failed.pop(message_id, None)
                else:
                    outcome.failed[message_id] = fault_name
        return outcome

    def _understand(self, delivery: Delivery) -> _Arrived:
        """The event in a message. Raises _PermanentFaultError and CatalogueCallbackError."""
        try:
            message = OrderEventMessage.from_text(delivery.text)
        except UnreadableMessageError as error:
            raise _PermanentFaultError(
                delivery.text.encode("utf-8", "surrogatepass"),
                Arrival("unknown", self._clock(), correlation_id_of(delivery.text)),
                "unreadable_message",
                [str(error)],
            ) from None
        arrival = Arrival(message.source, message.received_at, message.correlation_id, message.shown_at)
        try:
            return _Arrived(delivery.message_id, parse_event(message.body), arrival)
        except RejectedError as error:
            raise _PermanentFaultError(message.body, arrival, error.reason, error.problems) from None

    def _forward(self, text: str) -> Counter[str]:
        """Hand on a callback of a catalogue job, as it came, to whoever settles jobs; here it is only counted."""
        if self._forwards is not None:
            self._forwards(text)
        return Counter(CatalogueCallback=1)

    def _reject(self, message_id: str, fault: _PermanentFaultError, outcome: Outcome) -> Counter[str]:
        within = body_within(fault.body) if fault.reason == "unreadable_message" else b""
        left, problems = left_of(fault.body, self._orders.erased_among, within), [*fault.problems]
        if left is not None:
            problems.append(f"names an order whose customer was erased: {len(left)} of {len(fault.body)} bytes kept")
        self._rejected.keep(fault.body, fault.arrival, fault.reason, problems, left)
        outcome.rejected.append((message_id, fault.reason))
        return Counter({"Rejected": 1, "Rejected" + fault.reason.title().replace("_", ""): 1})

    def _write(self, arrived: list[_Arrived], outcome: Outcome) -> Counter[str]:
        try:
            written = self._orders.write([(one.event, one.arrival) for one in arrived])
        except ClientError as error:
            if error.response["Error"]["Code"] != "ValidationException":
                raise
            return self._write_or_reject(arrived, outcome)
        self._register_stores([one.event for one in arrived])
        clients = {one.event.order.client.store_id: one.event.order.client for one in arrived}
        for one in arrived:
            if one.arrival.source == REPLAY:
                self._rejected.resolve(one.event.body)
        if written.new:
            # Backfills and replays wait by design: they would hide how long a webhook's event takes. So do copies.
            first = {one.event.digest: one for one in reversed(arrived) if one.event.digest in written.new}
            now, posted = self._clock(), [one for one in first.values() if one.arrival.source == WEBHOOK]
            outcome.lag_seconds += [_seconds(now - one.arrival.received_at) for one in posted]
            outcome.age_seconds += [_seconds(now - one.event.occurred_at) for one in posted if one.event.occurred_at]
        return Counter(
            Stored=written.stored,
            Late=written.late,
            Conflict=written.conflicts,
            Duplicate=written.duplicates,
            Confirmed=written.confirmed,
            ForeignChain=sum(map(self._stores.is_foreign, clients.values())),
            UnknownStatus=sum(not lifecycle.is_known(one.event.status) for one in arrived),
            EventProblems=sum(bool(one.event.problems) for one in arrived),
        )

    def _write_or_reject(self, arrived: list[_Arrived], outcome: Outcome) -> Counter[str]:
        """What the table will not take together is written one by one. What it does not take alone it never will,
        however often it is tried."""
        if len(arrived) > 1:
            return sum((self._write([one], outcome) for one in arrived), Counter[str]())
        [one] = arrived
        refused = ["the table refused the item"]
        fault = _PermanentFaultError(one.event.body, one.arrival, "refused_by_the_table", refused)
        return self._reject(one.message_id, fault, outcome)

    def _register_stores(self, events: Sequence[OrderEvent]) -> None:
        """Register the stores of an order's events. The latest goes first: mostly it alone says something new."""
        for event in sorted(events, key=lambda event: event.moment, reverse=True):
            self._stores.register(event.order.client, event.occurred_at)

    @staticmethod
    def _in_time(step: Callable[[], Counter[str]], remaining_seconds: Callable[[], float]) -> Counter[str]:
        if remaining_seconds() < LAST_START_SECONDS:
            raise TimeoutError("no time left to begin")
        return step()


def _seconds(passed: timedelta) -> float:
    """Clocks differ, so a time may seem to be ahead."""
    return max(0.0, passed.total_seconds())


def backoff_seconds(attempt: int, share: float) -> int:
    """How long a message that failed for the ``attempt``-th time stays hidden: 5 s, doubling to 15 minutes; ``share``
    (0 to 1) spreads it over the upper half, so that what failed together does not come back together."""
    longest = min(900.0, 5.0 * 2.0 ** min(attempt - 1, 20))
    return math.ceil(longest * (0.5 + share / 2))


def _fault(future: Future[Counter[str]]) -> str | None:
    """The kind of fault that a finished or unfinished piece of work ended in, if any."""
    if not future.done():
        return "OutOfTime"
    error = future.exception()
    return None if error is None else code_of(error)
