"""The rejected: events that could not be understood, kept whole with the reason. Keyed by the digest of the body, so
that five retries are one row."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from partner_orders.clock import Clock, to_text
from partner_orders.orders.event import Arrival
from partner_orders.orders.packed_body import pack, unpack

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

SCHEMA_VERSION = 1
LISTED_UNDER = "REJECTED"
REJECTED_SK = "REJECTED"
MAX_PROBLEMS = 50


@dataclass(frozen=True)
class RejectedEvent:
    """``digest`` is of the raw body, as it came; ``body`` is that, or what was left of it at ``erased_at``. Times are
    text in UTC; ``source`` and ``correlation_id`` are those of the first arrival."""

    digest: str
    reason: str
    problems: tuple[str, ...]
    first_received_at: str
    source: str
    correlation_id: str
    times_received: int
    resolved_at: str | None
    erased_at: str | None
    body: bytes = field(repr=False)


class RejectedTable:
    def __init__(self, client: "DynamoDBClient", table_name: str, retention: timedelta, clock: Clock) -> None:
        self._client = client
        self._table = table_name
        self._retention = retention
        self._clock = clock

    def keep(self, body: bytes, arrival: Arrival, reason: str, problems: Sequence[str]) -> None:
        """Keep a body with what was wrong. Safe to repeat: one body is one row. Raises botocore's errors."""
        shown = [*problems[:MAX_PROBLEMS]]
        if len(problems) > MAX_PROBLEMS:
            shown.append(f"and {len(problems) - MAX_PROBLEMS} more")
        values: dict[str, Any] = {
            ":reason": {"S": reason},
            ":problems": {"L": [{"S": problem} for problem in shown]},
            ":source": {"S": arrival.source},
            ":received_at": {"S": to_text(arrival.received_at)},
            ":correlation_id": {"S": arrival.correlation_id},
            ":listed_under": {"S": LISTED_UNDER},
            ":expires_at": {"N": str(int((self._clock() + self._retention).timestamp()))},
            ":schema_version": {"N": str(SCHEMA_VERSION)},
            ":one": {"N": "1"},
        }
        try:
            self._note(
                body, "SET body = :body, ", "attribute_not_exists(erased_at)", values | {":body": {"B": pack(body)}}
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
                raise
            # Somebody's data was erased from it, and does not come back with another copy.
            self._note(body, "SET ", "attribute_exists(erased_at)", values)

    def _note(self, body: bytes, sets: str, condition: str, values: dict[str, Any]) -> None:
        self._client.update_item(
            TableName=self._table,
            Key=_key(digest_of(body)),
            UpdateExpression=sets + "reason = :reason, problems = :problems,"
            " schema_version = :schema_version,"
            " first_received_at = if_not_exists(first_received_at, :received_at),"
            " listed_at = if_not_exists(listed_at, :received_at), listed_under = :listed_under,"
            " #source = if_not_exists(#source, :source),"
            " correlation_id = if_not_exists(correlation_id, :correlation_id),"
            " last_received_at = :received_at, expires_at = :expires_at REMOVE resolved_at ADD times_received :one",
            ConditionExpression=condition,
            ExpressionAttributeNames={"#source": "source"},
            ExpressionAttributeValues=values,
        )

    def resolve(self, body: bytes) -> None:
        """Note that a body is understood by now: its row is kept, and listed no more. Of a body that has no row nothing
        is noted. Raises botocore's errors."""
        self.resolve_row(digest_of(body))

    def resolve_row(self, digest: str) -> None:
        """The same of a row whose body is not what it is keyed by any more. Raises botocore's errors."""
        try:
            self._client.update_item(
                TableName=self._table,
                Key=_key(digest),
                UpdateExpression="SET resolved_at = if_not_exists(resolved_at, :now) REMOVE listed_under",
                ConditionExpression="attribute_exists(pk)",
                ExpressionAttributeValues={":now": {"S": to_text(self._clock())}},
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
                raise

    def publish_again(self, digest: str) -> bool:
        """Have it published again that this event was rejected; False if there is no such row."""
        try:
            self._client.update_item(
                TableName=self._table,
                Key=_key(digest),
                UpdateExpression="ADD republished :one",
                ConditionExpression="attribute_exists(pk)",
                ExpressionAttributeValues={":one": {"N": "1"}},
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
                raise
            return False
        return True

    def discard(self, digest: str) -> None:
        """Delete a row. Raises botocore's errors."""
        self._client.delete_item(TableName=self._table, Key=_key(digest))

    def get(self, digest: str) -> RejectedEvent | None:
        item = self._client.get_item(TableName=self._table, Key=_key(digest), ConsistentRead=True).get("Item")
        return None if item is None else rejected_event(item)

    def newest(self, limit: int | None = None) -> list[RejectedEvent]:
        """The rejected by time of first arrival, newest first."""
        pages = self._client.get_paginator("query").paginate(
            TableName=self._table,
            IndexName="by-time",
            KeyConditionExpression="listed_under = :rejected",
            ExpressionAttributeValues={":rejected": {"S": LISTED_UNDER}},
            ScanIndexForward=False,
            PaginationConfig={"MaxItems": limit} if limit else {},
        )
        digests = [item["pk"]["S"].removeprefix("REJECTED#") for page in pages for item in page["Items"]]
        return [event for event in map(self.get, digests) if event is not None]


def digest_of(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()[:32]


def _key(digest: str) -> dict[str, Any]:
    return {"pk": {"S": f"REJECTED#{digest}"}, "sk": {"S": REJECTED_SK}}


def rejected_event(item: dict[str, Any]) -> RejectedEvent:
    """A rejected event as its row holds it."""
    return RejectedEvent(
        digest=item["pk"]["S"].removeprefix("REJECTED#"),
        reason=item["reason"]["S"],
        problems=tuple(problem["S"] for problem in item["problems"]["L"]),
        first_received_at=item["first_received_at"]["S"],
        source=item["source"]["S"],
        correlation_id=item.get("correlation_id", {}).get("S", ""),
        times_received=int(item["times_received"]["N"]),
        resolved_at=item.get("resolved_at", {}).get("S"),
        erased_at=item.get("erased_at", {}).get("S"),
        body=unpack(item["body"]["B"]),
    )
