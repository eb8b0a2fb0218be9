"""The reconciler's lease: one worker at a time, fenced, so that a worker that lost it does no harm and notices."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from partner_orders.clock import Clock, from_text, to_text

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

# Longer than any wait between two renewals (a minute, for the rate limit), shorter than the schedule.
DURATION = timedelta(seconds=120)
_KEY: dict[str, Any] = {"pk": {"S": "RECONCILIATION"}, "sk": {"S": "LEASE"}}


class LeaseLostError(RuntimeError):
    """Another worker has taken over; this one stops, and what it still wants to write is refused."""


class Lease:
    """``fence`` grows with every taking; positions are written only under the newest.

    What the next worker has to know goes with it: when the platform was last asked anything and how often in the minute
    before, since its limit is on the address; the ``time_format`` that it was seen to understand; and when it wants to
    be asked again (``not_before``), if it said so.
    """

    def __init__(self, client: "DynamoDBClient", table_name: str, clock: Clock) -> None:
        self._client = client
        self._table = table_name
        self._clock = clock
        self._held_until: datetime | None = None
        self.fence = 0
        self.last_request_at: datetime | None = None
        self.recent_requests: int | None = None
        self.time_format: str | None = None
        self.not_before: datetime | None = None

    def take(self) -> bool:
        """Take the lease, unless another worker holds it. Raises botocore's errors."""
        now = self._clock()
        try:
            before = self._client.update_item(
                TableName=self._table,
                Key=_KEY,
                # Seconds: a lease that somebody deleted begins above every fence that it ever had.
                UpdateExpression="SET held_until = :until, fence = if_not_exists(fence, :seconds) + :one",
                ConditionExpression="attribute_not_exists(held_until) OR held_until < :now",
                ExpressionAttributeValues={
                    ":until": {"S": to_text(now + DURATION)},
                    ":now": {"S": to_text(now)},
                    ":seconds": {"N": str(int(now.timestamp()))},
                    ":one": {"N": "1"},
                },
                ReturnValues="ALL_OLD",
            ).get("Attributes", {})
        except ClientError as error:
            if _condition_failed(error):
                return False
            raise
        self.fence = (int(before["fence"]["N"]) if "fence" in before else int(now.timestamp())) + 1
        self._held_until = now + DURATION
        # Its holder may have died without a word: it may have asked until the lease ran out, nobody knows how often.
        asked = before.get("held_until") or before.get("last_request_at")
        self.last_request_at = from_text(asked["S"]) if asked else None
        recent = before.get("recent_requests") if "held_until" not in before else None
        self.recent_requests = int(recent["N"]) if recent else None
        self.time_format = before["time_format"]["S"] if "time_format" in before else None
        self.not_before = from_text(before["not_before"]["S"]) if "not_before" in before else None
        return True

    def keep(self) -> None:
        """Renew the lease once a quarter of it has passed, so that more is left than any wait between two calls of this
        takes. Raises LeaseLostError."""
        now = self._clock()
        if self._held_until is None or now > self._held_until:
            raise LeaseLostError("the lease ran out")
        if self._held_until - now <= DURATION * 3 / 4:
            self._write("SET held_until = :until", {":until": {"S": to_text(now + DURATION)}})
            self._held_until = now + DURATION

    def give_back(
        self,
        last_request_at: datetime | None,
        recent_requests: int,
        time_format: str | None,
        not_before: datetime | None = None,
    ) -> None:
        """Let the next worker begin at once; one that lost the lease has nothing to give back."""
        given: dict[str, Any] = {":recent": {"N": str(recent_requests)}}
        sets = ["recent_requests = :recent"]
        if asked := last_request_at or self.last_request_at:
            sets, given = [*sets, "last_request_at = :asked"], {**given, ":asked": {"S": to_text(asked)}}
        if not_before:
            sets, given = [*sets, "not_before = :not_before"], {**given, ":not_before": {"S": to_text(not_before)}}
        if time_format:
            sets, given = [*sets, "time_format = :format"], {**given, ":format": {"S": time_format}}
        try:
            self._write("REMOVE held_until SET " + ", ".join(sets), given)
        except LeaseLostError:
            return
        finally:
            self._held_until = None

    def _write(self, expression: str, values: dict[str, Any]) -> None:
        try:
            self._client.update_item(
                TableName=self._table,
                Key=_KEY,
                UpdateExpression=expression,
                ConditionExpression="fence = :fence",
                ExpressionAttributeValues={**values, ":fence": {"N": str(self.fence)}},
            )
        except ClientError as error:
            if _condition_failed(error):
                raise LeaseLostError("another worker has taken the lease") from None
            raise


def _condition_failed(error: ClientError) -> bool:
    return error.response["Error"]["Code"] == "ConditionalCheckFailedException"
