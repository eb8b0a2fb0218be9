"""Any export is read back from the bucket as it was, and its products are found by barcode."""

from collections.abc import Iterator
from decimal import Decimal
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from partner_orders.catalogue.job_result import ExportedProduct, comparable_barcode
from partner_orders.exports.store_exports import StoreExports
from partner_orders.exports.table import AskedExport, ExportsTable
from tests.support.catalogue_table import catalogue_table
from tests.support.exports_world import BUCKET, TABLE, bucket
from tests.support.fixed_clock import NOW

NUMBERS = count()
SKUS = st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "S"]), min_size=1, max_size=12)
BARCODES = st.from_regex(r"0{0,3}[0-9]{1,6}", fullmatch=True) | st.sampled_from(["0", "00", "7", "07", "A-1"])
PRODUCTS = st.builds(
    ExportedProduct,
    sku=SKUS,
    barcodes=st.lists(BARCODES, max_size=3, unique=True).map(tuple),
    price=st.none() | st.decimals(0, 10**9, places=3),
    active=st.none() | st.booleans(),
    cap=st.none() | st.integers(0, 10**6),
)


@pytest.fixture(scope="module")
def exports() -> Iterator[tuple[ExportsTable, StoreExports]]:
    with catalogue_table(TABLE) as dynamodb, bucket() as s3:
        table = ExportsTable(dynamodb, TABLE)
        yield table, StoreExports(table, s3, BUCKET)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(PRODUCTS, max_size=8))
def test_export_comes_back(exports: Any, products: list[ExportedProduct]) -> None:
    """What was written is read back, and each barcode leads to its products, with or without leading zeros."""
    table, files = exports
    store_id = f"store-{next(NUMBERS)}"
    assert files.write(store_id, products) == len(products)
    table.came(AskedExport(store_id, NOW), len(products), NOW, is_last=True)
    assert [*files.shown(store_id)] == products
    expected: dict[str, tuple[str, ...]] = {}
    for product in products:
        for barcode in map(comparable_barcode, product.barcodes):
            skus = expected.get(barcode, ())
            expected[barcode] = skus if product.sku in skus else (*skus, product.sku)
    found = files.barcodes(store_id)
    assert dict(found) == expected
    assert len(found) == len(expected)
    assert all(found[f"00{barcode}"] == skus for barcode, skus in expected.items())
    assert found.get("999999999") is None
    found.close()


def test_prices_keep_their_size(exports: Any) -> None:
    """A price is written in full, without an exponent."""
    table, files = exports
    products = [ExportedProduct("a", price=Decimal("1E+3")), ExportedProduct("b", price=Decimal("0.001"))]
    files.write("prices", products)
    table.came(AskedExport("prices", NOW), 2, NOW, is_last=True)
    assert [product.price for product in files.shown("prices")] == [1000, Decimal("0.001")]
