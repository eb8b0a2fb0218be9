"""What the guards let through and what they hold, at their bounds."""

from dataclasses import fields, replace
from datetime import timedelta
from decimal import Decimal

import pytest

from partner_orders.catalogue.desired import Desired
from partner_orders.catalogue.guards import (
    FileFigures,
    Limits,
    Reason,
    StoreFigures,
    file_reasons,
    held_price,
    in_force,
    is_switched_off,
    switches_too_many_off,
)
from partner_orders.catalogue.product import Values
from partner_orders.catalogue.settlement import Outcome, settled
from partner_orders.loader.handler import LoaderSettings
from partner_orders.pusher.urgent_handler import UrgentSettings
from tests.support.fixed_clock import NOW

LIMITS = Limits()
DAY = timedelta(days=1)
STORE = StoreFigures(products=1_000, for_sale=1_000, switched_off=0, last_list=None)
ROW = settled(Desired("KW-100"), Values(price=Decimal(100)), Outcome.PROCESSED, NOW)


@pytest.mark.parametrize(("price", "is_held"), [("135", False), ("135.01", True), ("65", False), ("64.99", True)])
def test_price_step(price: str, is_held: bool) -> None:
    """A price may change by 35 percent, and by no cent more."""
    taken, held = held_price(ROW, Values(price=Decimal(price), quantity=3), LIMITS, NOW)
    assert (held.price is not None) is is_held
    assert (taken.price is None) is is_held
    assert taken.quantity == 3


@pytest.mark.parametrize(("passed", "is_held"), [(DAY - timedelta(seconds=1), True), (DAY, False)])
def test_price_of_a_day_ago(passed: timedelta, is_held: bool) -> None:
    """A price counts for a day after the next one took its place, and then no longer."""
    row = settled(ROW, Values(price=Decimal(135)), Outcome.PROCESSED, NOW)
    assert (held_price(row, Values(price=Decimal(136)), LIMITS, NOW + passed)[1].price is not None) is is_held


def test_lost_outcome_is_measured_by_the_last_price() -> None:
    """Where no price is known to be in force, the one before it counts, and none that is older."""
    row = settled(ROW, Values(price=Decimal(135)), Outcome.PROCESSED, NOW)
    row = settled(row, Values(price=Decimal(180)), Outcome.PROCESSED, NOW)
    lost = settled(row, Values(price=Decimal(200)), Outcome.UNKNOWN, NOW)
    assert lost.confirmed.price is None
    last = lost.past_prices[-1].price
    later = NOW + 3 * DAY
    assert held_price(lost, Values(price=last * Decimal("1.35")), LIMITS, later)[1].price is None
    assert held_price(lost, Values(price=last * Decimal("1.36")), LIMITS, later)[1].price is not None


@pytest.mark.parametrize(
    ("for_sale", "lost", "products", "is_too_many"),
    [
        (1_000, 0, 200, False),
        (1_000, 0, 201, True),
        (1_000, 100, 100, False),
        (1_000, 100, 101, True),
        (1_000, 500, 0, False),
        (1_000, 500, 1, True),
        (50, 0, 20, False),
        (50, 0, 21, True),
        (100, 0, 20, False),
        (100, 0, 21, True),
    ],
)
def test_products_that_go_off_in_a_day(for_sale: int, lost: int, products: int, is_too_many: bool) -> None:
    """A store may lose a fifth of its products in a day, and always twenty; a file that switches none off is fine."""
    store = replace(STORE, for_sale=for_sale, switched_off=lost)
    assert switches_too_many_off(products, store, LIMITS) is is_too_many


@pytest.mark.parametrize(
    ("lines", "known", "products", "reasons"),
    [
        (40, 20, 1_000, []),
        (40, 19, 1_000, [Reason.OTHER_STORE]),
        (21, 10, 1_000, [Reason.OTHER_STORE]),
        (20, 0, 1_000, []),
        (40, 0, 20, []),
        (40, 0, 21, [Reason.OTHER_STORE]),
    ],
)
def test_file_of_another_store(lines: int, known: int, products: int, reasons: list[Reason]) -> None:
    """A store knows half of a file's products, unless one of the two is small."""
    file = FileFigures(lines, known, switches_off=0, is_whole_list=False)
    assert file_reasons(file, replace(STORE, products=products), LIMITS) == reasons


@pytest.mark.parametrize(
    ("last", "lines", "is_short"),
    [(200, 160, False), (200, 159, True), (50, 30, False), (50, 29, True), (100, 80, False), (100, 79, True)],
)
def test_short_list(last: int, lines: int, is_short: bool) -> None:
    """A whole list may be a fifth shorter than the last one, and always twenty lines; a file of changes may be any."""
    store = replace(STORE, last_list=last)
    file = FileFigures(lines, lines, switches_off=0, is_whole_list=True)
    assert file_reasons(file, store, LIMITS) == ([Reason.SHORT_LIST] if is_short else [])
    assert file_reasons(replace(file, is_whole_list=False), store, LIMITS) == []
    assert file_reasons(file, STORE, LIMITS) == []


def test_file_that_switches_off() -> None:
    """A file that takes too many products off sale is held, and all reasons are told together."""
    file = FileFigures(lines=100, known=10, switches_off=201, is_whole_list=True)
    assert file_reasons(file, replace(STORE, last_list=500), LIMITS) == [
        *(Reason.OTHER_STORE, Reason.SHORT_LIST, Reason.SWITCHED_OFF),
    ]
    assert [reason.value for reason in Reason] == ["price_step", "switched_off", "short_list", "other_store"]


@pytest.mark.parametrize(
    ("values", "is_on"),
    [
        (Values(quantity=1), True),
        (Values(quantity=0), False),
        (Values(active=True, quantity=1), True),
        (Values(active=False, quantity=1), False),
        (Values(active=True), True),
        (Values(active=False), False),
        (Values(), None),
    ],
)
def test_store_by_files(values: Values, is_on: bool | None) -> None:
    """Nothing confirms what a file says, so it counts as confirmed: on sale with pieces, unless it is switched off."""
    row = Desired("KW-100", values=values, confirmed=Values(active=False))
    assert in_force(row, is_by_files=True).confirmed == replace(values, active=is_on)
    assert in_force(row, is_by_files=False) is row


@pytest.mark.parametrize(
    ("confirmed", "values", "after", "goes_off"),
    [
        (True, Values(quantity=5), Values(quantity=0), True),
        (True, Values(quantity=5), Values(active=False), True),
        (True, Values(quantity=5), Values(quantity=1), False),
        (True, Values(quantity=0), Values(quantity=0), False),
        (False, Values(quantity=5), Values(quantity=0), False),
        (None, Values(quantity=5), Values(quantity=0), False),
    ],
)
def test_product_that_goes_off(confirmed: bool | None, values: Values, after: Values, goes_off: bool) -> None:
    """A product goes off sale if the platform shows it, and it was to be on sale until now."""
    row = Desired("KW-100", values=values, confirmed=Values(active=confirmed))
    assert is_switched_off(row, after) is goes_off


def test_functions_hold_what_they_are_told() -> None:
    """The loader and the urgent function measure by the five limits of their environment, each by its own."""
    given = {
        "PRICE_STEP_PERCENT": "31",
        "SWITCHED_OFF_PERCENT": "17",
        "SHORTER_PERCENT": "23",
        "KNOWN_PERCENT": "59",
        "FEW_PRODUCTS": "7",
    }
    told = Limits(Decimal("0.31"), Decimal("0.17"), 7, Decimal("0.23"), Decimal("0.59"))
    for settings in (LoaderSettings, UrgentSettings):
        environment = {setting.name.upper(): "1" for setting in fields(settings)} | given
        made = settings.from_environment(environment)
        assert (made.limits if isinstance(made, LoaderSettings) else made.limits()) == told
