"""What the platform shows of a product now: one request, within the chain's request budget."""

from typing import Any

from partner_orders.platform.catalogue import ListedProduct, PlatformCatalogue
from partner_orders.platform.http import PartnerApiClient
from partner_orders_console.operations.catalogue.one_request import requested
from partner_orders_console.operations.catalogue_stack import CatalogueStack

_PRODUCTS = 50  # of a search: a SKU may be found within others, and within names


def shown_now(catalogue: CatalogueStack, store_id: str, sku: str) -> ListedProduct | None:
    """A product as the platform shows it now; None if a search for its SKU does not find it. Raises OperatorError."""

    def request(client: PartnerApiClient, chain_id: str) -> tuple[ListedProduct, ...]:
        return PlatformCatalogue(client, chain_id).catalogue_page(store_id, 1, _PRODUCTS, sku).products

    unknown = f"Does the platform know the store {store_id}, and is it set up for its catalogue?"
    products = requested(catalogue, request, "the product", unknown)
    return next((product for product in products if product.sku == sku), None)


def to_json(shown: ListedProduct | None) -> dict[str, Any] | None:
    """What the platform shows of a product, for programs; None if it shows none."""
    if shown is None:
        return None
    return {"price": shown.price, "active": shown.active, "barcodes": list(shown.barcodes)}
