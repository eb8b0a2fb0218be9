"""A line's columns become values that the platform takes, or every problem of the line, by column."""

from decimal import Decimal

import pytest

from partner_orders.catalogue.product import (
    MAX_BARCODE,
    MAX_PIECES,
    MAX_SKU,
    LineError,
    Product,
    Values,
    printable,
    product_and_values,
)


def problems(**columns: str) -> list[str]:
    with pytest.raises(LineError) as error:
        product_and_values({"sku": "KW-1", "active": "true"} | columns)
    assert str(error.value) == "; ".join(error.value.problems)
    return error.value.problems


def test_whole_line_is_read() -> None:
    """Each column is read; spaces around a cell and unknown columns mean nothing."""
    columns = {"sku": " KW-1 ", "barcode": "05012345678900", "price": "3.50", "active": "TRUE", "quantity": "18"}
    assert product_and_values(columns | {"cap": "6", "colour": "red"}) == (
        Product("KW-1", "05012345678900"),
        Values(Decimal("3.5"), True, 18, 6),
    )


def test_empty_column_says_nothing() -> None:
    """A column that is empty is as one that is left out."""
    assert product_and_values({"barcode": "5012", "sku": " ", "price": "", "active": "0"}) == (
        Product(None, "5012"),
        Values(active=False),
    )
    assert Values(active=False).are_said
    assert not Values().are_said


@pytest.mark.parametrize(
    ("text", "price"),
    [("3.50", "3.5"), ("100", "100"), ("100.000", "100"), ("0.001", "0.001"), ("99999999.999", "99999999.999")],
)
def test_price_has_one_form(text: str, price: str) -> None:
    """A price is exact, without the zeros at its end and without an exponent."""
    _, values = product_and_values({"sku": "A", "price": text})
    assert str(values.price) == price


PRICE = "use digits and a dot as the decimal sign, such as 3.50"
PIECES = "use digits and a dot as the decimal sign, such as 3"


@pytest.mark.parametrize(
    ("column", "text", "problem"),
    [
        ("price", "0", "use a price above 0; to take a product off sale, use active=false"),
        ("price", "0.000", "use a price above 0; to take a product off sale, use active=false"),
        ("price", "-1", PRICE),
        ("price", "1e9", PRICE),
        ("price", "1000000000", "use a price below 100,000,000"),
        ("price", "100000000", "use a price below 100,000,000"),
        ("price", "3,50", PRICE),
        ("price", "3.5001", "use at most 3 decimals"),
        ("price", "\N{ARABIC-INDIC DIGIT THREE}", PRICE),
        ("price", "NaN", PRICE),
        ("active", "yes", "use true or false (or 1 or 0)"),
        ("quantity", "3.4", "use whole pieces; the platform takes no fraction"),
        ("quantity", "-1", PIECES),
        ("quantity", str(MAX_PIECES + 1), "use a number from 0 to 1,000,000"),
        ("cap", "0", "use a number from 1 to 1,000,000"),
        ("cap", "1.5", "use whole pieces; the platform takes no fraction"),
        ("barcode", "50A", "use digits only, at most 14"),
        ("barcode", "\N{ARABIC-INDIC DIGIT THREE}", "use digits only, at most 14"),
        ("barcode", "1" * (MAX_BARCODE + 1), "use digits only, at most 14"),
        ("sku", "a\tb", "use at most 128 printable characters"),
        ("sku", "\ud800", "use at most 128 printable characters"),
        ("sku", "x" * (MAX_SKU + 1), "use at most 128 printable characters"),
    ],
)
def test_problem_names_its_column(column: str, text: str, problem: str) -> None:
    """A value that the platform would refuse is one problem, which names the column and says what to write."""
    assert problems(**{column: text}) == [f"{column}: {problem}"]


def test_words_for_active() -> None:
    """On sale is true or 1, off sale false or 0, in upper or lower case."""
    said = [product_and_values({"sku": "A", "active": text})[1].active for text in ("true", "1", "False", "0")]
    assert said == [True, True, False, False]


def test_longest_names() -> None:
    """A SKU of 128 characters and a barcode of 14 digits are taken, without the spaces around them."""
    sku, barcode = "x" * MAX_SKU, "1" * MAX_BARCODE
    assert product_and_values({"sku": f" {sku} ", "barcode": f" {barcode} ", "cap": " 1 "}) == (
        Product(sku, barcode),
        Values(cap=1),
    )
    with pytest.raises(LineError, match="name the product"):
        product_and_values({"active": "true"})
    with pytest.raises(LineError, match="say at least one"):
        product_and_values({"sku": "A", "price": " ", "active": "\t"})


@pytest.mark.parametrize("text", ["0", "3", "3.0", str(MAX_PIECES)])
def test_whole_pieces(text: str) -> None:
    """A whole number is one in whatever form a program writes it."""
    _, values = product_and_values({"sku": "A", "quantity": text})
    assert (values.quantity, type(values.quantity)) == (int(Decimal(text)), int)


def test_all_problems_at_once() -> None:
    """A line tells all its problems, in the order of the columns."""
    assert [
        problem.partition(":")[0] for problem in problems(sku="\0", barcode="x", price="x", active="x", cap="x")
    ] == [
        "sku",
        "barcode",
        "price",
        "active",
        "cap",
    ]


def test_line_says_which_product_and_what() -> None:
    """A line without a product, and one that says nothing of it, are refused."""
    assert problems(sku="") == ["sku: name the product by its sku or its barcode"]
    assert problems(active="") == ["say at least one of price, active, quantity, cap"]


def test_printable_text() -> None:
    """Text is cut, white space becomes a space, and what cannot be printed a replacement character."""
    assert printable("a\nb\x07\ud800é" + "x" * 9, 6) == "a b\N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}é"
