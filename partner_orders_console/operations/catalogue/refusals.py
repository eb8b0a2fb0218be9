"""The products that the platform refused, with its words."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from partner_orders.catalogue.desired import Desired
from partner_orders_console.operations.catalogue.access import settings_of
from partner_orders_console.operations.catalogue.counting import counts
from partner_orders_console.operations.catalogue_stack import CatalogueStack
from partner_orders_console.operations.progress import Progress, silent


@dataclass(frozen=True)
class Refusals:
    """The refused products of a store, by SKU: ``number`` of them, of which the first thousand are named."""

    store_id: str
    number: int
    products: list[Desired]

    def to_json(self) -> dict[str, Any]:
        products = [{"sku": row.sku, "sent": row.refused.said, "refusal": row.refusal} for row in self.products]
        return {"store_id": self.store_id, "refused": self.number, "products": products}


def refusals(catalogue: CatalogueStack, store_ids: Sequence[str], progress: Progress = silent) -> Iterator[Refusals]:
    """What the platform refused of each store that has any. Reads every row of the stores. Raises OperatorError for a
    store that is not in the catalogue, and botocore's errors."""
    for number, store_id in enumerate(store_ids, start=1):
        progress(f"{number:,} of {len(store_ids):,} stores")
        found = counts(catalogue, settings_of(catalogue, store_id))
        if found.refused:
            yield Refusals(store_id, found.refused, found.refusals)
