"""What a promotion file cannot tell, for a promotion whose stores are sent by files (docs/platform.md 11)."""

from collections.abc import Iterator

from partner_orders.uploader.promotion_file import untold_of
from partner_orders_console.operations.promotions.draft import Problem
from partner_orders_console.operations.promotions.rules import Checked, under


def problems_of_file(found: Checked) -> Iterator[Problem]:
    """Why no file can tell a promotion, each with its place in the document."""
    for untold in untold_of(found.promotion):
        place = found.places[untold.sku] if untold.sku else under(found.place, untold.field)
        yield Problem(place or "the promotion", untold.what)
