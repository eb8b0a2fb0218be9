"""Any text of a line is values that the platform takes, or problems that name their columns."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from partner_orders.catalogue.product import (
    FIELDS,
    MAX_PIECES,
    PRICE_LIMIT,
    LineError,
    Product,
    Values,
    printable,
    product_and_values,
)

NUMBERS = st.decimals(-1, 10**9, places=4).map(str) | st.integers(-1, 2_000_000).map(str)
TEXTS = st.text(max_size=20) | NUMBERS | st.sampled_from(["", " ", "true", "FALSE", "0", "1", "3,5", "٣", "1e3", "NaN"])
COLUMNS = st.dictionaries(st.sampled_from(["sku", "barcode", *FIELDS, "colour"]), TEXTS)


@given(COLUMNS)
def test_values_are_taken_or_refused_by_column(columns: dict[str, str]) -> None:
    """Values keep the platform's rules for a product, or the error's problems name columns and can be shown."""
    try:
        product, values = product_and_values(columns)
    except LineError as error:
        problems = error.problems
    else:
        check(columns, product, values)
        return
    assert problems
    for problem in problems:
        name, colon, _ = problem.partition(": ")
        assert problem.isprintable()
        assert (colon and name in {"sku", "barcode", *FIELDS}) or all(field in problem for field in FIELDS)


def check(columns: dict[str, str], product: Product, values: Values) -> None:
    """Check what the platform demands of a product."""
    assert product.sku or product.barcode
    assert product.sku is None or (product.sku.isprintable() and 0 < len(product.sku) <= 128)
    assert product.barcode is None or (product.barcode.isascii() and product.barcode.isdigit())
    assert product.barcode is None or len(product.barcode) <= 14
    assert values.are_said
    assert values.quantity is None or 0 <= values.quantity <= 1_000_000
    assert values.cap is None or 1 <= values.cap <= 1_000_000
    if values.price is not None:
        assert 0 < values.price < 10**8
        assert values.price == Decimal(columns["price"].strip())
        # Three decimals, since the platform cuts the rest; and no exponent.
        assert values.price * 1000 == int(values.price * 1000)
        assert str(values.price) == format(values.price, "f")


@given(st.sampled_from(["price", "quantity", "cap"]), st.integers(1, 10**6), st.integers(0, 3))
def test_number_has_one_value(field: str, number: int, zeros: int) -> None:
    """A number is the same with zeros at its end."""
    texts = (str(number), f"{number}." + "0" * (zeros + 1), f"00{number}")
    assert len({repr(product_and_values({"sku": "A", field: text})) for text in texts}) == 1


@given(st.text(), st.integers(0, 20))
def test_printable_text_can_be_shown(text: str, most: int) -> None:
    """Text from outside becomes printable, no longer than said, and stays as it is from then on."""
    shown = printable(text, most)
    assert shown.isprintable()
    assert len(shown) <= most
    assert printable(shown, most) == shown
    assert shown == text[:most] or not text[:most].isprintable()


@given(st.integers(0, 2_000_000_000), st.integers(0, 6))
def test_number_is_what_the_platform_takes(digits: int, decimals: int) -> None:
    """A price has at most three decimals that count, a quantity none; others are refused by their column's name."""
    number = Decimal(digits).scaleb(-decimals)
    for column, is_taken in (
        ("price", number > 0 and number == round(number, 3) and number < PRICE_LIMIT),
        ("quantity", number == int(number) and number <= MAX_PIECES),
    ):
        columns = {"sku": "KW-100", column: format(number, "f")}
        if is_taken:
            assert getattr(product_and_values(columns)[1], column) == number
        else:
            with pytest.raises(LineError, match=f"^{column}: "):
                product_and_values(columns)
