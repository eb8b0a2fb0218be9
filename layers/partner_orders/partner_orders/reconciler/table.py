"""What reconciliation remembers: how far each store is checked, the backfills under way, and the reports.

Positions are written under the lease's fence: a worker that lost its lease can no longer move them.
"""

import json
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from partner_orders.clock import Clock, from_text, to_text
from partner_orders.reconciler.lease import LeaseLostError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

SCHEMA_VERSION = 1
PARTITION = "RECONCILIATION"
REPORT_RETENTION = timedelta(days=90)
# What was found is queued, and in step when its store is read again; so it is counted even if the rest of it fails.
_FOUND = ("missing", "different", "not_understood", "enqueued")
BACKFILL_COUNTS = ("orders_checked", "in_step", *_FOUND, "waiting")


@dataclass(frozen=True)
class Position:
    """How far a store is checked. All of it was read to the last page and queued up to ``checked_until`` (UTC);
    ``swept_at`` is when its further past was last looked at; ``vendor_id`` which of its ids the API takes."""

    store_id: str
    checked_until: datetime | None = None
    swept_at: datetime | None = None
    vendor_id: str | None = None
    tried_at: datetime | None = None


@dataclass(frozen=True)
class Backfill:
    """A window that was asked for, over some stores or all. ``pending`` are the stores still to do, in order, the
    first of them checked up to ``done_until`` with ``store_counts``. ``preview`` finds and queues nothing. What is
    older than ``not_read_before`` had passed the 60 days, or the retention, before the turn of every store came."""

    backfill_id: str
    start: datetime
    end: datetime
    preview: bool
    pending: tuple[str, ...]
    stores: int
    done_until: datetime | None = None
    counts: dict[str, int] = field(default_factory=dict)
    store_counts: dict[str, int] = field(default_factory=dict)
    failed_stores: dict[str, str] = field(default_factory=dict)
    not_read_before: datetime | None = None

    @property
    def is_done(self) -> bool:
        return not self.pending

    def counting(self, counts: Mapping[str, int]) -> "Backfill":
        """With what was counted in a part of the first pending store."""
        return replace(self, store_counts=_add(self.store_counts, counts))

    def counting_found(self, counts: Mapping[str, int]) -> "Backfill":
        """With what was found in a part that could not be read to its end; a preview finds it again."""
        found = {} if self.preview else {name: counts.get(name, 0) for name in _FOUND}
        return replace(self, counts=_add(self.counts, found))

    def with_first_store_last(self) -> "Backfill":
        """The first pending store begins anew when the others have had their turn; the rest of what it counted is
        counted then."""
        name, *rest = self.pending
        counts = self.counting_found(self.store_counts).counts
        return replace(self, pending=(*rest, name), done_until=None, counts=counts, store_counts={})

    def after_first_store(self, failure: str | None) -> "Backfill":
        """As it is when the first pending store is done, or failed: the first time, it is put last and tried again."""
        name, *rest = self.pending
        failed = {store: kind for store, kind in self.failed_stores.items() if store != name}
        if failure:
            failed[name] = failure
            if name not in self.failed_stores:
                return replace(self.with_first_store_last(), failed_stores=failed)
        counts = _add(self.counts, self.store_counts)
        return replace(self, pending=tuple(rest), done_until=None, counts=counts, store_counts={}, failed_stores=failed)

    def to_json(self) -> dict[str, Any]:
        """Progress, and at the end the report."""
        return {
            "backfill": self.backfill_id,
            "state": "done" if self.is_done else "running",
            "from": to_text(self.start),
            "to": to_text(self.end),
            "not_read_before": to_text(self.not_read_before) if self.not_read_before else None,
            "preview": self.preview,
            "stores": self.stores,
            "stores_done": self.stores - len(self.pending),
            **_add(self.counts, self.store_counts),
            "failed_stores": self.failed_stores,
        }


class ReconciliationTable:
    def __init__(self, client: "DynamoDBClient", table_name: str, clock: Clock) -> None:
        self._client = client
        self._table = table_name
        self._clock = clock

    # -- positions ----------------------------------------------------------------------------------------------

    def positions(self) -> dict[str, Position]:
        """The position of every store that was ever checked, in one query."""
        return {position.store_id: position for position in _readable(_position, self._items("POSITION#"))}

    def position(self, store_id: str) -> Position:
        """The position of one store; one that was never checked, or has a row that cannot be read, is at none."""
        answer = self._client.get_item(TableName=self._table, Key=_key(f"POSITION#{store_id}"), ConsistentRead=True)
        items = [answer["Item"]] if "Item" in answer else []
        return next(_readable(_position, items), Position(store_id))

    def move(self, position: Position, fence: int) -> None:
        """Write a position. Raises LeaseLostError if a newer worker has written it."""
        times = {"checked_until": position.checked_until, "swept_at": position.swept_at, "tried_at": position.tried_at}
        self._put(
            f"POSITION#{position.store_id}",
            {
                "store_id": {"S": position.store_id},
                **{name: {"S": to_text(time)} for name, time in times.items() if time},
                **({"vendor_id": {"S": position.vendor_id}} if position.vendor_id else {}),
            },
            fence,
        )

    # -- backfills ----------------------------------------------------------------------------------------------

    def add(self, backfill: Backfill) -> None:
        self._put(f"BACKFILL#{backfill.backfill_id}", _backfill_item(backfill, self._clock()), fence=None)

    def save(self, backfill: Backfill, fence: int) -> None:
        """Write a backfill's progress. Raises LeaseLostError if a newer worker has written it."""
        self._put(f"BACKFILL#{backfill.backfill_id}", _backfill_item(backfill, self._clock()), fence)

    def backfills(self) -> list[Backfill]:
        """Every backfill still kept, oldest first."""
        return [*_readable(_backfill, self._items("BACKFILL#"))]

    def backfill(self, backfill_id: str) -> Backfill | None:
        item = self._client.get_item(
            TableName=self._table, Key=_key(f"BACKFILL#{backfill_id}"), ConsistentRead=True
        ).get("Item")
        return None if item is None else _backfill(item)

    # -- reports ------------------------------------------------------------------------------------------------

    def keep_report(self, started_at: datetime, report: dict[str, Any]) -> None:
        """Keep the report of a run, by the time it began; a later one of the same run takes its place."""
        self._put(
            f"REPORT#{to_text(started_at)}",
            {
                # A run over thousands of stores names them all; an item holds 400 KB.
                "report": {"B": zlib.compress(json.dumps(report, separators=(",", ":")).encode())},
                "expires_at": {"N": str(int((self._clock() + REPORT_RETENTION).timestamp()))},
            },
            fence=None,
        )

    def reports(self, start: datetime, end: datetime) -> list[dict[str, Any]]:
        """The reports of the runs that began between two times, oldest first."""
        items = self._items(f"REPORT#{to_text(start)}", f"REPORT#{to_text(end)}")
        return [json.loads(zlib.decompress(item["report"]["B"])) for item in items]

    # -----------------------------------------------------------------------------------------------------------

    def _items(self, first: str, last: str | None = None) -> list[dict[str, Any]]:
        condition = "begins_with(sk, :first)" if last is None else "sk BETWEEN :first AND :last"
        values: dict[str, Any] = {":pk": {"S": PARTITION}, ":first": {"S": first}}
        if last is not None:
            values[":last"] = {"S": last}
        pages = self._client.get_paginator("query").paginate(
            TableName=self._table,
            KeyConditionExpression=f"pk = :pk AND {condition}",
            ExpressionAttributeValues=values,
            ConsistentRead=True,
        )
        return [item for page in pages for item in page["Items"]]

    def _put(self, sk: str, attributes: dict[str, Any], fence: int | None) -> None:
        item = {**_key(sk), "schema_version": {"N": str(SCHEMA_VERSION)}, **attributes}
        if fence is None:
            self._client.put_item(TableName=self._table, Item=item)
            return
        try:
            self._client.put_item(
                TableName=self._table,
                Item={**item, "fence": {"N": str(fence)}},
                ConditionExpression="attribute_not_exists(fence) OR fence <= :fence",
                ExpressionAttributeValues={":fence": {"N": str(fence)}},
            )
        except ClientError as error:
            if error.response["Error"]["Code"] == "ConditionalCheckFailedException":
                raise LeaseLostError("another worker has moved on from here") from None
            raise


def _add(one: Mapping[str, int], other: Mapping[str, int]) -> dict[str, int]:
    """Both, of what a backfill reports."""
    return {name: one.get(name, 0) + other.get(name, 0) for name in BACKFILL_COUNTS}


def _readable[T](read: Callable[[dict[str, Any]], T], items: list[dict[str, Any]]) -> Iterator[T]:
    """What can be read; a row that somebody wrote by hand, or half, stops nothing."""
    for item in items:
        try:
            yield read(item)
        except (KeyError, TypeError, ValueError, zlib.error):
            continue


def _key(sk: str) -> dict[str, Any]:
    return {"pk": {"S": PARTITION}, "sk": {"S": sk}}


def _position(item: dict[str, Any]) -> Position:
    return Position(
        store_id=item["store_id"]["S"],
        checked_until=from_text(item["checked_until"]["S"]) if "checked_until" in item else None,
        swept_at=from_text(item["swept_at"]["S"]) if "swept_at" in item else None,
        vendor_id=item["vendor_id"]["S"] if "vendor_id" in item else None,
        tried_at=from_text(item["tried_at"]["S"]) if "tried_at" in item else None,
    )


def _backfill_item(backfill: Backfill, now: datetime) -> dict[str, Any]:
    state = {
        "from": to_text(backfill.start),
        "to": to_text(backfill.end),
        "preview": backfill.preview,
        "pending": backfill.pending,
        "stores": backfill.stores,
        "done_until": to_text(backfill.done_until) if backfill.done_until else None,
        "counts": backfill.counts,
        "store_counts": backfill.store_counts,
        "failed_stores": backfill.failed_stores,
        "not_read_before": to_text(backfill.not_read_before) if backfill.not_read_before else None,
    }
    return {
        "backfill_id": {"S": backfill.backfill_id},
        "state": {"B": zlib.compress(json.dumps(state, separators=(",", ":")).encode())},
        "expires_at": {"N": str(int((now + REPORT_RETENTION).timestamp()))},
    }


def _backfill(item: dict[str, Any]) -> Backfill:
    state = json.loads(zlib.decompress(item["state"]["B"]))
    return Backfill(
        backfill_id=item["backfill_id"]["S"],
        start=from_text(state["from"]),
        end=from_text(state["to"]),
        preview=state["preview"],
        pending=tuple(state["pending"]),
        stores=state["stores"],
        done_until=from_text(state["done_until"]) if state["done_until"] else None,
        counts=state["counts"],
        store_counts=state.get("store_counts", {}),
        failed_stores=state["failed_stores"],
        not_read_before=from_text(state["not_read_before"]) if state.get("not_read_before") else None,
    )
