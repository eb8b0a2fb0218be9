"""What the platform shows of a store, by its last export (rule W4: shown)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from partner_orders.catalogue.desired import Desired
from partner_orders.catalogue.job_result import ExportedProduct
from partner_orders.catalogue.result_rows import UnreadableResultError
from partner_orders.drift.differences import is_shown_price
from partner_orders.exports.schedule import ExportNote
from partner_orders.exports.store_exports import COLUMNS, StoreExports
from partner_orders.exports.table import ExportsTable
from partner_orders_console.operations.catalogue_stack import CatalogueStack
from partner_orders_console.operations.errors import OperatorError
from partner_orders_console.operations.spreadsheet import csv_line
from partner_orders_console.operations.words import at

_EVERY_HOURS = "24"


@dataclass(frozen=True)
class LastExport:
    """``asked_at``: the export shows the store as it was then, or a little later."""

    asked_at: datetime
    products: Mapping[str, ExportedProduct]

    def shows(self, row: Desired) -> bool:
        """Whether the export has the price of a product as it is confirmed, and whether it is for sale. The platform
        may cut a price to two decimals."""
        shown, confirmed = self.products.get(row.sku), row.confirmed
        if shown is None:
            return False
        is_as_active = confirmed.active is None or shown.active is confirmed.active
        return is_as_active and (confirmed.price is None or is_shown_price(confirmed.price, shown.price))


def last_export(catalogue: CatalogueStack, store_id: str) -> LastExport | None:
    """The last export of a store; None before its first, and for one that cannot be read. Raises botocore's errors."""
    asked_at = exports_table_of(catalogue).get(store_id).shown_at
    if asked_at is None:
        return None
    try:
        return LastExport(asked_at, {product.sku: product for product in exports_of(catalogue).shown(store_id)})
    except UnreadableResultError:
        return None


def note_of(catalogue: CatalogueStack, store_id: str) -> ExportNote:
    """What is known of a store's exports. Raises OperatorError before the first one, with when it comes."""
    note = exports_table_of(catalogue).get(store_id)
    if note.shown_at is not None:
        return note
    hours = int(catalogue.parameters.get("ExportEveryHours", _EVERY_HOURS))
    if not hours:
        advice = "None is asked for: deploy the catalogue with ExportEveryHours=24."
    elif note.is_open:
        advice = f"It was asked for at {at(note.asked_at)} (UTC). Try again in some minutes."
    else:
        advice = (
            f"It is asked for within minutes after `partner-orders catalogue resume {store_id}`, and then every"
            f" {hours} hours."
        )
    problem = f": {note.problem}" if note.problem else ""
    raise OperatorError(f"there is no export of the store {store_id} yet{problem}", advice)


def csv_lines(catalogue: CatalogueStack, store_id: str) -> Iterator[str]:
    """The last export of a store as CSV; the first line names the columns. Raises OperatorError for a file that cannot
    be read, and botocore's errors."""
    yield csv_line(COLUMNS)
    try:
        for one in exports_of(catalogue).shown(store_id):
            active = None if one.active is None else str(one.active).lower()
            yield csv_line((one.sku, " ".join(one.barcodes), one.price, active, one.cap))
    except UnreadableResultError as error:
        raise OperatorError(
            f"the export of the store {store_id} cannot be read: {error}", "The next one takes its place."
        ) from None


def exports_of(catalogue: CatalogueStack) -> StoreExports:
    """The last export of each store, in the bucket."""
    return StoreExports(exports_table_of(catalogue), catalogue.client("s3"), catalogue.output("FilesBucketName"))


def exports_table_of(catalogue: CatalogueStack) -> ExportsTable:
    """The exports that were asked for, in the catalogue's table."""
    return ExportsTable(catalogue.client("dynamodb"), catalogue.output("CatalogueTableName"))
