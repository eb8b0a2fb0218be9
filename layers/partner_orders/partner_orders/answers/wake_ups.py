"""The queue that wakes the sender. It carries which order, and never what to send: rows are the truth."""

import json
import math
from collections.abc import Iterable
from itertools import batched
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

SCHEMA_VERSION = 1
# SQS's bounds: messages in a call, and seconds of delay.
BATCH_ENTRIES = 10
LONGEST_DELAY_SECONDS = 900


class WakeUps:
    """Every method raises botocore's errors."""

    def __init__(self, client: "SQSClient", url: str) -> None:
        self._client = client
        self._url = url

    def send(self, order_id: str, delay_seconds: float = 0.0) -> None:
        """Wake the sender for an order after some seconds, or sooner where the delay is longer than SQS allows."""
        delay = min(math.ceil(max(delay_seconds, 0.0)), LONGEST_DELAY_SECONDS)
        self._client.send_message(QueueUrl=self._url, MessageBody=_text(order_id), DelaySeconds=delay)

    def send_all(self, order_ids: Iterable[str]) -> int:
        """Wake the sender for orders, at once; how many were taken."""
        taken = 0
        for some in batched(order_ids, BATCH_ENTRIES, strict=False):
            entries = [{"Id": str(number), "MessageBody": _text(order_id)} for number, order_id in enumerate(some)]
            answer = self._client.send_message_batch(QueueUrl=self._url, Entries=entries)  # type: ignore[arg-type]
            taken += len(answer.get("Successful", []))
        return taken


def order_id_in(text: str) -> str | None:
    """Which order a message wakes the sender for; None for one that is not ours."""
    try:
        message = json.loads(text)
    except (ValueError, RecursionError):
        return None
    order_id = message.get("order_id") if isinstance(message, dict) else None
    return order_id if isinstance(order_id, str) and order_id else None


def _text(order_id: str) -> str:
    return json.dumps({"schema_version": SCHEMA_VERSION, "order_id": order_id}, separators=(",", ":"))
