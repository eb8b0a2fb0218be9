"""Ending a promotion, whole or for some products, now or at a time: by the same body with what changes."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from partner_orders.clock import now
from partner_orders.promotions.promotion import EVERY_STORE, Promotion, body_of, ended, without
from partner_orders.promotions.state import PromotionState
from partner_orders.promotions.table import NotPlannedError, WrittenMeanwhileError
from partner_orders.promotions.wish import Outcome, Wish
from partner_orders.stores.store import Store
from partner_orders_console.operations.catalogue_stack import CatalogueStack
from partner_orders_console.operations.errors import NotFoundError, OperatorError
from partner_orders_console.operations.promotions.kept import body_of_state, end, state_named, who, why_given, wish
from partner_orders_console.operations.promotions.reading import stores_of
from partner_orders_console.operations.promotions.rules import zone_of
from partner_orders_console.operations.promotions.times import time_of
from partner_orders_console.operations.words import at, counted

_NAMED = 5  # SKUs in a sentence
# An earlier one is an end now.
_SOONEST = timedelta(minutes=1)


@dataclass(frozen=True)
class PlannedEnd:
    """What is to be ended of a promotion: ``skus`` of it, or all where there are none; ``not_before``: at that time
    (UTC), else now."""

    state: PromotionState
    promotion: Promotion
    skus: tuple[str, ...] = ()
    not_before: datetime | None = None

    @property
    def text(self) -> str:
        """``end Dairy week (a1b2c3d4e5f6)``, with what of it and when."""
        of = f"{counted(len(self.skus), 'product')} of " if self.skus else ""
        when = f" at {at(self.not_before)} UTC" if self.not_before else ""
        return f"end {of}{self.state.summary.name} ({self.state.promotion_id}){when}"

    def to_json(self) -> dict[str, Any]:
        return {"promotion_id": self.state.promotion_id, "skus": [*self.skus], "at": self.not_before}


def plan_end(
    catalogue: CatalogueStack, promotion_id: str, skus: Sequence[str] = (), when: str | None = None
) -> PlannedEnd:
    """What ending would do. ``when`` is a time as an operator types it. Raises OperatorError for a promotion that is
    not there or has ended, for products that it does not have, and for a time that makes no sense."""
    state = state_named(catalogue, promotion_id)
    if state.has_ended or state.outcome is Outcome.OVER or state.summary.ends <= now():
        raise OperatorError(f"the promotion {state.promotion_id} has ended already", "")
    not_before = None if when is None else _time(catalogue, when, state)
    if state.wish.is_end:
        raise OperatorError(
            f"the promotion {state.promotion_id} is being ended already",
            f"`partner-orders promotions show {state.promotion_id}` shows how far that is.",
        )
    present = body_of_state(catalogue, state)
    wanted = tuple(dict.fromkeys(sku.strip() for sku in skus))
    active = {*present.active_skus}
    if missing := [sku for sku in wanted if sku not in active]:
        named = ", ".join(missing[:_NAMED])
        raise NotFoundError(
            f"{counted(len(missing), 'product')} not active in the promotion {state.promotion_id}: {named}",
            f"`partner-orders promotions show {state.promotion_id}` shows its products.",
        )
    if not wanted or active <= {*wanted}:
        return PlannedEnd(state, ended(present), (), not_before)
    if not_before is not None:
        raise OperatorError(
            "single products cannot be ended at a later time", "End them now, or end the whole promotion at that time."
        )
    return PlannedEnd(state, without(present, wanted), wanted)


def do_end(catalogue: CatalogueStack, planned: PlannedEnd, why: str) -> PromotionState:
    """Have the pusher end it, with who wished it, when and why. Raises OperatorError and botocore's errors."""
    by, reason = who(catalogue), why_given(why)
    if not planned.skus:
        return end(catalogue, planned.state, planned.promotion, by, reason, planned.not_before)
    return change(catalogue, planned.state, planned.promotion, Wish(0, "", False, by, reason, now()))


def change(catalogue: CatalogueStack, state: PromotionState, promotion: Promotion, wished: Wish) -> PromotionState:
    """Have the pusher send a promotion in place of what was read of it. An end that is set for later is set again, for
    the new body. Raises OperatorError and botocore's errors."""
    digest = catalogue.promotion_bodies.write(state.promotion_id, body_of(promotion))
    changed = wish(catalogue, promotion, replace(wished, digest=digest), state.newest_number, state.channel)
    planned = changed.planned
    if planned is None:
        return changed
    return end(catalogue, changed, ended(promotion), planned.by, planned.why, planned.not_before)


def _time(catalogue: CatalogueStack, text: str, state: PromotionState) -> datetime:
    """A time as an operator types it; without an offset it is in the stores' time zone, as in a document."""
    stores = stores_of(catalogue, catalogue.tables.settings.all())
    vendors = state.summary.vendors
    named = stores.all if vendors == (EVERY_STORE,) else [stores.by_name.get(one, Store(one)) for one in vendors]
    try:
        found = time_of(text.strip(), zone_of(named)).replace(microsecond=0)
    except ValueError as error:
        raise OperatorError(f"{text[:40]!r} cannot be used: {error}", "Use e.g. 2026-05-10T18:00:00Z.") from None
    if not now() + _SOONEST <= found < state.summary.ends:
        raise OperatorError(
            f"{at(found)} UTC is not before the promotion's own end at {at(state.summary.ends)} UTC, or is past",
            "Use a time to come. Without --at it ends now.",
        )
    return found


def planned_end(catalogue: CatalogueStack, promotion_id: str) -> datetime:
    """The time (UTC) at which a promotion is to end before its own end. Raises OperatorError where there is none."""
    state = state_named(catalogue, promotion_id)
    if state.planned is None or state.planned.not_before is None:
        raise OperatorError(f"no end is set for later for the promotion {state.promotion_id}", "")
    return state.planned.not_before


def keep(catalogue: CatalogueStack, promotion_id: str, why: str) -> None:
    """Take back the end that was set for later, and leave on its record who did, and why. Raises OperatorError and
    botocore's errors."""
    by, reason = who(catalogue), why_given(why)
    state = state_named(catalogue, promotion_id)
    try:
        catalogue.promotions.unplan(state.promotion_id, f"taken back by {by}: {reason}", now)
    except NotPlannedError:
        raise OperatorError(
            f"the promotion {state.promotion_id} is being ended already", "Put it again, if it is to run on."
        ) from None
    except WrittenMeanwhileError:
        raise OperatorError(f"the promotion {state.promotion_id} kept being changed by others", "Try again.") from None
