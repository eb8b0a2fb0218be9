"""The products of stores by barcode, for urgent messages that name no SKU: a store's last export, read once."""

from datetime import datetime
from typing import NamedTuple

from partner_orders.exports.barcodes import Barcodes
from partner_orders.exports.store_exports import StoreExports
from partner_orders.exports.table import ExportsTable

# The exports on the function's disk at a time.
MOST_STORES = 8


class _Read(NamedTuple):
    """An export as it was read: when it came, and its barcodes."""

    came_at: datetime
    barcodes: Barcodes


class UrgentBarcodes:
    """``files`` is None where the function has no bucket."""

    def __init__(self, table: ExportsTable, files: StoreExports | None) -> None:
        self._table = table
        self._files = files
        self._known: dict[str, _Read] = {}

    def skus(self, store_id: str, barcode: str) -> tuple[str, ...] | None:
        """The SKUs of a barcode by the store's last export; None where there is none. Raises botocore's errors, and
        UnreadableResultError."""
        came_at = None if self._files is None else self._table.get(store_id).came_at
        if self._files is None or came_at is None:
            return None
        known = self._known.pop(store_id, None)
        if known is None or known.came_at != came_at:
            known = _Read(came_at, self._files.barcodes(store_id))
        while len(self._known) >= MOST_STORES:
            self._known.pop(next(iter(self._known))).barcodes.close()
        self._known[store_id] = known
        return known.barcodes.get(barcode, ())
