"""The catalogue file says what the platform should be told, for any products and margins, in any of its forms."""

import csv
import io
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from partner_orders.catalogue.channel import FilePlace, Layout
from partner_orders.catalogue.desired import Desired
from partner_orders.catalogue.product import Values
from partner_orders.catalogue.to_send import Margins, to_send
from partner_orders.uploader import catalogue_file
from partner_orders.uploader.catalogue_file import UNKNOWN_QUANTITY, Stock
from partner_orders.uploader.csv_text import cell, line
from partner_orders.uploader.file_names import file_names
from partner_orders.uploader.spool import Spool

SKU = st.text(st.characters(categories=("L", "N", "P", "S"), include_characters=' ,"=+-@'), min_size=1, max_size=8)
PRICE = st.none() | st.decimals("0.001", "99999", places=3, allow_nan=False)
VALUES = st.builds(
    Values, PRICE, st.none() | st.booleans(), st.none() | st.integers(0, 9), st.none() | st.integers(1, 9)
)
PRODUCTS = st.dictionaries(SKU, VALUES, max_size=12)
MARGINS = st.builds(Margins, st.integers(0, 4))


def read(text: str) -> list[dict[str, str]]:
    return [*csv.DictReader(io.StringIO(text, newline=""), strict=True)]


def written(columns: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    return line(columns) + "".join(map(line, rows))


@given(PRODUCTS, MARGINS, st.sampled_from(Stock))
def test_file_is_the_desired_state(products: dict[str, Values], margins: Margins, stock: Stock) -> None:
    """Each product of which something is known is there once, with the price and availability after the margins; what
    is not known is an empty cell."""
    wanted = {sku: to_send(Desired(sku, values), margins) for sku, values in products.items()}
    rows = read(written(catalogue_file.columns(stock), [*catalogue_file.rows(wanted.items(), stock)]))
    found = {row["sku"]: row for row in rows}
    assert len(rows) == len(found)
    for sku, values in wanted.items():
        row = found.pop(sku, {"price": "", stock.value: ""})
        assert (Decimal(row["price"]) if row["price"] else None) == values.price
        is_off = values.active is False
        if stock is Stock.ACTIVE:
            assert row["active"] == ("" if values.active is None else "0" if is_off else "1")
        else:
            unknown = str(UNKNOWN_QUANTITY) if values.active else ""
            pieces = unknown if values.quantity is None else str(values.quantity)
            assert row["quantity"] == ("0" if is_off else pieces)
    assert found == {}


@given(st.dictionaries(st.sampled_from(["q7zk", "r2mm", "s9"]), PRODUCTS, min_size=1), st.sampled_from(Stock))
def test_shared_file_says_the_same_of_each_store(stores: dict[str, dict[str, Values]], stock: Stock) -> None:
    """A file of many stores says of each what its own file would, and nothing of a store without the product."""
    ordered = {store: sorted(some.items(), key=lambda one: one[0].encode()) for store, some in stores.items()}
    shared = read(written(catalogue_file.columns(stock, is_shared=True), [*catalogue_file.shared_rows(ordered, stock)]))
    assert all(row["exclude"] == "" for row in shared)
    for store, products in ordered.items():
        alone = read(written(catalogue_file.columns(stock), [*catalogue_file.rows(products, stock)]))
        named = [row for row in shared if store in row["vendors"].split(",")]
        assert [{key: row[key] for key in ("sku", "price", stock.value)} for row in named] == alone


@given(st.lists(st.lists(st.text(max_size=6), min_size=2, max_size=3).map(tuple), max_size=6))
def test_any_text_comes_back(rows: list[tuple[str, ...]]) -> None:
    """Whatever a cell holds is read back as it was by a reader of CSV."""
    text = "".join(map(line, rows))
    assert [tuple(row) for row in csv.reader(io.StringIO(text, newline=""), strict=True)] == rows


@given(st.text(max_size=8))
def test_formulas_are_quoted(text: str) -> None:
    """What a spreadsheet would take for a formula is in quotes, and a plain word or number is not."""
    assert cell(f"={text}").startswith('"')
    assert cell("KW-100") == "KW-100"
    assert cell("3.55") == "3.55"


@given(st.lists(st.text("ab,", min_size=1, max_size=3), max_size=25), st.integers(1, 9))
def test_parts_hold_every_row_once(skus: list[str], most_rows: int) -> None:
    """A file that is too long goes in parts, each with the columns and at most so many rows, in order."""
    with Spool(("sku",), most_rows) as spool:
        for sku in skus:
            spool.add((sku,))
        spooled = spool.finished()
        texts = [part.read().decode() for part in spooled.parts]
    parts = [[row["sku"] for row in read(text)] for text in texts]
    assert [sku for part in parts for sku in part] == skus
    assert max(map(len, parts)) <= most_rows
    assert len(parts) == max(1, -(-len(skus) // most_rows))
    assert (spooled.rows, spooled.size) == (len(skus), sum(len(text.encode()) for text in texts))
    names = file_names(FilePlace("p"), "s", len(parts))
    assert len({*names}) == len(parts)


def test_names_of_files() -> None:
    """A file in one part has no number; its store stands after the prefix, unless several share it."""
    one, many = FilePlace("morning"), FilePlace("morning", layout=Layout.MANY_VENDORS)
    assert file_names(one, "q7zk", 1) == ["morning_q7zk.csv"]
    assert file_names(one, "q7zk", 2) == ["morning1_q7zk.csv", "morning2_q7zk.csv"]
    assert file_names(many, "q7zk", 1) == ["morning.csv"]
    assert file_names(many, "q7zk", 2) == ["morning1.csv", "morning2.csv"]
