"""The columns of a line, and the texts that tell a chain what is wrong with its file."""

import pytest

from partner_orders.catalogue.line_columns import (
    LineProblemError,
    csv_columns,
    header_columns,
    json_columns,
    problem_of_header,
)

NAMES = ("sku", "price", "")


@pytest.mark.parametrize(
    ("names", "problem"),
    [
        (("sku", "price"), ""),
        (("barcode", "active"), ""),
        (("sku", "price", "", ""), ""),
        (("sku", "price", *(f"c{number}" for number in range(62))), ""),
        (("sku", "price", *(f"c{number}" for number in range(63))), "has more than 64 columns"),
        (("sku", "price", "x" * 128), ""),
        (
            ("sku", "price", "x" * 129),
            "has a column name of over 128 characters, or one that is not printable",
        ),
        (("sku", "price", "\0"), "has a column name of over 128 characters, or one that is not printable"),
        (("sku", "price", "sku", "b", "price", "b"), "has a column twice (sku, price, b)"),
        (("a" * 128, "b" * 128) * 2, f"has a column twice ({'a' * 128}, {'b' * 70})"),
        (("price",), "has neither sku nor barcode"),
        (("sku", "version"), "has none of price, active, quantity, cap"),
    ],
)
def test_problem_of_header(names: tuple[str, ...], problem: str) -> None:
    """A header's problem is told as a predicate."""
    assert problem_of_header(names) == problem


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        (" SKU ;Price", (";", ("sku", "price"))),
        ("a,b;c", (",", ("a", "b;c"))),
        ("sku", (",", ("sku",))),
        ('"sku\tprice', (",", ())),
        ('sku\t"price, now"', ("\t", ("sku", "price, now"))),
    ],
)
def test_header(text: str, columns: tuple[str, tuple[str, ...]]) -> None:
    """The delimiter shows the most columns that we know, and else the most columns."""
    assert header_columns(text) == columns


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (b"A,1", "the line has 2 cells and the header 3; write one for each column"),
        (b"A\r,1,", "the line has a carriage return in the middle; end lines with LF or CRLF"),
        (
            b'A,"1,',
            (
                "a cell has a line break, or a quote that is not written as two inside a quoted cell; keep each "
                "product on one line"
            ),
        ),
        (b"A,\xff,", "the line is not UTF-8; save the file as UTF-8"),
    ],
)
def test_bad_line(line: bytes, problem: str) -> None:
    """A line's problem says what to do."""
    with pytest.raises(LineProblemError) as error:
        csv_columns(line, ",", NAMES)
    assert str(error.value) == problem


def test_cells() -> None:
    """A cell may be quoted, with two quotes for one; cells under no name are left out."""
    assert csv_columns(b'"A ""1""",3.50,x', ",", NAMES) == {"sku": 'A "1"', "price": "3.50"}
    assert csv_columns(b'A;"";x', ";", NAMES) == {"sku": "A", "price": ""}


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (b"{", "not JSON (at character 1); write one JSON object a line, each column once"),
        (b'{"a":1,"a":2}', "an object with a duplicate key; write one JSON object a line, each column once"),
        (b"[]", "the line is no JSON object; write one JSON object a line"),
        (
            b"{" + b",".join(b'"c%d":1' % number for number in range(65)) + b"}",
            "the object has more than 64 columns",
        ),
        (b'{" ":1}', "a column name is empty, not printable, or over 128 characters"),
        (b'{"%s":1}' % (b"x" * 129), "a column name is empty, not printable, or over 128 characters"),
        (b'{"\\u0000":1}', "a column name is empty, not printable, or over 128 characters"),
        (b'{"sku":1," SKU":2}', "the object has a column twice, in upper and lower case"),
        (b'{"sku":"\\ud800"}', "a value has half a character (a lone surrogate)"),
        (b'{"sku":"\\udfff"}', "a value has half a character (a lone surrogate)"),
        (b'{"sku":[]}', "a value is a list or an object; use text, a number, true, false or null"),
        (b"\xff", "the line is not UTF-8; save the file as UTF-8"),
    ],
)
def test_bad_object(line: bytes, problem: str) -> None:
    """An object's problem says what to write."""
    with pytest.raises(LineProblemError) as error:
        json_columns(line)
    assert str(error.value) == problem


def test_members() -> None:
    """Members become text: numbers in full with their decimals, null is left out, and 64 of them are taken."""
    line = b'{" SKU ":"A","price":3.50,"cap":1e2,"quantity":7,"active":true,"off":false,"none":null,"%s":""}'
    assert json_columns(line % (b"x" * 128)) == {
        "sku": "A",
        "price": "3.50",
        "cap": "100",
        "quantity": "7",
        "active": "true",
        "off": "false",
        "x" * 128: "",
    }
    assert len(json_columns(b"{" + b",".join(b'"c%d":1' % number for number in range(64)) + b"}")) == 64
