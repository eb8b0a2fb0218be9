"""Putting the promotions of a document: what each of them would do to those that are there, and doing it.

A promotion is known by its names, stores, start and end. The same one again with other discounts changes it; another
end makes it another promotion, so that the old one is ended first.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from partner_orders.catalogue.store_settings import CatalogueSettings
from partner_orders.clock import now
from partner_orders.promotions.promotion import Promotion, body_of, digest_of, ended
from partner_orders.promotions.sending import are_switched_on
from partner_orders.promotions.state import PromotionState
from partner_orders.promotions.trouble import is_unanswered
from partner_orders.promotions.wish import Channel, Outcome, Wish
from partner_orders_console.operations.catalogue_stack import CatalogueStack
from partner_orders_console.operations.errors import OperatorError
from partner_orders_console.operations.progress import Progress, silent
from partner_orders_console.operations.promotions import brands
from partner_orders_console.operations.promotions.draft import Problem
from partner_orders_console.operations.promotions.ending import change
from partner_orders_console.operations.promotions.file_rules import problems_of_file
from partner_orders_console.operations.promotions.kept import (
    body_of_state,
    end,
    other_channel,
    states_of,
    taken_before,
    who,
    why_given,
    wish,
)
from partner_orders_console.operations.promotions.overlaps import Overlap, Running, overlaps
from partner_orders_console.operations.promotions.products import check_products
from partner_orders_console.operations.promotions.reading import (
    Document,
    Products,
    document_of,
    same_but_end,
    stores_of,
)
from partner_orders_console.operations.promotions.rules import Checked, Faulty, Offer, Stores, checked, too_large
from partner_orders_console.operations.promotions.store_warnings import store_warnings
from partner_orders_console.operations.words import at, counted

_NAMED = 5  # discounts in a line
_NOT_TAKEN = frozenset({Outcome.REFUSED, Outcome.FAILED, Outcome.DUPLICATE})


class Change(StrEnum):
    """What putting a promotion does. ``again``: the platform did not take it the last time, or it was ended."""

    NEW = "new"
    CHANGED = "changed"
    AGAIN = "again"
    UNCHANGED = "unchanged"


@dataclass(frozen=True)
class Planned:
    """A promotion that is to be put, in place of what is there of it. ``taken_out`` are the SKUs that it loses.
    ``replaces`` is the one that differs in its end alone, which is ended first. ``state`` is what was read of it.
    ``may_be_sent``: whether its stores take promotions now; by file, whether any of them does."""

    promotion: Promotion
    store_ids: frozenset[str]
    change: Change
    place: str
    taken_out: tuple[str, ...] = ()
    replaces: PromotionState | None = None
    state: PromotionState | None = None
    channel: Channel = Channel.API
    may_be_sent: bool = True

    @property
    def promotion_id(self) -> str:
        return self.promotion.promotion_id

    @property
    def gives(self) -> str:
        """What customers get: ``FINAL_PRICE 2.95 (2 products)``."""
        return gives(self.promotion)

    @property
    def ends_earlier(self) -> datetime | None:
        """When it is to end before its own end, as was set before."""
        return None if self.state is None or self.state.planned is None else self.state.planned.not_before

    def to_json(self) -> dict[str, Any]:
        return {
            "promotion_id": self.promotion_id,
            "name": self.promotion.name,
            "change": self.change.value,
            "starts": self.promotion.starts,
            "ends": self.promotion.ends,
            "skus": len(self.promotion.active_skus),
            "gives": self.gives,
            "stores": len(self.store_ids),
            "taken_out": [*self.taken_out],
            "replaces": None if self.replaces is None else self.replaces.promotion_id,
            "ends_earlier": self.ends_earlier,
            "channel": self.channel.value,
            "may_be_sent": self.may_be_sent,
        }


@dataclass(frozen=True)
class Plan:
    """What a document would do. With ``problems`` nothing of it is done."""

    document: Document
    planned: tuple[Planned, ...] = ()
    problems: tuple[Problem, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def to_do(self) -> tuple[Planned, ...]:
        return tuple(one for one in self.planned if one.change is not Change.UNCHANGED)


@dataclass(frozen=True)
class Allowed:
    """What an operator allows: to replace a promotion that differs in its end alone, and products that get two things
    at a time."""

    replacing: bool = False
    overlaps: bool = False


@dataclass
class _Planner:
    """Plans one document. ``settings`` are those of every store of the catalogue, ``states`` every promotion that is
    not long over."""

    catalogue: CatalogueStack
    settings: Mapping[str, CatalogueSettings]
    stores: Stores
    states: Mapping[str, PromotionState]
    allowed: Allowed
    at: datetime
    problems: list[Problem] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    _bodies: dict[str, Promotion | None] = field(default_factory=dict)

    def plan(self, document: Document, progress: Progress) -> Plan:
        self.problems += document.drafts.problems
        results = [checked(draft, self.stores, self.at, self._is_known) for draft in document.drafts.drafts]
        for result in results:
            if isinstance(result, Faulty):
                self.problems += result.problems
        good = [result for result in results if isinstance(result, Checked)]
        planned = [one for result in self._each_once(good) if (one := self._planned(result)) is not None]
        self._check_products([result.offer for result in results], progress)
        self._check_overlaps(planned)
        self._warn(good)
        return Plan(document, tuple(planned), tuple(self.problems), tuple(dict.fromkeys(self.warnings)))

    def _is_known(self, promotion: Promotion) -> bool:
        """Whether it, or one that differs in its end alone, was put already, even if that was ended since."""
        return promotion.promotion_id in self.states or any(self._with_other_ends(promotion))

    def _each_once(self, good: Sequence[Checked]) -> Iterator[Checked]:
        seen: dict[str, str] = {}
        for one in good:
            promotion_id = one.promotion.promotion_id
            if promotion_id in seen:
                what = f"has the names, stores, start and end of {seen[promotion_id]}: make them one promotion"
                self.problems.append(Problem(one.place or "the promotion", what))
                continue
            seen[promotion_id] = one.place or "the promotion"
            yield one

    def _planned(self, found: Checked) -> Planned | None:
        place = found.place or "the promotion"
        channel = self._channel(found, place)
        state = self.states.get(found.promotion.promotion_id)
        other = self._with_another_end(found.promotion) if state is None or state.wish.is_end else None
        if other is not None and not self.allowed.replacing:
            self.problems.append(Problem(place, _needs_replace(other)))
            return None
        if other is not None and not are_switched_on(found.promotion.vendors, self.settings):
            what = (
                f"promotions are off in one of its stores, so {other.promotion_id} would end and nothing would"
                " take its place; use `partner-orders promotions resume` first"
            )
            self.problems.append(Problem(place, what))
            return None
        planned = Planned(
            found.promotion,
            frozenset(store.store_id for store in found.stores),
            Change.NEW,
            place,
            replaces=other,
            state=state,
            channel=channel,
            may_be_sent=self._may_be_sent(found, channel),
        )
        return planned if state is None else self._over(planned, state)

    def _over(self, planned: Planned, state: PromotionState) -> Planned:
        """What is planned over a promotion that is there."""
        if state.channel is not planned.channel and not state.has_ended:
            self.problems.append(Problem(planned.place, other_channel(planned.promotion_id, planned.channel)))
        before = taken_before(self.catalogue, state)
        promotion, taken_out = (planned.promotion, ()) if before is None else with_taken_out(planned.promotion, before)
        if what := too_large(promotion, len(planned.store_ids)):
            self.problems.append(Problem(planned.place, f"with the products that it loses {what}"))
        change = _change(state, promotion, self.at)
        return replace(planned, promotion=promotion, taken_out=taken_out, change=change)

    def _channel(self, found: Checked, place: str) -> Channel:
        """How a promotion is sent: as the catalogues of its stores are."""
        ways = {self._channel_of(store.store_id) for store in found.stores}
        if len(ways) > 1:
            by_file = next(one.store_id for one in found.stores if self._channel_of(one.store_id) is Channel.FILES)
            what = f"the store {by_file} is sent by files and others by API; make a promotion for each of the two"
            self.problems.append(Problem(place, what))
            return Channel.API
        channel = ways.pop() if ways else Channel.API
        if channel is Channel.FILES:
            self.problems += problems_of_file(found)
        return channel

    def _may_be_sent(self, found: Checked, channel: Channel) -> bool:
        """Whether it goes now: by API once all of its stores are switched on, by file to those that are."""
        if channel is Channel.API:
            return are_switched_on(found.promotion.vendors, self.settings)
        of_stores = (self.settings.get(store.store_id) for store in found.stores)
        return any(one is not None and one.sends_by_files and one.is_promoting for one in of_stores)

    def _channel_of(self, store_id: str) -> Channel:
        return self.settings[store_id].channel if store_id in self.settings else Channel.API

    def _with_another_end(self, promotion: Promotion) -> PromotionState | None:
        """A promotion that has not ended and differs from this one in its end alone."""
        return next((state for state in self._with_other_ends(promotion) if not state.has_ended), None)

    def _with_other_ends(self, promotion: Promotion) -> Iterator[PromotionState]:
        for state in self.states.values():
            if state.summary.starts != promotion.starts:
                continue
            body = self._body(state)
            if body is not None and same_but_end(promotion, body):
                yield state

    def _body(self, state: PromotionState) -> Promotion | None:
        """The newest body of a promotion, read once; None, and a warning, where it is gone."""
        if state.promotion_id not in self._bodies:
            try:
                self._bodies[state.promotion_id] = body_of_state(self.catalogue, state)
            except OperatorError as error:
                self._bodies[state.promotion_id] = None
                self.warnings.append(f"{error.what[:1].upper()}{error.what[1:]}: nothing is checked against it.")
        return self._bodies[state.promotion_id]

    # -- what else is checked ----------------------------------------------------------------------------------------

    def _check_products(self, offers: Sequence[Offer], progress: Progress) -> None:
        products = Products(self.catalogue, self.settings)
        for number, one in enumerate(offers, 1):
            progress(f"checking the products of promotion {number} of {len(offers)}")
            findings = check_products(one, products.of)
            self.problems += findings.problems
            self.warnings += findings.warnings

    def _check_overlaps(self, planned: Sequence[Planned]) -> None:
        ours = {one.promotion_id for one in planned}
        ended_first = {one.replaces.promotion_id for one in planned if one.replaces is not None}
        present = [
            Running(body, self._store_ids(state), _called(state.summary.name, promotion_id))
            for promotion_id, state in self.states.items()
            if promotion_id not in ours | ended_first and self._may_meet(state, planned)
            if (body := self._body(state)) is not None
        ]
        new = [Running(one.promotion, one.store_ids, _called(one.promotion.name, one.promotion_id)) for one in planned]
        for overlap in overlaps(new, present):
            if self.allowed.overlaps:
                self.warnings.append(_shown(overlap))
            else:
                self.problems.append(Problem("overlap", f"{overlap.text}; correct one, or use --allow-overlaps"))

    def _may_meet(self, state: PromotionState, planned: Sequence[Planned]) -> bool:
        """Whether a promotion may run where and when one of these does, as far as its row tells."""
        if state.has_ended or state.wish.is_end or not (state.may_run or state.outcome is Outcome.WAITING):
            return False
        summary, store_ids = state.summary, self._store_ids(state)
        return any(
            summary.starts <= one.promotion.ends and one.promotion.starts <= summary.ends and store_ids & one.store_ids
            for one in planned
        )

    def _store_ids(self, state: PromotionState) -> frozenset[str]:
        vendors = state.summary.vendors
        return frozenset(self.settings) if vendors == ("*",) else frozenset(vendors)

    def _warn(self, good: Sequence[Checked]) -> None:
        self.warnings += brands.warnings(self.catalogue.parameters.get("PartnerApiBaseUrl", ""), good)
        named = {store.store_id for one in good for store in one.stores}
        self.warnings += store_warnings(named, self.settings)


def plan(catalogue: CatalogueStack, file: Path, allowed: Allowed, progress: Progress = silent) -> Plan:
    """Read and check a document, and say what putting it would do. Nothing is written. Raises OperatorError for one
    that holds no promotions, OSError, and botocore's errors."""
    document = document_of(file)
    settings = catalogue.tables.settings.all()
    stores = stores_of(catalogue, settings)
    return _Planner(catalogue, settings, stores, states_of(catalogue), allowed, now()).plan(document, progress)


def put(catalogue: CatalogueStack, planned: Plan, why: str) -> tuple[Planned, ...]:
    """Have the pusher see to what a plan without problems changes, with who wished it, when and why: the promotions
    that are put. Raises OperatorError, which says what was put before, and botocore's errors."""
    if planned.problems:
        raise OperatorError("the document has problems", "Nothing was put. Correct it first.")
    reason, by = why_given(why), who(catalogue)
    for done, one in enumerate(planned.to_do):
        try:
            _put(catalogue, one, planned.document, by, reason)
        except OperatorError as error:
            before = f"{counted(done, 'promotion was', 'promotions were')} put before it" if done else "Nothing was put"
            raise OperatorError(error.what, f"{before}. Put the document again.") from None
    return planned.to_do


def _put(catalogue: CatalogueStack, one: Planned, document: Document, by: str, why: str) -> None:
    name = catalogue.promotion_bodies.write_document(one.promotion_id, document.content, document.kind)
    after = ""
    if one.replaces is not None:
        after = one.replaces.promotion_id
        end(catalogue, one.replaces, ended(body_of_state(catalogue, one.replaces)), by, why)
    wished = Wish(0, "", False, by, why, now(), after=after, document=name)
    if one.state is not None:
        change(catalogue, one.state, one.promotion, wished)
        return
    digest = catalogue.promotion_bodies.write(one.promotion_id, body_of(one.promotion))
    wish(catalogue, one.promotion, replace(wished, digest=digest), 0, one.channel)


def with_taken_out(promotion: Promotion, before: Promotion) -> tuple[Promotion, tuple[str, ...]]:
    """A promotion that also names, as not active, what it had before and names no more; and which SKUs it loses."""
    named = {sku for one in promotion.discounts for sku in one.skus}
    gone = [
        replace(one, skus=skus, is_active=False)
        for one in before.discounts
        if (skus := tuple(sku for sku in one.skus if sku not in named))
    ]
    active = {*promotion.active_skus}
    lost = tuple(sku for sku in before.active_skus if sku not in active) if before.is_active else ()
    return replace(promotion, discounts=(*promotion.discounts, *gone)), lost


def _change(state: PromotionState, promotion: Promotion, at_time: datetime) -> Change:
    if state.wish.is_end or state.outcome in _NOT_TAKEN or is_unanswered(state, at_time):
        return Change.AGAIN
    return Change.UNCHANGED if state.wish.digest == digest_of(body_of(promotion)) else Change.CHANGED


def _needs_replace(other: PromotionState) -> str:
    return (
        f"the promotion {other.promotion_id} has the same names, stores and start, and ends at"
        f" {at(other.summary.ends)} UTC; to give it another end, use --replace: it is ended first, and then this one is"
        " made"
    )


def gives(promotion: Promotion) -> str:
    """What customers get, in a line."""
    active = [one for one in promotion.discounts if one.is_active]
    found = [f"{one.subtype.value} {one.value:f} ({counted(len(one.skus), 'product')})" for one in active[:_NAMED]]
    more = [f"and {counted(len(active) - _NAMED, 'more discount')}"] if len(active) > _NAMED else []
    pieces = [f"buy {promotion.buy}, get {promotion.get}:"] if promotion.buy and promotion.get else []
    return " ".join([*pieces, ", ".join([*found, *more])])


def _called(name: str, promotion_id: str) -> str:
    return f"{name} ({promotion_id})"


def _shown(overlap: Overlap) -> str:
    shown = overlap.shown
    which = "which of the two is shown is not known" if shown is None else f"the platform shows {shown.label}"
    return f"{overlap.text}: {which}."


def summary_text(one: Planned) -> str:
    """``put Dairy week: 12 products in 3 stores, 2026-05-06 00:00:00 to 2026-05-12 23:59:59 UTC``."""
    promotion = one.promotion
    what = f"{counted(len(promotion.active_skus), 'product')} in {counted(len(one.store_ids), 'store')}"
    return f"put {promotion.name}: {what}, {at(promotion.starts)} to {at(promotion.ends)} UTC"
