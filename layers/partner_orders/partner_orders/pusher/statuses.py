"""The stores' status on the platform: a few requests a minute, those that have waited longest first.

Whatever fails is of one store, or ends this part of the minute. Each step is noted under the version that was read, so
that a crash, a second worker or a newer wish never loses to what this one knew.
"""

import secrets
from collections import Counter
from collections.abc import Callable, Collection, Iterable
from datetime import datetime
from typing import Protocol

from partner_orders.platform.calls import EffectUnknownError, is_of_every_store
from partner_orders.platform.failures import Failure, OutOfTimeError, PartnerApiError
from partner_orders.pusher.status_events import StatusEvents
from partner_orders.pusher.turn import Turn
from partner_orders.pusher.words import words_of
from partner_orders.store_status import status as after
from partner_orders.store_status.differences import differs, is_closed_by_platform
from partner_orders.store_status.next_step import Act, Step, checkin_due, next_step
from partner_orders.store_status.shown import CheckinTimes, Reading
from partner_orders.store_status.status import StoreStatus
from partner_orders.store_status.table import StatusesTable, WrittenMeanwhileError
from partner_orders.store_status.wish import Kind, Outcome, Wish

# The part of the platform's 60 requests a minute that the budget keeps for store status (docs/decisions/0020).
MOST_REQUESTS = 4
# So long at most all of them take, since the products wait for it.
MOST_SECONDS = 12.0
CHECKED_IN_BY, CHECKED_IN_WHY = "check-in", "before the store opens"
_LASTING = frozenset({Failure.FORBIDDEN, Failure.NOT_FOUND, Failure.REFUSED})


class Platform(Protocol):
    """What is asked of the platform (partner_orders.platform.store_status)."""

    @property
    def has_heard(self) -> bool: ...

    def now(self) -> datetime: ...

    def make_room(self) -> None: ...

    def get(self, vendor_id: str) -> Reading: ...

    def put(self, vendor_id: str, wish: Wish) -> None: ...


class Statuses:
    """``seconds`` is a clock as PassedSeconds is. ``checks_in``: whether stores of the catalogue are checked in before
    they open. ``counts`` and ``faults`` are those of the run: by the names of metrics, and by the kind of failure.
    ``error`` is what ended it for all stores."""

    def __init__(
        self,
        table: StatusesTable,
        platform: Platform,
        events: StatusEvents,
        seconds: Callable[[], float],
        checks_in: bool,
    ) -> None:
        self._table = table
        self._platform = platform
        self._events = events
        self._seconds = seconds
        self._checks_in = checks_in
        self.counts: Counter[str] = Counter()
        self.faults: Counter[str] = Counter()
        self.error: PartnerApiError | None = None

    def serve(self, store_ids: Collection[str], may_start: Callable[[], bool]) -> None:
        """Do the steps that are due, with MOST_REQUESTS within MOST_SECONDS, of the stores of the catalogue and of
        every other one of which something was wished. Raises botocore's errors for what is of no single store."""
        self.error, began = None, self._seconds()
        every = {store_id: StoreStatus(store_id) for store_id in store_ids} | self._table.all(self._note_unreadable)
        self._count(every.values())
        turn = Turn(MOST_REQUESTS, lambda: may_start() and self._seconds() - began < MOST_SECONDS)
        for status in sorted(every.values(), key=self._rank):
            if self._seconds() - began >= MOST_SECONDS:
                return  # The products wait. The next run goes on.
            with turn.serving(self.faults, WrittenMeanwhileError):
                self._tell(self._serve(status, turn, is_of_catalogue=status.store_id in store_ids), turn)
            self.error = turn.error

    def _note_unreadable(self, _store_id: str) -> None:
        self.faults["UnreadableRow"] += 1

    def _rank(self, status: StoreStatus) -> tuple[int, datetime, str]:
        """What was never sent goes first, then what the platform has yet to show, then all that is only read again."""
        now = self._platform.now()
        is_new = status.active_wish is not None and status.put_at is None
        is_first = is_new or (self._checks_in and checkin_due(status, now) is not None)
        place = 0 if is_first else 1 if status.outcome is Outcome.WAITING else 2
        return place, next_step(status, now).at, status.store_id

    def _serve(self, status: StoreStatus, turn: Turn, is_of_catalogue: bool) -> StoreStatus:
        """Do the steps of a store that are due. Raises PartnerApiError where other stores would get the same."""
        is_checked_in = self._checks_in and is_of_catalogue
        while True:
            times = checkin_due(status, self._platform.now()) if is_checked_in else None
            step = next_step(status, self._platform.now())
            if times is None and step.at > self._platform.now():
                return status
            if times is not None and self._platform.has_heard:
                status = self._table.write(self._with_checkin(status, times))
                continue
            # Only a response tells the platform's time: nothing is sent before there was one.
            must_hear = not self._platform.has_heard and (times is not None or step.act is Act.PUT)
            if must_hear:
                step = Step(Act.READ, step.at)
            if step.act is not Act.END and not turn.take():
                return status
            before, status = status, self._do(status, step)
            self._count_outcome(before, status)
            if must_hear and not self._platform.has_heard:
                return status

    def _count_outcome(self, before: StoreStatus, status: StoreStatus) -> None:
        if status.outcome is not before.outcome:
            self.counts["StatusRefused"] += status.outcome is Outcome.REFUSED
            self.counts["StatusGivenUp"] += status.outcome is Outcome.GIVEN_UP

    def _with_checkin(self, status: StoreStatus, times: CheckinTimes) -> StoreStatus:
        number = 1 if status.wish is None else status.wish.number + 1
        now = self._platform.now()
        wish = Wish(number, Kind.CHECKIN, times.ends, "", CHECKED_IN_BY, CHECKED_IN_WHY, now)
        return after.checked_in(status, wish, times, now)

    def _do(self, status: StoreStatus, step: Step) -> StoreStatus:
        if step.act is Act.END:
            return self._table.write(after.ended(status, self._platform.now()))
        self._platform.make_room()
        wish = status.active_wish
        if step.act is Act.PUT and wish is not None:
            return self._put(status, wish)
        return self._read(status)

    # -- requests ------------------------------------------------------------------------------------------------------

    def _put(self, status: StoreStatus, wish: Wish) -> StoreStatus:
        """Send what is wished. It is noted before, so that a crash has it read before it is sent again."""
        claim = self._table.write(after.claimed(status, secrets.token_hex(4), self._platform.now()))
        self.counts["StatusSent"] += 1
        try:
            self._platform.put(status.store_id, after.as_sent(status, wish))
        except EffectUnknownError as error:
            self.faults[str(error.failure)] += 1
            return self._end_claim(claim, after.sent(claim, self._platform.now()))
        except OutOfTimeError:
            self._end_claim(claim, after.not_sent(status, claim, self._platform.now()))
            raise
        except PartnerApiError as error:
            if is_of_every_store(error):
                self._end_claim(claim, after.not_sent(status, claim, self._platform.now()))
                raise
            return self._end_claim(claim, after.sent(claim, self._platform.now(), refusal=words_of(error)))
        return self._end_claim(claim, after.sent(claim, self._platform.now(), is_acknowledged=True))

    def _end_claim(self, claim: StoreStatus, sent: StoreStatus) -> StoreStatus:
        try:
            return self._table.write(sent)
        except WrittenMeanwhileError:
            # A newer wish came. What was sent of the older one does not matter, but nobody waits for us any more.
            self._table.release(claim.store_id, claim.claim)
            raise

    def _read(self, status: StoreStatus) -> StoreStatus:
        asked_at = self._platform.now()
        try:
            reading = self._platform.get(status.store_id)
        except PartnerApiError as error:
            if is_of_every_store(error):
                raise
            is_lasting = error.failure in _LASTING and error.retry_after is None
            if not is_lasting:
                self.faults[str(error.failure)] += 1
            return self._table.write(after.unreadable(status, words_of(error), is_lasting, self._platform.now()))
        return self._table.write(after.read(status, reading, asked_at))

    # -- what is told --------------------------------------------------------------------------------------------------

    def _tell(self, status: StoreStatus, turn: Turn) -> None:
        """Tell the history and the bus what they do not have yet. A bus that fails is left alone until the next run."""
        for record in status.untold:
            self._table.note(status.store_id, record)
        if not status.untold or not turn.may_tell:
            return
        told = self._events.tell(status.store_id, status.untold)
        turn.may_tell = told == len(status.untold)
        if told:
            self._table.write(after.told(status, told))

    def _count(self, every: Iterable[StoreStatus]) -> None:
        """Count the stores that are not as they are wished."""
        now = self._platform.now()
        self.counts["StoresClosedByPlatform"] += 0
        self.counts["StatusDiffers"] += 0
        for status in every:
            self.counts["StoresClosedByPlatform"] += is_closed_by_platform(status, now)
            self.counts["StatusDiffers"] += differs(status, now)
