"""What is a difference, and what is only on its way."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from partner_orders.catalogue.desired import Desired
from partner_orders.catalogue.product import Values
from partner_orders.catalogue.to_send import Margins
from partner_orders.drift.differences import (
    Compared,
    ComparisonRules,
    Finding,
    ShownProduct,
    compared,
    repaired,
)
from tests.support.fixed_clock import NOW

WANTED = Values(Decimal("2.50"), True, 10, 6)
SHOWN = Values(Decimal("2.5"), True, None, 6)
RULES = ComparisonRules(NOW, sales_buffer=2)
ROW = Desired("A", WANTED, dict.fromkeys(WANTED.said, NOW), WANTED, settled_at=NOW - timedelta(hours=1))


def found(row: Desired | None = ROW, shown: Values | None = SHOWN, rules: ComparisonRules = RULES) -> Compared:
    return compared(row, None if shown is None else ShownProduct("A", shown), rules)


def test_same_values_are_no_difference() -> None:
    """A price is compared by its value; pieces left are not shown, and not missed."""
    assert found() == Compared("A", Finding.SAME)


@pytest.mark.parametrize(
    "shown", [{"price": Decimal("2.51")}, {"active": False}, {"cap": 12}, {"price": Decimal(3), "cap": 1}]
)
def test_another_value_is_a_difference(shown: dict[str, object]) -> None:
    """Each field that differs is told with both values, and no other."""
    ours = Values(**{name: getattr(WANTED, name) for name in shown})
    assert found(shown=replace(SHOWN, **shown)) == Compared("A", Finding.DIFFERENT, ours, Values(**shown))  # type: ignore[arg-type]


@pytest.mark.parametrize(("shown", "finding"), [("4.55", Finding.SAME), ("4.56", Finding.DIFFERENT)])
def test_cut_price_is_the_same(shown: str, finding: Finding) -> None:
    """The platform may cut the third decimal, and never rounds it up."""
    wanted = replace(WANTED, price=Decimal("4.555"))
    row = replace(ROW, values=wanted, confirmed=wanted)
    assert found(row, replace(SHOWN, price=Decimal(shown))).finding is finding


def test_what_is_not_shown_is_not_compared() -> None:
    """An export without a column, or with a cell that cannot be read, says nothing of that field, nor of a product of
    which it shows nothing."""
    assert found(shown=Values(price=Decimal("2.50"))).finding is Finding.SAME
    assert found(shown=Values()).finding is Finding.NOT_SHOWN


@pytest.mark.parametrize(
    ("quantity", "finding"), [(1, Finding.IN_BUFFER), (2, Finding.IN_BUFFER), (3, Finding.DIFFERENT)]
)
def test_sales_buffer_takes_products_off(quantity: int, finding: Finding) -> None:
    """With no more pieces than the platform's buffer, being off sale is told apart, and is no difference."""
    wanted = replace(WANTED, quantity=quantity)
    row = replace(ROW, values=wanted, confirmed=wanted)
    assert found(row, replace(SHOWN, active=False)).finding is finding


def test_platform_without_a_buffer() -> None:
    """Unless a buffer is set, one piece is enough to be on sale."""
    wanted = replace(WANTED, quantity=1)
    row = replace(ROW, values=wanted, confirmed=wanted)
    assert found(row, replace(SHOWN, active=False), ComparisonRules(NOW)).finding is Finding.DIFFERENT


def test_words_of_findings() -> None:
    """Reports and their files have these words, so they stay."""
    assert [*Finding] == [
        *("same", "different", "in_buffer", "not_shown", "changing", "unknown_to_us", "unknown_to_platform"),
    ]


def test_other_fields_differ_within_the_buffer_too() -> None:
    """A wrong price of a product within the buffer is a difference of the price alone."""
    wanted = replace(WANTED, quantity=1)
    row = replace(ROW, values=wanted, confirmed=wanted)
    one = found(row, Values(Decimal(9), active=False, cap=6))
    assert (one.finding, one.ours, one.shown) == (Finding.DIFFERENT, Values(WANTED.price), Values(Decimal(9)))


def test_margins_count() -> None:
    """What is compared is what was sent: pieces after the safety stock, and the store's cap."""
    margins = Margins(safety_stock=10, cap=4)
    sent = Values(WANTED.price, False, 0, 4)
    row = replace(ROW, confirmed=sent)
    rules = replace(RULES, margins=margins)
    assert found(row, Values(WANTED.price, False, None, 4), rules).finding is Finding.SAME
    assert found(row, Values(WANTED.price, True, None, 4), rules).ours == Values(active=False)


@pytest.mark.parametrize(
    "row", [replace(ROW, confirmed=Values()), replace(ROW, values=Values(Decimal(3), False, 0, 2))]
)
def test_what_is_on_its_way_is_not_compared(row: Desired) -> None:
    """Of unknown outcome, or yet to be sent: no drift."""
    assert found(row, Values(Decimal(9), False, None, 1)).finding is Finding.CHANGING


@pytest.mark.parametrize("ago", [timedelta(seconds=10), timedelta(minutes=-1)])
def test_what_was_sent_lately_is_not_compared(ago: timedelta) -> None:
    """What a job carried whose outcome came after the export was asked for, or just before, may not be in it. What no
    job carried is compared, but for going off sale, which takes no job. With too many jobs nothing is."""
    fresh, shown = replace(ROW, settled_at=NOW - ago), Values(Decimal(9), active=False, cap=1)
    rules = replace(RULES, sent_lately={"A": {"price", "quantity"}, "B": {"cap"}})
    assert found(fresh, shown, rules).ours == Values(cap=6)
    assert found(ROW, shown, rules).ours == Values(WANTED.price, True, None, 6)
    assert found(fresh, shown, replace(rules, sent_lately=None)).finding is Finding.CHANGING


def test_fields_of_a_running_job_are_not_compared() -> None:
    """A job that is under way may carry an older value, and the newest follows it."""
    rules = replace(RULES, under_way={"A": {"price"}})
    assert found(shown=replace(SHOWN, price=Decimal(9)), rules=rules).finding is Finding.SAME
    assert found(shown=replace(SHOWN, price=Decimal(9), cap=1), rules=rules).ours == Values(cap=6)


def test_refused_value_is_not_compared() -> None:
    """The platform refused it and said so: what it shows is no news. The other fields are compared."""
    wanted = replace(WANTED, price=Decimal(3))
    row = replace(ROW, values=wanted, refused=Values(price=Decimal(3)), refusal="locked")
    assert found(row).finding is Finding.SAME
    assert found(row, replace(SHOWN, cap=9)).ours == Values(cap=6)


def test_one_side_alone_is_told() -> None:
    """A product that only one side has is named, with what is known of it."""
    assert found(None) == Compared("A", Finding.UNKNOWN_TO_US, shown=SHOWN)
    assert found(Desired("A", confirmed=WANTED)) == Compared("A", Finding.UNKNOWN_TO_US, shown=SHOWN)
    assert found(shown=None) == Compared("A", Finding.UNKNOWN_TO_PLATFORM, ours=WANTED)
    with pytest.raises(ValueError, match="nobody"):
        found(None, None)


def test_repair_makes_it_wait() -> None:
    """Nobody knows any more what the platform has, so the chain's value goes again; the guards go on measuring against
    the chain's price."""
    one = found(shown=replace(SHOWN, price=Decimal("2.20")))
    row = repaired(ROW, ROW, one, RULES, NOW)
    assert row.values == WANTED
    assert row.confirmed == replace(WANTED, price=None)
    assert row.settled_at == NOW


@pytest.mark.parametrize(
    "row", [replace(ROW, values=replace(WANTED, price=Decimal(3))), replace(ROW, settled_at=NOW + timedelta(minutes=1))]
)
def test_repair_of_what_changed_does_nothing(row: Desired) -> None:
    """A newer value, or a newer outcome, stands over what was compared."""
    one = found(shown=replace(SHOWN, price=Decimal("2.20")))
    assert repaired(row, ROW, one, RULES, NOW) is row


def test_value_settled_just_before() -> None:
    """What was processed half a minute before the export was asked for is in it; what was later may not be."""
    shown = replace(SHOWN, active=False)
    for ago, finding in ((30, Finding.DIFFERENT), (29, Finding.SAME)):
        assert found(replace(ROW, settled_at=NOW - timedelta(seconds=ago)), shown).finding is finding


def test_fields_under_way_and_lately() -> None:
    """Of a product that was settled lately, the fields of running jobs are as unsure as those of jobs that ended."""
    rules = replace(RULES, under_way={"A": {"price"}}, sent_lately={"A": {"cap"}})
    shown = Values(Decimal(9), False, None, 1)
    assert found(replace(ROW, settled_at=NOW), shown, rules).finding is Finding.CHANGING


def test_pieces_go_with_being_on_sale() -> None:
    """Whether a product is on sale is compared only if its pieces were confirmed, too."""
    row = replace(ROW, confirmed=replace(WANTED, quantity=9))
    assert found(row, replace(SHOWN, active=False)).finding is Finding.SAME
    wanted = replace(WANTED, quantity=None)
    row = replace(ROW, values=wanted, confirmed=replace(WANTED, quantity=9))
    assert found(row, replace(SHOWN, active=False)).finding is Finding.DIFFERENT


def test_product_of_nobody() -> None:
    """A product that neither side has cannot be compared."""
    with pytest.raises(ValueError, match=r"^a product that nobody has$"):
        found(None, None)
