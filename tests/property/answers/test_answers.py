"""Laws of answers: what is written is read again, and no ordered line is lost or doubled."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st

from partner_orders.answers.answer import Answer, CancelReason, Kind, LineChange, NewLine
from partner_orders.answers.cart import CartLine, answered_cart, cart_digest, same_lines, sent_lines
from partner_orders.answers.reading import plain, read_answer
from partner_orders.exact_json import parse, write

TEXTS = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S")), min_size=1, max_size=20)
PIECES = st.integers(1, 1_000)
WEIGHTS = st.decimals("0.0001", 1_000, places=4)
PRICES = st.decimals(0, 1_000, places=4)
NEW_LINES = st.builds(NewLine, TEXTS, PIECES, PRICES, st.none() | WEIGHTS, st.none() | TEXTS)
IDS = st.text("abcdefgh", min_size=1, max_size=3)
NEW = st.lists(NEW_LINES, max_size=3).map(tuple)
CHANGES = (
    st.builds(LineChange, IDS, quantity=PIECES, weight=st.none() | WEIGHTS)
    | st.builds(LineChange, IDS, weight=WEIGHTS)
    | st.builds(LineChange, sku=TEXTS, not_found=st.just(True))
    | st.builds(LineChange, IDS, replaced_by=st.lists(NEW_LINES, min_size=1, max_size=3).map(tuple))
)
NAMED = {"answer_id": st.from_regex(r"[A-Za-z0-9._:-]{1,80}", fullmatch=True), "sequence": st.integers(1, 10**12)}
TIMES = st.datetimes(datetime(2020, 1, 1), datetime(2099, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
ANSWERS = (
    st.builds(
        Answer,
        kind=st.sampled_from([Kind.READY, Kind.UPDATE]),
        lines=st.lists(CHANGES, max_size=5).map(tuple),
        added=NEW,
        ready_at=st.none(),
        reason=st.none(),
        **NAMED,
    )
    | st.builds(Answer, kind=st.just(Kind.ACCEPT), ready_at=TIMES, **NAMED)
    | st.builds(Answer, kind=st.just(Kind.CANCEL), reason=st.sampled_from(CancelReason), **NAMED)
)
STATUSES = st.sampled_from(["NOT_PROCESSED", "IN_CART", "NOT_FOUND", "REPLACED", "ADDITION"])
UNITS = st.builds(CartLine, IDS, TEXTS, STATUSES, quantity=PIECES.map(Decimal))
WEIGHED = st.builds(CartLine, IDS, TEXTS, STATUSES, st.just("KG"), PIECES.map(Decimal), WEIGHTS)
CARTS = st.lists(UNITS | WEIGHED, min_size=1, max_size=8, unique_by=lambda line: line.id)


@st.composite
def picked(draw: st.DrawFn) -> tuple[list[CartLine], Answer]:
    """A cart as it was ordered, and an answer that suits it."""
    cart = [replace(line, status="NOT_PROCESSED") for line in draw(CARTS)]
    changes = []
    for line in draw(st.lists(st.sampled_from(cart), max_size=5, unique_by=lambda line: line.id)):
        amount: dict[str, Any] = {"quantity": 1} if not line.is_weighed else {"weight": draw(WEIGHTS)}
        new = tuple(draw(st.lists(NEW_LINES, min_size=1, max_size=2)))
        changes.append(
            LineChange(line.id, **draw(st.sampled_from([amount, {"not_found": True}, {"replaced_by": new}])))
        )
    return cart, Answer("a", 1, draw(st.sampled_from([Kind.READY, Kind.UPDATE])), tuple(changes), draw(NEW))


@given(ANSWERS)
def test_written_answer_is_read_again(answer: Answer) -> None:
    """An answer that is written as JSON is read as the same answer."""
    assert read_answer(parse(write(plain(answer)).encode())) == answer


@given(picked())
def test_each_ordered_line_is_kept_once(case: tuple[list[CartLine], Answer]) -> None:
    """The cart of an answer has each ordered line once, in order, and beside them what the answer says is new."""
    cart, answer = case
    result = answered_cart(cart, answer)
    assert [line.id for line in result if line.id is not None] == [line.id for line in cart]
    new = [line for change in answer.lines for line in change.replaced_by] + [*answer.added]
    assert Counter(line.sku for line in result if line.id is None) == Counter(line.sku for line in new)
    replaced = {line.id for line in result if line.status == "REPLACED"}
    assert {line.replaced_id for line in result if line.replaced_id is not None} == replaced
    assert "NOT_PROCESSED" not in {line.status for line in result}


@given(picked())
def test_sent_lines_are_read_back(case: tuple[list[CartLine], Answer]) -> None:
    """The lines of a request, as they are stored, are the same cart when they are read."""
    lines = answered_cart(*case)
    stored = sent_lines(parse(write([line.to_json() for line in lines]).encode()))
    assert same_lines(stored, lines)


@given(picked(), st.randoms(use_true_random=False))
def test_order_of_lines_does_not_count(case: tuple[list[CartLine], Answer], chance: Any) -> None:
    """A cart is the same in any order of its lines, and so is its digest."""
    lines = [*answered_cart(*case)]
    shuffled = chance.sample(lines, len(lines))
    assert same_lines(lines, shuffled)
    assert same_lines(shuffled, lines)
    assert cart_digest(shuffled) == cart_digest(lines)


def changed(line: CartLine, what: str) -> CartLine:
    """A line that differs in one thing."""
    match what:
        case "status":
            return replace(line, status="NOT_FOUND" if line.status != "NOT_FOUND" else "IN_CART")
        case "name" if line.id is not None:
            return replace(line, id=f"{line.id}x")
        case "name":
            return replace(line, sku=f"{line.sku}x")
        case _ if line.is_weighed:
            return replace(line, weight=(line.weight or Decimal(0)) + 1)
        case _:
            return replace(line, quantity=(line.quantity or Decimal(0)) + 1)


@given(picked(), st.data())
def test_changed_line_is_told(case: tuple[list[CartLine], Answer], data: st.DataObject) -> None:
    """A cart of which one line has another status, name or amount is not the same; nor is one with a line less."""
    lines = [*answered_cart(*case)]
    place = data.draw(st.integers(0, len(lines) - 1))
    what = data.draw(st.sampled_from(["status", "name", "amount"]))
    assume(what != "amount" or lines[place].status in {"IN_CART", "ADDITION"})
    other = [*lines]
    other[place] = changed(lines[place], what)
    assert not same_lines(lines, other)
    assert not same_lines(other, lines)
    assert cart_digest(other) != cart_digest(lines)
    assert not same_lines(lines, lines[:place] + lines[place + 1 :])


@given(picked())
def test_digest_ignores_spelling(case: tuple[list[CartLine], Answer]) -> None:
    """The digest of a cart is the same however its numbers are written."""
    lines = answered_cart(*case)
    spelled = [
        replace(line, quantity=(line.quantity or Decimal(0)) * Decimal("1.0"), name="other", unit_price=Decimal(7))
        for line in lines
    ]
    assert cart_digest(spelled) == cart_digest(lines)
