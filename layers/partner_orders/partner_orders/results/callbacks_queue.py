"""The callbacks queue: what the platform posted about jobs, as its webhook put it there."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

RECEIVED_TOGETHER = 10
# Longer than a run; one that is left for later comes again in the next.
HIDDEN_SECONDS = 180
LATER_SECONDS = 45
REASON = "Reason"


@dataclass(frozen=True, slots=True)
class Delivered:
    """A message as the queue delivered it."""

    text: str = field(repr=False)
    receipt: str = field(repr=False)


class CallbacksQueue:
    """``dead_letters_url`` may be empty: then a message that cannot be read comes until the queue itself moves it.
    Every method raises botocore's errors."""

    def __init__(self, client: "SQSClient", url: str, dead_letters_url: str = "") -> None:
        self._client = client
        self._url = url
        self._dead_letters_url = dead_letters_url

    def receive(self) -> list[Delivered]:
        """Some messages; none if the queue has none now."""
        response = self._client.receive_message(
            QueueUrl=self._url, MaxNumberOfMessages=RECEIVED_TOGETHER, VisibilityTimeout=HIDDEN_SECONDS
        )
        return [Delivered(one["Body"], one["ReceiptHandle"]) for one in response.get("Messages", [])]

    def done(self, message: Delivered) -> None:
        self._client.delete_message(QueueUrl=self._url, ReceiptHandle=message.receipt)

    def later(self, messages: Sequence[Delivered]) -> None:
        """Have messages come again in the next run."""
        entries = [
            {"Id": str(number), "ReceiptHandle": message.receipt, "VisibilityTimeout": LATER_SECONDS}
            for number, message in enumerate(messages)
        ]
        self._client.change_message_visibility_batch(QueueUrl=self._url, Entries=entries)  # type: ignore[arg-type]

    def dead_letter(self, message: Delivered, reason: str) -> None:
        """Put a message that can never be taken where a person finds it, with the reason."""
        if self._dead_letters_url:
            attributes = {REASON: {"DataType": "String", "StringValue": reason}}
            self._client.send_message(
                QueueUrl=self._dead_letters_url,
                MessageBody=message.text,
                MessageAttributes=attributes,  # type: ignore[arg-type]
            )
            self.done(message)
