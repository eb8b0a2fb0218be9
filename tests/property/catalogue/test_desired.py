"""What a product should be: the newest value of each field, whatever the order in which the changes come."""

from datetime import datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from partner_orders.catalogue.desired import Desired, merged, needs_write
from partner_orders.catalogue.product import FIELDS, Values
from tests.support.catalogue import VALUES, VERSIONS
from tests.support.fixed_clock import NOW

type Said = tuple[Values, datetime]
CHANGES = st.lists(st.tuples(VALUES, VERSIONS), max_size=6)


def after(changes: list[Said]) -> Desired:
    row = Desired("KW-100")
    for values, version in changes:
        row = merged(row, values, version, {})
    return row


@given(CHANGES, st.randoms(use_true_random=False))
def test_order_of_arrival_does_not_matter(changes: list[Said], random: Any) -> None:
    """The same changes in another order, some of them twice, make the same product."""
    others = changes + random.choices(changes, k=2) if changes else []
    random.shuffle(others)
    assert after(others) == after(changes)


@given(CHANGES)
def test_newest_value_wins(changes: list[Said]) -> None:
    """Each field has a value of its newest version, of two of one version the smaller."""
    row = after(changes)
    for name in FIELDS:
        said = [(version, getattr(values, name)) for values, version in changes if getattr(values, name) is not None]
        newest = max((version for version, _ in said), default=None)
        expected = min((value for version, value in said if version == newest), default=None)
        assert getattr(row.values, name) == expected
        assert row.versions.get(name) == newest


@given(CHANGES, st.none() | VALUES, VERSIONS, CHANGES)
def test_unwritten_list_still_wins(
    before: list[Said], listed: Values | None, version: datetime, later: list[Said]
) -> None:
    """A whole list wins over older changes that come after it, also for products that it did not have to write."""
    row = after(before)
    said = row.values if listed is None else listed
    by_list = merged(row, said, version, {})
    stored = by_list if needs_write(row, by_list, is_whole_list=True) else row
    versions = {name: version for name in FIELDS if getattr(said, name) is not None}
    for values, at in later:
        by_list = merged(by_list, values, at, {})
        result = merged(stored, values, at, versions)
        stored = result if needs_write(stored, result, is_whole_list=False) else stored
    assert stored.values == by_list.values


@given(CHANGES, st.tuples(VALUES, VERSIONS))
def test_repeated_change_needs_no_write(changes: list[Said], change: Said) -> None:
    """A change that was taken is written once, however often it comes."""
    row = after([*changes, change])
    assert not needs_write(row, merged(row, *change, {}), is_whole_list=False)


def test_repeated_value_has_the_newer_version() -> None:
    """A change that says again what is there is written with its version, and an older change loses against it."""
    row = merged(Desired("KW-100"), Values(quantity=5), NOW, {})
    again = merged(row, Values(quantity=5), NOW + timedelta(minutes=2), {})
    assert needs_write(row, again, is_whole_list=False)
    assert merged(again, Values(quantity=7), NOW + timedelta(minutes=1), {}).values.quantity == 5


def test_repetition_of_a_list() -> None:
    """A change that says what a whole list said, in its version, is not written."""
    later = NOW + timedelta(minutes=1)
    row = merged(Desired("KW-100"), Values(quantity=5), NOW, {})
    assert merged(row, Values(quantity=5), later, {"quantity": later}) is row


def test_new_product() -> None:
    """A product that a file names first was refused nothing and written never. Equal products may have been written
    more often."""
    assert Desired("KW-100") == Desired("KW-100", refusal="", writes=3)
    assert Desired("KW-100").writes == 0


@given(VALUES, VALUES)
def test_late_change_loses_against_the_list(said: Values, late: Values) -> None:
    """A change from between a product's own version and that of a list which repeated it changes none of its fields."""
    row = merged(Desired("KW-100"), said, NOW, {})
    listed = {name: NOW + timedelta(minutes=2) for name in row.versions}
    result = merged(row, late, NOW + timedelta(minutes=1), listed)
    for name in row.versions:
        assert getattr(result.values, name) == getattr(said, name)
