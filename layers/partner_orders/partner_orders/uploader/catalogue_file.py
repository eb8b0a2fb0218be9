"""The catalogue file of a store, or of stores that share one: what the platform should be told of each product,
whatever it was told before. A new file may replace one that nobody has read yet, so each has everything."""

import heapq
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from enum import StrEnum
from itertools import groupby

from partner_orders.catalogue.product import Values

type Product = tuple[str, Values]
type Cells = tuple[str, ...]


# Far above any sales buffer.
UNKNOWN_QUANTITY = 1_000


class Stock(StrEnum):
    """How a product's availability is told: a file has one of the two columns, never both."""

    ACTIVE = "active"
    QUANTITY = "quantity"


def columns(stock: Stock, is_shared: bool = False) -> Cells:
    return ("sku", "price", stock.value, *(("vendors", "exclude") if is_shared else ()))


def rows(products: Iterable[Product], stock: Stock) -> Iterator[Cells]:
    """The rows of one store. A product of which nothing is known that a file could say is left out."""
    for sku, values in products:
        said = _said(values, stock)
        if any(said):
            yield sku, *said


def shared_rows(products_of: Mapping[str, Iterable[Product]], stock: Stock) -> Iterator[Cells]:
    """The rows of several stores, whose products come in the order of the bytes of their SKUs. A row names the stores
    of which it is true; stores without the product are never named."""
    merged = heapq.merge(*(_named(store_id, some) for store_id, some in products_of.items()), key=lambda one: one[:2])
    for encoded, group in groupby(merged, key=lambda one: one[0]):
        stores: dict[Cells, list[str]] = {}
        for _, store_id, values in group:
            said = _said(values, stock)
            if any(said):
                stores.setdefault(said, []).append(store_id)
        for said, names in stores.items():
            yield encoded.decode(), *said, ",".join(names), ""


def _named(store_id: str, products: Iterable[Product]) -> Iterator[tuple[bytes, str, Values]]:
    return ((sku.encode(), store_id, values) for sku, values in products)


def _said(values: Values, stock: Stock) -> Cells:
    """An empty cell says nothing, and the platform keeps what it has."""
    return price_text(values.price), _stock(values, stock)


def _stock(values: Values, stock: Stock) -> str:
    """A product that is on sale in an unknown quantity gets so many pieces that the platform shows it: an empty cell
    would leave one at 0 that was off before."""
    if stock is Stock.ACTIVE:
        return "" if values.active is None else str(int(values.active))
    if values.active is False:
        return "0"
    if values.quantity is None:
        return str(UNKNOWN_QUANTITY) if values.active else ""
    return str(values.quantity)


def price_text(price: Decimal | None) -> str:
    """The same text for equal prices."""
    return "" if price is None else f"{price.normalize():f}"
