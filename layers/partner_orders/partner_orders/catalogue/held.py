"""Changes that a guard holds, until a person releases or drops them (rule W9)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import batched
from typing import TYPE_CHECKING, Any

from partner_orders.aws.attribute_values import Row
from partner_orders.aws.dynamodb import Table
from partner_orders.aws.keys import Key
from partner_orders.catalogue import keys
from partner_orders.catalogue.guards import Reason
from partner_orders.catalogue.packed_lines import lines_of, packed_lines
from partner_orders.catalogue.product import Values
from partner_orders.catalogue.stored import instant, milliseconds
from partner_orders.clock import to_text

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

MAX_LINES = 1_000  # in one row


@dataclass(frozen=True, slots=True)
class Held:
    """Values that are held for one reason: those of products, by SKU, in a version; or a whole file, whose ``lines``
    are then empty. ``source`` names the file."""

    name: str
    reason: Reason
    source: str
    version: datetime
    lines: Mapping[str, Values]


class HeldTable:
    """What is held of every store. Every method raises botocore's errors."""

    def __init__(self, client: "DynamoDBClient", table_name: str) -> None:
        self._table = Table(client, table_name)

    def hold_lines(self, store_id: str, source: str, version: datetime, lines: Mapping[str, Values]) -> None:
        """Hold the prices of some products. The same file holds the same lines once, however often it is taken."""
        for number, some in enumerate(batched(lines.items(), MAX_LINES, strict=False)):
            content = {"lines": packed_lines(dict(some))}
            self._put(store_id, Reason.PRICE_STEP, source, version, f"#{number}", content)

    def hold_file(self, store_id: str, reason: Reason, source: str, version: datetime) -> None:
        """Hold a whole file."""
        self._put(store_id, reason, source, version, "", {})

    def hold_line(
        self, store_id: str, reason: Reason, source: str, version: datetime, sku: str, values: Values
    ) -> None:
        """Hold what a message says of one product; the same message holds it once."""
        self._put(store_id, reason, f"{source}/{sku}", version, "#0", {"lines": packed_lines({sku: values})})

    def of_store(self, store_id: str) -> Iterator[Held]:
        """What is held of a store, the oldest version first."""
        yield from map(_held, self._table.query(keys.held(store_id), consistent=True))

    def remove(self, store_id: str, held: Held) -> None:
        """Forget what was released or dropped."""
        self._table.delete(Key(keys.held(store_id), held.name))

    def _put(
        self, store_id: str, reason: Reason, source: str, version: datetime, part: str, content: dict[str, Any]
    ) -> None:
        name = f"{to_text(version)}#{reason}#{source}{part}"
        attributes = {"reason": reason.value, "source": source, "version": milliseconds(version), **content}
        self._table.put(Key(keys.held(store_id), name), attributes)


def _held(row: Row) -> Held:
    lines = lines_of(row["lines"]) if "lines" in row else {}
    return Held(row["sk"], Reason(row["reason"]), row["source"], instant(row["version"]), lines)
