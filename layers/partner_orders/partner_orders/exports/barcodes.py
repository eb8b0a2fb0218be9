"""The products of a store by barcode, on the function's own disk: a store may have a million of them."""

import sqlite3
import weakref
from collections.abc import Iterable, Iterator, Mapping

from partner_orders.catalogue.job_result import ExportedProduct, comparable_barcode

_CACHED_KILOBYTES = 8 * 1024


class Barcodes(Mapping[str, tuple[str, ...]]):
    """The SKUs that have a barcode, in the order of the export. Leading zeros make no difference: the platform's
    barcodes may have some that the till's have not (docs/platform.md 6). ``close`` gives the disk back at once."""

    def __init__(self, products: Iterable[ExportedProduct]) -> None:
        # A database without a name is a temporary file that goes when it is closed.
        self._database = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self.close = weakref.finalize(self, self._database.close)
        self._database.execute(f"PRAGMA cache_size = -{_CACHED_KILOBYTES}")
        self._database.execute("CREATE TABLE named (barcode TEXT, sku TEXT)")
        self._database.execute("BEGIN")
        self._database.executemany("INSERT INTO named VALUES (?, ?)", _named(products))
        self._database.execute("CREATE INDEX by_barcode ON named (barcode)")
        self._database.execute("COMMIT")

    def __getitem__(self, barcode: str) -> tuple[str, ...]:
        query = "SELECT sku FROM named WHERE barcode = ? ORDER BY rowid"
        found = self._database.execute(query, (comparable_barcode(barcode),)).fetchall()
        if not found:
            raise KeyError(barcode)
        return tuple(dict.fromkeys(sku for (sku,) in found))

    def __iter__(self) -> Iterator[str]:
        return (barcode for (barcode,) in self._database.execute("SELECT DISTINCT barcode FROM named"))

    def __len__(self) -> int:
        [(number,)] = self._database.execute("SELECT COUNT(DISTINCT barcode) FROM named")
        return int(number)


def _named(products: Iterable[ExportedProduct]) -> Iterator[tuple[str, str]]:
    for product in products:
        for barcode in product.barcodes:
            yield comparable_barcode(barcode), product.sku
