"""Taking an answer in: read, checked against the order as stored, and stored itself before anybody is told so."""

from contextlib import suppress
from dataclasses import dataclass, field

from partner_orders.answers.answer import Answer, AnswerProblemsError, Problem
from partner_orders.answers.cart import cart_digest, cart_of, named_lines
from partner_orders.answers.order_reads import OrderReads
from partner_orders.answers.put_body import put_body, target_of
from partner_orders.answers.reading import check_time, plain
from partner_orders.answers.rules import Brand, Hindrance, allowed_kinds, hindrance
from partner_orders.answers.stored import MAX_ANSWERS, MAX_BYTES, OrderAnswers, Progress, StoredAnswer, size_of
from partner_orders.answers.table import AcceptedMeanwhileError, AnswersTable
from partner_orders.answers.wake_ups import WakeUps
from partner_orders.aws.attribute_values import Row
from partner_orders.clock import Clock
from partner_orders.exact_json import Json
from partner_orders.orders.event import CatalogueCallbackError, OrderEvent, RejectedError, parse_event
from partner_orders.orders.stored import LISTED_UNDER

MAX_WRITES = 8
DETAILS = {
    Hindrance.STORE_OFF: "The store is not switched on for answers. Have its operator switch it on.",
    Hindrance.ORDER_FINISHED: "The order has the status in order_status. It takes no answer any more.",
    Hindrance.NOT_ALLOWED: "This order takes no answer of this kind. It takes those in allowed.",
    Hindrance.ANSWER_OPEN: "An earlier ready or cancel has no outcome yet. Wait for it.",
    Hindrance.ORDER_CHANGED: "The lines may have changed since that sequence. Answer the order as it is now.",
    Hindrance.TOO_MANY_ANSWERS: "The order has as many answers as are kept. Finish it in the platform's portal.",
    Hindrance.ANSWER_ID_USED: "An earlier answer has this answer_id and says something else. Use a new answer_id.",
}


class NoSuchOrderError(LookupError):
    """The store has no such order, or it has expired."""


class HinderedError(RuntimeError):
    """The order may not get this answer now. ``facts`` tell the order's status, its sequence, and what is allowed."""

    def __init__(self, hindrance: Hindrance, text: str, facts: dict[str, Json]) -> None:
        super().__init__(text)
        self.hindrance = hindrance
        self.facts = facts


@dataclass(frozen=True)
class Taken:
    """An answer that was taken, now or earlier. ``will_send`` is the request that it means, if it is new."""

    stored: StoredAnswer
    is_new: bool
    will_send: dict[str, Json] | None = field(default=None, repr=False)


@dataclass(frozen=True)
class _Considered:
    """What becomes of an answer, and the earlier ones that this was found by."""

    earlier: OrderAnswers
    taken: Taken


@dataclass(frozen=True)
class _Facts:
    """What is known beside the order itself: its sequence, its earlier answers, and whether its store answers."""

    sequence: int
    earlier: OrderAnswers
    is_answering: bool

    @property
    def is_ending(self) -> bool:
        """Whether an open answer ends the picking."""
        return any(stored.answer.kind.ends_the_picking for stored in self.earlier.open_answers)

    @property
    def is_open(self) -> bool:
        """Whether a new answer may be taken, as far as the order allows it."""
        return self.is_answering and not self.is_ending and self.earlier.accepted < MAX_ANSWERS


class AnswersIntake:
    def __init__(
        self,
        reads: OrderReads,
        answers: AnswersTable,
        wake_ups: WakeUps,
        brand: Brand,
        chain_id: str,
        clock: Clock,
    ) -> None:
        self._reads = reads
        self._answers = answers
        self._wake_ups = wake_ups
        self._brand = brand
        self._chain_id = chain_id.lower()
        self._clock = clock

    def take(self, store_id: str, order_id: str, answer: Answer, by: str, correlation_id: str) -> Taken:
        """Store an answer, and wake the sender. ``by`` is who sent it. What is accepted stays so, whatever fails later.

        Raises NoSuchOrderError, HinderedError, AnswerProblemsError, and botocore's errors.
        """
        for _ in range(MAX_WRITES):
            considered = self._considered(store_id, order_id, answer, by, correlation_id)
            if not considered.taken.is_new:
                return considered.taken
            try:
                self._answers.accept(considered.earlier, considered.taken.stored, store_id)
            except AcceptedMeanwhileError:
                continue
            self._wake(order_id)
            return considered.taken
        raise RuntimeError("concurrent answers to an order won every time")

    def preview(self, store_id: str, order_id: str, answer: Answer) -> Taken:
        """What ``take`` would do with an answer now; nothing is stored. Raises the same errors."""
        return self._considered(store_id, order_id, answer, "", "").taken

    def _considered(self, store_id: str, order_id: str, answer: Answer, by: str, correlation_id: str) -> "_Considered":
        row, earlier, is_answering = self._reads.for_answer(store_id, order_id)
        if row is None or not self._is_ours(row, store_id):
            raise NoSuchOrderError
        event, facts = self._reads.snapshot(row), _Facts(row["sequence"], earlier, is_answering)
        if repeated := earlier.by_id(answer.answer_id):
            return _Considered(earlier, self._repeated(repeated, answer, event, facts))
        self._check(answer, event, facts)
        now, lines = self._clock(), named_lines(cart_of(event.order.items)).elements()
        check_time(answer, now)
        target = target_of(answer, event.order, self._brand)
        stored = StoredAnswer(
            earlier.accepted + 1, answer, now, by, correlation_id, tuple(sorted(lines)), Progress(now)
        )
        if earlier.size + size_of(stored, target.lines) > MAX_BYTES:
            raise self._hindered(Hindrance.TOO_MANY_ANSWERS, event, facts)
        return _Considered(earlier, Taken(stored, is_new=True, will_send=put_body(answer, order_id, target)))

    def answers(self, store_id: str, order_id: str) -> OrderAnswers:
        """Every answer to an order of a store. Raises NoSuchOrderError and botocore's errors."""
        row, answers, _ = self._reads.for_answer(store_id, order_id)
        if row is None or not self._is_ours(row, store_id):
            raise NoSuchOrderError
        return answers

    def _is_ours(self, row: Row, store_id: str) -> bool:
        """Whether an order is of this store, and of no other chain."""
        chain_id = str(row.get("chain_id") or self._chain_id)
        return row["listed_under"] == f"{LISTED_UNDER}{store_id}" and chain_id.lower() == self._chain_id

    def _wake(self, order_id: str) -> None:
        # The answer is stored: if this fails, the sweep wakes the sender within a minute.
        with suppress(Exception):
            self._wake_ups.send(order_id)

    def _check(self, answer: Answer, event: OrderEvent, facts: _Facts) -> None:
        """Check that an order may get an answer now. Raises HinderedError."""
        hindered = None
        if not facts.is_answering:
            hindered = Hindrance.STORE_OFF
        elif not (hindered := hindrance(answer.kind, event.order, self._brand)):
            if facts.is_ending:
                hindered = Hindrance.ANSWER_OPEN
            elif facts.earlier.accepted >= MAX_ANSWERS:
                hindered = Hindrance.TOO_MANY_ANSWERS
            elif answer.sequence != facts.sequence and not self._is_same_cart(event, answer.sequence, facts.sequence):
                hindered = Hindrance.ORDER_CHANGED
        if hindered:
            raise self._hindered(hindered, event, facts)

    def _repeated(self, stored: StoredAnswer, answer: Answer, event: OrderEvent, facts: _Facts) -> Taken:
        if plain(stored.answer) != plain(answer):
            raise self._hindered(Hindrance.ANSWER_ID_USED, event, facts)
        return Taken(stored, is_new=False)

    def _hindered(self, hindered: Hindrance, event: OrderEvent, facts: _Facts) -> HinderedError:
        told: dict[str, Json] = {
            "order_status": event.order.status,
            "sequence": facts.sequence,
            "allowed": [*(sorted(allowed_kinds(event.order, self._brand)) if facts.is_open else [])],
        }
        return HinderedError(hindered, DETAILS[hindered], told)

    def _is_same_cart(self, event: OrderEvent, seen: int, sequence: int) -> bool:
        """Whether the lines of an order were always those that it has now, as far as its history tells."""
        if seen > sequence:
            return False
        wanted = cart_digest(cart_of(event.order.items))
        try:
            carts = [_cart_of_body(body) for body in self._reads.bodies(event.order_id)]
        except (RejectedError, CatalogueCallbackError):
            return False
        return all(cart == wanted for cart in carts)


def _cart_of_body(body: bytes | None) -> str:
    return "" if body is None else cart_digest(cart_of(parse_event(body).order.items))


def problems_of(error: AnswerProblemsError) -> list[Json]:
    """The problems of an answer as JSON."""
    return [_problem(problem) for problem in error.problems]


def _problem(problem: Problem) -> Json:
    return {"path": problem.path, "problem": problem.text}
