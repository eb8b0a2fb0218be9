"""The names, the lines and the parts of files."""

import gzip
import hashlib
from decimal import Decimal
from io import BytesIO

import pytest

from partner_orders.catalogue.channel import FilePlace, Layout
from partner_orders.catalogue.product import Values
from partner_orders.uploader.catalogue_file import Stock, columns, price_text, rows, shared_rows
from partner_orders.uploader.csv_text import cell, line
from partner_orders.uploader.file_names import MOST_ROWS, FileKind, all_names, base_name, file_names
from partner_orders.uploader.spool import Spool, packed

ALONE = FilePlace("shop", vendor_id="v1")
SHARED = FilePlace("shop", layout=Layout.MANY_VENDORS)


def test_names() -> None:
    """A file of one store has its name at the end, and a part its number after the prefix."""
    assert base_name(ALONE, "s0") == "shop_v1"
    assert base_name(FilePlace("shop"), "s0") == "shop_s0"
    assert base_name(SHARED, "s0") == "shop"
    assert file_names(ALONE, "s0", 1) == ["shop_v1.csv"]
    assert file_names(ALONE, "s0", 2) == ["shop1_v1.csv", "shop2_v1.csv"]
    assert file_names(SHARED, "s0", 1) == ["shop.csv"]
    assert file_names(SHARED, "s0", 2) == ["shop1.csv", "shop2.csv"]
    assert all_names(SHARED, "s0") == {"shop.csv", *(f"shop{number}.csv" for number in range(1, 21))}
    assert MOST_ROWS == {FileKind.CATALOGUE: 1_500_000, FileKind.PROMOTIONS: 19_999}
    assert [kind.value for kind in FileKind] == ["catalogue", "promotions"]


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("", ""),
        ("A-1=2+3@4", "A-1=2+3@4"),
        ("XL eggs", "XL eggs"),
        *((f"{sign}1", f'"{sign}1"') for sign in "=+-@"),
        *((f"a{sign}b", f'"a{sign}b"') for sign in ",\r\n\t;"),
        ('a"b', '"a""b"'),
        (" a", '" a"'),
        ("a ", '"a "'),
    ],
)
def test_cell(text: str, written: str) -> None:
    """A cell is in quotes where a reader or a spreadsheet could mistake it."""
    assert cell(text) == written


def test_line() -> None:
    """A line ends with LF."""
    assert line(["a", "", "b,c"]) == 'a,,"b,c"\n'


def test_columns() -> None:
    """A file has one of the two columns of stock, and the stores where several share it."""
    assert columns(Stock.ACTIVE) == ("sku", "price", "active")
    assert columns(Stock.QUANTITY, is_shared=True) == ("sku", "price", "quantity", "vendors", "exclude")


@pytest.mark.parametrize(
    ("values", "active", "quantity"),
    [
        (Values(), "", ""),
        (Values(active=True), "1", "1000"),
        (Values(active=False), "0", "0"),
        (Values(quantity=7), "", "7"),
        (Values(active=True, quantity=0), "1", "0"),
        (Values(active=False, quantity=7), "0", "0"),
    ],
)
def test_stock(values: Values, active: str, quantity: str) -> None:
    """Availability is told by 1 or 0, and pieces as they are; on sale without a number are a thousand."""
    priced = Values(Decimal("3.50"), values.active, values.quantity)
    assert [*rows([("A", priced)], Stock.ACTIVE)] == [("A", "3.5", active)]
    assert [*rows([("A", priced)], Stock.QUANTITY)] == [("A", "3.5", quantity)]


def test_product_without_a_word_is_left_out() -> None:
    """A product of which a file can say nothing has no row."""
    assert [*rows([("A", Values(cap=3)), ("B", Values(active=True))], Stock.ACTIVE)] == [("B", "", "1")]
    assert [*shared_rows({"s0": [("A", Values(cap=3))]}, Stock.ACTIVE)] == []


def test_row_of_several_stores() -> None:
    """Stores of which the same is true share a row, in the order of their ids; the others have one of their own."""
    same, other = Values(Decimal(1), True), Values(Decimal(2), True)
    products = {"s1": [("A", same), ("B", same)], "s0": [("A", same)], "s2": [("A", other)]}
    assert [*shared_rows(products, Stock.ACTIVE)] == [
        ("A", "1", "1", "s0,s1", ""),
        ("A", "2", "1", "s2", ""),
        ("B", "1", "1", "s1", ""),
    ]


@pytest.mark.parametrize(("price", "text"), [("100", "100"), ("1E+2", "100"), ("0.50", "0.5"), ("3.550", "3.55")])
def test_price(price: str, text: str) -> None:
    """Equal prices are equal texts."""
    assert price_text(Decimal(price)) == text
    assert price_text(None) == ""


def test_parts_of_a_file() -> None:
    """A part has so many rows below its own header; digest and size are of all parts together."""
    with Spool(["sku"], 2) as spool:
        for sku in "ABCDE":
            spool.add([sku])
        spooled = spool.finished()
        contents = [part.read() for part in spooled.parts]
    assert contents == [b"sku\nA\nB\n", b"sku\nC\nD\n", b"sku\nE\n"]
    whole = b"".join(contents)
    assert (spooled.digest, spooled.rows, spooled.size) == (hashlib.sha256(whole).hexdigest(), 5, len(whole))
    assert all(part.closed for part in spooled.parts)


def test_empty_file() -> None:
    """A file without rows is its header, also the second time."""
    for _ in range(2):
        with Spool(["sku", "price"], 2) as spool:
            spooled = spool.finished()
            assert [part.read() for part in spooled.parts] == [b"sku,price\n"]
            assert (spooled.rows, spooled.size) == (0, 10)


def test_packed() -> None:
    """A packed file is at its beginning, and so is the one that it was made of; equal contents are equal bytes."""
    content = BytesIO(b"sku\nA\n")
    content.read()
    with packed(content) as one, packed(BytesIO(b"sku\nA\n")) as other:
        packed_bytes = one.read()
        assert gzip.decompress(packed_bytes) == content.read() == b"sku\nA\n"
        assert packed_bytes == other.read()
        assert packed_bytes[4:8] == bytes(4)
    assert one.closed
