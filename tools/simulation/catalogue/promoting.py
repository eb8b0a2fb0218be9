"""Operators who put, change, shrink, prolong and end promotions; and what must hold of them."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from botocore.exceptions import BotoCoreError, ClientError

from partner_orders.promotions.bodies import Bodies, key_of
from partner_orders.promotions.next_step import MOST_TRIES, Act, next_step
from partner_orders.promotions.promotion import (
    EVERY_STORE,
    Discount,
    Kind,
    Promotion,
    Subtype,
    body_of,
    ended,
    promotion_of,
    without,
)
from partner_orders.promotions.sending import is_free
from partner_orders.promotions.state import UNANSWERED_AFTER, PromotionState
from partner_orders.promotions.table import WrittenMeanwhileError
from partner_orders.promotions.wish import Outcome, Wish
from tools.simulation.catalogue.chain import PLAIN, STORES
from tools.simulation.violation import Violation

if TYPE_CHECKING:
    from tools.simulation.catalogue.world import CatalogueWorld

EVERY = 150.0  # seconds between two things that somebody may wish of a promotion
PROMOTIONS = 3  # at a time
# A pause takes effect within a minute; a call that is under way ends.
PAUSED_WITHIN = timedelta(seconds=100)
_SETTLED = {Outcome.REFUSED, Outcome.FAILED, Outcome.DUPLICATE, Outcome.SUBMITTED}


class Put(NamedTuple):
    """A body that reached the platform's door, at a second of the story."""

    at: float
    body: dict[str, Any]


@dataclass
class Told:
    """What operators were told of a promotion: the newest wish that was taken."""

    promotion: Promotion
    number: int


class Promoting:
    """The promotions of a story, by id; ``replaced`` has the id that each prolonged one took the place of."""

    def __init__(self, world: "CatalogueWorld") -> None:
        self._world = world
        self.told: dict[str, Told] = {}
        self.replaced: dict[str, str] = {}
        self.puts: list[Put] = []

    def begin(self) -> None:
        """Wish something now and then, for as long as there is trouble."""
        for number in range(PROMOTIONS):
            self._world.kernel.spawn(partial(self._go_on, number), self._world.service)

    def note_put(self, body: bytes) -> None:
        self.puts.append(Put(self._world.kernel.seconds, json.loads(body)))

    def _go_on(self, number: int) -> None:
        world = self._world
        chance = world.chance_of("promotions", number)
        vendors = (EVERY_STORE,) if number == 0 else (STORES[number % len(STORES)],)
        length = timedelta(minutes=25) if chance.random() < 0.2 else timedelta(days=6, hours=number)
        starts = world.kernel.now().replace(microsecond=0)
        skus = tuple(PLAIN[2 * number : 2 * number + 2])
        present = Promotion(
            vendors,
            Kind.STRIKETHROUGH,
            "TRADING",
            {"en_PK": f"number {number}"},
            starts,
            starts + length,
            (Discount(skus, Subtype.FINAL_PRICE, Decimal("0.05")),),
        )
        while not world.faults.over:
            wish, later = present, None
            draw = chance.random()
            if draw < 0.3:
                price = Decimal(chance.randrange(1, 9)) / 100
                wish = present = replace(present, discounts=(replace(present.discounts[0], value=price),))
            elif draw < 0.4:
                wish = without(present, {skus[0]})
            elif draw < 0.65:
                wish = ended(present)
            elif draw < 0.75:
                wish, later = ended(present), world.kernel.now() + timedelta(minutes=chance.randrange(2, 20))
            elif draw < 0.85:
                longer = replace(present, ends=present.ends + timedelta(hours=12))
                world.spawn_operator(partial(self._prolong, present, longer))
                present = longer
                world.kernel.sleep(EVERY)
                continue
            world.spawn_operator(partial(self._wish_only, wish, later))
            world.kernel.sleep(EVERY * chance.uniform(0.2, 2.0))

    def _wish_only(self, promotion: Promotion, later: datetime | None) -> None:
        self._wish(promotion, later)

    def _prolong(self, promotion: Promotion, longer: Promotion) -> None:
        """End a promotion, and have a longer one take its place."""
        if self._wish(ended(promotion)):
            self._wish(longer, after=promotion.promotion_id)

    def _wish(self, promotion: Promotion, later: datetime | None = None, after: str = "") -> bool:
        """Whether an operator was told that a wish was taken."""
        world, promotion_id = self._world, promotion.promotion_id
        now = world.kernel.now()
        told = self.told.get(promotion_id)
        try:
            digest = Bodies(world.clients["s3"], world.bucket.name).write(promotion_id, body_of(promotion))
            state = world.promotion_table.wish(
                promotion,
                lambda number: Wish(
                    number, digest, not promotion.is_active, "a person", "it is right", now, later, after
                ),
                world.kernel.now,
            )
        except (WrittenMeanwhileError, BotoCoreError, ClientError):
            return False
        number = max(state.newest_number, told.number if told is not None else 0)
        self.told[promotion_id] = Told(promotion, number)
        if after:
            self.replaced[promotion_id] = after
        kind = "end" if not promotion.is_active else "put"
        world.faults.story.append(f"promotion {promotion_id}: {kind} {state.newest_number} {later or ''} {after}")
        return True

    # -- what must hold ------------------------------------------------------------------------------------------------

    def _states(self) -> dict[str, PromotionState]:
        return self._world.promotion_table.all()

    def waits(self) -> Iterator[str]:
        """What is still to come of promotions."""
        now, states = self._world.kernel.now(), self._states()
        for state in states.values():
            if state.untold or self._is_under_way(state, states, now):
                yield f"the promotion {state.promotion_id}: {state.outcome}"

    def _is_under_way(self, state: PromotionState, states: dict[str, PromotionState], now: datetime) -> bool:
        is_free_now = is_free(state, states.get(state.wish.after), now)
        step = next_step(state, now, is_free_now)
        if step is None:
            return False
        if any(one.digest != state.wish.digest and self._may_come(one.job_id) for one in state.older):
            return True
        older = [one.put_at for one in state.older if one.digest != state.wish.digest]
        is_repeated = state.outcome.is_done or state.outcome in {Outcome.WAITING, Outcome.SUBMITTED}
        if older and is_repeated and state.put_at is not None and state.put_at < max(older) + UNANSWERED_AFTER:
            return is_free_now
        if step.act is Act.ASK:
            return self._may_come(state.job_id)
        return step.act in {Act.PUT, Act.TAKE_UP} or step.at <= now

    def _may_come(self, job_id: str) -> bool:
        """Whether the platform will tell more of a job: one that is stuck stays so."""
        job = self._world.promotions.jobs.get(job_id)
        return job is not None and job.due_at is not None

    def check(self) -> None:
        """Raises Violation."""
        states = self._states()
        for promotion_id, told in self.told.items():
            if promotion_id not in states:
                raise Violation(f"the promotion {promotion_id} is lost")
            self._newest(states[promotion_id], told, states)
            self._history(states[promotion_id])
        self._platforms(states)
        self._switched_off()
        for later, earlier in self.replaced.items():
            self._one_after_the_other(later, earlier)

    def _newest(self, state: PromotionState, told: Told, states: dict[str, PromotionState]) -> None:
        """The newest wish is what the platform has, or its outcome says why not; what was ended does not run."""
        name = f"the promotion {state.promotion_id}"
        now = self._world.kernel.now()
        if state.newest_number < told.number:
            raise Violation(f"{name}: the wish {told.number} lost to {state.newest_number}")
        if now >= state.summary.ends + timedelta(minutes=5) and state.outcome is not Outcome.OVER:
            raise Violation(f"{name}: its time is over, and it is {state.outcome}")
        content = self._standing(state.promotion_id)
        is_active = content is not None and json.loads(content)["active"]
        if state.outcome is Outcome.OVER:
            return
        if state.wish.is_end:
            if is_active:
                raise Violation(f"{name} was ended ({state.outcome}), and runs")
            if not state.outcome.is_done and state.outcome is not Outcome.DUPLICATE:
                raise Violation(f"{name}: its end is {state.outcome}")
            return
        wanted = self._kept(state)
        if state.outcome.is_done and content != wanted:
            raise Violation(f"{name} is told as {state.outcome}, and the platform has another body")
        if state.outcome is Outcome.REFUSED and not state.problem:
            raise Violation(f"{name}: refused without a word why")
        if state.outcome is Outcome.FAILED and state.failures < MOST_TRIES:
            raise Violation(f"{name}: failed {state.failures} times, and is not tried again")
        if state.outcome is Outcome.WAITING and is_free(state, states.get(state.wish.after), now):
            raise Violation(f"{name} still waits")
        if not state.outcome.is_done and state.outcome not in _SETTLED | {Outcome.WAITING}:
            raise Violation(f"{name} has no outcome: {state.outcome}")

    def _kept(self, state: PromotionState) -> bytes:
        return self._world.bucket.objects[key_of(state.promotion_id, state.wish.digest)][-1].content

    def _standing(self, promotion_id: str) -> bytes | None:
        """The body that the platform has of a promotion."""
        self._world.promotions.work(self._world.kernel.now())
        for versions in self._world.promotions.promotions.values():
            if promotion_of(versions[-1].content).promotion_id == promotion_id:
                return versions[-1].content
        return None

    def _history(self, state: PromotionState) -> None:
        """Each wish is on record, the older ones with an end."""
        records = [*self._world.promotion_table.history(state.promotion_id, 1_000)]
        outcomes = {record.wish.number: record.outcome for record in records}
        if outcomes.get(state.wish.number) is not state.outcome:
            told = outcomes.get(state.wish.number)
            raise Violation(f"the promotion {state.promotion_id} is {state.outcome}, and its history tells {told}")
        for number, outcome in outcomes.items():
            is_present = number == state.wish.number or (state.planned is not None and number == state.planned.number)
            if not is_present and outcome in {Outcome.WAITING, Outcome.SUBMITTED, Outcome.FAILED}:
                raise Violation(f"the promotion {state.promotion_id}: its wish {number} has no end: {outcome}")

    def _platforms(self, states: dict[str, PromotionState]) -> None:
        """The platform has one promotion for each that somebody wished, and no other."""
        versions = self._world.promotions.promotions.values()
        found = [promotion_of(one[-1].content).promotion_id for one in versions if one]
        if len(found) > len({*found}) or {*found} - states.keys():
            raise Violation(f"the platform has the promotions {sorted(found)}, and wished are {sorted(states)}")

    def _switched_off(self) -> None:
        """Nothing but ends is sent while a store is switched off."""
        for put in self.puts:
            named = STORES if put.body["vendors"] == [EVERY_STORE] else put.body["vendors"]
            for pause in self._world.pauses:
                is_off = pause.begins + PAUSED_WITHIN.total_seconds() < put.at < pause.ends
                if put.body["active"] and pause.store_id in named and is_off:
                    raise Violation(
                        f"a promotion was sent {put.at - pause.begins:.0f} s after {named} was switched off"
                    )

    def _one_after_the_other(self, later: str, earlier: str) -> None:
        """A promotion that took another's place came to the platform only after the end of that one."""
        versions = self._world.promotions.promotions
        of = {promotion_of(one[-1].content).promotion_id: one for one in versions.values() if one}
        began = of[later][0].visible_at if later in of else None
        if began is None or earlier not in of:
            return
        before = [one for one in of[earlier] if one.visible_at <= began]
        is_rewished = any(one.visible_at > began for one in of[earlier])
        if before and json.loads(before[-1].content)["active"] and not is_rewished:
            raise Violation(f"the promotion {later} began at {began}, while {earlier} ran")
