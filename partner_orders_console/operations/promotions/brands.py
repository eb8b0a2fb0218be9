"""What is known of promotions by the brand of the platform (docs/platform.md 10)."""

from collections.abc import Iterable
from urllib.parse import urlsplit

from partner_orders.promotions.promotion import Kind
from partner_orders_console.operations.promotions.rules import Checked

_HOST = ".partner.deliveryhero.io"
# The pages that could be read name no promotions by API for the first, and mark bundles as unfinished for the second.
_WITHOUT_PROMOTIONS = {"pedidosya": "PedidosYa"}
_WITHOUT_BUNDLES = {"hungerstation": "HungerStation"}


def brand_of(base_url: str) -> str:
    """The brand of a Partner API's address, such as foodpanda; empty for an address of another kind."""
    host = urlsplit(base_url).hostname or ""
    return host.removesuffix(_HOST) if host.endswith(_HOST) else ""


def warnings(base_url: str, promotions: Iterable[Checked]) -> list[str]:
    """What a chain should ask its account manager before it relies on these promotions."""
    brand = brand_of(base_url)
    found = []
    if name := _WITHOUT_PROMOTIONS.get(brand):
        found.append(f"{name} may take promotions by file only: ask its account manager (docs/files.md).")
    has_bundle = any(one.promotion.kind is Kind.SAME_ITEM_BUNDLE for one in promotions)
    if has_bundle and (name := _WITHOUT_BUNDLES.get(brand)):
        found.append(f"{name} may not take bundles by API yet: ask its account manager.")
    return found
