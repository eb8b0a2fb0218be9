"""What wakes the sender: the messages as the queue gets them, and what is read of one."""

from typing import Any

import pytest

from partner_orders.answers.wake_ups import LONGEST_DELAY_SECONDS, WakeUps, order_id_in

URL = "https://sqs.example/answers"
WAKE_UP = '{"schema_version":1,"order_id":"%s"}'


class RecordingQueue:
    """A client of SQS that notes what it is asked for, and fails at some entries of a batch."""

    def __init__(self, failing: frozenset[str] = frozenset()) -> None:
        self.sent: list[dict[str, Any]] = []
        self._failing = failing

    def send_message(self, **message: Any) -> dict[str, Any]:
        self.sent.append(message)
        return {}

    def send_message_batch(self, **batch: Any) -> dict[str, Any]:
        self.sent.append(batch)
        taken = [{"Id": entry["Id"]} for entry in batch["Entries"] if entry["MessageBody"] not in self._failing]
        return {"Successful": taken} if taken else {}


@pytest.mark.parametrize(
    ("delay_seconds", "delay"),
    [(0.0, 0), (-3.0, 0), (0.2, 1), (7.0, 7), (900.0, 900), (4_000.0, LONGEST_DELAY_SECONDS)],
)
def test_wake_up_comes_after_its_delay(delay_seconds: float, delay: int) -> None:
    """A wake-up names its order, and comes no earlier than it should, but at most as late as the queue can."""
    queue: Any = RecordingQueue()
    WakeUps(queue, URL).send("o-1", delay_seconds)
    assert queue.sent == [{"QueueUrl": URL, "MessageBody": WAKE_UP % "o-1", "DelaySeconds": delay}]


def test_wake_up_comes_at_once() -> None:
    """A wake-up comes at once where no delay is asked for."""
    queue: Any = RecordingQueue()
    WakeUps(queue, URL).send("o-1")
    assert queue.sent[0]["DelaySeconds"] == 0


def test_many_are_woken_by_tens() -> None:
    """Many orders are woken ten at a time; those count that the queue has taken."""
    ids = [f"o-{number}" for number in range(25)]
    queue: Any = RecordingQueue(failing=frozenset({WAKE_UP % "o-3", *(WAKE_UP % name for name in ids[20:])}))
    assert WakeUps(queue, URL).send_all(ids) == 19
    batches = [ids[:10], ids[10:20], ids[20:]]
    assert queue.sent == [
        {
            "QueueUrl": URL,
            "Entries": [{"Id": str(place), "MessageBody": WAKE_UP % name} for place, name in enumerate(some)],
        }
        for some in batches
    ]


@pytest.mark.parametrize(
    ("text", "order_id"),
    [
        (WAKE_UP % "o-1", "o-1"),
        ('{"order_id": "o-1"}', "o-1"),
        ('{"order_id": ""}', None),
        ('{"order_id": 7}', None),
        ('{"order_id": 0}', None),
        ("{}", None),
        ('["order_id"]', None),
        ("nothing", None),
        ("[" * 100_000, None),
    ],
)
def test_what_a_message_wakes(text: str, order_id: str | None) -> None:
    """A message wakes the order that it names; what is no wake-up wakes none."""
    assert order_id_in(text) == order_id
