"""Guards hold what looks like an accident, until a person releases or drops it (rule W9).

They measure over a day and against what the platform confirmed, so neither ten small files nor two modest steps get
past them.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from partner_orders.catalogue.desired import NOTHING, Desired
from partner_orders.catalogue.product import Values
from partner_orders.catalogue.settlement import PRICE_WINDOW


class Reason(StrEnum):
    """Why a change is held."""

    PRICE_STEP = "price_step"
    SWITCHED_OFF = "switched_off"
    SHORT_LIST = "short_list"
    OTHER_STORE = "other_store"


@dataclass(frozen=True, slots=True)
class Limits:
    """What goes through. ``price_step``: the largest change of a price, as a share of any price of the last day.
    ``switched_off``: the largest share of the products for sale that a store may lose in a day; up to
    ``few`` products always may. ``shorter``: how much shorter a whole list may be than the one before, as a share.
    ``known``: the least share of a file's products that the store has to know."""

    price_step: Decimal = Decimal("0.35")
    switched_off: Decimal = Decimal("0.2")
    few: int = 20
    shorter: Decimal = Decimal("0.2")
    known: Decimal = Decimal("0.5")


@dataclass(frozen=True, slots=True)
class StoreFigures:
    """What a store is measured against. ``products``: those that we know. ``for_sale``: those that were on sale at the
    beginning of the day. ``switched_off``: those that were switched off since. ``last_list``: the lines of its last
    whole list, None without one."""

    products: int
    for_sale: int
    switched_off: int
    last_list: int | None


@dataclass(frozen=True, slots=True)
class FileFigures:
    """What a file would do. ``lines``: the good ones. ``known``: those whose product the store knows. ``switches_off``:
    products on sale that it takes off, by a line or by leaving them out."""

    lines: int
    known: int
    switches_off: int
    is_whole_list: bool


def in_force(row: Desired, is_by_files: bool) -> Desired:
    """A product as it is measured. Nothing confirms what a file says, so in a store that is sent by files it is taken
    for confirmed."""
    if not is_by_files:
        return row
    values = row.values
    is_on = values.active if values.quantity is None else values.active is not False and values.quantity > 0
    return replace(row, confirmed=replace(values, active=is_on))


def is_switched_off(before: Desired, after: Values) -> bool:
    """Whether a product that is shown as on sale goes off. ``before`` is the product as it is measured."""
    return before.confirmed.active is True and _is_off(after) and not _is_off(before.values)


def _is_off(values: Values) -> bool:
    return values.active is False or values.quantity == 0


def held_price(row: Desired, said: Values, limits: Limits, now: datetime) -> tuple[Values, Values]:
    """What of a line goes through, and what is held: its price, where it is too far from one that was in force within
    the last day. The rest of the line is never held with it, nor is a price that changes nothing: the one that the
    platform has, or that the product is to have already."""
    is_nothing_new = said.price in (row.values.price, row.confirmed.price)
    if said.price is None or is_nothing_new or not is_far(row, said.price, limits.price_step, now):
        return said, NOTHING
    return replace(said, price=None), Values(price=said.price)


def file_reasons(file: FileFigures, store: StoreFigures, limits: Limits) -> list[Reason]:
    """Why a file is held as a whole; empty where it goes through."""
    reasons = []
    if file.lines > limits.few and store.products > limits.few and file.known < limits.known * file.lines:
        reasons.append(Reason.OTHER_STORE)
    if file.is_whole_list and store.last_list is not None and _is_short(file.lines, store.last_list, limits):
        reasons.append(Reason.SHORT_LIST)
    if switches_too_many_off(file.switches_off, store, limits):
        reasons.append(Reason.SWITCHED_OFF)
    return reasons


def switches_too_many_off(products: int, store: StoreFigures, limits: Limits) -> bool:
    """Whether a store loses more products in a day than it may, if these go off sale, too."""
    lost = store.switched_off + products
    return products > 0 and lost > limits.few and lost > limits.switched_off * store.for_sale


def is_far(row: Desired, price: Decimal, most: Decimal, now: datetime) -> bool:
    """Whether a price differs by more than a share from one that was in force within the last day."""
    in_force = [past.price for past in row.past_prices if past.until > now - PRICE_WINDOW]
    if row.confirmed.price is not None:
        in_force.append(row.confirmed.price)
    elif not in_force:
        # The outcome of the last price is lost, so the one before it may be in force.
        in_force = [past.price for past in row.past_prices[-1:]]
    return any(abs(price - one) > most * one for one in in_force)


def _is_short(lines: int, last: int, limits: Limits) -> bool:
    missing = last - lines
    return missing > limits.few and missing > limits.shorter * last
