"""Two lists of products in one order."""

from itertools import islice

import pytest

from partner_orders.catalogue.desired import Desired
from partner_orders.catalogue.side_by_side import side_by_side


@pytest.mark.parametrize(
    ("left", "right", "pairs"),
    [
        ("", "", []),
        ("AB", "", ["A ", "B "]),
        ("", "AB", [" A", " B"]),
        ("ABE", "BCD", ["A ", "BB", " C", " D", "E "]),
        ("CD", "ACF", [" A", "CC", "D ", " F"]),
        ("\uffff", "\U00010000", ["\uffff ", " \U00010000"]),
    ],
)
def test_same_products_meet(left: str, right: str, pairs: list[str]) -> None:
    """A product comes once, with what each side has of it, in the order of the bytes of the SKUs."""
    found = side_by_side(map(Desired, left), map(Desired, right))
    shown = ((one.sku if one else " ") + (other.sku if other else " ") for one, other in found)
    assert [*islice(shown, 10)] == pairs
