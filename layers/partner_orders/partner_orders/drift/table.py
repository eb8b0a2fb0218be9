"""What comparisons found, in the catalogue's table: the last one of each store, and one row for each."""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from partner_orders.aws.attribute_values import Row
from partner_orders.aws.dynamodb import Range, Table
from partner_orders.aws.keys import Key
from partner_orders.aws.update import Update
from partner_orders.catalogue import keys
from partner_orders.catalogue.packed_lines import pack, unpack
from partner_orders.catalogue.product import printable
from partner_orders.catalogue.stored import instant, milliseconds, values_of
from partner_orders.clock import to_text
from partner_orders.drift.differences import Compared, Finding
from partner_orders.drift.guards import Guard, Repair
from partner_orders.drift.report import DriftReport, Told

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

KEPT = timedelta(days=400)
MAX_BY, MAX_WHY, MAX_PROBLEM = 200, 500, 300  # characters


class Begun(NamedTuple):
    """The export of a store that was compared last, or is being compared: when it was asked for, and how often a
    comparison of it began without an end; 0 once one ended."""

    asked_at: datetime
    runs: int


class DriftTable:
    """Every method raises botocore's errors."""

    def __init__(self, client: "DynamoDBClient", table_name: str) -> None:
        self._table = Table(client, table_name)

    def begun(self) -> dict[str, Begun]:
        """Which export of each store was compared last, or is being compared."""
        rows = self._table.query(keys.STORES, Range(prefix=keys.DRIFT))
        return {_store_id(row): Begun(instant(row["begun_of"]), row.get("runs", 0)) for row in rows}

    def begin(self, store_id: str, asked_at: datetime, runs: int) -> None:
        """Note that a comparison of an export begins: the so-manieth of it."""
        update = Update().set("begun_of", milliseconds(asked_at)).set("runs", runs)
        self._table.update(keys.drift(store_id), update)

    def end(self, report: DriftReport) -> None:
        """Keep what a comparison found."""
        attributes = _attributes(report)
        expires_at = int((report.compared_at + KEPT).timestamp())
        self._table.put(
            Key(keys.drifts(report.store_id), to_text(report.compared_at)), attributes | {"expires_at": expires_at}
        )
        # The rows of all stores are read each minute, so that they hold no products.
        attributes.pop("told", None)
        begun = {"begun_of": milliseconds(report.asked_at), "runs": 0}
        self._table.put(keys.drift(report.store_id), attributes | begun)

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
        "told": pack([_plain(told) for told in report.told]) if report.told else None,
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
        tuple(map(_told, unpack(row["told"]))) if "told" in row else (),
        row.get("file_key", ""),
        row.get("compared_by", ""),
        row.get("why", ""),
        row.get("problem", ""),
    )


def _counts(counter: Counter[Any]) -> dict[str, int]:
    return {str(name): number for name, number in counter.items() if name and number}


def _plain(told: Told) -> dict[str, Any]:
    found = told.found
    said = {"ours": found.ours.said, "shown": found.shown.said, "repair": told.repair.value}
    return {"sku": found.sku, "finding": found.finding.value} | {name: one for name, one in said.items() if one}


def _told(entry: dict[str, Any]) -> Told:
    ours, shown = (values_of(entry.get(name, {})) for name in ("ours", "shown"))
    return Told(Compared(entry["sku"], Finding(entry["finding"]), ours, shown), Repair(entry.get("repair", "")))


def _store_id(row: Row) -> str:
    return str(row["sk"]).removeprefix(keys.DRIFT)
