"""Whether a promotion may be sent now: the stores that it names are switched on, and what must end before has ended
(rule W8)."""

from collections.abc import Mapping
from datetime import datetime

from partner_orders.catalogue.store_settings import CatalogueSettings
from partner_orders.promotions.promotion import EVERY_STORE
from partner_orders.promotions.state import PromotionState
from partner_orders.promotions.wish import Channel


def are_switched_on(vendors: tuple[str, ...], settings: Mapping[str, CatalogueSettings]) -> bool:
    """Whether every store that a promotion names is switched on. One for every store names those of the catalogue."""
    named = tuple(settings) if vendors == (EVERY_STORE,) else vendors
    return bool(named) and all(name in settings and settings[name].is_promoting for name in named)


def is_free(state: PromotionState, earlier: PromotionState | None, now: datetime) -> bool:
    """Whether nothing else must end before. ``earlier`` is the promotion that the wish waits for; None where there is
    none, or where it is long over. A file that begins the one ends the other before."""
    if not state.wish.after or earlier is None or earlier.has_ended or earlier.summary.ends <= now:
        return True
    return state.channel is earlier.channel is Channel.FILES and earlier.wish.is_end
