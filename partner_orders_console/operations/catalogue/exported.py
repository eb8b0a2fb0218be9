"""What the platform shows of a store, by its last export (rule W4: shown)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_DOWN, Decimal

from partner_orders.catalogue.desired import Desired
from partner_orders.catalogue.job_result import ExportedProduct
from partner_orders.catalogue.result_rows import UnreadableResultError
from partner_orders.exports.store_exports import StoreExports
from partner_orders.exports.table import ExportsTable
from partner_orders_console.operations.catalogue_stack import CatalogueStack

_CENT = Decimal("0.01")


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
        return is_as_active and (confirmed.price is None or shown.price in _prices(confirmed.price))


def last_export(catalogue: CatalogueStack, store_id: str) -> LastExport | None:
    """The last export of a store; None before its first, and for one that cannot be read. Raises botocore's errors."""
    asked_at = _table(catalogue).get(store_id).shown_at
    if asked_at is None:
        return None
    try:
        return LastExport(asked_at, {product.sku: product for product in exports_of(catalogue).shown(store_id)})
    except UnreadableResultError:
        return None


def exports_of(catalogue: CatalogueStack) -> StoreExports:
    """The last export of each store, in the bucket."""
    return StoreExports(_table(catalogue), catalogue.client("s3"), catalogue.output("FilesBucketName"))


def _table(catalogue: CatalogueStack) -> ExportsTable:
    return ExportsTable(catalogue.client("dynamodb"), catalogue.output("CatalogueTableName"))


def _prices(price: Decimal) -> tuple[Decimal, Decimal]:
    return price, price.quantize(_CENT, ROUND_DOWN)
