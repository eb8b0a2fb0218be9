"""Products by barcode, on the disk."""

import sqlite3
from concurrent.futures import ThreadPoolExecutor

import pytest

from partner_orders.catalogue.job_result import ExportedProduct
from partner_orders.exports.barcodes import Barcodes

PRODUCTS = [ExportedProduct("B", ("0501", "777")), ExportedProduct("A", ("501",)), ExportedProduct("B", ("501",))]


def test_products_of_a_barcode() -> None:
    """A barcode names its products once each, in the order of the export; leading zeros make no difference."""
    barcodes = Barcodes(PRODUCTS)
    assert barcodes["501"] == barcodes["00501"] == ("B", "A")
    assert barcodes["777"] == ("B",)
    assert (sorted(barcodes), len(barcodes)) == (["501", "777"], 2)
    with pytest.raises(KeyError, match="42"):
        barcodes["42"]


def test_another_thread() -> None:
    """Barcodes may be looked up by another thread than the one that read the export."""
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(Barcodes(PRODUCTS).get, "501").result() == ("B", "A")


def test_disk_is_given_back() -> None:
    """Closed, nothing can be looked up any longer."""
    barcodes = Barcodes(PRODUCTS)
    barcodes.close()
    with pytest.raises(sqlite3.ProgrammingError):
        len(barcodes)
