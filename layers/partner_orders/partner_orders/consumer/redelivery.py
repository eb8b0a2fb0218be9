"""When a message that failed comes back: a back-off of its own, since a partial response switches off the poller's."""

from collections.abc import Callable, Mapping
from itertools import batched
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from partner_orders.consumer.intake import backoff_seconds

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient


class Visibility:
    """``share`` gives numbers from 0 to 1 that spread the delays."""

    def __init__(self, client: "SQSClient", queue_url: str, share: Callable[[], float]) -> None:
        self._client = client
        self._url = queue_url
        self._share = share

    def put_off(self, attempts: Mapping[str, int]) -> None:
        """Hide messages, by receipt handle, the longer the more often they were tried. What cannot be put off comes
        back after the queue's own visibility timeout, so no error is raised."""
        for batch in batched(attempts.items(), 10, strict=False):
            try:
                self._client.change_message_visibility_batch(
                    QueueUrl=self._url,
                    Entries=[
                        {
                            "Id": str(index),
                            "ReceiptHandle": handle,
                            "VisibilityTimeout": backoff_seconds(attempt, self._share()),
                        }
                        for index, (handle, attempt) in enumerate(batch)
                    ],
                )
            except (ClientError, BotoCoreError):
                continue
