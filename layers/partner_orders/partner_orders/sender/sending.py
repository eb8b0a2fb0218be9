"""Sending the answers to one order: the oldest first, each to its one outcome, which follows from what the platform
shows.

Before each request that may have an effect it is noted that it begins. Whatever came of it is read before anything is
sent again; a request that would add products only after two readings, half a minute apart, that show it had no effect.
"""

import random
from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

from partner_orders.answers.answer import AnswerProblemsError, Kind
from partner_orders.answers.cart import cart_digest, cart_of
from partner_orders.answers.judgement import Outcome, Target, judge
from partner_orders.answers.put_body import check_unchanged, put_body, status_of, target_of
from partner_orders.answers.rules import Brand, Hindrance, hindrance
from partner_orders.answers.stored import Progress, StoredAnswer
from partner_orders.answers.table import AnswersTable, ClaimLostError
from partner_orders.answers.wake_ups import WakeUps
from partner_orders.clock import Clock
from partner_orders.exact_json import Json
from partner_orders.order_events.message import ANSWER, MAX_BODY_BYTES, OrderEventMessage
from partner_orders.order_events.queue import OrderEventsQueue
from partner_orders.orders import history
from partner_orders.orders.event import CatalogueCallbackError, OrderEvent, RejectedError, parse_event
from partner_orders.platform.failures import Failure, OutOfTimeError, PartnerApiError
from partner_orders.platform.order_exchange import Shown
from partner_orders.sender.turn import GONE_AFTER, SHORTEST_WAIT_SECONDS, SURE_AFTER, Sent, Turn

# How long an answer waits whose store is switched off, and one for which the request budget has nothing left.
STORE_OFF_SECONDS, BUDGET_SECONDS = 60.0, 5.0
# Less than this left, and the next step is for the next call.
LAST_START_SECONDS = 30.0
NO_BUDGET = "no_budget"
WAITS_TO_BE_SHOWN = "earlier_answer_not_shown"
ORDER_GONE = "order_gone"
# Refusals that say nothing of the answer, and may pass: so often are they taken for none.
_MAY_PASS, _TIMES_IT_MAY_PASS = frozenset({Failure.FORBIDDEN.value, Failure.NOT_FOUND.value}), 2
# Failures at the edge, before the platform looks at what was sent.
_WITHOUT_EFFECT = frozenset({Failure.RATE_LIMITED, Failure.BLOCKED, Failure.UNAUTHORIZED, Failure.CREDENTIALS})


class Exchange(Protocol):
    """The platform, as ``OrderExchange`` reaches it."""

    def make_room(self) -> None: ...

    def show(self, order_id: str) -> Shown: ...

    def put(self, order_id: str, body: Json) -> Shown | None: ...


class Snapshots(Protocol):
    """What the table knows of an order, and of its store."""

    def newest(self, order_id: str) -> OrderEvent | None:
        """The order's snapshot; None if there is no such order any more."""

    def is_answering(self, store_id: str) -> bool:
        """Whether answers of a store are sent; what is known of it may be a minute old."""


class Sender:
    def __init__(
        self,
        answers: AnswersTable,
        snapshots: Snapshots,
        exchange: Exchange,
        order_events: OrderEventsQueue,
        wake_ups: WakeUps,
        brand: Brand,
        clock: Clock,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._answers = answers
        self._snapshots = snapshots
        self._exchange = exchange
        self._order_events = order_events
        self._wake_ups = wake_ups
        self._brand = brand
        self._clock = clock
        self._jitter = jitter

    def process(self, order_id: str, remaining_seconds: Callable[[], float]) -> Sent:
        """Send what waits for an order. Raises botocore's errors; what was noted is taken up again."""
        claimed = self._answers.claim(order_id, self._clock())
        if claimed is None:
            return Sent()
        turn = Turn(claimed, self._answers, self._wake_ups, self._clock, self._jitter)
        try:
            while (stored := turn.answer) is not None:
                if remaining_seconds() < LAST_START_SECONDS:
                    turn.stop()
                elif stored.progress.next_try_at > self._clock():
                    turn.wait_for_its_time(stored)
                else:
                    self._step(turn, stored)
        except ClaimLostError:
            turn.sent.failures.append("claim_lost")
        return turn.sent

    def _step(self, turn: Turn, stored: StoredAnswer) -> None:
        try:
            if stored.progress.sent_at is not None:
                self._read_back(turn, stored)
            elif turn.is_late(stored):
                turn.end(stored, Outcome.EXPIRED, stored.progress.failure)
            else:
                self._begin(turn, stored)
        except OutOfTimeError:
            turn.wait(stored, BUDGET_SECONDS, NO_BUDGET)
        except PartnerApiError as error:
            if turn.is_late(stored):
                turn.end(stored, Outcome.UNKNOWN if stored.progress.sent_at else Outcome.EXPIRED, str(error))
            else:
                turn.fail(stored, error)

    # -- sending ------------------------------------------------------------------------------------------------

    def _begin(self, turn: Turn, stored: StoredAnswer) -> None:
        """Send an answer for the first time, unless the order has got where it wants, or elsewhere."""
        if seconds := turn.seconds_until_shown():
            # Neither the table nor the platform may show yet what the answer before this one changed.
            turn.wait(stored, seconds, WAITS_TO_BE_SHOWN)
            return
        known = self._snapshots.newest(turn.order_id)
        if known is None:
            turn.end(stored, Outcome.EXPIRED, ORDER_GONE)
            return
        if turn.newest is None or known.supersedes(turn.newest.snapshot_key):
            turn.newest = known
        if stored.number > 1:
            # What an earlier answer changed may not be in the table yet.
            self._look(turn, stored)
        order = turn.newest.order
        try:
            outcome = judge(target_of(stored.answer, order, self._brand), order, was_sent=False)
        except AnswerProblemsError:
            outcome = None
        if outcome is None:
            self._send(turn, stored, turn.newest)
        else:
            turn.end(stored, outcome)

    def _send(self, turn: Turn, stored: StoredAnswer, newest: OrderEvent) -> None:
        """Send an answer, made from the newest order, unless that order forbids it."""
        order, answer = newest.order, stored.answer
        if hindered := hindrance(answer.kind, order, self._brand):
            is_finished = hindered is Hindrance.ORDER_FINISHED
            turn.end(stored, Outcome.OVERTAKEN if is_finished else Outcome.REFUSED, hindered)
            return
        if not self._snapshots.is_answering(history.store_of(order.client) or ""):
            turn.wait(stored, STORE_OFF_SECONDS, Hindrance.STORE_OFF)
            return
        cart = cart_of(order.items)
        try:
            check_unchanged(stored.answered_lines, cart)
            target = target_of(answer, order, self._brand)
        except AnswerProblemsError as error:
            turn.end(stored, Outcome.REFUSED, Hindrance.ORDER_CHANGED, tuple(map(str, error.problems)))
            return
        self._exchange.make_room()
        before, now = stored.progress, self._clock()
        begun = Progress(now, before.tries + 1, before.failures, now, tuple(target.lines), cart_digest(cart))
        self._put(turn, turn.note(stored, begun), target, before)

    def _put(self, turn: Turn, stored: StoredAnswer, target: Target, before: Progress) -> None:
        """``before`` is how far the answer was before this request was noted."""
        without_effect = replace(before, tries=stored.progress.tries)
        try:
            shown = self._exchange.put(turn.order_id, put_body(stored.answer, turn.order_id, target))
        except OutOfTimeError:  # The token was rejected, and there is no permit for another request.
            turn.wait(replace(stored, progress=without_effect), BUDGET_SECONDS, NO_BUDGET)
            return
        except PartnerApiError as error:
            if error.failure in _WITHOUT_EFFECT:
                turn.fail(replace(stored, progress=without_effect), error)
            else:
                refusal = str(error) if error.retry_after is None else ""
                turn.fail(replace(stored, progress=replace(stored.progress, refusal=refusal)), error)
            return
        event = None if shown is None else self._event(turn, stored, shown)
        outcome = None if event is None else judge(target, event.order, was_sent=True)
        if outcome in {Outcome.APPLIED, Outcome.OVERTAKEN}:
            turn.end(stored, outcome)
        else:
            turn.wait(stored, SHORTEST_WAIT_SECONDS)

    # -- reading back -------------------------------------------------------------------------------------------

    def _read_back(self, turn: Turn, stored: StoredAnswer) -> None:
        """What became of a request that may have had an effect; sends again once it is clear that it had none."""
        event = self._shown_or_unknown(turn, stored)
        outcome = None if event is None else self._judged(stored, event)
        if outcome is not None and outcome is not Outcome.APPLIED_DIFFERENTLY:
            turn.end(stored, outcome)
            return
        since = stored.progress.absent_since or self._clock()
        stored = replace(stored, progress=replace(stored.progress, absent_since=since))
        answer, refusal, is_late = stored.answer, stored.progress.refusal, turn.is_late(stored)
        after = SURE_AFTER if event is not None else GONE_AFTER
        if (outcome or refusal or is_late or answer.has_new_lines) and not turn.is_sure(stored.progress, after):
            turn.wait_until_sure(stored, after)
        elif outcome is not None:
            turn.end(stored, outcome)
        elif refusal and (event is None or not self._may_pass(stored)):
            turn.end(stored, Outcome.REFUSED, refusal)
        elif is_late or event is None:
            turn.end(stored, Outcome.EXPIRED, stored.progress.failure)
        else:
            self._send(turn, stored, event)

    @staticmethod
    def _may_pass(stored: StoredAnswer) -> bool:
        """Whether the platform may take an answer that it has refused."""
        return stored.progress.refusal in _MAY_PASS and stored.progress.tries <= _TIMES_IT_MAY_PASS

    def _shown_or_unknown(self, turn: Turn, stored: StoredAnswer) -> OrderEvent | None:
        """The order as the platform shows it; None if it refused the answer, and knows no such order. Raises
        PartnerApiError."""
        try:
            return self._look(turn, stored)
        except PartnerApiError as error:
            if error.failure is Failure.NOT_FOUND and stored.progress.refusal:
                return None
            raise

    def _judged(self, stored: StoredAnswer, event: OrderEvent) -> Outcome | None:
        answer, progress = stored.answer, stored.progress
        target = Target(answer.kind, status_of(answer, event.order), progress.sent_lines, self._brand, answer.reason)
        outcome = judge(target, event.order, was_sent=True)
        is_changed = cart_digest(cart_of(event.order.items)) != progress.cart_before
        if outcome is None and answer.kind is Kind.UPDATE and is_changed:
            return Outcome.APPLIED_DIFFERENTLY
        return outcome

    def _look(self, turn: Turn, stored: StoredAnswer) -> OrderEvent:
        """The order as the platform shows it. Raises PartnerApiError."""
        event = self._event(turn, stored, self._exchange.show(turn.order_id))
        if event is None:
            raise PartnerApiError(Failure.NOT_JSON, retry_after=0.0)
        return event

    def _event(self, turn: Turn, stored: StoredAnswer, shown: Shown) -> OrderEvent | None:
        """The event of an order object, which goes the way of all events; None if it is not of this order."""
        try:
            event = parse_event(shown.body)
        except (RejectedError, CatalogueCallbackError):
            return None
        if event.order_id != turn.order_id:
            return None
        if len(shown.body) <= MAX_BODY_BYTES:
            message = OrderEventMessage(ANSWER, self._clock(), stored.correlation_id, shown.body, shown.shown_at)
            self._order_events.send(message)
        turn.see(event, shown.shown_at)
        return event
