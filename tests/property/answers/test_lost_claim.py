"""A sender that has lost its claim of an order changes nothing of it any more."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from partner_orders.answers.answer import Answer, Kind
from partner_orders.answers.judgement import Outcome
from partner_orders.answers.stored import Ending, OrderAnswers, Progress, StoredAnswer
from partner_orders.answers.table import CLAIM, AnswersTable, ClaimLostError
from tests.support.contracts import QUICK, orders_table_of
from tests.support.fixed_clock import NOW
from tests.support.orders_table import RETENTION, TABLE

type Step = Callable[[AnswersTable, OrderAnswers, StoredAnswer], object]
STALE, NEWER = Progress(NOW, tries=1), Progress(NOW + timedelta(minutes=5), tries=7)
STEPS: dict[str, Step] = {
    "note": lambda table, claimed, stored: table.note(claimed, stored, STALE),
    "put off": lambda table, claimed, stored: table.put_off(claimed, stored, STALE),
    "let go": lambda table, claimed, _: table.let_go(claimed, NOW),
    "end": lambda table, claimed, stored: table.end(claimed, stored, Ending(Outcome.EXPIRED, NOW)),
}


@pytest.mark.parametrize("on", QUICK)
@given(st.sampled_from(sorted(STEPS)), st.sampled_from(["claimed", "noted", "put off"]))
def test_lost_claim_changes_nothing(on: str, step: str, since: str) -> None:
    """Whatever a sender does after another has claimed the order, and however far that one is, is refused, and what
    the other one noted stays."""
    with orders_table_of(on) as client:
        table = AnswersTable(client, TABLE, RETENTION)
        answer = Answer("a", 1, Kind.UPDATE)
        table.accept(table.get("order"), StoredAnswer(1, answer, NOW, "till", "request", (), Progress(NOW)), "store")
        lost = table.claim("order", NOW)
        assert lost is not None
        other = table.claim("order", NOW + CLAIM + timedelta(seconds=1))
        assert other is not None
        [stored] = other.answers
        if since == "noted":
            table.note(other, stored, NEWER)
        elif since == "put off":
            table.put_off(other, stored, NEWER)
        before = table.get("order")
        with pytest.raises(ClaimLostError):
            STEPS[step](table, lost, stored)
        assert table.get("order") == before
