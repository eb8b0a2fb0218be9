"""Erasing a customer's personal data from an order, its history, and the rejected.

The business figures stay. An order that was erased takes later events without personal data (``orders_table``).
"""

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from partner_orders.clock import Clock, from_text, to_text
from partner_orders.exact_json import Json, MalformedJsonError, parse, write
from partner_orders.order_events.message import body_within
from partner_orders.orders.packed_body import pack, unpack
from partner_orders.orders.personal_data import personal_part, redacted
from partner_orders.orders.rejected_table import REJECTED_SK
from partner_orders.orders.stored import EVENT, Item
from partner_orders.orders.table import ORDER_SK, ContendedError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

type IsTheirs = Callable[[Json], bool]
type NamesThem = Callable[[bytes], bool]
MAX_TRIES = 12


class Erasure:
    """``is_theirs`` says of an order object, as parsed, whether it is of the customer; ``names_them`` of bytes, whether
    they name them: what is personal in an order, and a rejected body, which need not be an order, nor JSON."""

    def __init__(
        self,
        client: "DynamoDBClient",
        table_name: str,
        is_theirs: IsTheirs,
        clock: Clock,
        names_them: NamesThem = lambda _: False,
    ) -> None:
        self._client = client
        self._table = table_name
        self._is_theirs = is_theirs
        self._clock = clock
        self._names_them = names_them

    def concerns(self, item: Item) -> bool:
        """Whether a row holds anything of the customer: of an order, a body of its own, or a rejected event."""
        if any(self._is_in(packed) for packed in _bodies(item)):
            return True
        return item["sk"]["S"] == REJECTED_SK and self._is_named_in(item["body"]["B"])

    def erase_order(self, order_id: str) -> int:
        """Erase an order with all its rows; gives how many bodies were rewritten. Safe to repeat, and to interrupt:
        what is left is found again. Of an order that was erased before, what an earlier version left goes too. Raises
        ContendedError when others kept writing it.

        The mark goes first, with the bodies in the order's own item: from then on nothing personal is added, and the
        rows of large bodies are rewritten one by one.
        """
        written = self._erase_item(order_id)
        pages = self._client.get_paginator("query").paginate(
            TableName=self._table,
            KeyConditionExpression="pk = :pk AND begins_with(sk, :event)",
            ExpressionAttributeValues={":pk": {"S": f"ORDER#{order_id}"}, ":event": {"S": "EVENT#"}},
            ConsistentRead=True,
        )
        for row in (row for page in pages for row in page["Items"]):
            body = unpack(row["body"]["B"])
            if (without := redacted(body)) != body:
                self._client.update_item(
                    TableName=self._table,
                    Key={"pk": row["pk"], "sk": row["sk"]},
                    UpdateExpression="SET body = :body",
                    ConditionExpression="attribute_exists(pk)",
                    ExpressionAttributeValues={":body": {"B": pack(without)}},
                )
                written += 1
        return written

    def erase_rejected(self, digest: str) -> None:
        """Keep of a rejected event that it was there and why, without anybody's data; nothing of a body that cannot be
        read, or names the customer even so. Safe to repeat."""
        key: Any = {"pk": {"S": f"REJECTED#{digest}"}, "sk": {"S": REJECTED_SK}}
        item = self._client.get_item(TableName=self._table, Key=key, ConsistentRead=True).get("Item")
        if item is None:
            return
        try:
            body = redacted(unpack(item["body"]["B"]))
        except (MalformedJsonError, ValueError):
            body = b""
        if self._names_them(body):
            body = b""
        self._client.update_item(
            TableName=self._table,
            Key=key,
            UpdateExpression="SET body = :body, erased_at = if_not_exists(erased_at, :now)",
            ConditionExpression="attribute_exists(pk)",
            ExpressionAttributeValues={":body": {"B": pack(body)}, ":now": {"S": to_text(self._clock())}},
        )

    def _erase_item(self, order_id: str) -> int:
        key: Any = {"pk": {"S": f"ORDER#{order_id}"}, "sk": {"S": ORDER_SK}}
        for _ in range(MAX_TRIES):
            item = self._client.get_item(TableName=self._table, Key=key, ConsistentRead=True).get("Item")
            if item is None or ("erased_at" in item and not any(map(_has_more, _bodies(item)))):
                return 0
            erased_at = from_text(item["erased_at"]["S"]) if "erased_at" in item else self._clock()
            try:
                return self._rewrite(item, erased_at)
            except ClientError as error:
                if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
                    raise
        raise ContendedError("an order was written by others at every try")

    def _rewrite(self, item: Item, now: datetime) -> int:
        """The item as a whole, unless somebody has written it since. Event by event, an update of hundreds would be a
        longer expression than the 4 KB that DynamoDB takes."""
        erased = item | {"erased_at": {"S": to_text(now)}, "version": {"N": str(int(item["version"]["N"]) + 1)}}
        inline, written = 0, 0
        for name, value in item.items():
            if not name.startswith(EVENT):
                continue
            event = value["M"] | {"redacted": {"BOOL": True}}
            if "body" in event:
                packed = pack(redacted(unpack(event["body"]["B"])))
                event["body"] = {"B": packed}
                inline, written = inline + len(packed), written + 1
            erased[name] = {"M": event}
        erased["body_bytes"] = {"N": str(inline)}
        self._client.put_item(
            TableName=self._table,
            Item=erased,
            ConditionExpression="version = :version",
            ExpressionAttributeValues={":version": item["version"]},
        )
        return written

    def _is_in(self, packed: bytes) -> bool:
        try:
            body = unpack(packed)
            order = parse(body)
        except (MalformedJsonError, ValueError):
            return False
        if self._is_theirs(order):
            return True
        # What stays names articles, stores and the order itself: the same number there is not the customer's.
        if not isinstance(order, dict) or not self._names_them(body):
            return False
        return self._names_them(write(personal_part(order)).encode("ascii"))

    def _is_named_in(self, packed: bytes) -> bool:
        try:
            body = unpack(packed)
        except ValueError:
            return False
        return self._names_them(body) or self._names_them(body_within(body))


def is_behind(item: Item) -> bool:
    """Whether a row that was erased holds more than would be left today, or may hold it in rows of its own: an earlier
    version knew less of what is personal."""
    if "erased_at" not in item:
        return False
    return any("body" not in event for event in _events(item)) or any(map(_has_more, _bodies(item)))


def _has_more(packed: bytes) -> bool:
    """Whether redaction takes anything from a body; of one that nothing is left of, it does not."""
    try:
        body = unpack(packed)
        return redacted(body) != body
    except (MalformedJsonError, ValueError):
        return False


def _events(item: Item) -> list[Item]:
    return [value["M"] for name, value in item.items() if name.startswith(EVENT)]


def _bodies(item: Item) -> list[bytes]:
    inline = [event["body"]["B"] for event in _events(item) if "body" in event]
    return [*inline, item["body"]["B"]] if "body" in item else inline
