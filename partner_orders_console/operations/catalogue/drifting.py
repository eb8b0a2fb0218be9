"""Drift: products that differ on the platform from what the chain wants, and having them repaired."""

import csv
import gzip
import io
from collections.abc import Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from partner_orders.catalogue.loading_lease import LeaseLostError, StoreIsLoadingError
from partner_orders.clock import now
from partner_orders.drift.comparison import Drift, ExportReplacedError, RepairRequest
from partner_orders.drift.differences import Finding
from partner_orders.drift.guards import Guard, RepairRules
from partner_orders.drift.report import DriftReport, ListedProduct
from partner_orders.drift.table import DriftTable
from partner_orders.loader.files_bucket import FilesBucket
from partner_orders_console.operations.callers import caller
from partner_orders_console.operations.catalogue.exported import exports_of, exports_table_of, note_of
from partner_orders_console.operations.catalogue.loading import limits_of
from partner_orders_console.operations.catalogue.switching import reason_given
from partner_orders_console.operations.catalogue_stack import CatalogueStack
from partner_orders_console.operations.errors import NotFoundError, OperatorError
from partner_orders_console.operations.spreadsheet import csv_line
from partner_orders_console.operations.words import at

MOST_REPORTS = 30
_WRITERS = 4
# The template's own, for a stack that is older than the parameter.
_SALES_BUFFER = "1"
GUARDS = {
    Guard.PRICE_STEP: "a price changes too much within a day",
    Guard.SWITCHED_OFF: "too many products would go off sale within a day",
    Guard.TOO_MANY: "too many products differ",
    Guard.OTHER_STORE: "the export and the catalogue have less than half of their products in common",
}


def last_reports(catalogue: CatalogueStack) -> dict[str, DriftReport]:
    """What the last comparison of each store found, without its products. Raises botocore's errors."""
    return _table(catalogue).all()


def reports(catalogue: CatalogueStack, store_id: str, most: int = MOST_REPORTS) -> list[DriftReport]:
    """What the comparisons of a store found, the newest first. Raises botocore's errors."""
    return [*_table(catalogue).of_store(store_id, most)]


def newest_report(catalogue: CatalogueStack, store_id: str) -> DriftReport:
    """What the last comparison of a store found. Raises OperatorError before the first one, and botocore's errors."""
    for report in reports(catalogue, store_id, 1):
        return report
    note_of(catalogue, store_id)
    raise NotFoundError(
        f"the store {store_id} was not compared yet", "The loader compares its export within minutes; try again then."
    )


def file_lines(catalogue: CatalogueStack, report: DriftReport) -> Iterator[str]:
    """Every product that a report lists, as lines of CSV; the first names the columns. Raises botocore's errors."""
    if not report.file_key:
        return
    bucket = catalogue.output("FilesBucketName")
    body = catalogue.client("s3").get_object(Bucket=bucket, Key=report.file_key)["Body"]
    with body, gzip.GzipFile(fileobj=body) as unpacked, io.TextIOWrapper(unpacked, "utf-8", newline="") as text:
        yield from map(csv_line, csv.reader(text))


def repair(
    catalogue: CatalogueStack,
    store_id: str,
    reason: str,
    skus: Collection[str] | None = None,
    is_beyond_guards: bool = False,
    is_dry_run: bool = False,
) -> DriftReport:
    """Compare the last export of a store anew, and have the chain's values sent again where it differs; record who
    wanted it, when and why. Raises OperatorError and botocore's errors."""
    why = reason_given(reason)
    if is_beyond_guards and not skus:
        raise OperatorError("which products are to be repaired beyond the guards?", "Name them by SKU.")
    note_of(catalogue, store_id)
    by = "" if is_dry_run else caller(catalogue.orders)
    named = frozenset(skus) if skus else None
    request = RepairRequest(RepairRules(limits_of(catalogue), None), named, is_beyond_guards, by, why, is_dry_run)
    with ThreadPoolExecutor(_WRITERS) as executor:
        try:
            report = _drift(catalogue, executor).compare(store_id, request)
        except StoreIsLoadingError as error:
            raise OperatorError(
                f"the store {store_id} is being loaded or compared", f"Try again after {at(error.until)} (UTC)."
            ) from None
        except ExportReplacedError:
            raise OperatorError("a newer export of the store came meanwhile", "Run the command again.") from None
        except LeaseLostError:
            raise OperatorError("the loader has taken the store meanwhile", "Run the command again.") from None
    if report.problem:
        raise OperatorError(f"the store {store_id} cannot be compared: {report.problem}", "The next export may do.")
    return report


def report_json(report: DriftReport) -> dict[str, Any]:
    return {
        "store_id": report.store_id,
        "asked_at": report.asked_at,
        "compared_at": report.compared_at,
        "findings": {finding.value: report.findings[finding] for finding in Finding},
        "fields": dict(report.fields),
        "repairs": {repair.value: number for repair, number in report.repairs.items()},
        "left": report.left,
        "guards": [guard.value for guard in report.guards],
        "by": report.by,
        "why": report.why or None,
        "problem": report.problem or None,
        "products": [_listed_json(listed) for listed in report.listed],
    }


def _listed_json(listed: ListedProduct) -> dict[str, Any]:
    found = listed.found
    return {
        "sku": found.sku,
        "finding": found.finding.value,
        "ours": found.ours.said,
        "shown": found.shown.said,
        "repair": listed.repair.value or None,
    }


def _drift(catalogue: CatalogueStack, executor: ThreadPoolExecutor) -> Drift:
    bucket = FilesBucket(catalogue.client("s3"), catalogue.output("FilesBucketName"))
    sales_buffer = int(catalogue.parameters.get("SalesBuffer", _SALES_BUFFER))
    return Drift(
        catalogue.tables,
        exports_table_of(catalogue),
        exports_of(catalogue),
        _table(catalogue),
        bucket.put_file,
        now,
        executor,
        limits_of(catalogue),
        sales_buffer,
    )


def _table(catalogue: CatalogueStack) -> DriftTable:
    return DriftTable(catalogue.client("dynamodb"), catalogue.output("CatalogueTableName"))
