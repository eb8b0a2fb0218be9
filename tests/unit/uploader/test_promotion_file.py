"""The rows of promotion files: what they say, and what stays of them."""

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from decimal import Decimal

import pytest

from partner_orders.promotions.promotion import Discount, Kind, Promotion, Subtype, ended
from partner_orders.uploader.promotion_file import (
    COLUMNS,
    MAX_KEPT_BYTES,
    Group,
    KeptRows,
    NotForFilesError,
    Wanted,
    columns,
    file_rows,
    from_bytes,
    next_groups,
    rows_of,
    to_bytes,
    untold_of,
)
from tests.support.promotions import NOW

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
ENDS = NOW + 3 * DAY
PRICE = Discount(("A", "B"), Subtype.FINAL_PRICE, Decimal("2.50"), max_quantity=4)
PLAIN = Promotion(
    ("s0",),
    Kind.STRIKETHROUGH,
    "TRADING",
    {"en_PK": "Dairy week"},
    datetime(2026, 5, 6, 5, tzinfo=timezone(timedelta(hours=5))),
    ENDS,
    (PRICE, replace(PRICE, skus=("C",), is_active=False)),
    {"global_limit": 100, "max_items_per_order": 2},
)
BUNDLE = replace(PLAIN, kind=Kind.SAME_ITEM_BUNDLE, limits={}, buy=2, get=1)


def bundle(subtype: Subtype, value: str) -> Promotion:
    return replace(BUNDLE, discounts=(Discount(("A",), subtype, Decimal(value)),))


def test_row_of_a_price() -> None:
    """A row has each column of the platform, one for each SKU that gets something."""
    assert columns(is_shared=False) == (*COLUMNS, "campaign_status")
    assert columns(is_shared=True) == (*COLUMNS, "vendors", "exclude", "campaign_status")
    [row, other] = rows_of(PLAIN)
    assert dict(zip(COLUMNS, row, strict=True)) == {
        "sku": "A",
        "campaign_name": "Dairy week",
        "reason": "trading",
        "start_date": "2026-05-06 00:00:00",
        "end_date": "2026-05-09 10:00:00",
        "promotion_type": "strikethrough",
        "promotion_sub_type": "",
        "discounted_price": "2.5",
        "max_no_of_orders": "100",
        "maximum_sales_quantity": "4",
        "discount_usage_limit": "2",
        "bundle_details": "",
        "bundle_discount": "",
    }
    assert other == ("B", *row[1:])
    assert rows_of(ended(PLAIN)) == ()


@pytest.mark.parametrize(
    ("promotion", "cells"),
    [
        (bundle(Subtype.PERCENTAGE, "50"), ("percentage_value_off", "", "", "", "", "B2G1", "50")),
        (bundle(Subtype.PERCENTAGE, "100"), ("free_item", "", "", "", "", "B2G1", "")),
        (bundle(Subtype.ABSOLUTE, "100.0"), ("absolute_value_off", "", "", "", "", "B2G1", "100")),
    ],
)
def test_row_of_a_bundle(promotion: Promotion, cells: tuple[str, ...]) -> None:
    """A bundle is told by its pieces and its discount."""
    [row] = rows_of(promotion)
    assert row[6:] == cells
    assert row[5] == "same_item_bundle"


@pytest.mark.parametrize(
    ("promotion", "what", "field", "sku"),
    [
        (
            replace(PLAIN, names={"en_PK": "a", "ur_PK": "b"}),
            "a file has one name for every language; give one",
            *("display_name", ""),
        ),
        (
            replace(PLAIN, limits={"per_customer": 1}),
            "a file has no column for the limit per_customer; leave it out",
            *("limits.per_customer", ""),
        ),
        (
            replace(bundle(Subtype.ABSOLUTE, "1"), buy=None),
            "a file takes a bundle with the pieces to buy and to get",
            "conditions",
            "",
        ),
        (
            replace(bundle(Subtype.ABSOLUTE, "1"), get=None),
            "a file takes a bundle with the pieces to buy and to get",
            "conditions",
            "",
        ),
        (bundle(Subtype.FINAL_PRICE, "1"), "a file takes a bundle by PERCENTAGE or ABSOLUTE only", "", "A"),
        (
            replace(PLAIN, discounts=(Discount(("D",), Subtype.ABSOLUTE, Decimal(1)),)),
            "a file takes a strikethrough promotion by its FINAL_PRICE only",
            *("", "D"),
        ),
    ],
)
def test_what_a_file_cannot_tell(promotion: Promotion, what: str, field: str, sku: str) -> None:
    """What a file has no column for is named with what to use."""
    assert [*untold_of(promotion)] == [(what, field, sku)]
    with pytest.raises(NotForFilesError) as error:
        rows_of(promotion)
    assert str(error.value) == what


def test_all_that_cannot_be_told() -> None:
    """Everything is told at once, the limits by name."""
    odd = replace(BUNDLE, names={"a": "a", "b": "b"}, limits={"z": 1, "y": 2, "global_limit": 3}, buy=None)
    assert [untold.field or untold.sku for untold in untold_of(odd)] == [
        *("display_name", "limits.y", "limits.z", "conditions", "A", "C"),
    ]


NAMES = {"s0": "v0", "s1": "v1", "s2": "v2"}
ROW, OTHER = ("A",), ("B",)
BOTH = Group(("s0", "s1"), ("v0", "v1"))
FIRST, _ = next_groups({}, {"p": Wanted(ENDS, (ROW,), ("s0", "s1"))}, NAMES, NOW)


def test_row_begins() -> None:
    """A row begins for all stores together, and one that is wanted elsewhere later gets a row of its own."""
    assert {BOTH: {"p": KeptRows(ENDS, (ROW,), ())}} == FIRST
    later, held = next_groups(FIRST, {"p": Wanted(ENDS, (ROW,), ("s0", "s1", "s2"))}, NAMES, NOW)
    assert later == {**FIRST, Group(("s2",), ("v2",)): {"p": KeptRows(ENDS, (ROW,), ())}}
    assert held == []
    assert next_groups(FIRST, {}, NAMES, NOW) == (FIRST, [])


def test_row_ends_and_begins_again() -> None:
    """A row that is wanted no more is ended as it was sent, and comes back by the same row."""
    over, _ = next_groups(FIRST, {"p": Wanted(ENDS)}, NAMES, NOW)
    assert over == {BOTH: {"p": KeptRows(ENDS, (), (ROW,))}}
    again, _ = next_groups(over, {"p": Wanted(ENDS, (ROW,), ("s0", "s1"))}, NAMES, NOW)
    assert again == FIRST
    alone, _ = next_groups(over, {"p": Wanted(ENDS, (ROW,), ("s0",))}, NAMES, NOW)
    assert alone == {**over, Group(("s0",), ("v0",)): {"p": KeptRows(ENDS, (ROW,), ())}}
    renamed, _ = next_groups(over, {"p": Wanted(ENDS, (ROW,), ("s0", "s1"))}, NAMES | {"s0": "w0"}, NOW)
    assert Group(("s0", "s1"), ("w0", "v1")) in renamed
    kept, _ = next_groups(FIRST, {"p": Wanted(ENDS, (ROW,), ())}, NAMES, NOW)
    assert kept == FIRST


def test_rows_after_the_end() -> None:
    """Rows are on until the promotion's end, and ended ones stay a day longer."""
    over, _ = next_groups(FIRST, {"p": Wanted(ENDS, (), ())}, NAMES, NOW)
    assert next_groups(FIRST, {}, NAMES, ENDS)[0] == FIRST
    assert next_groups(FIRST, {}, NAMES, ENDS + timedelta(seconds=1))[0] == {BOTH: {}}
    assert next_groups(over, {}, NAMES, ENDS + DAY)[0] == over
    assert next_groups(over, {}, NAMES, ENDS + DAY + timedelta(seconds=1))[0] == {BOTH: {}}


def test_too_many_rows_are_held_back() -> None:
    """What would grow beyond the bytes is held back, by the order of ids; ends never are."""
    size = len(to_bytes({"": KeptRows(ENDS, (ROW,), ())}))
    wanted = {name: Wanted(ENDS, (ROW,), ("s0",)) for name in ("p", "q")}
    after, held = next_groups({}, wanted, NAMES, NOW, most=size)
    assert ([*after[Group(("s0",), ("v0",))]], held) == (["p"], ["q"])
    assert next_groups({}, wanted, NAMES, NOW, most=size - 1)[1] == ["p", "q"]
    assert next_groups({}, wanted, NAMES, NOW, most=2 * size)[1] == []
    kept, _ = next_groups({}, {"p": wanted["p"]}, NAMES, NOW)
    more = {"p": Wanted(ENDS, (ROW, OTHER), ("s0",)), "q": wanted["q"]}
    grown = len(to_bytes({"": KeptRows(ENDS, (ROW, OTHER), ())}))
    assert next_groups(kept, more, NAMES, NOW, most=grown)[1] == ["q"]
    assert next_groups(kept, more, NAMES, NOW, most=grown - 1)[1] == ["p", "q"]
    assert next_groups(kept, {"p": wanted["p"]}, NAMES, NOW, most=1)[1] == []
    elsewhere = Wanted(ENDS, (ROW,), ("s0", "s1"))
    assert next_groups(kept, {"p": elsewhere}, NAMES, NOW, most=size)[1] == ["p"]
    assert MAX_KEPT_BYTES == 33_554_432
    assert next_groups(FIRST, {"p": Wanted(ENDS)}, NAMES, NOW, most=1)[1] == []


def test_order_of_a_file() -> None:
    """What ends comes before what is on, and a row that is on anywhere is not ended by another promotion."""
    one, two = Group(("s0",), ("v0",)), Group(("s1",), ("v1",))
    groups = {
        two: {"q": KeptRows(ENDS, (OTHER,), (ROW,))},
        one: {"q": KeptRows(ENDS, (), (OTHER,)), "p": KeptRows(ENDS, (ROW,), (("C",),))},
    }
    assert [*file_rows(groups, is_shared=True)] == [
        ("C", "v0", "", "0"),
        ("B", "v0", "", "0"),
        ("A", "v1", "", "0"),
        ("A", "v0", "", "1"),
        ("B", "v1", "", "1"),
    ]
    assert [*file_rows({one: groups[one]}, is_shared=False)] == [("C", "0"), ("B", "0"), ("A", "1")]
    assert [*file_rows({one: {"p": KeptRows(ENDS, (ROW,)), "q": KeptRows(ENDS, (), (ROW,))}}, False)] == [("A", "1")]


def test_kept_rows_are_read_back() -> None:
    """What was kept is read back, nothing of nothing."""
    kept = {"p": KeptRows(ENDS, (ROW, ("ü",)), (OTHER,)), "a": KeptRows(NOW)}
    assert from_bytes(to_bytes(kept)) == kept
    assert [*from_bytes(to_bytes(kept))] == ["a", "p"]
    assert "ü".encode() in to_bytes(kept)
    assert from_bytes(b"") == {}
