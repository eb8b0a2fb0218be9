"""The simulated queue does what moto's SQS does, under the calls that our code makes."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from partner_orders.consumer.redelivery import Visibility
from partner_orders.order_events.message import RECONCILIATION, WEBHOOK, OrderEventMessage
from partner_orders.order_events.queue import Backlog, OrderEventsQueue
from partner_orders.reconciler.ports import EventsQueue
from tests.support.contracts import FAKE, MOTO
from tests.support.in_memory import MemoryQueue
from tests.support.platform import VirtualTime
from tests.support.queues import VISIBILITY_SECONDS, Queue, Simulated, motos_queue
from tools.simulation.simulated_queue import QueueError

REFUSED = (ClientError, QueueError)


@pytest.fixture(params=[FAKE, MOTO])
def queue(request: pytest.FixtureRequest, time: VirtualTime) -> Iterator[Queue]:
    if request.param == FAKE:
        yield Simulated(time)
        return
    with motos_queue(time) as queue:
        yield queue


def message(number: int, source: str = WEBHOOK) -> OrderEventMessage:
    return OrderEventMessage(source, datetime(2026, 10, 14, 9, tzinfo=UTC), f"request-{number}", b'{"order_id":"a"}')


def ours(queue: Queue) -> OrderEventsQueue:
    client: Any = queue.client
    return OrderEventsQueue(client, queue.url)


def redelivery(queue: Queue) -> Visibility:
    client: Any = queue.client
    return Visibility(client, queue.url, lambda: 0.5)


def test_send_and_receive(queue: Queue) -> None:
    """A message is received as it was sent."""
    ours(queue).send(message(1))
    [received] = queue.receive()
    assert OrderEventMessage.from_text(received.text) == message(1)
    assert received.receives == 1


def test_many(queue: Queue) -> None:
    """More messages than a batch holds all arrive, ten at most at a time."""
    ours(queue).send_all([message(number) for number in range(23)])
    batches = [queue.receive() for _ in range(3)]
    assert max(len(batch) for batch in batches) <= 10
    texts = [received.text for batch in batches for received in batch]
    assert sorted(texts) == sorted(message(number).to_text() for number in range(23))
    assert queue.receive() == []


def test_redelivery(queue: Queue, time: VirtualTime) -> None:
    """A message that is not deleted comes again after the visibility timeout, and becomes a dead letter in the end."""
    ours(queue).send(message(1))
    queue.receive()
    time.sleep(VISIBILITY_SECONDS - 1)
    assert queue.receive() == []
    time.sleep(2)
    assert [received.receives for received in queue.receive()] == [2]
    time.sleep(VISIBILITY_SECONDS + 1)
    assert queue.receive() == []
    assert queue.dead_letters() == [message(1).to_text()]


def test_deleted(queue: Queue, time: VirtualTime) -> None:
    """A deleted message is not received again."""
    ours(queue).send(message(1))
    [received] = queue.receive()
    queue.delete(received.handle)
    time.sleep(VISIBILITY_SECONDS + 1)
    assert queue.receive() == []


def test_delayed(queue: Queue, time: VirtualTime) -> None:
    """A message that failed comes again when it was put off to; an unknown one delays no other."""
    ours(queue).send(message(1))
    [received] = queue.receive()
    redelivery(queue).put_off({"no such handle": 1, received.handle: 1})
    time.sleep(60)
    assert [again.receives for again in queue.receive()] == [2]


def test_unknown_handle(queue: Queue) -> None:
    """The answer to a batch names the entries that failed."""
    ours(queue).send(message(1))
    [received] = queue.receive()
    entries = [
        {"Id": "a", "ReceiptHandle": received.handle, "VisibilityTimeout": 5},
        {"Id": "b", "ReceiptHandle": "no such handle", "VisibilityTimeout": 5},
    ]
    answer = queue.client.change_message_visibility_batch(QueueUrl=queue.url, Entries=entries)
    assert [entry["Id"] for entry in answer["Successful"]] == ["a"]
    assert [(entry["Id"], entry["Code"], entry["SenderFault"]) for entry in answer["Failed"]] == [
        ("b", "ReceiptHandleIsInvalid", True)
    ]


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
def test_batch_limits(queue: Queue, entries: list[dict[str, Any]]) -> None:
    """A batch over the limits of SQS is an error."""
    with pytest.raises(REFUSED):
        queue.client.send_message_batch(QueueUrl=queue.url, Entries=entries)
    assert queue.receive() == []


def test_message_limit(queue: Queue) -> None:
    """A message over the limit of SQS is an error."""
    with pytest.raises(REFUSED):
        queue.client.send_message(QueueUrl=queue.url, MessageBody="t" * (2**20 + 1), MessageGroupId="g")
    queue.client.send_message(QueueUrl=queue.url, MessageBody="t" * 2**20, MessageGroupId="g")
    assert len(queue.receive()) == 1


def test_unknown_queue(queue: Queue) -> None:
    """A queue that does not exist is an error."""
    with pytest.raises(REFUSED):
        queue.client.send_message(QueueUrl=f"{queue.url}-2", MessageBody="text", MessageGroupId="g")


def test_backlog(queue: Queue) -> None:
    """Both counts together are every message that is not deleted."""
    ours(queue).send_all([message(number) for number in range(3)])
    assert sum(ours(queue).backlog()) == 3
    [first, *_] = queue.receive()
    assert sum(ours(queue).backlog()) == 3
    queue.delete(first.handle)
    assert sum(ours(queue).backlog()) == 2


type Consumed = tuple[EventsQueue, Callable[[], list[str]]]


@pytest.fixture(params=[FAKE, MOTO])
def consumed(request: pytest.FixtureRequest, time: VirtualTime) -> Iterator[Consumed]:
    """The queue as the reconciler has it, and what a consumer that keeps up has received of it."""
    if request.param == FAKE:
        memory = MemoryQueue(time)
        yield memory, lambda: [message.to_text() for message in memory.messages]
        return
    with motos_queue(time) as queue:
        yield ours(queue), lambda: consume(queue)


def consume(queue: Queue) -> list[str]:
    texts = []
    while received := queue.receive():
        for one in received:
            queue.delete(one.handle)
            texts.append(one.text)
    return texts


def test_reconcilers_queue(consumed: Consumed) -> None:
    """A consumer that keeps up receives all that was sent, and leaves no backlog."""
    queue, consumer = consumed
    sent = [message(number, RECONCILIATION) for number in range(12)]
    queue.send_all([])
    queue.send_all(sent)
    assert sorted(consumer()) == sorted(one.to_text() for one in sent)
    assert queue.backlog() == Backlog(0, 0)
