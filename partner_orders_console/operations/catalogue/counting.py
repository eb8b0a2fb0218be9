"""How many products of a store are where: counted by reading each of its rows, and its last export."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from partner_orders.catalogue import keys
from partner_orders.catalogue.desired import Desired
from partner_orders.catalogue.store_settings import CatalogueSettings
from partner_orders_console.operations.catalogue.exported import last_export
from partner_orders_console.operations.catalogue.products import Standing, standing_of
from partner_orders_console.operations.catalogue_stack import CatalogueStack

_SIDE_BY_SIDE = 8
MOST_REFUSED = 1_000  # of a store that are shown; all are counted


@dataclass(frozen=True)
class Counts:
    """Products of a store, each counted once as processed, waiting, refused or with nothing to send.
    ``shown``: those of the processed ones that the platform's last export, ``export_of`` that time, shows as they
    should be; None without an export. ``processed_since``: how many of the processed ones the platform confirmed after
    that time, so that the export may not have them yet. ``refusals``: the refused ones, by SKU, at most
    MOST_REFUSED."""

    products: int
    processed: int
    shown: int | None
    waiting: int
    refused: int
    nothing: int
    export_of: datetime | None = None
    processed_since: int = 0
    refusals: list[Desired] = field(default_factory=list, repr=False)

    def to_json(self) -> dict[str, Any]:
        return {
            "counted": {
                "products": self.products,
                "processed": self.processed,
                "shown": self.shown,
                "waiting": self.waiting,
                "refused": self.refused,
                "nothing_to_send": self.nothing,
                "export_of": self.export_of,
                "processed_since": self.processed_since,
            }
        }


def counts(catalogue: CatalogueStack, settings: CatalogueSettings) -> Counts:
    """Count the products of a store. Reads every row, eventually consistent, and the last export. Raises botocore's
    errors."""
    rows = rows_of(catalogue, settings.store_id)
    export = last_export(catalogue, settings.store_id)
    number = dict.fromkeys(Standing, 0)
    refusals, shown, since = [], 0, 0
    for row in rows:
        standing = standing_of(row, settings.margins)
        number[standing] += 1
        if standing is Standing.REFUSED:
            refusals.append(row)
        elif standing is Standing.PROCESSED and export is not None:
            shown += export.shows(row)
            since += row.settled_at is not None and row.settled_at > export.asked_at
    refusals.sort(key=lambda row: row.sku)
    return Counts(
        products=len(rows),
        processed=number[Standing.PROCESSED],
        shown=None if export is None else shown,
        waiting=number[Standing.WAITING],
        refused=number[Standing.REFUSED],
        nothing=number[Standing.NOTHING],
        export_of=None if export is None else export.asked_at,
        processed_since=since,
        refusals=refusals[:MOST_REFUSED],
    )


def rows_of(catalogue: CatalogueStack, store_id: str) -> list[Desired]:
    """The products of a store, in no order; its shards are read side by side."""
    products = catalogue.tables.products

    def shard(number: int) -> list[Desired]:
        return [*products.of_shard(store_id, number)]

    with ThreadPoolExecutor(_SIDE_BY_SIDE) as executor:
        return [row for rows in executor.map(shard, range(keys.SHARDS)) for row in rows]
