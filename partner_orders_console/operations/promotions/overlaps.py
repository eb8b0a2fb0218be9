"""Promotions that give one product in one store two things at a time. The platform shows the one that starts later."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from partner_orders.promotions.promotion import Promotion

_SKUS_NAMED = _STORES_NAMED = 3


@dataclass(frozen=True, slots=True)
class Running:
    """A promotion, the stores in which it runs, and how it is called."""

    promotion: Promotion
    store_ids: frozenset[str]
    label: str


@dataclass(frozen=True, slots=True)
class Overlap:
    """Two promotions, and the SKUs and stores in which both run at a time."""

    first: Running
    second: Running
    skus: tuple[str, ...]
    store_ids: tuple[str, ...]

    @property
    def text(self) -> str:
        named = ", ".join(self.skus[:_SKUS_NAMED])
        more = len(self.skus) - _SKUS_NAMED
        skus = f"{named} and {more:,} more" if more > 0 else named
        where = ", ".join(self.store_ids[:_STORES_NAMED])
        return f"{self.first.label} and {self.second.label} run at the same time for {skus} in {where}"

    @property
    def shown(self) -> Running | None:
        """The one that the platform shows; None where both start at one time."""
        if self.first.promotion.starts == self.second.promotion.starts:
            return None
        return max(self.first, self.second, key=lambda one: one.promotion.starts)


def meet(one: Promotion, other: Promotion) -> bool:
    """Whether two promotions run at one time. Both ends are the last moments."""
    return one.starts <= other.ends and other.starts <= one.ends


def overlaps(new: Iterable[Running], present: Collection[Running]) -> list[Overlap]:
    """The overlaps of new promotions among each other and with those that are there."""
    found, before = [], [*present]
    for one in new:
        found += [overlap for other in before if (overlap := _overlap(other, one)) is not None]
        before.append(one)
    return found


def _overlap(first: Running, second: Running) -> Overlap | None:
    stores = first.store_ids & second.store_ids
    if not stores or not meet(first.promotion, second.promotion):
        return None
    others = {*second.promotion.active_skus}
    skus = tuple(sku for sku in first.promotion.active_skus if sku in others)
    return Overlap(first, second, skus, tuple(sorted(stores))) if skus else None
