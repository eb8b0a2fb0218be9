"""The table's stream, the publisher, and a bus and dead letters that fail when a test wants it."""

import json
import random
from collections.abc import Callable
from itertools import count
from typing import Any

from botocore.exceptions import ReadTimeoutError

from partner_orders.aws.event_bus import EventBus
from partner_orders.orders.event import Arrival, parse_event
from partner_orders.orders.rejected_table import RejectedTable
from partner_orders.orders.table import OrdersTable
from partner_orders.publisher.publish import Published, Publisher, PublisherDeadLetters
from tests.support.fixed_clock import NOW, clock
from tests.support.orders import as_bytes, order
from tests.support.orders_table import RETENTION, TABLE
from tools.local.table_stream import TableStream
from tools.simulation.simulated_bus import SimulatedBus
from tools.simulation.simulated_queue import SimulatedQueue, SqsClient

ARRIVAL = Arrival("webhook", NOW, "request-1")
BATCH_SIZE = 100  # as in template.yaml
BUS = "order-changes"
LETTERS = "https://queue.example.com/dead-letters"


type Fault = Callable[[dict[str, Any]], str | None]


class Bus(SimulatedBus):
    """``fault`` says, for an entry, the code it is refused with, or raises for the request."""

    def __init__(self) -> None:
        super().__init__(BUS, lambda _, effect: effect(self._refused))
        self._refused: dict[int, str] = {}
        self.requests: list[int] = []
        self.fault: Fault = lambda _: None

    def put_events(self, *, Entries: list[dict[str, str]]) -> dict[str, Any]:  # noqa: N803
        self.requests.append(len(Entries))
        codes = {index: self.fault(entry) for index, entry in enumerate(Entries)}
        self._refused = {index: code for index, code in codes.items() if code}
        return super().put_events(Entries=Entries)

    @property
    def details(self) -> list[dict[str, Any]]:
        return [json.loads(entry["Detail"]) for entry in self.entries]

    @property
    def kinds(self) -> list[str]:
        return [entry["DetailType"] for entry in self.entries]


class Letters(SqsClient):
    """The publisher's dead letters."""

    def __init__(self) -> None:
        self._queue = SimulatedQueue(lambda: 0.0, random.Random(1))
        super().__init__({LETTERS: self._queue}, self._answer)
        self.is_down = False

    def _answer(self, _operation: str, _entries: int, effect: Callable[[set[int]], Any]) -> Any:
        if self.is_down:
            raise ReadTimeoutError(endpoint_url=LETTERS)
        return effect(set())

    @property
    def texts(self) -> list[str]:
        return [message.text for message in self._queue.sent]


class World:
    def __init__(self, dynamodb: Any) -> None:
        self.stream, self.bus, self.letters = TableStream(dynamodb, TABLE), Bus(), Letters()
        self.dynamodb = dynamodb
        self.orders = OrdersTable(dynamodb, TABLE, RETENTION)
        self.rejected = RejectedTable(dynamodb, TABLE, RETENTION, clock)
        self.publisher = self.new_publisher(personal_data=False)

    def new_publisher(self, personal_data: bool) -> Publisher:
        bus: Any = self.bus
        letters: Any = self.letters
        return Publisher(self.orders, EventBus(bus, BUS), PublisherDeadLetters(letters, LETTERS), personal_data)

    def receive(self, *bodies: dict[str, Any]) -> None:
        for body in bodies:
            self.orders.write([(parse_event(as_bytes(body)), ARRIVAL)])

    def publish(self, seconds: float = 60.0) -> Published:
        """Publish a batch of what the stream has, once; what is held stays there, and what comes after it too. There
        are ``seconds`` left, and less with each look at them, so that a publisher that goes on and on ends."""
        records, rest = self.stream.records[:BATCH_SIZE], self.stream.records[BATCH_SIZE:]
        left = count(seconds, -0.1)
        published = self.publisher.process(records, lambda: next(left))
        first = next((at for at, record in enumerate(records) if _number(record) in published.held), len(records))
        self.stream.records = records[first:] + rest
        return published


def _number(record: dict[str, Any]) -> str:
    return str(record["dynamodb"]["SequenceNumber"])


def at(minute: int, status: str, **changes: Any) -> dict[str, Any]:
    body = order(status=status, **changes)
    body["sys"]["updated_at"] = f"2026-10-14T08:{minute:02}:00.000Z"
    return body
