"""Guards: neither ten small files nor two modest steps get past them."""

from datetime import datetime, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from partner_orders.catalogue.desired import Desired, merged
from partner_orders.catalogue.guards import (
    FileFigures,
    Limits,
    Reason,
    StoreFigures,
    file_reasons,
    held_price,
    switches_too_many_off,
)
from partner_orders.catalogue.product import Values
from partner_orders.catalogue.settlement import Outcome, settled
from tests.support.fixed_clock import NOW

LIMITS = Limits()
CENTS = st.integers(1, 1_000).map(lambda cents: Decimal(cents) / 100)
STEPS = st.lists(st.tuples(CENTS, st.integers(0, 36 * 60)), max_size=20)


@given(CENTS, STEPS)
def test_no_two_prices_of_a_day_are_far_apart(first: Decimal, steps: list[tuple[Decimal, int]]) -> None:
    """Of the prices in force within a day, none is further from an earlier one than the limit allows."""
    row = settled(Desired("KW-100"), Values(price=first), Outcome.PROCESSED, NOW)
    until: list[tuple[Decimal, datetime]] = []
    now = NOW
    for price, minutes in steps:
        now += timedelta(minutes=minutes)
        taken, held = held_price(row, Values(price=price, quantity=1), LIMITS, now)
        assert (taken.price is None) != (held.price is None)
        assert taken.quantity == 1
        assert row.confirmed.price is not None
        if taken.price is None:
            continue
        in_force = [row.confirmed.price, *(old for old, end in until if end > now - timedelta(hours=24))]
        assert all(abs(price - old) <= LIMITS.price_step * old for old in in_force)
        if price != row.confirmed.price:
            until.append((row.confirmed.price, now))
        row = settled(row, taken, Outcome.PROCESSED, now)


@given(CENTS)
def test_price_in_force_is_not_held(price: Decimal) -> None:
    """After a slip was corrected, the right price goes through however often it is said, and the slip does not."""
    row = settled(Desired("KW-100"), Values(price=price * 10), Outcome.PROCESSED, NOW)
    now = NOW + timedelta(minutes=5)
    assert held_price(row, Values(price=price), LIMITS, now)[1].price == price
    released = merged(row, Values(price=price), now, {})
    assert held_price(released, Values(price=price), LIMITS, now)[0].price == price
    corrected = settled(released, Values(price=price), Outcome.PROCESSED, now)
    assert held_price(corrected, Values(price=price), LIMITS, now)[0].price == price
    assert held_price(corrected, Values(price=price * 10), LIMITS, now)[0].price is None


@given(CENTS, CENTS)
def test_first_price_is_not_held(price: Decimal, other: Decimal) -> None:
    """A product without a confirmed price takes any; one whose outcome was lost is measured against the last."""
    row = Desired("KW-100")
    assert held_price(row, Values(price=price), LIMITS, NOW)[0].price == price
    row = settled(row, Values(price=price), Outcome.PROCESSED, NOW)
    lost = settled(row, Values(price=price), Outcome.UNKNOWN, NOW + timedelta(hours=1))
    later = NOW + timedelta(days=3)
    assert held_price(lost, Values(price=other), LIMITS, later) == held_price(row, Values(price=other), LIMITS, later)


@given(st.integers(21, 2_000), st.lists(st.integers(1, 40), min_size=1, max_size=30))
def test_small_files_together_are_held(for_sale: int, files: list[int]) -> None:
    """However many files switch products off, a store loses no more in a day than its share, or a few."""
    lost = 0
    for products in files:
        if not switches_too_many_off(products, StoreFigures(for_sale, for_sale, lost, None), LIMITS):
            lost += products
    assert lost <= max(Decimal(LIMITS.few), LIMITS.switched_off * for_sale)


def test_file_that_switches_off_too_much() -> None:
    """A file that takes over a fifth of a store off sale is held, be it a whole list or a file of changes."""
    store = StoreFigures(products=500, for_sale=400, switched_off=0, last_list=500)
    for is_whole_list in (True, False):
        assert file_reasons(FileFigures(500, 500, 81, is_whole_list), store, LIMITS) == [Reason.SWITCHED_OFF]
        assert file_reasons(FileFigures(500, 500, 80, is_whole_list), store, LIMITS) == []


def test_file_of_another_store() -> None:
    """A file of which the store knows less than half is held, and a small or a first one is not."""
    store = StoreFigures(products=500, for_sale=400, switched_off=0, last_list=500)
    file = FileFigures(lines=100, known=49, switches_off=0, is_whole_list=False)
    assert file_reasons(file, store, LIMITS) == [Reason.OTHER_STORE]
    assert file_reasons(FileFigures(20, 0, 0, False), store, LIMITS) == []
    assert file_reasons(file, StoreFigures(0, 0, 0, None), LIMITS) == []


def test_short_list() -> None:
    """A whole list that lost more than a fifth of its lines is held."""
    store = StoreFigures(products=500, for_sale=400, switched_off=0, last_list=500)
    assert file_reasons(FileFigures(399, 399, 0, True), store, LIMITS) == [Reason.SHORT_LIST]
    assert file_reasons(FileFigures(400, 400, 0, True), store, LIMITS) == []
    assert file_reasons(FileFigures(399, 399, 0, False), store, LIMITS) == []
