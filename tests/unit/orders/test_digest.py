"""The names of the fields in which two orders differ."""

import pytest

from partner_orders.exact_json import Json
from partner_orders.orders.digest import changed_fields


@pytest.mark.parametrize(
    ("one", "other", "changed"),
    [
        ({"status": "RECEIVED"}, {"status": "CANCELLED"}, ["status"]),
        ({"customer": {"_id": "1"}}, {"customer": {"_id": "2"}}, ["customer._id"]),
        ({"items": [{"sku": "1"}]}, {"items": [{"sku": "2"}]}, ["items.sku"]),
        ({"items": [{"sku": "1"}]}, {"items": []}, ["items"]),
        ({"spy": 1}, {"spy": 2}, ["(unknown)"]),
        ({"customer": {"spy": 1}}, {"customer": {"spy": 2}}, ["customer.(unknown)"]),
        ({"items": [{"spy": 1}]}, {"items": [{"spy": 2}]}, ["items.(unknown)"]),
        ({"status": "RECEIVED", "spy": 1}, {"status": "RECEIVED", "spy": 1}, []),
    ],
)
def test_changed_fields(one: Json, other: Json, changed: list[str]) -> None:
    """A field is named by its path without positions; of one that we do not know, only the place is."""
    assert changed_fields(one, other) == changed
