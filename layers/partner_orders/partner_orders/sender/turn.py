"""One sender's turn at an order: what it has claimed, what it learned of the order meanwhile, and how the turn ends."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from partner_orders.answers.judgement import Outcome
from partner_orders.answers.stored import Ending, OrderAnswers, Progress, StoredAnswer
from partner_orders.answers.table import AcceptedMeanwhileError, AnswersTable
from partner_orders.answers.wake_ups import WakeUps
from partner_orders.clock import Clock
from partner_orders.orders.event import OrderEvent
from partner_orders.platform.failures import PartnerApiError

# How long an answer is worth sending.
LIFE = timedelta(hours=3)
# Two readings this far apart show that a request had no effect: the platform may show an older state for a while.
SURE_AFTER = timedelta(seconds=30)
# An order that it knows no more may only be hidden by a fault of the platform.
GONE_AFTER = timedelta(minutes=10)
_LONGEST_LOOK_SECONDS = 60.0
SHORTEST_WAIT_SECONDS, LONGEST_WAIT_SECONDS = 2.0, 300.0


@dataclass
class Sent:
    """What came of a call: outcomes, each with the seconds since the answer was accepted, and failures by name."""

    outcomes: list[tuple[Outcome, float]] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)


class Turn:
    """``newest`` is the latest state of the order that this turn has seen. Every method that writes raises
    ClaimLostError once another sender has the order, and botocore's errors."""

    def __init__(
        self,
        claimed: OrderAnswers,
        answers: AnswersTable,
        wake_ups: WakeUps,
        clock: Clock,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self.order_id = claimed.order_id
        self.sent = Sent()
        self.newest: OrderEvent | None = None
        self._claimed = claimed
        self._answers = answers
        self._wake_ups = wake_ups
        self._clock = clock
        self._jitter = jitter
        self._is_over = False

    @property
    def answer(self) -> StoredAnswer | None:
        """The answer whose turn it is; None once the turn is over."""
        return None if self._is_over else self._claimed.oldest_open

    def is_late(self, stored: StoredAnswer) -> bool:
        return self._clock() >= stored.accepted_at + LIFE

    def is_sure(self, progress: Progress, after: timedelta = SURE_AFTER) -> bool:
        """Whether what the platform shows now is what it will stay, ``after`` a time of not showing an effect."""
        return progress.absent_since is not None and self._clock() - progress.absent_since >= after

    def seconds_until_shown(self) -> float:
        """How long the platform may still show the order without the answers that have ended: 0 if this turn has seen
        the order, or nothing was changed lately."""
        ended = [one.ending.ended_at for one in self._claimed.answers if one.ending]
        if self.newest is not None or not ended:
            return 0.0
        return max(0.0, (max(ended) + SURE_AFTER - self._clock()).total_seconds())

    def see(self, event: OrderEvent, shown_at: datetime) -> None:
        """Keep an order as the platform showed it, if it is the latest."""
        if self.newest is None or event.supersedes(self.newest.snapshot_key_at(None), shown_at):
            self.newest = event

    # -- writes -------------------------------------------------------------------------------------------------

    def note(self, stored: StoredAnswer, progress: Progress) -> StoredAnswer:
        """Note how far an answer is, ahead of what could end this turn."""
        self._claimed = self._answers.note(self._claimed, stored, progress)
        return replace(stored, progress=progress)

    def end(self, stored: StoredAnswer, outcome: Outcome, reason: str = "", problems: tuple[str, ...] = ()) -> None:
        """The answer has ended; the next one has its turn."""
        ending = Ending(outcome, self._clock(), reason, problems)
        while True:
            try:
                self._claimed = self._answers.end(self._claimed, stored, ending)
                break
            except AcceptedMeanwhileError:
                self._claimed = self._answers.present_claim(self._claimed)
        self.sent.outcomes.append((outcome, (ending.ended_at - stored.accepted_at).total_seconds()))

    def wait(self, stored: StoredAnswer, seconds: float, why: str = "") -> None:
        """End the turn; the answer waits for something that is no failure of its own."""
        self._put_off(stored, replace(stored.progress, failure=why), seconds)

    def wait_until_sure(self, stored: StoredAnswer, after: timedelta = SURE_AFTER) -> None:
        """End the turn; what the platform shows is read again later, within a minute."""
        since = stored.progress.absent_since or self._clock()
        seconds = min((since + after - self._clock()).total_seconds(), _LONGEST_LOOK_SECONDS)
        self._put_off(stored, stored.progress, max(seconds, SHORTEST_WAIT_SECONDS))

    def fail(self, stored: StoredAnswer, error: PartnerApiError) -> None:
        """End the turn; the next try is the later, the more often it failed."""
        self.sent.failures.append(str(error.failure))
        failures = stored.progress.failures + 1
        back_off = min(LONGEST_WAIT_SECONDS, SHORTEST_WAIT_SECONDS * 2.0 ** (failures - 1))
        seconds = max(back_off * (0.5 + self._jitter() / 2), min(error.retry_after or 0.0, LONGEST_WAIT_SECONDS))
        self._put_off(stored, replace(stored.progress, failures=failures, failure=str(error)), seconds)

    def wait_for_its_time(self, stored: StoredAnswer) -> None:
        """End the turn, which began too early."""
        seconds = (stored.progress.next_try_at - self._clock()).total_seconds()
        self._put_off(stored, stored.progress, seconds)

    def stop(self) -> None:
        """End the turn for lack of time; the order is taken up again at once."""
        self._is_over = True
        self._answers.let_go(self._claimed, self._clock())
        self._wake_ups.send(self.order_id)

    def _put_off(self, stored: StoredAnswer, progress: Progress, seconds: float) -> None:
        self._is_over = True
        next_try_at = self._clock() + timedelta(seconds=seconds)
        self._answers.put_off(self._claimed, stored, replace(progress, next_try_at=next_try_at))
        self._wake_ups.send(self.order_id, seconds)
