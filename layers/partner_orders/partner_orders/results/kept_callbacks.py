"""Callbacks that led to nothing, kept for a while so that somebody can look at them."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from partner_orders.catalogue import keys
from partner_orders.catalogue.rows import catalogue_table
from partner_orders.catalogue.stored import milliseconds
from partner_orders.results.callback import Callback

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

KEPT = timedelta(days=7)
MAX_DETAIL = 300  # characters
UNKNOWN_JOB, URL_REFUSED, UNREADABLE_RESULT = "unknown_job", "url_refused", "unreadable_result"


class KeptCallbacks:
    """One row for each job; a later callback of the same job replaces it. Raises botocore's errors."""

    def __init__(self, client: "DynamoDBClient", table_name: str) -> None:
        self._table = catalogue_table(client, table_name)

    def keep(self, callback: Callback, received_at: datetime, now: datetime, reason: str, detail: str = "") -> None:
        """Keep what a callback says, but its link: that may be a secret."""
        self._table.put(
            keys.callback(callback.job_id),
            {
                "job_id": callback.job_id,
                "status": callback.status,
                "received_at": milliseconds(received_at),
                "reason": reason,
                "detail": detail[:MAX_DETAIL],
                "expires_at": int((now + KEPT).timestamp()),
            },
        )
