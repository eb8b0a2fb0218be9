"""How messages that failed are delayed: in few calls, each by how often it was tried."""

from typing import Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from partner_orders.consumer.redelivery import Visibility

THROTTLED = ClientError({"Error": {"Code": "ThrottlingException"}}, "ChangeMessageVisibilityBatch")


class Queue:
    """SQS, which may raise an error once it has noted the request."""

    def __init__(self, error: Exception | None = None) -> None:
        self.requests: list[dict[str, Any]] = []
        self._error = error

    def change_message_visibility_batch(self, **request: Any) -> None:
        self.requests.append(request)
        if self._error:
            raise self._error


def test_delay_of_each_message_follows_its_tries() -> None:
    """Each message is hidden by its receipt handle, for the delay that belongs to its tries."""
    client: Any = Queue()
    Visibility(client, "the-queue", lambda: 1.0).put_off({"a": 1, "b": 4})
    assert client.requests == [
        {
            "QueueUrl": "the-queue",
            "Entries": [
                {"Id": "0", "ReceiptHandle": "a", "VisibilityTimeout": 5},
                {"Id": "1", "ReceiptHandle": "b", "VisibilityTimeout": 40},
            ],
        }
    ]


def test_delays_are_spread() -> None:
    """Messages that failed together have different delays."""
    client: Any = Queue()
    shares = iter([0.0, 0.5])
    Visibility(client, "the-queue", lambda: next(shares)).put_off({"a": 9, "b": 9})
    [request] = client.requests
    assert [entry["VisibilityTimeout"] for entry in request["Entries"]] == [450, 675]


@pytest.mark.parametrize("error", [None, THROTTLED, BotoCoreError()])
def test_ten_messages_a_call(error: Exception | None) -> None:
    """Ten messages are delayed in one call, and a call that fails keeps none of the others from being made."""
    client: Any = Queue(error)
    Visibility(client, "the-queue", lambda: 1.0).put_off(dict.fromkeys(map(str, range(21)), 1))
    handles = [[entry["ReceiptHandle"] for entry in request["Entries"]] for request in client.requests]
    assert handles == [[*map(str, range(start, min(start + 10, 21)))] for start in (0, 10, 20)]
