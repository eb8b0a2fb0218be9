"""Operators who open and close stores, and a platform that changes a status by itself; and what must hold of it."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from botocore.exceptions import BotoCoreError, ClientError

from partner_orders.platform.request_budget import Share, ceiling
from partner_orders.store_status.shown import SAME_END
from partner_orders.store_status.table import WrittenMeanwhileError
from partner_orders.store_status.wish import OPENING_TRIED_FOR, Kind, Outcome, Wish
from tools.local.simulated_platform.store_status import CLOSED, OPENED, State
from tools.simulation.catalogue.chain import STORES
from tools.simulation.violation import Violation

if TYPE_CHECKING:
    from tools.simulation.catalogue.world import CatalogueWorld

EVERY = 130.0  # seconds between two things that may happen to a store
REASON = "OTHER"
# What a response that was lost may still cause.
UNDER_WAY = timedelta(seconds=60)
# The platform's time is known in whole seconds.
WHOLE_SECONDS = timedelta(seconds=2)


class Sent(NamedTuple):
    """A PUT that took effect."""

    at: datetime
    body: dict[str, object]


class Wishing:
    """The wishes of a story: ``given`` has those that were written, by store, the oldest first."""

    def __init__(self, world: "CatalogueWorld") -> None:
        self._world = world
        self.given: dict[str, list[Wish]] = {store_id: [] for store_id in STORES}

    def begin(self) -> None:
        """Wish something now and then, for as long as there is trouble."""
        for store_id in STORES:
            self._world.kernel.spawn(partial(self._go_on, store_id), self._world.service)

    def _go_on(self, store_id: str) -> None:
        world = self._world
        chance = world.chance_of("wishes", store_id)
        while not world.faults.over:
            world.kernel.sleep(EVERY * chance.uniform(0.5, 1.5))
            if chance.random() < 0.3:
                hours = chance.choice([0.2, 0.6, 8.0, 8.0])
                kind = chance.choice([Kind.OPEN, Kind.CLOSED_TODAY, Kind.CLOSED_UNTIL, Kind.CLOSED_UNTIL])
                world.spawn_operator(partial(self._wish, store_id, kind, timedelta(hours=hours)))
            elif world.faults.strikes("status_changed_by_platform", store_id):
                state = chance.choice([OPENED, State(CLOSED, "OTHER"), State(CLOSED)])
                world.statuses.set(store_id, state, world.kernel.now())

    def _wish(self, store_id: str, kind: Kind, length: timedelta) -> None:
        now = self._world.kernel.now().replace(microsecond=0)
        if kind is Kind.CLOSED_TODAY:
            until = (now + timedelta(days=1)).replace(hour=0, minute=0, second=0)
        else:
            until = now + (length if kind.closes else OPENING_TRIED_FOR)

        def wish_of(number: int) -> Wish:
            return Wish(number, kind, until, REASON if kind.closes else "", "a person", "it is right", now)

        try:
            status = self._world.status_table.wish(wish_of, store_id, self._world.kernel.now)
        except (WrittenMeanwhileError, BotoCoreError, ClientError):
            return  # Nobody was told that it was taken.
        if status.wish is not None:
            self.given[store_id].append(status.wish)
            self._world.faults.story.append(f"wish {status.wish.number} of {store_id}: {kind} until {until:%H:%M:%S}")

    # -- what must hold ------------------------------------------------------------------------------------------------

    def waits(self, store_id: str) -> Iterator[str]:
        """What is still to come of a store's status."""
        status = self._world.status_table.get(store_id)
        is_slow = status.put_at is not None and status.outcome is Outcome.SHOWN and not self._is_shown(store_id)
        if status.outcome is Outcome.WAITING or is_slow or status.untold:
            yield f"the status of {store_id}"

    def check(self) -> None:
        """Raises Violation."""
        self._share()
        for store_id in STORES:
            self._newest(store_id)
            self._sent(store_id)

    def _share(self) -> None:
        """The platform was never asked more often of the status than its share and that of all others allow."""
        times = sorted([*self._world.asked_of_status, *(at for at, _ in self._world.asked)])
        most = ceiling(Share.STORE_STATUS, 60)
        for first, at in enumerate(times):
            within = sum(1 for other in times[first : first + most + 1] if other - at < 60.0)
            if within > most:
                raise Violation(f"the platform was asked {within} times within a minute, with the status of stores")

    def _newest(self, store_id: str) -> None:
        """The newest wish is the one that is stored; it is shown, or its end is on record."""
        status, given = self._world.status_table.get(store_id), self.given[store_id]
        wish, outcome = status.wish, status.outcome
        if wish is None or outcome is None:
            if given:
                raise Violation(f"{store_id}: a wish is lost")
            return
        if given and wish.number < given[-1].number:
            raise Violation(f"{store_id}: the wish {given[-1].number} lost to {wish.number}")
        if outcome is Outcome.SHOWN and not self._is_shown(store_id):
            raise Violation(f"{store_id}: {wish.kind} is told as shown, and is {self._state(store_id)}")
        if outcome is Outcome.REFUSED and not status.refusal:
            raise Violation(f"{store_id}: refused without a word why")
        records = {record.wish.number: record for record in self._world.status_table.history(store_id) if record.wish}
        for one in given:
            record = records.get(one.number)
            if record is None or record.outcome is None:
                raise Violation(f"{store_id}: the wish {one.number} is not in the history")
            if one.number < wish.number and record.outcome.is_active:
                raise Violation(f"{store_id}: the wish {one.number} has no end in the history: {record.outcome}")
        if records[wish.number].outcome is not outcome:
            raise Violation(f"{store_id}: the history tells {records[wish.number].outcome}, and not {outcome}")

    def _state(self, store_id: str) -> State:
        return self._world.statuses.shown(store_id, self._world.kernel.now())

    def _is_shown(self, store_id: str) -> bool:
        wish, state = self._world.status_table.get(store_id).wish, self._state(store_id)
        if wish is None or not wish.kind.closes or state.status == CLOSED:
            return True
        ends_alike = state.until is not None and abs(state.until - wish.until) <= SAME_END
        # Whose end the platform never shows, the 2xx of an equal closing has to do for it.
        is_hidden = not self._world.statuses.habits.shows_until
        return state.status in {Kind.CLOSED_TODAY, Kind.CLOSED_UNTIL} and (ends_alike or is_hidden)

    def _sent(self, store_id: str) -> None:
        """No closing is sent after its end, and no opening again after it was shown."""
        records = [*self._world.status_table.history(store_id, 1_000)]
        openings = [record for record in records if record.wish and record.wish.kind is Kind.OPEN]
        # Also wishes of which no operator was told that they were taken.
        wished = [record.wish.at for record in openings if record.wish]
        for change in self._world.statuses.store(store_id).changes:
            kind = None if change.body is None else Kind(change.body["status"])
            if kind in {Kind.CLOSED_TODAY, Kind.OPEN} and not self._wished_at(store_id, Kind(kind), change.at):
                raise Violation(f"{store_id} got {kind} at {change.at}, when no such wish was in force")
            shown = [one.at for one in openings if one.outcome is Outcome.DONE and one.at + WHOLE_SECONDS < change.at]
            if kind is Kind.OPEN and shown and not any(max(shown) - UNDER_WAY <= at for at in wished):
                raise Violation(f"{store_id} was opened again at {change.at}, after it was shown at {max(shown)}")

    def _wished_at(self, store_id: str, kind: Kind, at: datetime) -> bool:
        """Whether a wish of a kind was in force at a time, or had been until just before."""
        records = [record.wish for record in self._world.status_table.history(store_id, 1_000) if record.wish]
        for number, wish in enumerate(sorted(records, key=lambda one: one.number)):
            newer = [one for one in records if one.number > wish.number]
            ends = min([wish.until, *(one.at + UNDER_WAY for one in newer)])
            if wish.kind is kind and wish.at <= at <= ends and number >= 0:
                return True
        return False
