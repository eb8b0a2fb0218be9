"""What was decided of held changes: by whom, why and when. A row a decision, written before it takes effect."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from partner_orders.aws.attribute_values import Row
from partner_orders.aws.keys import Key
from partner_orders.catalogue import keys
from partner_orders.catalogue.files import Decision
from partner_orders.catalogue.guards import Reason
from partner_orders.catalogue.held import Held
from partner_orders.catalogue.packed_lines import lines_of, packed_lines
from partner_orders.catalogue.product import Values, printable
from partner_orders.catalogue.rows import catalogue_table
from partner_orders.catalogue.stored import instant, milliseconds
from partner_orders.clock import from_text, to_text

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

KEPT = timedelta(days=400)
MAX_BY, MAX_WHY = 200, 500  # characters
LOADER = "loader"


@dataclass(frozen=True, slots=True)
class Decided:
    """A decision on what was held. ``lines``: the values of products, by SKU; empty for a whole file."""

    decided_at: datetime
    decision: Decision
    by: str
    why: str
    reason: Reason
    source: str
    version: datetime
    lines: dict[str, Values]


class DecisionsTable:
    """Every method raises botocore's errors."""

    def __init__(self, client: "DynamoDBClient", table_name: str) -> None:
        self._table = catalogue_table(client, table_name)

    def note(self, store_id: str, held: Held, decision: Decision, by: str, why: str, now: datetime) -> None:
        """Note a decision, before it takes effect."""
        digest = hashlib.sha256(held.name.encode()).hexdigest()[:16]
        row: Row = {
            "decision": decision.value,
            "decided_by": printable(by, MAX_BY),
            "why": printable(why, MAX_WHY),
            "reason": held.reason.value,
            "source": held.source,
            "version": milliseconds(held.version),
            "expires_at": int((now + KEPT).timestamp()),
        }
        if held.lines:
            row["lines"] = packed_lines(held.lines)
        self._table.put(Key(keys.decisions(store_id), f"{to_text(now)}#{decision}#{digest}"), row)

    def of_store(self, store_id: str, most: int = 100) -> Iterator[Decided]:
        """The decisions of a store, the last first; consistent."""
        rows = self._table.query(keys.decisions(store_id), newest_first=True, limit=most, consistent=True)
        return map(_decided, rows)


def _decided(row: Row) -> Decided:
    return Decided(
        from_text(row["sk"].partition("#")[0]),
        Decision(row["decision"]),
        row["decided_by"],
        row["why"],
        Reason(row["reason"]),
        row["source"],
        instant(row["version"]),
        lines_of(row["lines"]) if "lines" in row else {},
    )
