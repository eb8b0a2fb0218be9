"""The order-events queue: the one way into the table."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from partner_orders.order_events.message import OrderEventMessage

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import SendMessageBatchRequestEntryTypeDef

BATCH_ENTRIES = 10  # SQS takes at most ten messages and 1 MiB in one call.
BATCH_BYTES = 1_000_000


class QueueRefusedError(RuntimeError):
    """The queue did not take messages that it was given."""


class Backlog(NamedTuple):
    """About how many messages wait to be received, and how many a consumer has, or has put off."""

    unreceived: int
    received: int


class OrderEventsQueue:
    def __init__(self, client: "SQSClient", url: str) -> None:
        self._client = client
        self._url = url

    def send(self, message: OrderEventMessage) -> None:
        """Put one message on the queue. Raises botocore's errors."""
        # A group per source makes this a fair queue: a backfill delays live orders less.
        self._client.send_message(QueueUrl=self._url, MessageBody=message.to_text(), MessageGroupId=message.source)

    def send_all(self, messages: Sequence[OrderEventMessage]) -> None:
        """Put all messages on the queue, in as few calls as it allows. Raises QueueRefusedError if any was refused:
        some of the rest may have been taken, and sending all again is safe."""
        batch: list[SendMessageBatchRequestEntryTypeDef] = []
        size = 0
        for message in messages:
            text = message.to_text()
            if batch and (len(batch) == BATCH_ENTRIES or size + len(text) > BATCH_BYTES):
                self._send_batch(batch)
                batch, size = [], 0
            batch.append({"Id": str(len(batch)), "MessageBody": text, "MessageGroupId": message.source})
            size += len(text)
        if batch:
            self._send_batch(batch)

    def _send_batch(self, entries: "list[SendMessageBatchRequestEntryTypeDef]") -> None:
        answer = self._client.send_message_batch(QueueUrl=self._url, Entries=entries)
        if refused := answer.get("Failed", []):
            codes = ", ".join(sorted({entry["Code"] for entry in refused}))
            raise QueueRefusedError(f"the queue refused {len(refused)} of {len(entries)} messages: {codes}")

    def backlog(self) -> Backlog:
        attributes = self._client.get_queue_attributes(
            QueueUrl=self._url,
            AttributeNames=["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"],
        )["Attributes"]
        return Backlog(
            unreceived=int(attributes["ApproximateNumberOfMessages"]),
            received=int(attributes["ApproximateNumberOfMessagesNotVisible"]),
        )
