"""A queue with a dead-letter queue and what reads it: simulated, or moto's. Both on a clock that tests move."""

import json
import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol
from unittest.mock import patch

import boto3
from moto.core.utils import unix_time_millis
from moto.sqs import models

from tests.support.aws import simulated_aws
from tests.support.platform import VirtualTime
from tests.support.protocols import SqsCalls
from tools.simulation.simulated_queue import SimulatedQueue, SqsClient

VISIBILITY_SECONDS = 300
MAX_RECEIVES = 2
_URL = "https://queue.example.com/order-events"


@dataclass(frozen=True)
class Received:
    """A message as its receiver has it."""

    text: str
    handle: str
    receives: int


class Queue(Protocol):
    """A queue from both sides: ``client`` and ``url`` for the functions; the rest is the event source's."""

    client: SqsCalls
    url: str

    def receive(self) -> list[Received]: ...

    def delete(self, handle: str) -> None: ...

    def dead_letters(self) -> list[str]: ...


class Simulated:
    def __init__(self, time: VirtualTime) -> None:
        self._queue = SimulatedQueue(time.monotonic, random.Random(1), VISIBILITY_SECONDS, MAX_RECEIVES)
        self.client: SqsCalls = SqsClient({_URL: self._queue}, lambda _operation, _entries, effect: effect(set()))
        self.url = _URL

    def receive(self) -> list[Received]:
        return [Received(one.text, one.handles[-1], one.receive_count) for one in self._queue.receive()]

    def delete(self, handle: str) -> None:
        self._queue.delete(handle)

    def dead_letters(self) -> list[str]:
        return [message.text for message in self._queue.dead]


class Moto:
    def __init__(self) -> None:
        self._sqs = boto3.client("sqs")
        self._dead_letters = self._sqs.create_queue(QueueName="dead-letters")["QueueUrl"]
        arn = self._sqs.get_queue_attributes(QueueUrl=self._dead_letters, AttributeNames=["QueueArn"])["Attributes"]
        attributes: dict[Any, str] = {
            "VisibilityTimeout": str(VISIBILITY_SECONDS),
            "RedrivePolicy": json.dumps({"deadLetterTargetArn": arn["QueueArn"], "maxReceiveCount": MAX_RECEIVES}),
        }
        self.client: SqsCalls = self._sqs
        self.url = self._sqs.create_queue(QueueName="order-events", Attributes=attributes)["QueueUrl"]

    def receive(self) -> list[Received]:
        answer = self._sqs.receive_message(
            QueueUrl=self.url, MaxNumberOfMessages=10, MessageSystemAttributeNames=["ApproximateReceiveCount"]
        )
        return [
            Received(one["Body"], one["ReceiptHandle"], int(one["Attributes"]["ApproximateReceiveCount"]))
            for one in answer.get("Messages", [])
        ]

    def delete(self, handle: str) -> None:
        self._sqs.delete_message(QueueUrl=self.url, ReceiptHandle=handle)

    def dead_letters(self) -> list[str]:
        answer = self._sqs.receive_message(QueueUrl=self._dead_letters, MaxNumberOfMessages=10)
        return [message["Body"] for message in answer.get("Messages", [])]


@contextmanager
def motos_queue(time: VirtualTime) -> Iterator[Moto]:
    # From the real time on: moto forgets messages by that.
    start = unix_time_millis()
    with simulated_aws(), patch.object(models, "unix_time_millis", lambda: start + time.monotonic() * 1_000):
        yield Moto()
