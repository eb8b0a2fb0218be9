"""What the catalogue knows of a promotion's products: that they are there, and that the new price is below the present
one in each store."""

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import NamedTuple

from partner_orders.catalogue.desired import Desired
from partner_orders.promotions.promotion import Discount, Subtype
from partner_orders_console.operations.promotions.draft import MOST_PROBLEMS, Problem
from partner_orders_console.operations.promotions.rules import Offer
from partner_orders_console.operations.words import counted

_STORES_NAMED = 3

# The products of a store, of some SKUs; None where the store is not in the catalogue.
type ProductsOf = Callable[[str, Iterable[str]], Mapping[str, Desired] | None]


class Findings(NamedTuple):
    """``warnings`` are what an operator should know; they stop nothing."""

    problems: list[Problem]
    warnings: list[str]


def check_products(offer: Offer, products_of: ProductsOf) -> Findings:
    """Every SKU that a store does not know, and every discount that leaves a price no lower than it is. A store that
    is not in the catalogue, and a product without a price, cannot be checked and are told of."""
    discounts = {sku: one for one in offer.discounts if one.is_active for sku in one.skus}
    found: dict[tuple[str, str], list[str]] = {}
    warnings, unpriced = [], 0
    for store in offer.stores:
        products = products_of(store.store_id, discounts)
        if products is None:
            warnings.append(f"The store {store.store_id} is not in the catalogue: its products are not checked.")
            continue
        for sku, discount in discounts.items():
            prices = _prices(products[sku]) if sku in products else None
            unpriced += prices == ()
            if what := "is not known in" if prices is None else _too_dear(discount, prices):
                found.setdefault((sku, what), []).append(store.store_id)
    if unpriced:
        warnings.append(f"{counted(unpriced, 'product has', 'products have')} no price yet: not checked against it.")
    problems = [
        Problem(offer.places[sku], f"the SKU {sku} {what} {_stores(store_ids)}")
        for (sku, what), store_ids in found.items()
    ]
    return Findings(problems[:MOST_PROBLEMS], warnings)


def _prices(product: Desired) -> tuple[Decimal, ...]:
    """The price that the platform confirmed and the one that the chain wants, as far as they are known."""
    return tuple(price for price in (product.confirmed.price, product.values.price) if price is not None)


def _too_dear(discount: Discount, prices: tuple[Decimal, ...]) -> str:
    """What is wrong with a discount at these prices, before the stores; empty if nothing is."""
    lowest = min(prices, default=None)
    if lowest is None or discount.subtype is Subtype.PERCENTAGE or discount.value < lowest:
        return ""
    what = "as a final price" if discount.subtype is Subtype.FINAL_PRICE else "off"
    return f"gets {discount.value:f} {what}, which is not below its price of {lowest:f} in"


def _stores(store_ids: list[str]) -> str:
    named = ", ".join(store_ids[:_STORES_NAMED])
    more = len(store_ids) - _STORES_NAMED
    return f"{named} and {counted(more, 'more store')}" if more > 0 else named
