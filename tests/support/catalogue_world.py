"""A store between the chain, the pusher and a platform of few words, with a clock that tests move.

The platform here is only what the rules are about: jobs that are worked off late, in any order and perhaps without a
word, calls that fail before or after they took effect, and products that it refuses.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from partner_orders.catalogue.desired import Desired, merged
from partner_orders.catalogue.jobs import JobPlace
from partner_orders.catalogue.outcomes import LineOutcome, Outcomes
from partner_orders.catalogue.product import Values
from partner_orders.catalogue.settlement import Outcome
from partner_orders.catalogue.tables import Tables
from partner_orders.catalogue.to_send import NO_MARGINS
from partner_orders.platform.calls import CallRefusedError, EffectUnknownError
from partner_orders.platform.catalogue import Submitted
from partner_orders.platform.failures import Failure, PartnerApiError
from partner_orders.pusher.pushing import Pusher
from tests.support.fixed_clock import NOW


@dataclass
class PlatformOfTest:
    """``store_id``: the only store. ``shown``: what customers see. ``jobs``: those that are not worked off. ``fails``:
    how the next call fails. ``unknown_alone``: how a call for an unknown product alone is refused; None if it is taken,
    and nothing said of it. ``before_a_call``: what happens right before a store is claimed or a product goes alone."""

    store_id: str
    shown: dict[str, Values] = field(default_factory=dict)
    jobs: dict[str, dict[str, Values]] = field(default_factory=dict)
    unknown_skus: set[str] = field(default_factory=set)
    bad_skus: set[str] = field(default_factory=set)
    unknown_alone: Failure | None = Failure.REFUSED
    fails: str = ""
    calls: list[dict[str, Values]] = field(default_factory=list)
    calls_for_room: int = 0
    before_a_call: Callable[[], None] = lambda: None

    def make_room(self) -> None:
        """There is always room; ``calls_for_room`` counts how often it was asked for."""
        self.calls_for_room += 1
        self.before_a_call()

    def put_products(self, vendor_id: str, products: Mapping[str, Values]) -> Submitted:
        assert vendor_id == self.store_id
        fails, self.fails = self.fails, ""
        self.calls.append(dict(products))
        is_unknown = len(products) == 1 and bool(self.unknown_skus & products.keys())
        if is_unknown and self.unknown_alone is Failure.NOT_FOUND:
            raise PartnerApiError(Failure.NOT_FOUND)
        if self.bad_skus & products.keys() or (is_unknown and self.unknown_alone is not None):
            raise CallRefusedError("400", "BAD_REQUEST", "a bad line")
        if fails == "before":
            raise EffectUnknownError(Failure.NO_RESPONSE)
        job_id = f"job-{len(self.calls)}"
        if len(products) == 1:
            # The quantity of a product that comes alone is taken no notice of.
            known = {sku: values for sku, values in products.items() if sku not in self.unknown_skus}
            self._apply({sku: replace(values, quantity=None) for sku, values in known.items()})
            job_id = ""
        else:
            self.jobs[job_id] = dict(products)
        if fails == "after":
            raise EffectUnknownError(Failure.SERVER_ERROR)
        return Submitted(job_id or None, "QUEUED")

    def work(self, job_id: str) -> dict[str, LineOutcome]:
        """Work a job off; its result."""
        lines = self.jobs.pop(job_id)
        self._apply({sku: values for sku, values in lines.items() if sku not in self.unknown_skus})
        refused = LineOutcome(Outcome.REFUSED, "product not found in catalog")
        return {sku: refused if sku in self.unknown_skus else LineOutcome(Outcome.PROCESSED) for sku in lines}

    def _apply(self, products: Mapping[str, Values]) -> None:
        for sku, values in products.items():
            before = self.shown.get(sku, Values())
            self.shown[sku] = replace(before, **values.said)


class CatalogueWorld:
    """One store; ``dynamodb`` and ``table`` hold its rows."""

    def __init__(self, dynamodb: Any, table: str, store_id: str) -> None:
        self.store_id = store_id
        self.now: datetime = NOW
        self.tables = Tables.named(dynamodb, table)
        self.platform = PlatformOfTest(store_id)
        self.outcomes = Outcomes(self.tables, lambda: self.now, lambda _: NO_MARGINS)
        self.pusher = Pusher(
            self.platform, self.tables, self.outcomes, lambda: self.now, lambda _: NO_MARGINS, job_lines=8
        )

    def say(self, sku: str, values: Values, version: datetime, is_urgent: bool = False) -> None:
        """What the chain says of a product, as a change."""
        self.tables.products.change(self.store_id, sku, lambda row: merged(row, values, version, {}))
        self.tables.changes.add(self.store_id, [sku], self.now, is_urgent)

    def push(self) -> None:
        """Serve the store once; a call whose effect is unknown ends it, as it ends the function."""
        try:
            self.pusher.serve(self.store_id)
        except EffectUnknownError:
            return

    def work(self, job_id: str, is_told: bool = True) -> None:
        """The platform works a job off, and tells the outcome of each line, or nobody."""
        outcomes = self.platform.work(job_id)
        place = self.tables.jobs.find(job_id)
        if is_told and place is not None:
            self.outcomes.finished(place, outcomes)

    def pass_time(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)
        for place in self.outcomes.too_old(self.tables.states.get(self.store_id)):
            self.outcomes.give_up(place)

    def come_to_rest(self) -> None:
        """No more faults: everything is sent, worked off and told, and every deadline passes."""
        for _ in range(12):
            self.push()
            for job_id in [*self.platform.jobs]:
                self.work(job_id)
            if not (self.unfinished() or self.tables.changes.first(self.store_id, 1)):
                return
            self.pass_time(31)

    def product(self, sku: str) -> Desired:
        return self.tables.products.many(self.store_id, [sku]).get(sku, Desired(sku))

    def unfinished(self) -> list[JobPlace]:
        return [JobPlace(self.store_id, number) for number in self.tables.states.get(self.store_id).unfinished]
