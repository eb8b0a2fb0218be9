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


@pytest.mark.parametrize(
    ("column", "text", "words"),
    [
        ("price", "0", "above 0"),
        ("price", "0.000", "above 0"),
        ("price", "-1", "digits and a dot"),
        ("price", "1e9", "digits and a dot"),
        ("price", "1000000000", "below 100,000,000"),
        ("price", "100000000", "below 100,000,000"),
        ("price", "3,50", "digits and a dot"),
        ("price", "3.5001", "at most 3 decimals"),
        ("price", "\N{ARABIC-INDIC DIGIT THREE}", "digits and a dot"),
        ("price", "NaN", "digits and a dot"),
        ("active", "yes", "true or false"),
        ("quantity", "3.4", "whole pieces"),
        ("quantity", "-1", "digits"),
        ("quantity", str(MAX_PIECES + 1), "from 0 to 1,000,000"),
        ("cap", "0", "from 1 to 1,000,000"),
        ("cap", "1.5", "whole pieces"),
        ("barcode", "50A", "digits only"),
        ("barcode", "\N{ARABIC-INDIC DIGIT THREE}", "digits only"),
        ("barcode", "1" * (MAX_BARCODE + 1), "at most 14"),
        ("sku", "a\tb", "printable"),
        ("sku", "\ud800", "printable"),
        ("sku", "x" * (MAX_SKU + 1), "at most 128"),
    ],
)
def test_problem_names_its_column(column: str, text: str, words: str) -> None:
    """A value that the platform would refuse is one problem, which names the column and says what to write."""
    [problem] = problems(**{column: text})
    assert problem.startswith(f"{column}: ")
    assert words in problem


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
