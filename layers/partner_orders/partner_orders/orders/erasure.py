"""Erasing a customer's personal data from an order, its history, and the rejected.

The business figures stay. An order that was erased takes later events without personal data (``orders_table``).
"""

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from partner_orders.aws import keys
from partner_orders.aws.attribute_values import Row
from partner_orders.aws.dynamodb import ConditionFailedError, Range, Table
from partner_orders.aws.keys import Key
from partner_orders.aws.update import Update, equals, present
from partner_orders.clock import Clock, from_text, to_text
from partner_orders.exact_json import Json, parse, write
from partner_orders.orders.packed_body import pack, unpack
from partner_orders.orders.personal_data import personal_part, redacted
from partner_orders.orders.stored import EVENT, events_of, is_moved_entry
from partner_orders.orders.table import ContendedError

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
        self._table = Table(client, table_name)
        self._is_theirs = is_theirs
        self._clock = clock
        self._names_them = names_them

    def concerns(self, row: Row) -> bool:
        """Whether a row holds anything of the customer: of an order, a body of its own, or a rejected event."""
        if any(self._is_in(packed) for packed in _bodies(row)):
            return True
        return bool(row["sk"] == keys.REJECTED) and self._is_named_in(row["body"])

    def erase_order(self, order_id: str) -> int:
        """Erase an order with all its rows; gives how many bodies were rewritten. Safe to repeat, and to interrupt:
        what is left is found again. Of an order that was erased before, what an earlier version left goes too. Raises
        ContendedError when others kept writing it.

        The mark goes first, with the bodies in the order's own item: from then on nothing personal is added, and the
        rows of large bodies are rewritten one by one.
        """
        written = self._erase_row(order_id)
        for row in self._table.query(keys.order_partition(order_id), Range(prefix=keys.EVENT), consistent=True):
            body = unpack(row["body"])
            without = redacted(body)
            if without == body and (not is_moved_entry(row) or "redacted" in row):
                continue
            update = Update().set("body", pack(without))
            if is_moved_entry(row):
                update.set("redacted", True)
            written += self._has_changed(keys.Key(row["pk"], row["sk"]), update) and without != body
        return written

    def erase_rejected(self, digest: str) -> None:
        """Keep of a rejected event that it was there and why, without anybody's data; nothing of a body that cannot be
        read, or names the customer even so. Safe to repeat."""
        row = self._table.get(keys.rejected(digest))
        if row is None:
            return
        try:
            body = redacted(unpack(row["body"]))
        except ValueError:
            body = b""
        if self._names_them(body):
            body = b""
        update = Update().set("body", pack(body)).default("erased_at", to_text(self._clock()))
        self._has_changed(keys.rejected(digest), update)

    def _has_changed(self, key: Key, update: Update) -> bool:
        """Change a row, unless it has expired or was deleted meanwhile: then nothing of it is left."""
        try:
            self._table.update(key, update.only_if(present("pk")))
        except ConditionFailedError:
            return False
        return True

    def _erase_row(self, order_id: str) -> int:
        for _ in range(MAX_TRIES):
            row = self._table.get(keys.order(order_id))
            if row is None or ("erased_at" in row and not any(map(_has_more, _bodies(row)))):
                return 0
            erased_at = from_text(row["erased_at"]) if "erased_at" in row else self._clock()
            try:
                return self._rewrite(order_id, row, erased_at)
            except ConditionFailedError:
                continue
        raise ContendedError("concurrent writes of an order won every time")

    def _rewrite(self, order_id: str, row: Row, now: datetime) -> int:
        """The row as a whole, unless it was written since. Event by event, an update of hundreds would be a longer
        expression than the 4 KB that DynamoDB takes."""
        erased = row | {"erased_at": to_text(now), "version": row["version"] + 1}
        inline, written = 0, 0
        for digest, event in events_of(row).items():
            without: dict[str, Any] = event | {"redacted": True}
            if "body" in event:
                without["body"] = pack(redacted(unpack(event["body"])))
                inline, written = inline + len(without["body"]), written + 1
            erased[EVENT + digest] = without
        erased["body_bytes"] = inline
        self._table.put(keys.order(order_id), erased, equals("version", row["version"]))
        return written

    def _is_in(self, packed: bytes) -> bool:
        try:
            body = unpack(packed)
            order = parse(body)
        except ValueError:
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
        return self._names_them(body)


def is_behind(row: Row) -> bool:
    """Whether a row that was erased holds more than would be left today, or may hold it in rows of its own: an earlier
    version knew less of what is personal."""
    if "erased_at" not in row:
        return False
    return any("body" not in event for event in events_of(row).values()) or any(map(_has_more, _bodies(row)))


def _has_more(packed: bytes) -> bool:
    """Whether redaction takes anything from a body; of one that nothing is left of, it does not."""
    try:
        body = unpack(packed)
        return redacted(body) != body
    except ValueError:
        return False


def _bodies(row: Row) -> list[bytes]:
    inline = [event["body"] for event in events_of(row).values() if "body" in event]
    return [*inline, row["body"]] if "body" in row else inline
