"""A document of promotions from a file, checked whole: by itself, against the stores, the products and what runs."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from partner_orders.catalogue.desired import Desired
from partner_orders.catalogue.store_settings import CatalogueSettings
from partner_orders.promotions.bodies import MAX_DOCUMENT_BYTES, DocumentKind
from partner_orders.promotions.promotion import Promotion
from partner_orders.stores.store import Store
from partner_orders_console.operations.catalogue.counting import rows_of
from partner_orders_console.operations.catalogue_stack import CatalogueStack
from partner_orders_console.operations.promotions.csv_document import drafts_of_csv
from partner_orders_console.operations.promotions.draft import DocumentError, Drafts
from partner_orders_console.operations.promotions.json_document import drafts_of_json
from partner_orders_console.operations.promotions.rules import Stores

# Of more SKUs it is cheaper to read every product of a store.
_READ_ONE_BY_ONE = 2_000


@dataclass(frozen=True, slots=True)
class Document:
    """A document as it was given, which is kept byte for byte."""

    content: bytes
    kind: DocumentKind
    drafts: Drafts


def document_of(file: Path) -> Document:
    """Read a file. Raises DocumentError for one that holds no promotions, and OSError."""
    if file.stat().st_size > MAX_DOCUMENT_BYTES:
        raise DocumentError(
            f"{file.name} has more than {MAX_DOCUMENT_BYTES:,} bytes", "Split it into several documents."
        )
    content = file.read_bytes()
    try:
        kind = DocumentKind(file.suffix.lower().lstrip("."))
    except ValueError:
        raise DocumentError(
            f"{file.name} is neither .json nor .csv", "docs/promotions.md has an example of both."
        ) from None
    return Document(content, kind, drafts_of_json(content) if kind is DocumentKind.JSON else drafts_of_csv(content))


def stores_of(catalogue: CatalogueStack, settings: Mapping[str, CatalogueSettings]) -> Stores:
    """The stores that a promotion may name. Raises botocore's errors."""
    every = catalogue.orders.stores.all()
    codes: dict[str, list[Store]] = {}
    for store in every:
        for code in {store.external_partner_config_id, *store.other_listings} - {None, ""}:
            codes.setdefault(str(code), []).append(store)
    by_name = {code: stores[0] for code, stores in codes.items() if len(stores) == 1}
    ambiguous = frozenset(code for code, stores in codes.items() if len(stores) > 1)
    by_id = {store.store_id: store for store in every}
    in_catalogue = tuple(by_id.get(store_id, Store(store_id)) for store_id in sorted(settings))
    return Stores(by_name | by_id, in_catalogue, ambiguous - by_id.keys())


class Products:
    """The products of stores, each read once. Raises botocore's errors."""

    def __init__(self, catalogue: CatalogueStack, store_ids: Iterable[str]) -> None:
        self._catalogue = catalogue
        self._store_ids = frozenset(store_ids)
        self._whole: dict[str, dict[str, Desired]] = {}

    def of(self, store_id: str, skus: Iterable[str]) -> Mapping[str, Desired] | None:
        """The products of a store, of some SKUs; None where the store is not in the catalogue."""
        wanted = [*skus]
        if store_id not in self._store_ids:
            return None
        if store_id not in self._whole and len(wanted) <= _READ_ONE_BY_ONE:
            return self._catalogue.tables.products.many(store_id, wanted)
        if store_id not in self._whole:
            self._whole = {store_id: {row.sku: row for row in rows_of(self._catalogue, store_id)}}
        return self._whole[store_id]


def same_but_end(one: Promotion, other: Promotion) -> bool:
    """Whether two promotions differ in their end alone, as far as the platform tells promotions apart."""
    return one.promotion_id != other.promotion_id and replace(one, ends=other.ends).promotion_id == other.promotion_id
