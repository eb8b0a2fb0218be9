"""Changes that a guard holds, until a person releases or drops them (rule W9)."""

import hashlib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from partner_orders.aws.attribute_values import Row
from partner_orders.aws.keys import Key
from partner_orders.aws.update import Update, absent, all_of, any_of, equals, present
from partner_orders.catalogue import keys
from partner_orders.catalogue.guards import Reason
from partner_orders.catalogue.packed_lines import lines_of, pack, packed_lines, unpack
from partner_orders.catalogue.product import Values
from partner_orders.catalogue.rows import catalogue_table
from partner_orders.catalogue.stored import instant, milliseconds
from partner_orders.clock import from_text, to_text

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

MAX_LINES = 1_000  # in one row


@dataclass(frozen=True, slots=True)
class Held:
    """Values that are held for one reason: those of products, by SKU, in a version; or a whole file, whose ``lines``
    are then empty. ``source`` names the file, ``stored_at`` the time at which a held file was stored. ``decision``:
    what a person decided of it, whose effect has yet to end. ``splits``: how often products were taken out of it.
    ``versions``: those of products that have one of their own."""

    name: str
    reason: Reason
    source: str
    version: datetime
    lines: Mapping[str, Values]
    stored_at: datetime | None = None
    decision: str = ""
    splits: int = 0
    versions: Mapping[str, datetime] = field(default_factory=dict)

    @property
    def is_file(self) -> bool:
        return self.stored_at is not None

    @property
    def newest(self) -> datetime:
        """The newest version that anything of it has."""
        return max((self.version, *self.versions.values()))

    def version_of(self, sku: str) -> datetime:
        """The version of a product's values."""
        return self.versions.get(sku, self.version)


class HeldTable:
    """What is held of every store. Every method raises botocore's errors."""

    def __init__(self, client: "DynamoDBClient", table_name: str) -> None:
        self._table = catalogue_table(client, table_name)

    def hold_lines(
        self,
        store_id: str,
        source: str,
        version: datetime,
        lines: Mapping[str, Values],
        part: int = 0,
        versions: Mapping[str, datetime] | None = None,
    ) -> None:
        """Hold the prices of at most a thousand products, the ``part`` of those of a file. The same part of the same
        file is held once, however often it is taken. ``versions``: those of products that state their own."""
        self._put(store_id, Reason.PRICE_STEP, source, version, f"#{part}", _content(lines, versions or {}))

    def hold_file(self, store_id: str, reason: Reason, source: str, version: datetime, stored_at: datetime) -> None:
        """Hold a whole file."""
        self._put(store_id, reason, source, version, "", {"stored_at": to_text(stored_at)})

    def hold_line(
        self, store_id: str, reason: Reason, source: str, version: datetime, sku: str, values: Values
    ) -> None:
        """Hold what a message says of one product; the same message holds it once."""
        self._put(store_id, reason, f"{source}/{sku}", version, "#0", {"lines": packed_lines({sku: values})})

    def of_store(self, store_id: str) -> Iterator[Held]:
        """What is held of a store, the oldest version first."""
        yield from map(_held, self._table.query(keys.held(store_id), consistent=True))

    def get(self, store_id: str, name: str) -> Held | None:
        row = self._table.get(Key(keys.held(store_id), name))
        return None if row is None else _held(row)

    def remove(self, store_id: str, held: Held) -> None:
        """Forget what was released or dropped."""
        self._table.delete(Key(keys.held(store_id), held.name))

    def split(self, store_id: str, held: Held, skus: Collection[str]) -> Held:
        """Hold some of the products by themselves, so that they can be decided apart from the others: what is then held
        of them. A crash in between leaves them held twice. Raises ConditionFailedError where somebody was faster."""
        lines = {sku: values for sku, values in held.lines.items() if sku in skus}
        if len(lines) == len(held.lines):
            return held
        left = {sku: values for sku, values in held.lines.items() if sku not in skus}
        digest = hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest()[:16]
        part = replace(held, name=f"{held.name}#{digest}", lines=lines)
        attributes = {"reason": held.reason.value, "source": held.source, "version": milliseconds(held.version)}
        versions = {sku: version for sku, version in held.versions.items() if sku in lines}
        self._table.put(Key(keys.held(store_id), part.name), attributes | _content(lines, versions))
        as_read = equals("splits", held.splits) if held.splits else absent("splits")
        update = Update().set("lines", packed_lines(left)).set("splits", held.splits + 1)
        update.only_if(all_of(present("reason"), absent("decision"), as_read))
        self._table.update(Key(keys.held(store_id), held.name), update)
        return part

    def decide(self, store_id: str, held: Held, decision: str) -> None:
        """Note what was decided, so that nobody decides otherwise meanwhile. Raises ConditionFailedError where somebody
        did, or where nothing is held any more."""
        update = Update().set("decision", decision)
        update.only_if(all_of(present("reason"), any_of(absent("decision"), equals("decision", decision))))
        self._table.update(Key(keys.held(store_id), held.name), update)

    def _put(
        self, store_id: str, reason: Reason, source: str, version: datetime, part: str, content: dict[str, Any]
    ) -> None:
        name = f"{to_text(version)}#{reason}#{source}{part}"
        attributes = {"reason": reason.value, "source": source, "version": milliseconds(version), **content}
        self._table.put(Key(keys.held(store_id), name), attributes)


def _content(lines: Mapping[str, Values], versions: Mapping[str, datetime]) -> dict[str, Any]:
    content: dict[str, Any] = {"lines": packed_lines(lines)}
    if versions:
        content["versions"] = pack({sku: milliseconds(version) for sku, version in versions.items()})
    return content


def _held(row: Row) -> Held:
    lines = lines_of(row["lines"]) if "lines" in row else {}
    stored_at = from_text(row["stored_at"]) if "stored_at" in row else None
    reason, version = Reason(row["reason"]), instant(row["version"])
    versions = unpack(row["versions"]) if "versions" in row else {}
    return Held(
        row["sk"],
        reason,
        row["source"],
        version,
        lines,
        stored_at,
        row.get("decision", ""),
        row.get("splits", 0),
        {sku: instant(at) for sku, at in versions.items()},
    )
