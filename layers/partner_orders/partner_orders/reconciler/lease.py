"""The reconciler's lease: one worker at a time. A worker that lost it notices, and its writes are rejected."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from partner_orders.aws import keys
from partner_orders.aws.attribute_values import Row
from partner_orders.aws.dynamodb import ConditionFailedError, Table
from partner_orders.aws.update import Update, absent, any_of, equals, less
from partner_orders.clock import Clock, from_text, to_text
from partner_orders.platform.http import Handover
from partner_orders.reconciler.stop_reason import RunEndedError, StopReason

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

SCHEMA_VERSION = 1
# Longer than any wait between two renewals (a minute, for the rate limit), shorter than the schedule.
DURATION = timedelta(seconds=120)


class LeaseLostError(RunEndedError):
    """Another worker has the lease; this one stops."""

    def __init__(self) -> None:
        super().__init__(StopReason.LEASE_LOST)


class Lease:
    """``fencing_token`` grows with every acquisition; positions are written only under the newest.

    What the next worker has to know of the platform is stored with the lease (Handover): the platform's limit is on the
    address, whichever worker uses it.
    """

    def __init__(self, client: "DynamoDBClient", table_name: str, clock: Clock) -> None:
        self._table = Table(client, table_name, schema_version=SCHEMA_VERSION)
        self._clock = clock
        self._held_until: datetime | None = None
        self.fencing_token = 0

    def acquire(self) -> Handover | None:
        """Acquire the lease; what the last worker handed over. None if another worker holds the lease. Raises
        botocore's errors."""
        now = self._clock()
        until, seconds = now + DURATION, int(now.timestamp())
        # Seconds: a lease that somebody deleted begins above every fencing token that it ever had.
        update = Update().set("held_until", to_text(until)).increment("fence", start=seconds)
        update.only_if(any_of(absent("held_until"), less("held_until", to_text(now))))
        try:
            before = self._table.update(keys.lease(), update, returned="ALL_OLD")
        except ConditionFailedError:
            return None
        self.fencing_token = before.get("fence", seconds) + 1
        self._held_until = until
        return _handover(before)

    def renew(self) -> None:
        """Renew the lease once a quarter of it has passed, so that more is left than any wait between two calls of this
        takes. Raises LeaseLostError."""
        now = self._clock()
        if self._held_until is None or now > self._held_until:
            raise LeaseLostError
        if self._held_until - now <= DURATION * 3 / 4:
            self._write(Update().set("held_until", to_text(now + DURATION)))
            self._held_until = now + DURATION

    def release(self, handover: Handover) -> None:
        """Let the next worker begin at once. A worker that lost the lease changes nothing. What is None in the handover
        stays as it is stored; no number of requests is none."""
        update = Update().remove("held_until").set("recent_requests", handover.recent_requests or 0)
        for name, time in (("last_request_at", handover.last_request_at), ("not_before", handover.not_before)):
            if time:
                update.set(name, to_text(time))
        remembered = {name: getattr(handover, name) for name in ("time_format", "page_size", "page_length")}
        for name, value in remembered.items():
            if value:
                update.set(name, value)
        try:
            self._write(update)
        except LeaseLostError:
            return
        finally:
            self._held_until = None

    def _write(self, update: Update) -> None:
        try:
            self._table.update(keys.lease(), update.only_if(equals("fence", self.fencing_token)))
        except ConditionFailedError:
            raise LeaseLostError from None


def _handover(row: Row) -> Handover:
    """What the last worker left in the lease's row."""
    # A killed worker may have made requests until its lease ran out, and nobody knows how many.
    was_killed = "held_until" in row
    last_request_at = row.get("held_until") or row.get("last_request_at")
    return Handover(
        last_request_at=from_text(last_request_at) if last_request_at else None,
        recent_requests=None if was_killed else row.get("recent_requests"),
        not_before=from_text(row["not_before"]) if "not_before" in row else None,
        time_format=row.get("time_format"),
        page_size=row.get("page_size"),
        page_length=row.get("page_length"),
    )
