"""Promotions for people and programs: what runs where, and what became of each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from partner_orders.catalogue.store_settings import CatalogueSettings
from partner_orders.clock import now
from partner_orders.promotions.next_step import Act, next_step
from partner_orders.promotions.promotion import EVERY_STORE, Promotion
from partner_orders.promotions.record import Record
from partner_orders.promotions.sending import is_free
from partner_orders.promotions.state import PromotionState
from partner_orders.promotions.trouble import is_late_end, is_unanswered
from partner_orders.promotions.wish import Channel, Outcome, Wish
from partner_orders_console.operations.catalogue_stack import CatalogueStack
from partner_orders_console.operations.errors import OperatorError
from partner_orders_console.operations.promotions.kept import body_of_state, state_named, states_of
from partner_orders_console.operations.words import at, counted, words

MOST_RECORDS = 100
_ACTS = {
    Act.PUT: "send it",
    Act.ASK: "ask for its job",
    Act.ASK_OLDER: "ask for an older job of it",
    Act.TAKE_UP: "end it",
    Act.END: "nothing but its own end",
}
_BY_FILE = {
    Outcome.WAITING: "it is in the next files of its stores",
    Outcome.FAILED: "it is tried again within an hour",
}
_LEFT_OUT = {
    "invalid_vendors": "unknown stores",
    "missing_skus": "products that a store does not have",
    "invalid_discounted_skus": "products whose discount is not taken",
}


class Stage(StrEnum):
    """Where a promotion stands, by what was wished, what is known of the platform, and the time."""

    NOT_SENT = "not sent"
    NOT_TAKEN = "not taken"  # by the platform
    TO_COME = "upcoming"
    RUNNING = "running"
    ENDING = "ending"
    ENDED = "ended"
    OVER = "over"


def stage_of(state: PromotionState, at_time: datetime) -> Stage:
    """Where a promotion stands. What is running may not be seen yet: the platform needs up to 50 minutes."""
    if state.outcome is Outcome.OVER or state.summary.ends <= at_time:
        return Stage.OVER
    if state.wish.is_end:
        return Stage.ENDED if state.has_ended else Stage.ENDING
    if not state.may_run:
        is_open = state.outcome is Outcome.WAITING
        return Stage.NOT_SENT if is_open else Stage.NOT_TAKEN
    return Stage.TO_COME if state.summary.starts > at_time else Stage.RUNNING


@dataclass(frozen=True)
class PromotionView:
    """A promotion with its ``body``, which is what was wished last, and its newest ``history``, the last first; both
    are empty in lists. ``blocked`` is why it cannot be sent now, as the end of a sentence."""

    state: PromotionState
    body: Promotion | None = None
    history: tuple[Record, ...] = ()
    blocked: str = ""

    @property
    def promotion_id(self) -> str:
        return self.state.promotion_id

    @property
    def stage(self) -> Stage:
        return stage_of(self.state, now())

    @property
    def runs_from(self) -> datetime:
        return self.state.summary.starts

    @property
    def runs_until(self) -> datetime:
        """When it ends (UTC): by its own end, or an earlier one that the chain wished."""
        state = self.state
        earlier = state.wish.due if state.wish.is_end else None if state.planned is None else state.planned.due
        return max(state.summary.starts, min(filter(None, (state.summary.ends, earlier))))

    @property
    def stores_text(self) -> str:
        vendors = self.state.summary.vendors
        if vendors == (EVERY_STORE,):
            return "every store"
        return vendors[0] if len(vendors) == 1 else counted(len(vendors), "store")

    @property
    def outcome_text(self) -> str:
        """What became of the newest wish: ``end: submitted``."""
        return f"{wish_word(self.state.wish)}: {words(self.state.outcome)}"

    @property
    def trouble(self) -> str:
        """What a person should know, in a sentence; empty if all is as it should be."""
        state, at_time = self.state, now()
        if self.stage is Stage.OVER:
            return ""
        if self.blocked and at_time >= max(state.wish.due, state.summary.starts):
            return f"it should run and is not sent{self._to_some}, since {self.blocked}"
        if is_late_end(state, at_time):
            return f"it was to end at {at(self._end.due)} UTC and has not: {self._because}"
        match state.outcome:
            case Outcome.REFUSED:
                refuses = "the platform refused" if state.channel is Channel.API else "no file can have"
                return f"{refuses} {self._what}: {state.problem}"
            case Outcome.FAILED:
                return f"{self._what} failed, {counted(state.failures, 'time')}: {state.problem or 'the job failed'}"
            case Outcome.DUPLICATE:
                return "the platform says that it has the same promotion already: look for it in the portal"
            case Outcome.DONE_IN_PART:
                return f"the platform left out {counted(state.result.count, 'entry', 'entries')}"
        if is_unanswered(state, at_time):
            return f"the platform has not answered for an hour: {self._because}"
        return ""

    @property
    def _more(self) -> str:
        return " more" if self.state.may_run else ""

    @property
    def _to_some(self) -> str:
        """Files of some stores may have it already, while others wait."""
        return " to all of its stores" if self.state.may_run else ""

    @property
    def _end(self) -> Wish:
        return self.state.wish if self.state.wish.is_end or self.state.planned is None else self.state.planned

    @property
    def _what(self) -> str:
        """The newest wish, in words: a change of what runs, or the promotion itself."""
        if self.state.wish.is_end:
            return "its end"
        return "its change" if self.state.may_run and self.state.wish.number > 1 else "it"

    @property
    def _because(self) -> str:
        return self.state.problem or words(self.state.outcome)

    @property
    def next_text(self) -> str:
        """What is done next, and when; empty where nothing is left to do."""
        if self.blocked:
            return f"nothing{self._more}, since {self.blocked}"
        if self.state.channel is Channel.FILES and self.state.outcome in _BY_FILE:
            return _BY_FILE[self.state.outcome]
        step = next_step(self.state, now())
        if step is None:
            return ""
        return f"{_ACTS[step.act]}, {'within a minute' if step.at <= now() else 'at ' + at(step.at)}"

    @property
    def left_out(self) -> list[tuple[str, str, str]]:
        """What the platform left out: why, the store and the SKU."""
        result = self.state.result
        found = [(_LEFT_OUT["invalid_vendors"], vendor, "") for vendor in result.invalid_vendors]
        for name in ("missing_skus", "invalid_discounted_skus"):
            found += [(_LEFT_OUT[name], vendor, sku) for vendor, sku in getattr(result, name)]
        return found

    def to_json(self) -> dict[str, Any]:
        state, summary = self.state, self.state.summary
        found: dict[str, Any] = {
            "promotion_id": state.promotion_id,
            "name": summary.name,
            "type": summary.kind.value,
            "reason": summary.reason,
            "vendors": [*summary.vendors],
            "starts": summary.starts,
            "ends": summary.ends,
            "skus": summary.active_skus,
            "channel": state.channel.value,
            "stage": self.stage.value,
            "outcome": state.outcome.value,
            "wish": wish_json(state.wish),
            "planned_end": None if state.planned is None else state.planned.not_before,
            "sends": state.puts,
            "sent_at": state.put_at,
            "job_id": state.job_id or None,
            "trouble": self.trouble or None,
            "blocked": self.blocked or None,
            "next": self.next_text or None,
        }
        if self.body is not None:
            found |= {
                "purchased_quantity": self.body.buy,
                "discounted_quantity": self.body.get,
                "limits": dict(self.body.limits),
            }
            found["discount"] = [
                {
                    "sku": [*one.skus],
                    "discount_subtype": one.subtype.value,
                    "discount_value": one.value,
                    "active": one.is_active,
                    "max_quantity": one.max_quantity,
                }
                for one in self.body.discounts
            ]
            found["left_out"] = [
                {"why": why, "store_id": store, "sku": sku or None} for why, store, sku in self.left_out
            ]
            found["history"] = [record_json(record) for record in self.history]
        return found


def all_promotions(
    catalogue: CatalogueStack, store_id: str | None = None, since: datetime | None = None
) -> list[PromotionView]:
    """The promotions that end at a time or later, without one those that are not over for a week; of one store, or of
    all. Those that start first come first. Raises botocore's errors."""
    states, settings = states_of(catalogue, since), catalogue.tables.settings.all()
    views = [
        PromotionView(state, blocked=_blocked(state, settings, states.get(state.wish.after)))
        for state in states.values()
        if store_id is None or names_store(state, store_id)
    ]
    return sorted(views, key=lambda view: (view.state.summary.starts, view.state.summary.name))


def going_on_by_file(catalogue: CatalogueStack, store_id: str) -> list[PromotionView]:
    """The promotions that were put by file for a store and have not ended. Raises botocore's errors."""
    over = {Stage.OVER, Stage.ENDED, Stage.NOT_TAKEN}
    found = all_promotions(catalogue, store_id)
    return [view for view in found if view.state.channel is Channel.FILES and view.stage not in over]


def one_promotion(catalogue: CatalogueStack, promotion_id: str) -> PromotionView:
    """A promotion with its products and history. Raises OperatorError and botocore's errors."""
    state = state_named(catalogue, promotion_id)
    history = tuple(catalogue.promotions.history(state.promotion_id, MOST_RECORDS))
    earlier = catalogue.promotions.get(state.wish.after) if state.wish.after else None
    blocked = _blocked(state, catalogue.tables.settings.all(), earlier)
    try:
        body = body_of_state(catalogue, state)
    except OperatorError:
        return PromotionView(state, history=history, blocked=blocked)
    return PromotionView(state, body, history, blocked)


def _blocked(state: PromotionState, settings: Mapping[str, CatalogueSettings], earlier: PromotionState | None) -> str:
    """Why a promotion that waits cannot be sent now; empty where it can, or was."""
    if state.wish.is_end or state.outcome is not Outcome.WAITING or state.put_at is not None:
        return ""
    if state.channel is Channel.FILES:
        return _blocked_files(state, settings, earlier)
    vendors = state.summary.vendors
    named = tuple(settings) if vendors == (EVERY_STORE,) else vendors
    off = [store_id for store_id in named if store_id not in settings or not settings[store_id].is_promoting]
    if off or not named:
        return f"promotions are off in {_first(off)}" if off else "the catalogue has no store"
    if not is_free(state, earlier, now()):
        return f"{state.wish.after} has to end first"
    return ""


def _blocked_files(
    state: PromotionState, settings: Mapping[str, CatalogueSettings], earlier: PromotionState | None
) -> str:
    """The same where it goes by file, which each store has that is switched on."""
    by_files = [store_id for store_id, one in settings.items() if one.sends_by_files]
    ready = [store_id for store_id in by_files if settings[store_id].is_promoting]
    vendors = state.summary.vendors
    if vendors == (EVERY_STORE,) and not ready:
        return "promotions are off in each store that is sent by files"
    named = () if vendors == (EVERY_STORE,) else vendors
    if by_api := [name for name in named if name in settings and settings[name].channel is Channel.API]:
        return f"{_first(by_api)} is sent by the API now: end it, and put it under another name"
    if unsent := [store_id for store_id in named if store_id not in by_files]:
        return f"no files are sent of {_first(unsent)} (`files on` switches them on)"
    if off := [store_id for store_id in named if store_id not in ready]:
        return f"promotions are off in {_first(off)}"
    return "" if is_free(state, earlier, now()) else f"{state.wish.after} has to end first"


def _first(store_ids: Sequence[str]) -> str:
    more = f" and {counted(len(store_ids) - 1, 'more store')}" if len(store_ids) > 1 else ""
    return f"{store_ids[0]}{more}"


def names_store(state: PromotionState, store_id: str) -> bool:
    vendors = state.summary.vendors
    return store_id in vendors or vendors == (EVERY_STORE,)


def troubled(views: Sequence[PromotionView]) -> list[PromotionView]:
    """Those that a person should look at."""
    return [view for view in views if view.trouble]


def wish_word(wish: Wish) -> str:
    return "end" if wish.is_end else "put"


def wish_json(wish: Wish) -> dict[str, Any]:
    return {
        "kind": wish_word(wish),
        "by": wish.by,
        "why": wish.why,
        "wished_at": wish.at,
        "not_before": wish.not_before,
        "after": wish.after or None,
        "digest": wish.digest,
        "document": wish.document or None,
    }


def record_json(record: Record) -> dict[str, Any]:
    return wish_json(record.wish) | {
        "outcome": record.outcome.value,
        "sends": record.puts,
        "changed_at": record.at,
        "problem": record.problem or None,
        "left_out": record.left_out,
    }
