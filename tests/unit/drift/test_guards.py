"""Which differences wait for a person."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from partner_orders.catalogue.desired import Desired, PriceInForce
from partner_orders.catalogue.guards import Limits, StoreFigures
from partner_orders.catalogue.product import Values
from partner_orders.drift.differences import Compared, Finding
from partner_orders.drift.guards import Guard, ProductCounts, Repair, RepairRules
from tests.support.fixed_clock import NOW

RULES = RepairRules(Limits(few=2), Decimal("0.1"))
ROW = Desired("A", Values(Decimal(2)), {"price": NOW}, Values(Decimal(2)))


def price(shown: str) -> Compared:
    return Compared("A", Finding.DIFFERENT, Values(Decimal(2)), Values(Decimal(shown)))


@pytest.mark.parametrize(("shown", "guards"), [("1.50", []), ("2.60", []), ("20", [Guard.PRICE_STEP])])
def test_far_price_waits(shown: str, guards: list[Guard]) -> None:
    """A price is measured against the one that the platform shows, in either direction."""
    assert RULES.of_price(ROW, price(shown), NOW) == guards


def test_price_of_the_day_counts() -> None:
    """A price that was in force within the day counts, as it does for a file."""
    row = replace(ROW, past_prices=(PriceInForce(Decimal(9), NOW - timedelta(hours=1)),))
    assert RULES.of_price(row, price("1.90"), NOW) == [Guard.PRICE_STEP]


@pytest.mark.parametrize(
    ("counts", "guards"),
    [
        (ProductCounts(120, 100, 10, 0, 0), []),
        (ProductCounts(120, 100, 11, 0, 0), [Guard.TOO_MANY]),
        (ProductCounts(5, 5, 2, 0, 0), []),
        (ProductCounts(40, 40, 0, 60, 60), [Guard.OTHER_STORE]),
        (ProductCounts(60, 0, 0, 40, 40), []),
        (ProductCounts(40, 40, 0, 60, 2), []),
        (ProductCounts(40, 40, 0, 0, 60), []),
        (ProductCounts(0, 0, 0, 60, 0), [Guard.OTHER_STORE]),
        (ProductCounts(0, 0, 0, 2, 0), []),
        (ProductCounts(0, 0, 0, 2, 2), []),
        (ProductCounts(0, 0, 0, 60, 2), []),
        (ProductCounts(0, 0, 0, 3, 3), [Guard.OTHER_STORE]),
        (ProductCounts(50, 50, 0, 50, 50), []),
    ],
)
def test_odd_export_is_not_repaired(counts: ProductCounts, guards: list[Guard]) -> None:
    """Too many differences, or hardly a product in common, say that something else is wrong."""
    assert RULES.of_store(counts) == guards


def test_words_of_repairs() -> None:
    """Reports and their files have these words, so they stay."""
    assert [*Repair] == ["", "repaired", "beyond_guards", "overtaken", "later"]
    assert [*Guard] == ["price_step", "switched_off", "too_many", "other_store"]


def test_person_may_repair_any_number() -> None:
    """Who asks for a repair has seen the number."""
    assert replace(RULES, most=None).of_store(ProductCounts(100, 100, 100, 0, 0)) == []


@pytest.mark.parametrize(("off", "guards"), [(2, []), (3, []), (4, [Guard.SWITCHED_OFF])])
def test_switching_many_off_waits(off: int, guards: list[Guard]) -> None:
    """What a repair takes off sale counts with what files took off within the day."""
    found = [Compared(f"{n}", Finding.DIFFERENT, Values(active=False), Values(active=True)) for n in range(off)]
    figures = StoreFigures(products=40, for_sale=25, switched_off=2, last_list=None)
    assert RULES.of_switching_off([*found, price("3")], figures) == guards
