"""The guards of a store that is sent by files: nothing confirms what a file says, so it is measured by itself."""

from datetime import datetime, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from partner_orders.catalogue.desired import Desired
from partner_orders.catalogue.guards import Limits, in_force, is_switched_off
from partner_orders.catalogue.product import Values
from partner_orders.catalogue.spool import Said, SpooledLine
from partner_orders.catalogue.stored import milliseconds
from partner_orders.loader.comparing import Comparison, Rules, compared
from tests.support.fixed_clock import NOW

PRICES = st.lists(st.tuples(st.integers(1, 400), st.integers(0, 2_000)), min_size=1, max_size=12)


def said(price: int, at: datetime) -> Said:
    return Said("A", (SpooledLine("A", 2, milliseconds(at), Values(price=Decimal(price))),))


def loaded(row: Desired | None, price: int, at: datetime) -> Comparison:
    """What a file that says this price makes of a product."""
    rules = Rules(at, {}, is_covered=False, switches_absent_off=False, limits=Limits(), now=at, is_by_files=True)
    [found] = compared([] if row is None else [row], [said(price, at)], rules)
    return found


@given(PRICES)
def test_no_price_walks_away(changes: list[tuple[int, int]]) -> None:
    """Whatever files say, in whatever steps, a price that is taken differs from each price that a file sent within the
    last day by no more than the limit, and the rest is held."""
    row, at, taken = None, NOW, list[tuple[datetime, Decimal]]()
    for price, minutes in changes:
        at += timedelta(minutes=minutes, milliseconds=1)
        found = loaded(row, price, at)
        new = found.after.values.price
        if new is not None and (row is None or new != row.values.price):
            recent = [one for until, one in ends_of(taken, at) if until > at - timedelta(days=1)]
            assert all(abs(new - one) <= Limits().price_step * one for one in recent), (taken, new)
            taken.append((at, new))
        assert found.held.are_said or new == price
        row = found.after


def ends_of(taken: list[tuple[datetime, Decimal]], now: datetime) -> list[tuple[datetime, Decimal]]:
    """Until when each price was in force; the last one still is."""
    until = [*(at for at, _ in taken[1:]), now][: len(taken)]
    return [(end, price) for end, (_, price) in zip(until, taken, strict=True)]


@given(
    st.none() | st.booleans(), st.none() | st.integers(0, 3), st.none() | st.booleans(), st.none() | st.integers(0, 3)
)
def test_products_that_go_off_are_counted(
    active: bool | None, quantity: int | None, new_active: bool | None, new_quantity: int | None
) -> None:
    """A product counts as switched off where the last file had it on sale and the next one has not."""
    before, after = Values(active=active, quantity=quantity), Values(active=new_active, quantity=new_quantity)
    was_on = (active is not False and (quantity or 0) > 0) if quantity is not None else active is True
    goes_off = new_active is False or new_quantity == 0
    row = Desired("A", before)
    assert is_switched_off(in_force(row, True), after) == (was_on and goes_off)
    assert not is_switched_off(in_force(row, False), after)
