"""What is sent of single products."""

from decimal import Decimal

import pytest

from partner_orders.catalogue.desired import Desired
from partner_orders.catalogue.product import Values
from partner_orders.catalogue.to_send import Margins, to_send


@pytest.mark.parametrize(
    ("wanted", "sent"),
    [
        (Values(quantity=3), Values(None, True, 1, 4)),
        (Values(quantity=2), Values(None, False, 0, 4)),
        (Values(quantity=1), Values(None, False, 0, 4)),
        (Values(Decimal(2), False, 9, 3), Values(Decimal(2), False, 0, 3)),
        (Values(active=True, cap=5), Values(None, True, None, 4)),
    ],
)
def test_margins_of_a_store(wanted: Values, sent: Values) -> None:
    """The last piece above the safety stock is offered, and the smaller cap holds."""
    assert to_send(Desired("A", wanted), Margins(safety_stock=2, cap=4)) == sent


def test_store_without_margins() -> None:
    """Nothing is kept back unless it is set."""
    values = Values(Decimal(2), True, 1, 9)
    assert to_send(Desired("A", values), Margins()) == values
