"""The products that the platform refused, with its words, and the files that were refused lately."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from partner_orders.catalogue.desired import Desired
from partner_orders.catalogue.files import FileRow
from partner_orders_console.operations.catalogue.access import settings_of
from partner_orders_console.operations.catalogue.counting import counts
from partner_orders_console.operations.catalogue.files import file_json
from partner_orders_console.operations.catalogue.files import refused as refused_files
from partner_orders_console.operations.catalogue_stack import CatalogueStack
from partner_orders_console.operations.progress import Progress, silent


@dataclass(frozen=True)
class Refusals:
    """The refused products of a store, by SKU: ``number`` of them, of which the first thousand are named. ``files``:
    those of its newest files that were refused."""

    store_id: str
    number: int
    products: list[Desired]
    files: list[FileRow]

    def to_json(self) -> dict[str, Any]:
        products = [{"sku": row.sku, "sent": row.refused.said, "refusal": row.refusal} for row in self.products]
        files = [file_json(row) for row in self.files]
        return {"store_id": self.store_id, "refused": self.number, "products": products, "files": files}


def refusals(catalogue: CatalogueStack, store_ids: Sequence[str], progress: Progress = silent) -> Iterator[Refusals]:
    """What was refused of each store that has any. Reads every row of the stores. Raises OperatorError for a
    store that is not in the catalogue, and botocore's errors."""
    for number, store_id in enumerate(store_ids, start=1):
        progress(f"{number:,} of {len(store_ids):,} stores")
        found = counts(catalogue, settings_of(catalogue, store_id))
        files = [*refused_files(catalogue, store_id)]
        if found.refused or files:
            yield Refusals(store_id, found.refused, found.refusals, files)
