"""The queue's stand-in keeps to what SQS promises, and to what it does not."""

import random
from typing import Any

import pytest

from tools.simulation.simulated_queue import QueueError, SimulatedQueue, SqsClient

URL = "https://queue.example.com/q"


class Clock:
    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def queue(clock: Clock) -> SimulatedQueue:
    return SimulatedQueue(clock, random.Random(1), visibility_timeout=300, max_receive_count=2)


def client(queue: SimulatedQueue, refused: set[int] | None = None) -> SqsClient:
    return SqsClient({URL: queue}, lambda _operation, _entries, effect: effect(refused or set()))


def test_received_message_is_hidden(queue: SimulatedQueue, clock: Clock) -> None:
    """A received message is hidden until its visibility timeout ends."""
    queue.send("one")
    assert [message.text for message in queue.receive()] == ["one"]
    clock.seconds = 299
    assert queue.receive() == []
    clock.seconds = 300
    assert [message.receive_count for message in queue.receive()] == [2]


def test_deleted_message_may_be_revived(queue: SimulatedQueue, clock: Clock) -> None:
    """A deleted message is redelivered only if a server was away."""
    queue.send("one")
    [message] = queue.receive()
    queue.delete(message.handles[-1])
    clock.seconds = 1_000
    assert queue.receive() == []
    queue.revive(message.handles[-1])
    assert [again.message_id for again in queue.receive()] == [message.message_id]


def test_older_receipt_handle_has_no_effect(queue: SimulatedQueue, clock: Clock) -> None:
    """An older receipt handle neither deletes nor hides a message."""
    queue.send("one")
    [message] = queue.receive()
    older = message.handles[-1]
    clock.seconds = 300
    queue.receive()
    queue.delete(older)
    queue.change_visibility(older, 0)
    assert queue.waiting() == [message]
    assert queue.receive() == []


def test_dead_letter_is_redriven_as_new(queue: SimulatedQueue, clock: Clock) -> None:
    """A message received too often becomes a dead-letter message, and is new after a redrive."""
    queue.send("one")
    for _ in range(3):
        queue.receive()
        clock.seconds += 300
    assert [message.text for message in queue.dead] == ["one"]
    assert queue.waiting() == []
    assert queue.redrive() == 1
    assert [message.receive_count for message in queue.receive()] == [1]


def test_message_may_reach_two_receivers(queue: SimulatedQueue) -> None:
    """A message may be delivered to two receivers at once."""
    queue.send("one")
    [first], [second] = queue.receive(), queue.receive(steals=1.0)
    assert first is second
    assert len(first.handles) == 2


def test_message_may_be_late(clock: Clock) -> None:
    """A message may be delivered late."""
    queue = SimulatedQueue(clock, random.Random(1), late=lambda: 60.0)
    queue.send("one")
    assert queue.receive() == []
    clock.seconds = 60
    assert len(queue.receive()) == 1


def test_batch_names_refused_entries(queue: SimulatedQueue) -> None:
    """A batch response names the entries that the queue refused."""
    entries = [{"Id": str(n), "MessageBody": f"text {n}", "MessageGroupId": "webhook"} for n in range(3)]
    answer = client(queue, refused={1}).send_message_batch(QueueUrl=URL, Entries=entries)
    assert [entry["Id"] for entry in answer["Failed"]] == ["1"]
    assert sorted(message.text for message in queue.waiting()) == ["text 0", "text 2"]


@pytest.mark.parametrize(
    "entries",
    [
        [],
        [{"Id": str(n), "MessageBody": "text", "MessageGroupId": "g"} for n in range(11)],
        [{"Id": "0", "MessageBody": "text", "MessageGroupId": "g"}] * 2,
        [{"Id": str(n), "MessageBody": "t" * 600_000, "MessageGroupId": "g"} for n in range(2)],
    ],
    ids=["none", "eleven", "an id twice", "over 1 MiB"],
)
def test_invalid_batch_is_refused(queue: SimulatedQueue, entries: list[dict[str, Any]]) -> None:
    """A batch that SQS would refuse is refused."""
    with pytest.raises(QueueError):
        client(queue).send_message_batch(QueueUrl=URL, Entries=entries)


def test_unknown_handle_fails_alone(queue: SimulatedQueue, clock: Clock) -> None:
    """An unknown receipt handle in a batch fails alone."""
    queue.send("one")
    [message] = queue.receive()
    entries = [
        {"Id": "a", "ReceiptHandle": message.handles[-1], "VisibilityTimeout": 5},
        {"Id": "b", "ReceiptHandle": "no such handle", "VisibilityTimeout": 5},
    ]
    answer = client(queue).change_message_visibility_batch(QueueUrl=URL, Entries=entries)
    assert [entry["Id"] for entry in answer["Successful"]] == ["a"]
    assert [entry["Id"] for entry in answer["Failed"]] == ["b"]
    clock.seconds = 5
    assert queue.receive() == [message]
