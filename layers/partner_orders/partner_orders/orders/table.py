"""The merge, kept in DynamoDB: an order is one item, and one conditional write is effect, dedupe and order guard.

The first write of an event is blind: add the event, move the head, on condition that the event is new and the head is
absent or lower. If the condition fails, DynamoDB hands back the item; what it lacks is written under its version.
See docs/data-model.md for the keys, and docs/decisions for the costs.
"""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from partner_orders.clock import Clock, from_text, to_text
from partner_orders.orders import lifecycle
from partner_orders.orders.event import Arrival, OrderEvent
from partner_orders.orders.packed_body import pack, unpack
from partner_orders.orders.personal_data import redacted
from partner_orders.orders.stored import EVENT, Item, KnownOrder, StoredOrder, known_order, stored_order

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

SCHEMA_VERSION = 1
ORDER_SK = "ORDER"
# A body over this goes to a row of its own at once; an item over the other sends its older bodies there.
INLINE_BODY_BYTES = 4_096
ITEM_BODIES_BYTES = 32_768
# More at once would be a longer expression than the 4 KB that DynamoDB takes.
MAX_MOVED = 100
MAX_WRITES = 12
# Seconds before what DynamoDB left unprocessed is asked for again: there is no end to a table that is throttled.
UNPROCESSED_PAUSES = (0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2)


class ContendedError(RuntimeError):
    """Others kept writing the same order; try again later."""


@dataclass(frozen=True)
class Written:
    """What became of the events of one write: how many were new, how many of those came late (the head stayed) or in
    conflict (same status and time, other body), how many we had, and how many were past their retention."""

    stored: int = 0
    late: int = 0
    conflicts: int = 0
    duplicates: int = 0
    expired: int = 0


class OrdersTable:
    """Orders and their history. ``retention`` is counted from the platform's ``created_at``."""

    def __init__(
        self,
        client: "DynamoDBClient",
        table_name: str,
        retention: timedelta,
        clock: Clock,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._client = client
        self._table = table_name
        self._retention = retention
        self._clock = clock
        self._sleep = sleep

    # -- writing ------------------------------------------------------------------------------------------------

    def write(self, events: Sequence[tuple[OrderEvent, Arrival]]) -> Written:
        """Merge events of one order into the table. Safe to repeat, and to interrupt between any two calls.

        Raises botocore's errors, and ContendedError when others kept writing the same order.
        """
        distinct: dict[str, tuple[OrderEvent, Arrival]] = {}
        for event, arrival in events:
            distinct.setdefault(event.digest, (event, arrival))
        repeated = len(events) - len(distinct)
        fresh = [(event, arrival) for event, arrival in distinct.values() if not self.is_expired(event)]
        expired = len(distinct) - len(fresh)
        if not fresh:
            return Written(duplicates=repeated, expired=expired)

        bodies = self._inline_bodies(fresh)
        existing: Item | None = None
        for _ in range(MAX_WRITES):
            new = [pair for pair in fresh if existing is None or EVENT + pair[0].digest not in existing]
            if not new:
                return Written(duplicates=len(events) - expired, expired=expired)
            head = max((event for event, _ in new), key=lambda event: event.snapshot_key)
            moves = existing is None or head.supersedes(existing["snapshot_key"]["S"])
            try:
                before = self._update(new, bodies, head if moves else None, existing)
            except ClientError as error:
                if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
                    raise
                # No item: it expired between the two writes, so the blind write is right again.
                existing = error.response.get("Item") or None  # type: ignore[assignment]
                if existing is not None and "erased_at" in existing:
                    bodies = self._inline_bodies(fresh, redact=True)
                continue
            inline = sum(len(bodies.get(event.digest, b"")) for event, _ in new)
            if int(before.get("body_bytes", {"N": "0"})["N"]) + inline > ITEM_BODIES_BYTES:
                self._move_bodies(head.order_id)
            return Written(
                stored=len(new),
                late=0 if moves else len(new),
                conflicts=_conflicts([event for event, _ in new], existing or before),
                duplicates=len(events) - expired - len(new),
                expired=expired,
            )
        raise ContendedError("an order was written by others at every try")

    def _inline_bodies(self, events: list[tuple[OrderEvent, Arrival]], redact: bool = False) -> dict[str, bytes]:
        """The packed bodies that the order's item can hold, by digest; larger ones are put into rows of their own."""
        bodies: dict[str, bytes] = {}
        for event, arrival in events:
            packed = pack(event.body)
            is_large = len(packed) > INLINE_BODY_BYTES
            if redact:
                packed = pack(redacted(event.body))
            if is_large:
                self._put_body(event.order_id, event.digest, packed, self._expires_at(event, arrival), replace=redact)
            else:
                bodies[event.digest] = packed
        return bodies

    def _update(
        self,
        new: list[tuple[OrderEvent, Arrival]],
        bodies: dict[str, bytes],
        head: OrderEvent | None,
        existing: Item | None,
    ) -> Item:
        """One UpdateItem: add the events and, with a ``head``, move the snapshot. Blind without ``existing``."""
        order_id = new[0][0].order_id
        sets: dict[str, Any] = {"schema_version": {"N": str(SCHEMA_VERSION)}}
        removes: list[str] = []
        for event, arrival in new:
            redact = existing is not None and "erased_at" in existing
            sets[EVENT + event.digest] = {"M": _history_item(event, arrival, bodies.get(event.digest), redact)}
        defaults: dict[str, Any] = {}
        if head is not None:
            arrival = next(arrival for event, arrival in new if event is head)
            for name, value in self._head(head, arrival).items():
                if value is None:
                    removes.append(name)
                else:
                    sets[name] = value
            if (head.order.sys.created_at or head.occurred_at) is None:
                # A snapshot without any time of the platform's leaves them as they are, or the first arrival decides.
                defaults = {name: sets.pop(name) for name in ("listed_at", "expires_at")}

        names = {f"#{index}": name for index, name in enumerate([*sets, *defaults, *removes])}
        place = {name: key for key, name in names.items()}
        values: dict[str, Any] = {f":{place[name][1:]}": value for name, value in (sets | defaults).items()}
        assignments = [f"{place[name]} = :{place[name][1:]}" for name in sets]
        assignments += [f"{place[name]} = if_not_exists({place[name]}, :{place[name][1:]})" for name in defaults]
        inline = sum(len(bodies.get(event.digest, b"")) for event, _ in new)
        values |= {":one": {"N": "1"}, ":zero": {"N": "0"}, ":inline": {"N": str(inline)}}
        assignments += ["version = if_not_exists(version, :zero) + :one"]
        if head is not None or (existing is not None and _changes_the_sale([event for event, _ in new], existing)):
            assignments += ["#sequence = if_not_exists(#sequence, :zero) + :one"]
            names["#sequence"] = "sequence"
        assignments += ["body_bytes = if_not_exists(body_bytes, :zero) + :inline"]
        if existing is None:
            conditions = [f"attribute_not_exists({place[EVENT + event.digest]})" for event, _ in new]
            conditions.append(f"(attribute_not_exists(snapshot_key) OR snapshot_key < :{place['snapshot_key'][1:]})")
            conditions.append("attribute_not_exists(erased_at)")
        else:
            conditions = ["version = :version"]
            values[":version"] = existing["version"]
        expression = "SET " + ", ".join(assignments)
        if removes:
            expression += " REMOVE " + ", ".join(place[name] for name in removes)
        return self._client.update_item(
            TableName=self._table,
            Key=_order_key(order_id),
            UpdateExpression=expression,
            ConditionExpression=" AND ".join(conditions),
            ExpressionAttributeNames=names,
            ExpressionAttributeValues=values,
            # What was replaced tells of a single event whether it is in conflict; otherwise it takes the whole history.
            ReturnValues="UPDATED_OLD" if len(new) == 1 and lifecycle.is_known(new[0][0].status) else "ALL_OLD",
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        ).get("Attributes", {})

    def _head(self, event: OrderEvent, arrival: Arrival) -> dict[str, Any]:
        """The plain attributes of the item that follow the snapshot; None removes one."""
        order = event.order
        store_id = order.client.store_id or order.client.external_partner_config_id
        created_at = order.sys.created_at or event.occurred_at or arrival.received_at
        text: dict[str, str | None] = {
            "snapshot_key": event.snapshot_key,
            "status": event.status,
            "occurred_at": to_text(event.occurred_at) if event.occurred_at else None,
            "listed_at": to_text(created_at),
            "listed_under": f"STORE#{store_id}" if store_id else "STORE#",
            "store_id": order.client.store_id,
            "chain_id": order.client.chain_id,
            "external_order_id": order.external_order_id,
            "order_code": order.order_code,
            "store_order_code": f"{store_id or ''}#{order.order_code}" if order.order_code else None,
            "open": "OPEN" if lifecycle.is_open(event.status) else None,
        }
        head: dict[str, Any] = {name: {"S": value} if value else None for name, value in text.items()}
        said = order.post_picked_up
        head["post_picked_up"] = None if said is None else {"BOOL": said}
        head["expires_at"] = {"N": str(self._expires_at(event, arrival))}
        return head

    def _expires_at(self, event: OrderEvent, arrival: Arrival) -> int:
        created_at = event.order.sys.created_at or event.occurred_at or arrival.received_at
        return int(created_at.timestamp() + self._retention.total_seconds())

    def is_expired(self, event: OrderEvent) -> bool:
        """Whether the order was created longer ago than the retention, so that it is not kept."""
        created_at = event.order.sys.created_at or event.occurred_at
        return created_at is not None and created_at <= self._clock() - self._retention

    def _put_body(self, order_id: str, digest: str, packed: bytes, expires_at: int, replace: bool = False) -> None:
        """A body in a row of its own, before the item that refers to it; a second put would change nothing, unless it
        is to ``replace`` the first."""
        unless_there: Any = {} if replace else {"ConditionExpression": "attribute_not_exists(pk)"}
        try:
            self._client.put_item(
                TableName=self._table,
                Item={
                    "pk": {"S": f"ORDER#{order_id}"},
                    "sk": {"S": f"EVENT#{digest}"},
                    "schema_version": {"N": str(SCHEMA_VERSION)},
                    "body": {"B": packed},
                    "expires_at": {"N": str(expires_at)},
                },
                **unless_there,
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
                raise

    def _move_bodies(self, order_id: str) -> None:
        """Move bodies, but not the snapshot's, to rows of their own. If another write comes between, or some are left,
        their turn will come: the item says how many bytes of bodies it holds."""
        item = self._client.get_item(TableName=self._table, Key=_order_key(order_id), ConsistentRead=True).get("Item")
        if item is None:
            return
        snapshot = item["snapshot_key"]["S"][-32:]
        movable = (
            (name, value["M"]["body"]["B"])
            for name, value in item.items()
            if name.startswith(EVENT) and "body" in value["M"] and not name.endswith(snapshot)
        )
        moved = dict(islice(movable, MAX_MOVED))
        if not moved:
            return
        for name, packed in moved.items():
            self._put_body(order_id, name.removeprefix(EVENT), packed, int(item["expires_at"]["N"]))
        names = {f"#{index}": name for index, name in enumerate(moved)}
        try:
            self._client.update_item(
                TableName=self._table,
                Key=_order_key(order_id),
                UpdateExpression="SET body_bytes = body_bytes - :moved, version = version + :one REMOVE "
                + ", ".join(f"{place}.body" for place in names),
                ConditionExpression="version = :version",
                ExpressionAttributeNames=names,
                ExpressionAttributeValues={
                    ":moved": {"N": str(sum(map(len, moved.values())))},
                    ":one": {"N": "1"},
                    ":version": item["version"],
                },
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
                raise
            now_there: Item = error.response.get("Item") or {}  # type: ignore[assignment]
            if "erased_at" in now_there:
                # Erased in between: what was just put into rows of its own must not stay as it was.
                for name, packed in moved.items():
                    without = pack(redacted(unpack(packed)))
                    expires_at = int(item["expires_at"]["N"])
                    self._put_body(order_id, name.removeprefix(EVENT), without, expires_at, replace=True)

    def publish_again(self, order_id: str) -> bool:
        """Have the order's present state published, with the next sequence; False if there is no such order."""
        try:
            self._client.update_item(
                TableName=self._table,
                Key=_order_key(order_id),
                UpdateExpression="SET #sequence = #sequence + :one, republished = #sequence + :one,"
                " version = version + :one",
                ConditionExpression="attribute_exists(#sequence)",
                ExpressionAttributeNames={"#sequence": "sequence"},
                ExpressionAttributeValues={":one": {"N": "1"}},
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
                raise
            return False
        return True

    # -- reading ------------------------------------------------------------------------------------------------

    def get(self, order_id: str) -> StoredOrder | None:
        """An order with its history, whole: one request (consistent), one more for each MiB of large bodies."""
        items = [
            item
            for page in self._client.get_paginator("query").paginate(
                TableName=self._table,
                KeyConditionExpression="pk = :pk",
                ExpressionAttributeValues={":pk": {"S": f"ORDER#{order_id}"}},
                ConsistentRead=True,
            )
            for item in page["Items"]
        ]
        rows = {item["sk"]["S"]: item for item in items}
        order = rows.pop(ORDER_SK, None)
        moved = {sk.removeprefix("EVENT#"): row["body"]["B"] for sk, row in rows.items()}
        return None if order is None else stored_order(order, moved)

    def body(self, order_id: str, digest: str) -> bytes | None:
        """A body that has a row of its own; None if it has none."""
        key: Any = {"pk": {"S": f"ORDER#{order_id}"}, "sk": {"S": f"EVENT#{digest}"}}
        item = self._client.get_item(TableName=self._table, Key=key, ConsistentRead=True).get("Item")
        return None if item is None else unpack(item["body"]["B"])

    def known(self, order_ids: Iterable[str]) -> dict[str, KnownOrder]:
        """What we have of each order; one we do not have is left out. Eventually consistent: half a read unit for an
        item of up to 4 KB. Raises botocore's errors, a throttle's too for keys that stay unprocessed for seconds."""
        wanted = list(dict.fromkeys(order_ids))
        found: dict[str, KnownOrder] = {}
        for start in range(0, len(wanted), 100):
            keys: Any = [_order_key(order_id) for order_id in wanted[start : start + 100]]
            for pause in (*UNPROCESSED_PAUSES, None):
                answer = self._client.batch_get_item(RequestItems={self._table: {"Keys": keys}})
                for item in answer["Responses"].get(self._table, []):
                    found[item["pk"]["S"].removeprefix("ORDER#")] = known_order(item)
                unprocessed = answer.get("UnprocessedKeys", {})
                keys = unprocessed[self._table]["Keys"] if self._table in unprocessed else []
                if not keys:
                    break
                if pause is None:
                    error: Any = {"Code": "ProvisionedThroughputExceededException", "Message": "keys left unprocessed"}
                    raise ClientError({"Error": error}, "BatchGetItem")
                self._sleep(pause)
        return found

    def by_external_order_id(self, external_order_id: str) -> list[str]:
        """Ids of the orders with this number of the platform; normally one."""
        return self._ids("by-external-order-id", "external_order_id", external_order_id)

    def by_order_code(self, store_id: str, order_code: str, limit: int = 10) -> list[str]:
        """Ids of a store's orders with this code, newest first; a code is not unique over time."""
        code = f"{store_id}#{order_code}"
        return self._ids("by-order-code", "store_order_code", code, newest_first=True, limit=limit)

    def of_store(self, store_id: str, start: datetime, end: datetime) -> list[str]:
        """Ids of the store's orders created from ``start`` to ``end`` (both included), oldest first."""
        return self._ids("by-time", "listed_under", f"STORE#{store_id}", start, end)

    def stores_with_orders(self, start: datetime, end: datetime) -> set[str]:
        """The ids of the stores, registered or not, that orders created from ``start`` to ``end`` are listed under; one
        is empty where orders name no store. Reads a whole index, which holds keys only."""
        pages = self._client.get_paginator("scan").paginate(
            TableName=self._table,
            IndexName="by-time",
            ProjectionExpression="listed_under",
            FilterExpression="begins_with(listed_under, :store) AND listed_at BETWEEN :start AND :end",
            ExpressionAttributeValues={
                ":store": {"S": "STORE#"},
                ":start": {"S": to_text(start)},
                ":end": {"S": to_text(end)},
            },
        )
        return {item["listed_under"]["S"].removeprefix("STORE#") for page in pages for item in page["Items"]}

    def newest_of_store(self, store_id: str, since: datetime, until: datetime | None = None) -> datetime | None:
        """When the store's newest order was created, of those at or after ``since``, and not after ``until``."""
        if until is not None and until < since:
            return None
        end = {} if until is None else {":until": {"S": to_text(until)}}
        answer = self._client.query(
            TableName=self._table,
            IndexName="by-time",
            KeyConditionExpression="listed_under = :store AND "
            + ("listed_at BETWEEN :since AND :until" if end else "listed_at >= :since"),
            ExpressionAttributeValues={":store": {"S": f"STORE#{store_id}"}, ":since": {"S": to_text(since)}, **end},
            ScanIndexForward=False,
            Limit=1,
        )
        return from_text(answer["Items"][0]["listed_at"]["S"]) if answer["Items"] else None

    def open_since(self, start: datetime) -> list[str]:
        """Ids of the orders created at or after ``start`` that are still open, oldest first."""
        return self._ids("open-orders", "open", "OPEN", start)

    def _ids(
        self,
        index: str,
        key: str,
        value: str,
        start: datetime | None = None,
        end: datetime | None = None,
        newest_first: bool = False,
        limit: int | None = None,
    ) -> list[str]:
        condition, values = "#key = :key", {":key": {"S": value}}
        if start is not None:
            condition += " AND listed_at BETWEEN :start AND :end"
            values |= {":start": {"S": to_text(start)}, ":end": {"S": to_text(end) if end else "9999"}}
        pages = self._client.get_paginator("query").paginate(
            TableName=self._table,
            IndexName=index,
            KeyConditionExpression=condition,
            ExpressionAttributeNames={"#key": key},
            ExpressionAttributeValues=values,
            ScanIndexForward=not newest_first,
            PaginationConfig={"MaxItems": limit} if limit else {},
        )
        return [item["pk"]["S"].removeprefix("ORDER#") for page in pages for item in page["Items"]]


def _order_key(order_id: str) -> dict[str, Any]:
    return {"pk": {"S": f"ORDER#{order_id}"}, "sk": {"S": ORDER_SK}}


def _changes_the_sale(new: list[OrderEvent], item: Item) -> bool:
    """Whether events that leave the snapshot as it is decide anew if the order is a sale."""
    said = item["post_picked_up"]["BOOL"] if "post_picked_up" in item else None
    history = {value["M"]["status"]["S"] for name, value in item.items() if name.startswith(EVENT)}
    before, after = history, history | {event.status for event in new}
    return lifecycle.sale(item["status"]["S"], said, before) != lifecycle.sale(item["status"]["S"], said, after)


def _history_item(event: OrderEvent, arrival: Arrival, packed: bytes | None, is_redacted: bool) -> Item:
    item: Item = {
        "status": {"S": event.status},
        "received_at": {"S": to_text(arrival.received_at)},
        "source": {"S": arrival.source},
        "correlation_id": {"S": arrival.correlation_id},
    }
    if event.occurred_at:
        item["occurred_at"] = {"S": to_text(event.occurred_at)}
    if packed is not None:
        item["body"] = {"B": packed}
    if is_redacted:
        item["redacted"] = {"BOOL": True}
    return item


def _conflicts(new: list[OrderEvent], item: Item) -> int:
    """How many of the new events share status and time with another one, in the batch or in the item's history. A blind
    write of one event of a known status hands back only the head that it replaced, and that is enough: no event of the
    history is between the two."""
    seen = {
        (value["M"]["status"]["S"], value["M"].get("occurred_at", {}).get("S"))
        for name, value in item.items()
        if name.startswith(EVENT)
    }
    replaced = item["snapshot_key"]["S"] if "snapshot_key" in item and not seen else ""
    conflicts = 0
    for event in new:
        moment = (event.status, to_text(event.occurred_at) if event.occurred_at else None)
        conflicts += moment in seen or event.moment == replaced[: len(event.moment)]
        seen.add(moment)
    return conflicts
