"""The rejected events in DynamoDB, keyed by the digest of the body, so that five retries are one row."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import batched
from typing import TYPE_CHECKING

from partner_orders.aws import keys
from partner_orders.aws.dynamodb import BY_TIME, MAX_KEYS, WHOLE_PARTITION, ConditionFailedError, Range, Table
from partner_orders.aws.update import Update, absent, present
from partner_orders.clock import INSTANT, Clock, to_text
from partner_orders.orders.event import Arrival
from partner_orders.orders.packed_body import pack
from partner_orders.orders.rejected import RejectedEvent, digest_of, rejected_event

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

SCHEMA_VERSION = 1
LISTED_UNDER = "REJECTED"
MAX_PROBLEMS = 50


class RejectedTable:
    """``retention`` is counted from the last arrival. Every method raises botocore's errors."""

    def __init__(self, client: "DynamoDBClient", table_name: str, retention: timedelta, clock: Clock) -> None:
        self._table = Table(client, table_name)
        self._retention = retention
        self._clock = clock

    def keep(
        self, body: bytes, arrival: Arrival, reason: str, problems: Sequence[str], left: bytes | None = None
    ) -> None:
        """Store a body with what was wrong, or only what is ``left`` of it since somebody's data was erased. Safe to
        repeat: one body is one row."""
        shown = [*problems[:MAX_PROBLEMS]]
        if len(problems) > MAX_PROBLEMS:
            shown.append(f"and {len(problems) - MAX_PROBLEMS} more")
        key = keys.rejected(digest_of(body))
        try:
            update = self._arrived(arrival, reason, shown).set("body", pack(body if left is None else left))
            if left is not None:
                update.set("erased_at", to_text(self._clock()))
            self._table.update(key, update.only_if(absent("erased_at")))
        except ConditionFailedError:
            # Somebody's data was erased from it, and does not come back with another copy.
            self._table.update(key, self._arrived(arrival, reason, shown).only_if(present("erased_at")))

    def _arrived(self, arrival: Arrival, reason: str, problems: list[str]) -> Update:
        received_at = to_text(arrival.received_at)
        return (
            Update()
            .set("reason", reason)
            .set("problems", problems)
            .set("schema_version", SCHEMA_VERSION)
            .default("first_received_at", received_at)
            .default("listed_at", received_at)
            .set("listed_under", LISTED_UNDER)
            .default("source", arrival.source)
            .default("correlation_id", arrival.correlation_id)
            .set("last_received_at", received_at)
            .set("expires_at", int((self._clock() + self._retention).timestamp()))
            .remove("resolved_at")
            .increment("times_received")
        )

    def resolve(self, body: bytes) -> None:
        """Note that a body can be parsed by now: its row is kept, and listed no more. Of a body that has no row nothing
        is noted."""
        self.resolve_row(digest_of(body))

    def resolve_row(self, digest: str) -> None:
        """The same of a row whose body is not what it is keyed by any more."""
        update = Update().default("resolved_at", to_text(self._clock())).remove("listed_under")
        self._change(digest, update)

    def publish_again(self, digest: str) -> bool:
        """Have it published again that this event was rejected; False if there is no such row."""
        return self._change(digest, Update().increment("republished"))

    def discard(self, digest: str) -> None:
        """Delete a row."""
        self._table.delete(keys.rejected(digest))

    def get(self, digest: str) -> RejectedEvent | None:
        row = self._table.get(keys.rejected(digest))
        return None if row is None else rejected_event(row)

    def newest(
        self, limit: int | None = None, since: datetime | None = None, until: datetime | None = None
    ) -> list[RejectedEvent]:
        """The unresolved by time of first arrival, newest first; only those from ``since`` on and before ``until``."""
        return [*self.each(since, until, limit)]

    def each(
        self, since: datetime | None = None, until: datetime | None = None, limit: int | None = None
    ) -> Iterator[RejectedEvent]:
        """The same, one by one: no more than a hundred bodies are in memory at a time."""
        # A range holds its bounds, and ``until`` is not part of it.
        first, last = (to_text(since) if since else None), (to_text(until - INSTANT) if until else None)
        listed = self._table.query(LISTED_UNDER, Range(first, last), BY_TIME, newest_first=True, limit=limit)
        for rows in batched(listed, MAX_KEYS, strict=False):
            yield from self.many([keys.rejected_digest_of(row["pk"]) for row in rows])

    def many(self, digests: Sequence[str]) -> list[RejectedEvent]:
        """The events of these digests that are there, in this order."""
        rows = self._table.get_many([keys.rejected(digest) for digest in digests], consistent=True)
        found = {event.digest: event for event in map(rejected_event, rows)}
        return [found[digest] for digest in digests if digest in found]

    def count(self) -> int:
        """How many are unresolved."""
        return self._table.count(LISTED_UNDER, BY_TIME)

    def unresolved(self) -> tuple[int, str]:
        """How many are neither resolved nor discarded, and when the newest of them arrived first; empty without any.
        Reads an index that holds keys only."""
        newest = self._table.first(LISTED_UNDER, WHOLE_PARTITION, BY_TIME, newest_first=True)
        return (self.count(), newest["listed_at"]) if newest else (0, "")

    def _change(self, digest: str, update: Update) -> bool:
        """Change a row, if it is there."""
        try:
            self._table.update(keys.rejected(digest), update.only_if(present("pk")))
        except ConditionFailedError:
            return False
        return True
