"""The body of the PUT that sends an answer (docs/platform.md 8.1), made from the newest order."""

from collections import Counter
from collections.abc import Iterable

from partner_orders.answers.answer import Answer, AnswerProblemsError, Kind, Problem
from partner_orders.answers.cart import CartLine, answered_cart, cart_of, named_lines
from partner_orders.answers.judgement import Target
from partner_orders.answers.rules import Brand, ready_status
from partner_orders.clock import to_text
from partner_orders.exact_json import Json
from partner_orders.orders import lifecycle
from partner_orders.orders.model import Order

UPDATE_CART = "UPDATE_CART"


def target_of(answer: Answer, order: Order, brand: Brand) -> Target:
    """What an answer means for an order as it is now. Raises AnswerProblemsError."""
    lines = answered_cart(cart_of(order.items), answer)
    return Target(answer.kind, status_of(answer, order), lines, brand, answer.reason)


def status_of(answer: Answer, order: Order) -> str | None:
    """The status that an answer gives an order; None for an update, which gives it none."""
    match answer.kind:
        case Kind.READY:
            return ready_status(order)
        case Kind.ACCEPT:
            return lifecycle.ACCEPTED
        case Kind.CANCEL:
            return lifecycle.CANCELLED
        case Kind.UPDATE:
            return None


def put_body(answer: Answer, order_id: str, target: Target) -> dict[str, Json]:
    """The JSON to send: the status, and every line of the order."""
    body: dict[str, Json] = {
        "order_id": order_id,
        "status": target.status or UPDATE_CART,
        "items": [line.to_json() for line in target.lines],
    }
    if answer.ready_at is not None:
        body["accepted_for"] = to_text(answer.ready_at)
    if answer.reason is not None:
        body["cancellation"] = {"reason": answer.reason.value}
    return body


def check_unchanged(answered: Iterable[str], cart: Iterable[CartLine]) -> None:
    """Whether an order has the lines that it had when the answer was accepted, by what names them. Raises
    AnswerProblemsError for lines that came or went."""
    now, then = named_lines(cart), Counter(answered)
    problems = [Problem(f"line {name}", "it came after the answer") for name in sorted(now - then)]
    problems += [Problem(f"line {name}", "the order has it no longer") for name in sorted(then - now)]
    if problems:
        raise AnswerProblemsError(problems)
