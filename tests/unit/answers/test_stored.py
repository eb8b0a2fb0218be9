"""An answer as its row holds it: all of it, nothing of the customer's, and how many bytes it takes."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from partner_orders.answers.cart import CartLine
from partner_orders.answers.judgement import Outcome
from partner_orders.answers.stored import (
    MAX_BYTES,
    Ending,
    OrderAnswers,
    Progress,
    StoredAnswer,
    attribute,
    order_answers,
    size_of,
    with_open_ones_ended,
)
from tests.support.answers import ORDER_ID, read

AT = datetime(2026, 10, 14, 9, 0, tzinfo=UTC)
TIME = "2026-10-14T09:00:00.000000Z"
LINE = CartLine("ln-1", "KW-100", "IN_CART", quantity=Decimal(1), unit_price=Decimal("3.4"), name="a name")
SENT = Progress(
    AT,
    tries=2,
    failures=1,
    sent_at=AT,
    sent_lines=(LINE,),
    cart_before="a-digest",
    refusal="refused:1",
    absent_since=AT,
    failure="rate_limited",
)
STORED = StoredAnswer(1, read(), AT, "till", "request-1", ("ln-1",), SENT)
WAITING = {
    "content": '{"answer_id":"till-1","sequence":1,"kind":"ready"}',
    "accepted_at": TIME,
    "by": "till",
    "correlation_id": "request-1",
    "answered_lines": ["ln-1"],
    "next_try_at": TIME,
    "tries": 2,
    "failures": 1,
    "sent_at": TIME,
    "absent_since": TIME,
    "cart_before": "a-digest",
    "refusal": "refused:1",
    "failure": "rate_limited",
}


def test_answer_in_its_row() -> None:
    """A row holds how far an answer is, and of the lines that were sent neither name nor price."""
    row = attribute(STORED)
    sent = row.pop("sent_lines")
    assert row == WAITING
    assert "KW-100" in sent
    assert "a name" not in sent
    assert "3.4" not in sent


def test_ended_answer_in_its_row() -> None:
    """An answer that ended keeps how it was sent, but not its lines."""
    ending = Ending(Outcome.REFUSED, AT, "order_changed", ("line ln-1: gone",))
    ended = {"outcome": "refused", "ended_at": TIME, "reason": "order_changed", "problems": ["line ln-1: gone"]}
    assert attribute(replace(STORED, ending=ending)) == WAITING | ended


def test_row_is_read_back() -> None:
    """What a row holds is read back; a row without a claim has no fence yet."""
    row = {"a#0001": attribute(STORED)}
    read_back = order_answers(ORDER_ID, row)
    [stored] = read_back.answers
    [line] = stored.progress.sent_lines
    assert (read_back.order_id, read_back.fence, read_back.claimed_until) == (ORDER_ID, 0, None)
    claimed = order_answers(ORDER_ID, row | {"fence": 3, "claimed_until": TIME})
    assert claimed == replace(read_back, fence=3, claimed_until=AT)
    assert (line.id, line.sku, line.quantity) == ("ln-1", "KW-100", Decimal(1))
    assert replace(stored, progress=replace(stored.progress, sent_lines=(LINE,))) == STORED


def test_new_answer_in_its_row() -> None:
    """Of an answer that was never sent, a row holds when to send it and nothing of a request."""
    row = attribute(replace(STORED, progress=Progress(AT)))
    assert row.keys() == WAITING.keys() - {"sent_at", "absent_since", "cart_before", "refusal", "failure"}


def test_order_without_a_row_has_no_answers() -> None:
    """An order without a row has what an empty row says: no answer, and no claim so far."""
    assert order_answers(ORDER_ID, None) == order_answers(ORDER_ID, {})


def test_bytes_do_not_tell_orders_apart() -> None:
    """The answers are the same in however many bytes their row holds them."""
    assert OrderAnswers(ORDER_ID, size=1) == OrderAnswers(ORDER_ID, size=2)


def test_bytes_of_an_answer() -> None:
    """The bytes of an answer are those of its texts, as UTF-8, with the lines that are sent."""
    progress = replace(SENT, sent_lines=())
    short = size_of(replace(STORED, progress=progress), [])
    assert short == sum(len(str(value)) for value in (WAITING | {"answered_lines": "ln-1"}).values())
    assert size_of(replace(STORED, by="tïll", progress=progress), []) == short + 1
    assert size_of(replace(STORED, by="t\ud800ll", progress=progress), []) == short + 2
    with_lines = size_of(replace(STORED, progress=progress), [LINE])
    assert with_lines == short + len(attribute(STORED)["sent_lines"])
    assert with_lines == order_answers(ORDER_ID, {"a#0001": attribute(STORED)}).size < MAX_BYTES


def test_open_answers_end() -> None:
    """Every open answer of a row ends the same way; what has ended stays, and nobody has a claim."""
    ended = replace(STORED, ending=Ending(Outcome.APPLIED, AT))
    numbered = [replace(STORED, number=number) for number in (2, 3)]
    row: dict[str, Any] = {"a#0001": attribute(ended), "accepted": 3, "fence": 3}
    row |= {f"a#000{one.number}": attribute(one) for one in numbered}
    claimed = row | {"open": "ANSWERS", "listed_at": TIME, "claimed_until": TIME}
    ending = Ending(Outcome.UNKNOWN, AT, "restored")
    expected = {f"a#000{one.number}": attribute(replace(one, ending=ending)) for one in numbered}
    assert with_open_ones_ended(claimed, ending) == row | expected
