"""The last export of each store, in the bucket: one form, whatever the brand's file looked like."""

from collections.abc import Iterable, Iterator
from typing import IO, Any, Protocol

from partner_orders.catalogue.job_result import ExportedProduct, read_export
from partner_orders.catalogue.packed_csv import PackedCsv
from partner_orders.exports.barcodes import Barcodes
from partner_orders.exports.table import ExportsTable

FOLDER = "exports/"
# The platform's own names of the columns (docs/platform.md 6).
COLUMNS = ("sku", "barcode", "price", "active", "maximum_sales_quantity")
_READ_BYTES = 64 * 1024


def key_of(store_id: str) -> str:
    """Where a store's last export is in the bucket."""
    return f"{FOLDER}{store_id}.csv.gz"


class Bucket(Protocol):
    """The calls to S3 that are made; a client of boto3 satisfies it."""

    def get_object(self, *, Bucket: str, Key: str) -> Any: ...  # noqa: N803

    def put_object(self, *, Bucket: str, Key: str, Body: IO[bytes], ContentType: str) -> Any: ...  # noqa: N803


class StoreExports:
    """Every method raises botocore's errors. A file is written and read product by product, on disk."""

    def __init__(self, table: ExportsTable, client: Bucket, bucket_name: str) -> None:
        self._table = table
        self._client = client
        self._bucket_name = bucket_name

    def shown(self, store_id: str) -> Iterator[ExportedProduct]:
        """The products of a store as the platform showed them last; none before its first export. Raises
        UnreadableResultError, also after some, for a file that somebody else wrote."""
        # Without the right to list a bucket, a missing file is a denied one.
        if self._table.get(store_id).came_at is None:
            return
        body = self._client.get_object(Bucket=self._bucket_name, Key=key_of(store_id))["Body"]
        with body:
            yield from read_export(body.iter_chunks(_READ_BYTES))

    def barcodes(self, store_id: str) -> Barcodes:
        """The SKUs of a store by barcode, by its last export; empty before the first. Raises as ``shown`` does."""
        return Barcodes(self.shown(store_id))

    def write(self, store_id: str, products: Iterable[ExportedProduct]) -> int:
        """Put a store's export in place of the last one; how many products it has. Nothing is written where reading
        ``products`` raises. Raises OSError where the disk is full."""
        number = 0
        with PackedCsv(COLUMNS) as file:
            for product in products:
                file.add([_cells(product)])
                number += 1
            self._client.put_object(
                Bucket=self._bucket_name, Key=key_of(store_id), Body=file.finished(), ContentType="application/gzip"
            )
        return number


def _cells(product: ExportedProduct) -> tuple[str, ...]:
    return (
        product.sku,
        " ".join(product.barcodes),
        "" if product.price is None else f"{product.price:f}",
        "" if product.active is None else str(product.active).lower(),
        "" if product.cap is None else str(product.cap),
    )
