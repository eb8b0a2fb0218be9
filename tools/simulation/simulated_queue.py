"""A standard queue with a dead-letter queue, to SQS's semantics, on a clock and a chance of our own.

What SQS only sometimes does is done on request here: a message delivered while another consumer still has it, and one
delivered again after it was deleted (``steals`` and ``revive``).
"""

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

BATCH = 10
MAX_BYTES = 1_048_576
MAX_DELAY = 900
LONGEST_WAIT = 20  # seconds that a caller may wait for messages


class QueueError(ValueError):
    """A request that SQS would refuse."""


@dataclass
class Message:
    message_id: str
    text: str = field(repr=False)
    group: str = ""
    attributes: dict[str, Any] = field(default_factory=dict, repr=False)
    visible_at: float = 0.0
    receive_count: int = 0
    handles: list[str] = field(default_factory=list)
    deleted: bool = False
    sent_at: float = 0.0


class SimulatedQueue:
    """``seconds`` is the simulated clock; times are in its seconds."""

    def __init__(
        self,
        seconds: Callable[[], float],
        chance: random.Random,
        visibility_timeout: float = 300.0,
        max_receive_count: int = 80,
        late: Callable[[], float] = lambda: 0.0,
    ) -> None:
        """``late`` says for how many seconds a message that was just sent is not delivered yet."""
        self._seconds = seconds
        self._chance = chance
        self._visibility_timeout = visibility_timeout
        self._max_receive_count = max_receive_count
        self._late = late
        self._messages: dict[str, Message] = {}
        self._by_handle: dict[str, Message] = {}
        self._count = 0
        self.dead: list[Message] = []
        self.sent: list[Message] = []
        self.taken: Counter[str] = Counter()
        self.put_off: dict[str, float] = {}

    # -- what a producer calls ----------------------------------------------------------------------------------

    def send(
        self, text: str, group: str = "", attributes: dict[str, Any] | None = None, delay_seconds: float = 0.0
    ) -> str:
        if not text or len(text.encode()) > MAX_BYTES:
            raise QueueError("a message of no or too many bytes")
        self._count += 1
        visible_at = self._seconds() + delay_seconds + self._late()
        message = Message(f"m{self._count:05d}", text, group, attributes or {}, visible_at=visible_at)
        message.sent_at = self._seconds()
        self._messages[message.message_id] = message
        self.sent.append(message)
        self.taken[group] += 1
        return message.message_id

    # -- what the event source calls ----------------------------------------------------------------------------

    def receive(self, most: int = BATCH, steals: float = 0.0, hidden_for: float | None = None) -> list[Message]:
        """Up to ten messages, each hidden for the visibility timeout, or for ``hidden_for`` seconds. ``steals`` is the
        probability of delivering one that another consumer still has."""
        now = self._seconds()
        ready = [m for m in self._messages.values() if m.visible_at <= now or self._chance.random() < steals]
        self._chance.shuffle(ready)
        received: list[Message] = []
        for message in ready:
            if len(received) == most:
                break
            if message.receive_count >= self._max_receive_count:
                del self._messages[message.message_id]
                self.dead.append(message)
                continue
            message.receive_count += 1
            message.visible_at = now + (self._visibility_timeout if hidden_for is None else hidden_for)
            message.handles.append(f"{message.message_id}/{message.receive_count}")
            self._by_handle[message.handles[-1]] = message
            received.append(message)
        return received

    def delete(self, handle: str) -> None:
        """Forget a message. As in SQS an older handle may do nothing: the message then comes again."""
        message = self._by_handle[handle]
        if message.handles[-1] == handle:
            message.deleted = True
            self._messages.pop(message.message_id, None)

    def change_visibility(self, handle: str, timeout: float) -> None:
        message = self._by_handle.get(handle)
        if message is None:
            raise QueueError("an unknown message")
        self.put_off[handle] = timeout
        if message.message_id not in self._messages:
            raise QueueError("a deleted or dead message")
        if message.handles[-1] == handle:
            message.visible_at = self._seconds() + timeout

    def revive(self, handle: str) -> None:
        """Deliver a deleted message once more, as a server that was away at the delete does."""
        message = self._by_handle[handle]
        if message.deleted:
            message.deleted = False
            message.visible_at = self._seconds()
            self._messages[message.message_id] = message

    # -- what an operator calls ---------------------------------------------------------------------------------

    def redrive(self) -> int:
        """Put the dead letters back on the queue, as new messages."""
        dead, self.dead = self.dead, []
        for message in dead:
            self.send(message.text, message.group, message.attributes)
        return len(dead)

    # -- what the checks look at --------------------------------------------------------------------------------

    def waiting(self) -> list[Message]:
        return list(self._messages.values())

    def next_visible_at(self) -> float:
        return min((message.visible_at for message in self._messages.values()), default=float("inf"))


class SqsClient:
    """The calls of a boto3 client that our code makes, on simulated queues, by URL. ``call`` stands between every call
    and its effect: it is given the operation's name, how many entries it has, and the effect."""

    def __init__(
        self, queues: dict[str, SimulatedQueue], call: Callable[[str, int, Callable[[set[int]], Any]], Any]
    ) -> None:
        self._queues = queues
        self._call = call

    def send_message(
        self,
        *,
        QueueUrl: str,  # noqa: N803
        MessageBody: str,  # noqa: N803
        MessageGroupId: str = "",  # noqa: N803
        MessageAttributes: dict[str, Any] | None = None,  # noqa: N803
        DelaySeconds: int = 0,  # noqa: N803
    ) -> dict[str, Any]:
        queue = self._known(QueueUrl)
        if not 0 <= DelaySeconds <= MAX_DELAY:
            raise QueueError("a delay that is not possible")

        def effect(_: set[int]) -> dict[str, Any]:
            return {"MessageId": queue.send(MessageBody, MessageGroupId, MessageAttributes, DelaySeconds)}

        answer: dict[str, Any] = self._call("SendMessage", 1, effect)
        return answer

    def send_message_batch(self, *, QueueUrl: str, Entries: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803
        queue = self._known(QueueUrl)
        if not 1 <= len(Entries) <= BATCH or sum(len(entry["MessageBody"].encode()) for entry in Entries) > MAX_BYTES:
            raise QueueError("a batch of no or too many messages or bytes")
        if len({entry["Id"] for entry in Entries}) != len(Entries):
            raise QueueError("a batch with an id twice")

        def effect(refused: set[int]) -> dict[str, Any]:
            answer: dict[str, Any] = {"Successful": [], "Failed": []}
            for index, entry in enumerate(Entries):
                if index in refused:
                    answer["Failed"].append({"Id": entry["Id"], "Code": "InternalError", "SenderFault": False})
                else:
                    group, attributes = entry.get("MessageGroupId", ""), entry.get("MessageAttributes")
                    message_id = queue.send(entry["MessageBody"], group, attributes)
                    answer["Successful"].append({"Id": entry["Id"], "MessageId": message_id})
            return {name: entries for name, entries in answer.items() if entries}

        answer: dict[str, Any] = self._call("SendMessageBatch", len(Entries), effect)
        return answer

    def change_message_visibility_batch(
        self,
        *,
        QueueUrl: str,  # noqa: N803
        Entries: list[dict[str, Any]],  # noqa: N803
    ) -> dict[str, Any]:
        queue = self._known(QueueUrl)
        if not 1 <= len(Entries) <= BATCH:
            raise QueueError("a batch of no or too many messages")

        def effect(refused: set[int]) -> dict[str, Any]:
            answer: dict[str, Any] = {"Successful": [], "Failed": []}
            for index, entry in enumerate(Entries):
                try:
                    if index in refused:
                        raise QueueError("refused")
                    queue.change_visibility(entry["ReceiptHandle"], entry["VisibilityTimeout"])
                    answer["Successful"].append({"Id": entry["Id"]})
                except QueueError:
                    answer["Failed"].append({"Id": entry["Id"], "Code": "ReceiptHandleIsInvalid", "SenderFault": True})
            return {name: entries for name, entries in answer.items() if entries}

        answer: dict[str, Any] = self._call("ChangeMessageVisibilityBatch", len(Entries), effect)
        return answer

    def receive_message(
        self,
        *,
        QueueUrl: str,  # noqa: N803
        MaxNumberOfMessages: int = 1,  # noqa: N803
        VisibilityTimeout: int | None = None,  # noqa: N803
        WaitTimeSeconds: int = 0,  # noqa: N803
        **_: Any,
    ) -> dict[str, Any]:
        queue = self._known(QueueUrl)
        if not 1 <= MaxNumberOfMessages <= BATCH or not 0 <= WaitTimeSeconds <= LONGEST_WAIT:
            raise QueueError("no or too many messages, or too long a wait")

        def effect(_: set[int]) -> dict[str, Any]:
            messages = queue.receive(MaxNumberOfMessages, hidden_for=VisibilityTimeout)
            return {"Messages": [_received(message) for message in messages]} if messages else {}

        answer: dict[str, Any] = self._call("ReceiveMessage", 1, effect)
        return answer

    def delete_message(self, *, QueueUrl: str, ReceiptHandle: str) -> None:  # noqa: N803
        queue = self._known(QueueUrl)
        self._call("DeleteMessage", 1, lambda _: queue.delete(ReceiptHandle))

    def change_message_visibility(
        self,
        *,
        QueueUrl: str,  # noqa: N803
        ReceiptHandle: str,  # noqa: N803
        VisibilityTimeout: int,  # noqa: N803
    ) -> None:
        entry = {"Id": "0", "ReceiptHandle": ReceiptHandle, "VisibilityTimeout": VisibilityTimeout}
        answer = self.change_message_visibility_batch(QueueUrl=QueueUrl, Entries=[entry])
        if "Failed" in answer:
            raise ClientError({"Error": {"Code": "ReceiptHandleIsInvalid", "Message": ""}}, "ChangeMessageVisibility")

    def get_queue_attributes(self, *, QueueUrl: str, AttributeNames: list[str]) -> dict[str, Any]:  # noqa: N803
        queue = self._known(QueueUrl)

        def effect(_: set[int]) -> dict[str, Any]:
            # Those that are out of sight for a while count among the rest here: what the caller adds up is all of them.
            attributes = {
                "ApproximateNumberOfMessages": str(len(queue.waiting())),
                "ApproximateNumberOfMessagesNotVisible": "0",
            }
            return {"Attributes": {name: attributes[name] for name in AttributeNames}}

        answer: dict[str, Any] = self._call("GetQueueAttributes", 1, effect)
        return answer

    def _known(self, url: str) -> SimulatedQueue:
        if url not in self._queues:
            raise QueueError("a queue that does not exist")
        return self._queues[url]


def _received(message: Message) -> dict[str, Any]:
    attributes = {"ApproximateReceiveCount": str(message.receive_count)}
    return {
        "MessageId": message.message_id,
        "ReceiptHandle": message.handles[-1],
        "Body": message.text,
        "Attributes": attributes,
    }
