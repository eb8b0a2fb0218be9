"""Money is never a float: every number is stored and compared as it was written."""

from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from partner_orders.exact_json import parse, write
from partner_orders.orders.event import parse_event
from tests.support.lives import bodies
from tests.support.orders import as_bytes

DECIMALS = st.decimals(min_value=-(10**12), max_value=10**12, places=12)


@given(DECIMALS)
def test_number_keeps_every_digit(number: Decimal) -> None:
    """A number is parsed and written with every digit."""
    text = format(number, "f")
    assert parse(text.encode()) == number
    assert Decimal(write(parse(text.encode()))) == number


@given(bodies(), DECIMALS)
def test_last_digit_makes_another_event(body: dict[str, Any], amount: Decimal) -> None:
    """An amount that differs in the last digit makes another event."""
    one, other = (
        parse_event(as_bytes(body).replace(b'"order_total":669.0', f'"order_total":{value:f}'.encode()))
        for value in (amount, amount + Decimal("0.000000000001"))
    )
    assert one.digest != other.digest
