"""``forget`` finds a number in whatever digits it is written, on either side."""

import io
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from partner_orders.orders.event import Arrival, parse_event
from partner_orders_console.operations.customer_search import is_named_in, is_of, normal
from partner_orders_console.operations.stack import DeployedStack
from tests.support.console import Ran
from tests.support.fixed_clock import NOW
from tests.support.orders import as_bytes, order

NUMBER = "92300123441"
# The zero of each script: ASCII, Arabic, Persian, Devanagari, Bengali, full width, mathematical.
SCRIPTS = [0x30, 0x660, 0x6F0, 0x966, 0x9E6, 0xFF10, 0x1D7CE]


def written(number: str, zero: int) -> str:
    return "".join(chr(zero + int(digit)) for digit in number)


WAYS: list[Any] = [written(NUMBER, zero) for zero in SCRIPTS] + [
    *("\uff0b" + written(NUMBER, 0xFF10), "\u200e+" + written(NUMBER, 0x660), "\uff08+92\uff09300-123441"),
    *(int(NUMBER), Decimal("92300123441.0"), Decimal("9.2300123441E+10"), "92300123441.0", "+92300123441.00"),
]


@pytest.mark.parametrize("way", WAYS, ids=ascii)
def test_number_is_the_customers_in_any_digits(way: Any) -> None:
    """The customer's number is recognised in any script's digits, in full width, and as a number by its value."""
    assert is_of({"customer": {"phone_number": way}}, ("phone_number",), NUMBER)


@pytest.mark.parametrize("way", [way for way in WAYS if isinstance(way, str)], ids=ascii)
def test_operator_may_type_any_digits(way: str) -> None:
    """What the operator types is folded in the same way, and found in bytes that cannot be parsed."""
    assert normal(way) == NUMBER
    assert is_named_in(f"\xff Amna {way} ...".encode(), NUMBER)


@pytest.mark.parametrize("way", ["92300123441.5", "92300123441.01", "923001234410", "9230012344.10", "92300123441e1"])
def test_other_numbers_are_not_the_customers(way: str) -> None:
    """A number with a fraction, or one digit more, is another number."""
    for value in (way, Decimal(way)):
        assert not is_of({"customer": {"phone_number": value}}, ("phone_number",), NUMBER)


@given(st.from_regex("[1-9][0-9]{6,14}", fullmatch=True), st.lists(st.sampled_from(SCRIPTS), min_size=15, max_size=15))
def test_digits_of_every_script_are_equal(number: str, zeros: list[int]) -> None:
    """However scripts are mixed, a number is the same."""
    mixed = "".join(written(digit, zero) for digit, zero in zip(number, zeros, strict=False))
    assert normal(mixed) == normal(number)


def test_forget_erases_numbers_in_any_digits(
    run: Callable[..., Ran], stack: DeployedStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One run erases every order of the customer, in whatever digits its number is written."""
    for number, way in enumerate([WAYS[1], WAYS[5], "DECIMAL"]):
        body = order(order_id=f"o{number}", customer={"first_name": "Amna", "phone_number": way})
        text = as_bytes(body).replace(b'"DECIMAL"', b"92300123441.0")
        stack.orders.write([(parse_event(text), Arrival("webhook", NOW, "c"))])
    monkeypatch.setattr("sys.stdin", io.StringIO(written(NUMBER, 0x660) + "\n"))
    assert run("forget", "--yes", "--json").json["orders"] == 3
