"""The table's stream, the publisher, and a bus and dead letters that fail when a test wants it."""

import json
from collections.abc import Callable
from typing import Any

from botocore.exceptions import ReadTimeoutError

from partner_orders.orders.event import Arrival, understand
from partner_orders.orders.rejected_table import RejectedTable
from partner_orders.orders.table import OrdersTable
from partner_orders.publisher.event_bus import EventBus
from partner_orders.publisher.publish import Published, Publisher, PublisherDeadLetters
from tests.support.fixed_clock import NOW, clock
from tests.support.orders import as_bytes, order
from tests.support.orders_table import RETENTION, TABLE
from tools.local.table_stream import TableStream

ARRIVAL = Arrival("webhook", NOW, "request-1")
BATCH_SIZE = 100  # as in template.yaml
LETTERS = "https://queue.example.com/dead-letters"


type Fault = Callable[[dict[str, Any]], str | None]


class Bus:
    """EventBridge; ``fault`` says, for an entry, the code it is refused with, or raises for the request."""

    def __init__(self) -> None:
        self.entries: list[dict[str, Any]] = []
        self.requests: list[int] = []
        self.fault: Fault = lambda _: None

    def put_events(self, Entries: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803
        self.requests.append(len(Entries))
        answers: list[dict[str, str]] = []
        for entry in Entries:
            if code := self.fault(entry):
                answers.append({"ErrorCode": code, "ErrorMessage": "refused"})
            else:
                self.entries.append(entry)
                answers.append({"EventId": "an-id-of-the-bus"})
        return {"FailedEntryCount": sum("ErrorCode" in answer for answer in answers), "Entries": answers}

    @property
    def details(self) -> list[dict[str, Any]]:
        return [json.loads(entry["Detail"]) for entry in self.entries]

    @property
    def kinds(self) -> list[str]:
        return [entry["DetailType"] for entry in self.entries]


class Letters:
    """The publisher's dead letters."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.is_down = False

    def send_message(self, QueueUrl: str, MessageBody: str) -> None:  # noqa: N803
        if self.is_down:
            raise ReadTimeoutError(endpoint_url=QueueUrl)
        self.texts.append(MessageBody)


class World:
    def __init__(self, dynamodb: Any) -> None:
        self.stream, self.bus, self.letters = TableStream(dynamodb, TABLE), Bus(), Letters()
        self.dynamodb = dynamodb
        self.orders = OrdersTable(dynamodb, TABLE, RETENTION, clock)
        self.rejected = RejectedTable(dynamodb, TABLE, RETENTION, clock)
        self.publisher = self.new_publisher(personal_data=False)

    def new_publisher(self, personal_data: bool) -> Publisher:
        bus: Any = self.bus
        letters: Any = self.letters
        return Publisher(self.orders, EventBus(bus, "bus"), PublisherDeadLetters(letters, LETTERS), personal_data)

    def receive(self, *bodies: dict[str, Any]) -> None:
        for body in bodies:
            self.orders.write([(understand(as_bytes(body)), ARRIVAL)])

    def publish(self, seconds: float = 60.0) -> Published:
        """Publish a batch of what the stream has, once; what is held stays there, and what comes after it too."""
        records, rest = self.stream.records[:BATCH_SIZE], self.stream.records[BATCH_SIZE:]
        published = self.publisher.process(records, lambda: seconds)
        first = next((at for at, record in enumerate(records) if _number(record) in published.held), len(records))
        self.stream.records = records[first:] + rest
        return published


def _number(record: dict[str, Any]) -> str:
    return str(record["dynamodb"]["SequenceNumber"])


def at(minute: int, status: str, **changes: Any) -> dict[str, Any]:
    body = order(status=status, **changes)
    body["sys"]["updated_at"] = f"2026-10-14T08:{minute:02}:00.000Z"
    return body
