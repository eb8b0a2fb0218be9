"""JSON line by line, with what is wrong marked where it stands."""

from typing import TYPE_CHECKING

from partner_orders_console.operations.marked_json import MarkedLine, marked_json

if TYPE_CHECKING:
    from partner_orders.exact_json import Json


def test_missing_field_comes_first() -> None:
    """A field that is not there gets a line of its own, at the top."""
    lines = marked_json({"status": "RECEIVED"}, ["order_id: Field required"])
    assert lines[1] == MarkedLine(1, '"order_id": (missing)', "Field required")
    assert [line.text for line in lines] == ["{", '"order_id": (missing)', '"status": "RECEIVED"', "}"]


def test_wrong_field_is_marked_where_it_stands() -> None:
    """A field is marked within objects and lists; the numbers are exact."""
    value: Json = {"items": [{"sku": "a", "pricing": {"quantity": "two"}}], "items2": 1}
    lines = marked_json(value, ["items.pricing.quantity: could not be read"])
    assert [(line.depth, line.text) for line in lines if line.problem] == [(4, '"quantity": "two"')]


def test_long_value_is_cut() -> None:
    """Of a very long value the first lines are shown, and how many more there are."""
    lines = marked_json({"list": [*range(5_000)]}, [])
    assert (len(lines), lines[-1].text) == (2_001, "... and 3,004 lines more")
