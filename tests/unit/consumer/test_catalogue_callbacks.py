"""Callbacks of catalogue jobs go to the queue of another stack, which is named by its ARN."""

from typing import Any

from partner_orders.consumer.catalogue_callbacks import CatalogueCallbacksQueue


class Queue:
    """SQS, which knows the address of one queue."""

    def __init__(self) -> None:
        self.asked: list[dict[str, str]] = []
        self.sent: list[dict[str, str]] = []

    def get_queue_url(self, **request: str) -> dict[str, str]:
        self.asked.append(request)
        return {"QueueUrl": "the-address"}

    def send_message(self, **request: str) -> None:
        self.sent.append(request)


def test_callback_is_sent_as_it_came() -> None:
    """A callback is sent as it came to the queue of the ARN, whose address is asked for once."""
    client: Any = Queue()
    queue = CatalogueCallbacksQueue(client, "arn:aws:sqs:eu-central-1:111122223333:callbacks")
    for text in ("one", "two"):
        queue.send(text)
    assert client.asked == [{"QueueName": "callbacks", "QueueOwnerAWSAccountId": "111122223333"}]
    assert client.sent == [{"QueueUrl": "the-address", "MessageBody": text} for text in ("one", "two")]
