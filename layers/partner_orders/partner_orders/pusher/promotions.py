"""Promotions on the platform: a few requests a minute, ends first, then what was never sent, then what is asked for.

What goes by file is the uploader's to send. Its ends for later come due here, and its outcomes are told and counted.
Whatever fails is of one promotion, or ends this part of the minute. Each step is noted under the version that was read,
so that a crash, a second worker or a newer wish never loses to what this one knew.
"""

import secrets
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Protocol

from partner_orders.catalogue.store_settings import CatalogueSettings
from partner_orders.platform.calls import EffectUnknownError, is_of_every_store
from partner_orders.platform.failures import OutOfTimeError, PartnerApiError
from partner_orders.platform.promotions import JobAnswer, JobReading
from partner_orders.promotions import state as after
from partner_orders.promotions import trouble
from partner_orders.promotions.bodies import BODY_GONE, BodyGoneError
from partner_orders.promotions.job_result import NOTHING_LEFT_OUT
from partner_orders.promotions.next_step import Act, Step, next_step
from partner_orders.promotions.record import Record
from partner_orders.promotions.sending import are_switched_on, is_free
from partner_orders.promotions.state import PromotionState
from partner_orders.promotions.table import PromotionsTable, WrittenMeanwhileError
from partner_orders.promotions.wish import Channel, Outcome
from partner_orders.pusher.promotion_events import PromotionEvents
from partner_orders.pusher.turn import Turn
from partner_orders.pusher.words import words_of

# Of the catalogue's part of the platform's 60 requests a minute (docs/decisions/0020).
MOST_REQUESTS = 4
# So long at most all of them take, since the products wait for it.
MOST_SECONDS = 10.0
# What is over for longer is looked at by nobody. A pusher that stood still for a day notes the ends of that day.
LOOKED_BACK = timedelta(days=2)
_WITHOUT_REQUEST = frozenset({Act.END, Act.TAKE_UP})


class Platform(Protocol):
    """What is asked of the platform (partner_orders.platform.promotions)."""

    def now(self) -> datetime: ...

    def make_room(self) -> None: ...

    def put(self, body: bytes) -> JobAnswer: ...

    def job(self, job_id: str) -> JobReading | None: ...


class ReadsBodies(Protocol):
    """Gives the bodies that were kept (partner_orders.promotions.bodies)."""

    def read(self, promotion_id: str, digest: str) -> bytes: ...


class Promotions:
    """``seconds`` is a clock as PassedSeconds is. ``counts`` and ``faults`` are those of the run: by the names of
    metrics, and by the kind of failure. ``error`` is what ended it for all promotions."""

    def __init__(
        self,
        table: PromotionsTable,
        bodies: ReadsBodies,
        platform: Platform,
        events: PromotionEvents,
        seconds: Callable[[], float],
    ) -> None:
        self._table = table
        self._bodies = bodies
        self._platform = platform
        self._events = events
        self._seconds = seconds
        self._began = 0.0
        self._settings: Mapping[str, CatalogueSettings] = {}
        self._every: dict[str, PromotionState] = {}
        self.counts: Counter[str] = Counter()
        self.faults: Counter[str] = Counter()
        self.error: PartnerApiError | None = None

    @property
    def seconds_left(self) -> float:
        """How long the requests of this run may still take."""
        return MOST_SECONDS - (self._seconds() - self._began)

    def serve(self, settings: Mapping[str, CatalogueSettings], may_start: Callable[[], bool]) -> None:
        """Do the steps that are due, with MOST_REQUESTS within MOST_SECONDS. ``settings`` are those of the catalogue's
        stores. Raises botocore's errors for what is of no single promotion."""
        self.error, self._began, self._settings = None, self._seconds(), settings
        since = self._platform.now() - LOOKED_BACK
        self._every = self._table.all(since, self._note_unreadable)
        self._count(self._every.values())
        turn = Turn(MOST_REQUESTS, lambda: may_start() and self.seconds_left > 0)
        for state in sorted(self._every.values(), key=self._rank):
            if self.seconds_left <= 0:
                return  # The products wait. The next run goes on.
            with turn.serving(self.faults, WrittenMeanwhileError):
                self._tell(self._serve(state, turn), turn)
            self.error = turn.error

    def _note_unreadable(self, _promotion_id: str) -> None:
        self.faults["UnreadableRow"] += 1

    def _rank(self, state: PromotionState) -> tuple[int, datetime, str]:
        """Ends go first, then what was never sent, then all that is asked for or sent again."""
        is_new = state.put_at is None
        place = 0 if state.wish.is_end and not state.has_ended else 1 if is_new else 2
        return place, state.asked_at or state.put_at or state.wish.due, state.promotion_id

    def _serve(self, state: PromotionState, turn: Turn) -> PromotionState:
        """Do the steps of a promotion that are due. Raises PartnerApiError where others would get the same."""
        while True:
            now = self._platform.now()
            step = next_step(state, now, may_be_sent=True)
            if step is not None and step.act is Act.PUT and step.at <= now and not self._may_be_sent(state):
                step = next_step(state, now, may_be_sent=False)
            if step is None or step.at > now:
                return state
            if step.act not in _WITHOUT_REQUEST and not turn.take():
                return state
            before, state = state, self._do(state, step)
            self._count_outcome(before, state)
            self._every[state.promotion_id] = state

    def _may_be_sent(self, state: PromotionState) -> bool:
        """Whether the stores take promotions now, and what must end before has ended."""
        if not are_switched_on(state.summary.vendors, self._settings):
            return False
        earlier = self._every.get(state.wish.after)
        if state.wish.after and earlier is None:
            earlier = self._table.get(state.wish.after)
        return is_free(state, earlier, self._platform.now())

    def _do(self, state: PromotionState, step: Step) -> PromotionState:
        now = self._platform.now()
        match step.act:
            case Act.END:
                return self._table.write(after.over(state, now))
            case Act.TAKE_UP:
                return self._table.write(after.taken_up(state, now))
            case Act.PUT:
                return self._put(state)
            case Act.ASK:
                return self._ask(state)
            case Act.ASK_OLDER:
                return self._ask_older(state, step.job_id)

    # -- requests ------------------------------------------------------------------------------------------------------

    def _put(self, state: PromotionState) -> PromotionState:
        """Send the body. It is noted before, so that a crash has it sent again as one whose effect nobody knows."""
        try:
            body = self._bodies.read(state.promotion_id, state.wish.digest)
        except BodyGoneError:
            return self._table.write(after.unreadable(state, BODY_GONE, self._platform.now()))
        self._platform.make_room()
        claim = self._table.write(after.claimed(state, secrets.token_hex(4), self._platform.now()))
        self.counts["PromotionsSent"] += 1
        try:
            answer = self._platform.put(body)
        except EffectUnknownError as error:
            self.faults[str(error.failure)] += 1
            return self._end_claim(claim, after.unknown(claim))
        except OutOfTimeError:
            self._end_claim(claim, after.not_sent(state, claim, self._platform.now()))
            raise
        except PartnerApiError as error:
            if is_of_every_store(error):
                self._end_claim(claim, after.not_sent(state, claim, self._platform.now()))
                raise
            return self._end_claim(claim, after.refused(claim, words_of(error), self._platform.now()))
        if not answer.job_id:
            sent = after.answered(claim, answer.status, NOTHING_LEFT_OUT, self._platform.now())
            return self._end_claim(claim, sent)
        return self._end_claim(claim, after.submitted(claim, answer.job_id, self._platform.now()), answer.job_id)

    def _end_claim(self, claim: PromotionState, sent: PromotionState, job_id: str = "") -> PromotionState:
        try:
            return self._table.write(sent)
        except WrittenMeanwhileError:
            # A newer wish came. It is sent once more when the job of the older one has ended.
            self._table.note_job(claim, job_id)
            raise

    def _ask(self, state: PromotionState) -> PromotionState:
        reading, problem = self._job(state.job_id)
        now = self._platform.now()
        if reading is None:
            return self._table.write(after.unasked(state, problem, now))
        return self._table.write(after.answered(state, reading.status, reading.result, now))

    def _ask_older(self, state: PromotionState, job_id: str) -> PromotionState:
        reading, _ = self._job(job_id)
        now = self._platform.now()
        if reading is None:
            return self._table.write(after.older_asked(state, job_id, "", now))
        return self._table.write(after.older_asked(state, job_id, reading.status, now, reading.result))

    def _job(self, job_id: str) -> tuple[JobReading | None, str]:
        """What the platform shows of a job; if nothing, why not."""
        self._platform.make_room()
        try:
            reading = self._platform.job(job_id)
        except PartnerApiError as error:
            if is_of_every_store(error) or isinstance(error, OutOfTimeError):
                raise
            self.faults[str(error.failure)] += 1
            return None, words_of(error)
        return reading, "" if reading is not None else "the platform shows no such job"

    # -- what is told --------------------------------------------------------------------------------------------------

    def _tell(self, state: PromotionState, turn: Turn) -> None:
        """Tell the history and the bus what they do not have yet. A bus that fails is left alone until the next run."""
        for record in state.untold:
            self._table.note(state.promotion_id, record)
        if not state.untold or not turn.may_tell:
            return
        told = self._events.tell(state)
        turn.may_tell = told == len(state.untold)
        if told:
            self._table.write(after.told(state, told))
            self._count_told(state, state.untold[:told])

    def _count_told(self, state: PromotionState, records: Iterable[Record]) -> None:
        """Count what the uploader could not put into a file, once it is told."""
        for record in records if state.channel is Channel.FILES else ():
            self.counts["PromotionsFailed"] += record.is_event and record.outcome is Outcome.FAILED
            self.counts["PromotionsRefused"] += record.is_event and record.outcome is Outcome.REFUSED

    def _count(self, every: Iterable[PromotionState]) -> None:
        """Count the promotions that are not as they are wished."""
        now = self._platform.now()
        self.counts["PromotionsUnanswered"] += 0
        self.counts["PromotionEndsLate"] += 0
        self.counts["PromotionsNotSent"] += 0
        for state in every:
            self.counts["PromotionsUnanswered"] += trouble.is_unanswered(state, now)
            self.counts["PromotionEndsLate"] += trouble.is_late_end(state, now)
            self.counts["PromotionsNotSent"] += trouble.is_not_sent(state, now)

    def _count_outcome(self, before: PromotionState, state: PromotionState) -> None:
        if state.outcome is not before.outcome:
            self.counts["PromotionsFailed"] += state.outcome in {Outcome.FAILED, Outcome.DUPLICATE}
            self.counts["PromotionsRefused"] += state.outcome is Outcome.REFUSED
            self.counts["PromotionsInPart"] += state.outcome is Outcome.DONE_IN_PART
