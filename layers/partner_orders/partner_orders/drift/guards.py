"""Which differences may be repaired without a person: the guards of files, turned to what the platform changed
(rule W9)."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from partner_orders.catalogue.desired import Desired
from partner_orders.catalogue.guards import Limits, StoreFigures, is_far, switches_too_many_off
from partner_orders.drift.differences import Compared


class Repair(StrEnum):
    """What becomes of a product that differs.

    NONE: only told. REPAIRED: the chain's values go again. BEYOND_GUARDS: a guard holds it. OVERTAKEN: it changed
    meanwhile. LATER: more differ than are repaired at a time.
    """

    NONE = ""
    REPAIRED = "repaired"
    BEYOND_GUARDS = "beyond_guards"
    OVERTAKEN = "overtaken"
    LATER = "later"


class Guard(StrEnum):
    """Why products of a store are not repaired."""

    PRICE_STEP = "price_step"
    SWITCHED_OFF = "switched_off"
    TOO_MANY = "too_many"
    OTHER_STORE = "other_store"


@dataclass(frozen=True, slots=True)
class ProductCounts:
    """What a comparison of a store counted. ``common``: products that both sides have; ``compared``: those of them that
    could be compared; ``different``: those that differ. ``only_ours``, ``only_shown``: products that the other side has
    not."""

    common: int
    compared: int
    different: int
    only_ours: int
    only_shown: int


@dataclass(frozen=True, slots=True)
class RepairRules:
    """``most``: the largest share of the compared products that may differ and still be repaired; None for any. Up to
    ``limits.few`` products may always."""

    limits: Limits
    most: Decimal | None

    def of_store(self, counts: ProductCounts) -> list[Guard]:
        """Why nothing of a store is repaired; empty where it may be."""
        guards = [Guard.OTHER_STORE] if is_of_another_store(counts, self.limits) else []
        if self.most is not None and counts.different > max(Decimal(self.limits.few), self.most * counts.compared):
            guards.append(Guard.TOO_MANY)
        return guards

    def of_switching_off(self, found: Iterable[Compared], figures: StoreFigures) -> list[Guard]:
        """Why no product of a store is taken off sale by a repair; empty where they may be."""
        products = sum(one.switches_off for one in found)
        return [Guard.SWITCHED_OFF] if switches_too_many_off(products, figures, self.limits) else []

    def of_price(self, row: Desired, found: Compared, now: datetime) -> list[Guard]:
        """Why the price of a product is not repaired; empty where it may be."""
        price, shown = found.ours.price, found.shown.price
        if price is None:
            return []
        as_shown = replace(row, confirmed=replace(row.confirmed, price=shown))
        return [Guard.PRICE_STEP] if is_far(as_shown, price, self.limits.price_step, now) else []


def is_of_another_store(counts: ProductCounts, limits: Limits) -> bool:
    """Whether an export has so little in common with a store's products that it is another one's, or was cut."""
    ours, shown = counts.common + counts.only_ours, counts.common + counts.only_shown
    if ours > limits.few and not shown:
        return True
    return min(ours, shown) > limits.few and counts.common < limits.known * min(ours, shown)
