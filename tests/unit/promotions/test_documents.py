"""Documents of promotions: read whole, and every problem told at once with its place."""

import contextlib
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from partner_orders.promotions.promotion import EVERY_STORE, Discount, Kind, Subtype
from partner_orders_console.operations.promotions.draft import DocumentError
from partner_orders_console.operations.promotions.json_document import drafts_of_json
from tests.support.promotion_documents import discount, document, good, in_csv, in_days, in_json, problems_of

HEADER = "sku,discount_subtype,discount_value,display_name,locale,vendors,type,reason,start_time,end_time"
LINE = f"KW-1,FINAL_PRICE,2.95,Dairy week,en_PK,q7zk,STRIKETHROUGH,TRADING,{in_days(1)},{in_days(2)}"


def conditions(**changes: Any) -> dict[str, Any]:
    return {"start_time": in_days(1), "end_time": in_days(8)} | changes


# -- what is taken -----------------------------------------------------------------------------------------------------


def test_json_is_read_whole() -> None:
    """A promotion in JSON, with its stores by either id and its numbers exact."""
    (found,) = good(in_json(document(limits={"global_limit": 500, "new_limit": 2.5})))
    promotion = found.promotion
    assert promotion.vendors == ("q7zk", "r2mm")
    assert (promotion.kind, promotion.reason, promotion.name) == (Kind.STRIKETHROUGH, "EXPIRING_SOON", "Dairy week")
    assert promotion.discounts == (Discount(("KW-100", "KW-101"), Subtype.FINAL_PRICE, Decimal("2.95")),)
    assert promotion.limits == {"global_limit": 500, "new_limit": Decimal("2.5")}
    assert found.places["KW-101"] == "discount[0].sku[1]"


def test_list_holds_several() -> None:
    """A list of promotions gives each one, with places that begin with its number."""
    found = good(in_json([document(), document(display_name={"en_PK": "Fruit"})]))
    assert [one.promotion.name for one in found] == ["Dairy week", "Fruit"]
    assert found[1].places["KW-100"] == "[1].discount[0].sku[0]"


def test_every_store_means_all() -> None:
    """The star goes to the platform as it is, and stands for every store of the catalogue."""
    (found,) = good(in_json(document(vendors=["*"])))
    assert found.promotion.vendors == (EVERY_STORE,)
    assert len(found.stores) == 4


def test_bundle_takes_quantities() -> None:
    """A bundle has the pieces that are bought and those that are discounted."""
    bundle = document(
        type="SAME_ITEM_BUNDLE",
        conditions=conditions(purchased_quantity=2, discounted_quantity=1),
        discount=discount(discount_subtype="PERCENTAGE", discount_value=100),
    )
    (found,) = good(in_json(bundle))
    assert (found.promotion.buy, found.promotion.get) == (2, 1)


def test_csv_groups_lines() -> None:
    """Lines that agree in the promotion's columns are one promotion; lines with one discount stand together in it."""
    other = LINE.replace("KW-1,FINAL_PRICE,2.95", "KW-2,PERCENTAGE,10")
    found = good(in_csv(HEADER, LINE, other, LINE.replace("KW-1", "KW-3"), LINE.replace("Dairy week", "Fruit")))
    assert [one.promotion.name for one in found] == ["Dairy week", "Fruit"]
    assert [one.skus for one in found[0].promotion.discounts] == [("KW-1", "KW-3"), ("KW-2",)]
    assert found[0].places == {"KW-1": "line 2, sku", "KW-3": "line 4, sku", "KW-2": "line 3, sku"}


def test_csv_and_json_agree() -> None:
    """The same promotion in both forms is the same promotion, so that putting it in the other form makes no second."""
    (by_line,) = good(in_csv(HEADER, LINE))
    as_json = document(
        vendors=["KHI-1"],
        reason="TRADING",
        conditions=conditions(end_time=in_days(2)),
        discount=discount(sku="KW-1"),
    )
    (by_json,) = good(in_json(as_json))
    assert by_line.promotion == by_json.promotion


def test_locale_follows_country() -> None:
    """A line without a locale takes English with the stores' country."""
    (found,) = good(in_csv(HEADER, LINE.replace("en_PK", "")))
    assert found.promotion.names == {"en_PK": "Dairy week"}


# -- times -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("start", "end", "utc"),
    [
        ("2026-11-06T10:00:00+05:00", "2026-11-07T00:00:00Z", ((2026, 11, 6, 5), (2026, 11, 7))),
        ("2026-11-06T10:00", "2026-11-07T00:00", ((2026, 11, 6, 5), (2026, 11, 6, 19))),
        ("2026-11-06", "2026-11-06", ((2026, 11, 5, 19), (2026, 11, 6, 18, 59, 59))),
    ],
)  # fmt: skip
def test_times_in_the_stores_zone(start: str, end: str, utc: tuple[tuple[int, ...], ...]) -> None:
    """A time without an offset is the stores' own; a date alone is the whole day."""
    (found,) = good(in_json(document(conditions={"start_time": start, "end_time": end})))
    expected = tuple(datetime(*at, tzinfo=UTC) for at in utc)  # type: ignore[arg-type, misc]
    assert (found.promotion.starts, found.promotion.ends) == expected


@pytest.mark.parametrize(
    ("vendors", "start", "says"),
    [
        (["t9xx"], "2027-03-28T02:30:00", "skip this time"),
        (["t9xx"], "2026-10-25T02:30:00", "show this time twice; add an offset, such as +02:00"),
        (["u1aa"], "2026-10-20T10:00:00", "stores set u1aa --time-zone"),
        (["q7zk", "t9xx"], "2026-10-20T10:00:00", "several time zones"),
        (["q7zk"], "20261213", "use e.g. 2026-05-06T10:00:00Z"),
        (["q7zk"], "2026-W50-7", "use e.g. 2026-05-06T10:00:00Z"),
        (["q7zk"], "tomorrow", "use e.g. 2026-05-06T10:00:00Z"),
        (["q7zk"], "", "say when"),
        (["q7zk"], "0001-01-01T00:00:00", "is the year right?"),
        (["q7zk"], "9999-12-31T23:00:00-05:00", "is the year right?"),
    ],
)
def test_times_refused(vendors: list[str], start: str, says: str) -> None:
    """A time that clocks skip, or show twice, or whose zone is unknown, is a problem at its place."""
    given = document(vendors=vendors, conditions=conditions(start_time=start, end_time="2027-03-30T00:00:00Z"))
    (problem,) = problems_of(in_json(given))
    assert problem.startswith("conditions.start_time: ")
    assert says in problem


# -- what is refused ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "place", "says"),
    [
        ({"vendors": ["nowhere"]}, "vendors[0]", "is not a store"),
        ({"vendors": ["q7zk", "KHI-1"]}, "vendors[1]", "named twice"),
        ({"vendors": ["*", "q7zk"]}, "vendors[0]", "stands alone"),
        ({"vendors": []}, "vendors", "name stores"),
        ({"type": "GIFT"}, "type", "use one of STRIKETHROUGH, SAME_ITEM_BUNDLE"),
        ({"reason": "BECAUSE"}, "reason", "use one of OVERSTOCK"),
        ({"active": False}, "active", "promotions end"),
        ({"colour": "red"}, "colour", "is not a field"),
        ({"display_name": {}}, "display_name", "what customers see"),
        ({"display_name": {"english": "Dairy"}}, "display_name.english", "use e.g. en_PK"),
        ({"display_name": {"en_PK": ""}}, "display_name.en_PK", "1 to 100"),
        ({"conditions": conditions(end_time=in_days(0.5))}, "conditions.end_time", "ends before it starts"),
        (
            {"conditions": conditions(start_time=in_days(-2), end_time=in_days(-1))},
            "conditions.end_time",
            "is in the past",
        ),
        ({"conditions": conditions(start_time=in_days(-1))}, "conditions.start_time", "is in the past"),
        ({"conditions": conditions(start_time=in_days(300), end_time=in_days(400))}, "conditions.end_time", "366 days"),
        ({"conditions": conditions(end_time=in_days(500))}, "conditions.end_time", "is the year right?"),
        ({"conditions": conditions(purchased_quantity=2)}, "conditions.purchased_quantity", "leave it out"),
        ({"limits": {"global_limit": 0}}, "limits.global_limit", "whole number from 1"),
        ({"limits": {"Global": 1}}, "limits.Global", "small letters"),
        ({"discount": []}, "discount", "at least one SKU"),
        ({"discount": discount(sku=[])}, "discount[0].discount_subtype", "at least one SKU"),
        ({"discount": discount(sku=["K\u0007"])}, "discount[0].sku[0]", "printable"),
        ({"discount": discount(sku=["A", "A"])}, "discount[0].sku[1]", "in discount[0].sku[0] already"),
        ({"discount": discount(discount_subtype="HALF")}, "discount[0].discount_subtype", "use one of PERCENTAGE"),
        ({"discount": discount(discount_value=0)}, "discount[0].discount_value", "above 0"),
        ({"discount": discount(discount_value=-1)}, "discount[0].discount_value", "use digits"),
        ({"discount": discount(discount_value=1.2345)}, "discount[0].discount_value", "at most 3 decimals"),
        (
            {"discount": discount(discount_subtype="PERCENTAGE", discount_value=101)},
            "discount[0].discount_value",
            "1 to 100 per cent",
        ),
        (
            {"discount": discount(discount_subtype="PERCENTAGE", discount_value=0)},
            "discount[0].discount_value",
            "1 to 100 per cent",
        ),
        ({"discount": discount(max_quantity=0)}, "discount[0].max_quantity", "whole number"),
        ({"discount": discount(active=False)}, "discount", "promotions end"),
    ],
)
def test_problem_has_its_place(changes: dict[str, Any], place: str, says: str) -> None:
    """Each thing that is wrong is told at its path, with what to do."""
    problems = problems_of(in_json(document(**changes)))
    assert any(problem.startswith(f"{place}: ") and says in problem for problem in problems), problems
    assert len(problems) == 1


def test_bundle_without_quantities() -> None:
    """A bundle that does not say how many pieces is refused for both."""
    problems = problems_of(in_json(document(type="SAME_ITEM_BUNDLE")))
    assert [problem.split(":")[0] for problem in problems] == [
        "conditions.purchased_quantity",
        "conditions.discounted_quantity",
    ]


def test_all_problems_at_once() -> None:
    """Whatever is wrong in whichever promotion is told together."""
    bad = document(type="GIFT", reason="BECAUSE", discount=discount(discount_value=0))
    assert len(problems_of(in_json([bad, document(vendors=["nowhere"]), document()]))) == 4


def test_known_promotion_may_have_started() -> None:
    """A promotion that the chain has put already may be put again after its start."""
    started = in_json(document(conditions=conditions(start_time=in_days(-1))))
    assert problems_of(started, is_known=True) == []


@pytest.mark.slow
def test_too_many_pairs() -> None:
    """More SKUs times stores than the platform takes is told, with what to do."""
    skus = [f"S{number}" for number in range(500_001)]
    (problem,) = problems_of(in_json(document(vendors=["*"], discount=discount(sku=skus))))
    assert "split the promotion by stores" in problem


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ([HEADER], "no line"),
        (["sku;price", "A;1"], "the header lacks discount_subtype"),
        ([HEADER + ",colour", LINE + ",red"], "not known: colour"),
        ([HEADER + ",sku", LINE + ",A"], "a column twice"),
        ([HEADER, '"KW-1,FINAL_PRICE'], "cannot be read as CSV"),
    ],
)
def test_csv_without_promotions(lines: list[str], says: str) -> None:
    """A file that holds no promotions says why, and which columns there are."""
    with pytest.raises(DocumentError, match=says):
        in_csv(*lines)


def test_csv_line_with_missing_cell() -> None:
    """A line with another number of cells than the header is a problem of that line; the others are read."""
    drafts = in_csv(HEADER, LINE, "KW-2,FINAL_PRICE")
    assert problems_of(drafts) == ["line 3: has 2 cells and the header 10; write one for each"]
    assert len(drafts.drafts) == 1


@pytest.mark.parametrize("value", [[], 7, "text", None, {"vendors": 5, "discount": {"sku": 1}}, [[1]], [None] * 201])
def test_strange_json(value: Any) -> None:
    """JSON of any shape is refused with problems or with one sentence, never with an error of ours."""
    with contextlib.suppress(DocumentError):
        assert problems_of(in_json(value))


@pytest.mark.parametrize("content", [b"", b"{", b'{"a":1,"a":2}', b"\xff", b"[" * 500])
def test_unreadable_json(content: bytes) -> None:
    """What is not JSON is refused with a sentence."""
    with pytest.raises(DocumentError, match="cannot be read"):
        drafts_of_json(content)
