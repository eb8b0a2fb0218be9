"""The catalogue's callbacks queue, for a brand that has one webhook URL for orders and catalogue."""

from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient


class CatalogueCallbacksQueue:
    """``arn`` names the queue; it stands in another stack."""

    def __init__(self, client: "SQSClient", arn: str) -> None:
        self._client = client
        self._arn = arn

    @cached_property
    def _url(self) -> str:
        account, name = self._arn.split(":")[-2:]
        return str(self._client.get_queue_url(QueueName=name, QueueOwnerAWSAccountId=account)["QueueUrl"])

    def send(self, text: str) -> None:
        """Put a message on the queue as it came. Raises botocore's errors."""
        self._client.send_message(QueueUrl=self._url, MessageBody=text)
