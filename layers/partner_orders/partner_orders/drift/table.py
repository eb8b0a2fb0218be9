"""What comparisons found, in the catalogue's table: the last one of each store, and one row for each."""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from partner_orders.aws.attribute_values import Row
from partner_orders.aws.dynamodb import Range
from partner_orders.aws.keys import Key
from partner_orders.aws.update import Update
from partner_orders.catalogue import keys
from partner_orders.catalogue.packed_lines import pack, unpack
from partner_orders.catalogue.product import printable
from partner_orders.catalogue.rows import catalogue_table
from partner_orders.catalogue.stored import instant, milliseconds, values_of
from partner_orders.clock import to_text
from partner_orders.drift.differences import Compared, Finding
from partner_orders.drift.guards import Guard, Repair
from partner_orders.drift.report import DriftReport, ListedProduct
from partner_orders.exports.table import AskedExport

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

KEPT = timedelta(days=400)
# What the row of a store's last comparison has of it; what is not there is removed.
_OF_LAST = (
    *("asked_at", "compared_at", "findings", "fields", "repairs", "guards"),
    *("file_key", "compared_by", "why", "problem"),
)
MAX_BY, MAX_WHY, MAX_PROBLEM = 200, 500, 300  # characters


class Begun(NamedTuple):
    """The export of a store that was compared last, or is being compared: when it was asked for, and how often a
    comparison of it began without an end; 0 once one ended."""

    asked_at: datetime
    runs: int


class DriftTable:
    """Every method raises botocore's errors."""

    def __init__(self, client: "DynamoDBClient", table_name: str) -> None:
        self._table = catalogue_table(client, table_name)

    def begun(self) -> dict[str, Begun]:
        """Which export of each store was compared last, or is being compared."""
        rows = self._table.query(keys.STORES, Range(prefix=keys.DRIFT))
        return {_store_id(row): Begun(instant(row["begun_of"]), row["runs"]) for row in rows if "begun_of" in row}

    def begin(self, export: AskedExport, runs: int) -> None:
        """Note that a comparison of an export begins. ``runs``: how often it did, with this time; 0 that it ended."""
        update = Update().set("begun_of", milliseconds(export.asked_at)).set("runs", runs)
        self._table.update(keys.drift(export.store_id), update)

    def keep(self, report: DriftReport) -> None:
        """Keep what a comparison found."""
        attributes = _attributes(report)
        expires_at = int((report.compared_at + KEPT).timestamp())
        key = Key(keys.drifts(report.store_id), to_text(report.compared_at))
        self._table.put(key, attributes | {"expires_at": expires_at})
        # The rows of all stores are read each minute, so that they hold no products.
        update = Update().set_all({name: attributes.get(name) for name in _OF_LAST})
        self._table.update(keys.drift(report.store_id), update)

    def all(self) -> dict[str, DriftReport]:
        """What was found last of each store that was compared, by store, without its products."""
        rows = self._table.query(keys.STORES, Range(prefix=keys.DRIFT))
        return {_store_id(row): _report(_store_id(row), row) for row in rows if "compared_at" in row}

    def of_store(self, store_id: str, most: int) -> Iterator[DriftReport]:
        """What was found of a store, the newest first."""
        rows = self._table.query(keys.drifts(store_id), newest_first=True, limit=most, consistent=True)
        return (_report(store_id, row) for row in rows)


def _attributes(report: DriftReport) -> dict[str, Any]:
    """The attributes of a row, without its key; what is not there is left out."""
    found: dict[str, Any] = {
        "asked_at": milliseconds(report.asked_at),
        "compared_at": milliseconds(report.compared_at),
        "findings": _counts(report.findings),
        "fields": _counts(report.fields),
        "repairs": _counts(report.repairs),
        "guards": [guard.value for guard in report.guards],
        "listed": pack([_plain(one) for one in report.listed]) if report.listed else None,
        "file_key": report.file_key,
        "compared_by": printable(report.by, MAX_BY),
        "why": printable(report.why, MAX_WHY),
        "problem": printable(report.problem, MAX_PROBLEM),
    }
    return {name: value for name, value in found.items() if value not in (None, "", {}, [])}


def _report(store_id: str, row: Row) -> DriftReport:
    return DriftReport(
        store_id,
        instant(row["asked_at"]),
        instant(row["compared_at"]),
        Counter({Finding(name): number for name, number in row.get("findings", {}).items()}),
        Counter(row.get("fields", {})),
        Counter({Repair(name): number for name, number in row.get("repairs", {}).items()}),
        tuple(Guard(guard) for guard in row.get("guards", ())),
        tuple(map(_listed, unpack(row["listed"]))) if "listed" in row else (),
        row.get("file_key", ""),
        row.get("compared_by", ""),
        row.get("why", ""),
        row.get("problem", ""),
    )


def _counts(counter: Counter[Any]) -> dict[str, int]:
    return {str(name): number for name, number in counter.items() if name and number}


def _plain(listed: ListedProduct) -> dict[str, Any]:
    found = listed.found
    said = {"ours": found.ours.said, "shown": found.shown.said, "repair": listed.repair.value}
    return {"sku": found.sku, "finding": found.finding.value} | {name: one for name, one in said.items() if one}


def _listed(entry: dict[str, Any]) -> ListedProduct:
    ours, shown = (values_of(entry.get(name, {})) for name in ("ours", "shown"))
    found = Compared(entry["sku"], Finding(entry["finding"]), ours, shown)
    return ListedProduct(found, Repair(entry.get("repair", "")))


def _store_id(row: Row) -> str:
    return str(row["sk"]).removeprefix(keys.DRIFT)
