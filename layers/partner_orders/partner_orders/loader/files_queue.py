"""The queue of files, which the loader drains itself, and the queue of messages that it cannot work on."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

# Longer than the work goes on without a sign (see turn); a killed function's message comes again after it.
VISIBILITY_SECONDS = 180
# A wait asks all of the queue's servers, so that an empty answer means an empty queue.
WAIT_SECONDS = 1
LONGEST_DELAY_SECONDS = 12 * 3600
MAX_REASON = 500  # characters


@dataclass(frozen=True, slots=True)
class FilesMessage:
    """``receives``: how often it was received, this time included."""

    text: str
    handle: str
    receives: int


class FilesQueue:
    """Every method raises botocore's errors."""

    def __init__(self, client: "SQSClient", url: str, dead_letters_url: str, wait_seconds: int = WAIT_SECONDS) -> None:
        self._client: Any = client
        self._url = url
        self._dead_letters_url = dead_letters_url
        self._wait_seconds = wait_seconds

    def receive(self) -> FilesMessage | None:
        """The next message, invisible to others for a while; None if there is none."""
        response = self._client.receive_message(
            QueueUrl=self._url,
            MaxNumberOfMessages=1,
            VisibilityTimeout=VISIBILITY_SECONDS,
            WaitTimeSeconds=self._wait_seconds,
            MessageSystemAttributeNames=["ApproximateReceiveCount"],
        )
        for message in response.get("Messages", []):
            receives = int(message.get("Attributes", {}).get("ApproximateReceiveCount", 1))
            return FilesMessage(message["Body"], message["ReceiptHandle"], receives)
        return None

    def delete(self, message: FilesMessage) -> None:
        self._client.delete_message(QueueUrl=self._url, ReceiptHandle=message.handle)

    def put_off(self, message: FilesMessage, seconds: float) -> None:
        """Have a message come again after so many seconds."""
        self._client.change_message_visibility(
            QueueUrl=self._url,
            ReceiptHandle=message.handle,
            VisibilityTimeout=min(max(0, round(seconds)), LONGEST_DELAY_SECONDS),
        )

    def reject(self, message: FilesMessage, reason: str) -> None:
        """Move a message to the dead letters, with the reason."""
        attribute = {"DataType": "String", "StringValue": reason[:MAX_REASON]}
        self._client.send_message(
            QueueUrl=self._dead_letters_url, MessageBody=message.text, MessageAttributes={"reason": attribute}
        )
        self.delete(message)
