"""An answer that comes while another is sent is taken up, whenever it comes."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from partner_orders.answers.answer import Answer, Kind
from partner_orders.answers.judgement import Outcome
from partner_orders.answers.stored import Ending, OrderAnswers, Progress, StoredAnswer
from partner_orders.answers.table import AcceptedMeanwhileError, AnswersTable
from tests.support.contracts import QUICK, orders_table_of
from tests.support.fixed_clock import NOW
from tests.support.orders_table import RETENTION, TABLE

STEPS = ("claim", "note", "end")


def accept(table: AnswersTable, answer_id: str, earlier: OrderAnswers | None = None) -> StoredAnswer:
    """Accept an answer as the intake does: by what it read of the order, and anew if that has changed."""
    earlier = earlier or table.get("order")
    answer = Answer(answer_id, 1, Kind.UPDATE)
    stored = StoredAnswer(earlier.accepted + 1, answer, NOW, "till", "request", (), Progress(NOW))
    try:
        table.accept(earlier, stored, "store")
    except AcceptedMeanwhileError:
        return accept(table, answer_id)
    return stored


def end_oldest(table: AnswersTable, claimed: OrderAnswers) -> OrderAnswers:
    """End the oldest open answer, whatever was accepted since it was claimed."""
    assert claimed.oldest_open is not None
    try:
        return table.end(claimed, claimed.oldest_open, Ending(Outcome.APPLIED, NOW))
    except AcceptedMeanwhileError:
        return end_oldest(table, table.present_claim(claimed))


def end_all(table: AnswersTable, claimed: OrderAnswers | None) -> list[str]:
    """End each open answer in its turn, as senders would that come an hour apart."""
    ended, later = list[str](), NOW + timedelta(hours=1)
    while claimed is not None:
        while claimed.oldest_open is not None:
            ended.append(claimed.oldest_open.answer.answer_id)
            claimed = end_oldest(table, claimed)
        claimed, later = table.claim("order", later), later + timedelta(hours=1)
    assert not [*table.due(later, 10)]
    return ended


@pytest.mark.parametrize("on", QUICK)
@given(st.sampled_from([*STEPS, "never"]), st.sampled_from([*STEPS, "never"]))
def test_no_answer_is_left_behind(on: str, second: str, third: str) -> None:
    """However many answers come between the steps of sending one, each has its turn, by one sender at a time."""
    with orders_table_of(on) as client:
        table = AnswersTable(client, TABLE, RETENTION)
        first, wanted = accept(table, "a"), ["a"]

        def others(step: str) -> None:
            for name, when in (("b", second), ("c", third)):
                if when == step:
                    accept(table, name)
                    wanted.append(name)

        others("claim")
        claimed = table.claim("order", NOW)
        assert claimed is not None
        assert table.claim("order", NOW) is None
        others("note")
        claimed = table.note(claimed, first, Progress(NOW, tries=1))
        others("end")
        assert end_all(table, claimed) == wanted


@pytest.mark.parametrize("on", QUICK)
@given(st.lists(st.sampled_from(range(4)), min_size=2, max_size=2).map(sorted))
def test_answer_that_was_read_before_an_end(on: str, moments: list[int]) -> None:
    """An answer that the intake judged at one step of sending another, and stores at a later one, has its turn."""
    with orders_table_of(on) as client:
        table = AnswersTable(client, TABLE, RETENTION)
        first = accept(table, "a")
        read: list[OrderAnswers] = []

        def at(moment: int) -> None:
            if moment == moments[0]:
                read.append(table.get("order"))
            if moment == moments[1]:
                accept(table, "b", read[0])

        at(0)
        claimed = table.claim("order", NOW)
        assert claimed is not None
        at(1)
        claimed = table.note(claimed, first, Progress(NOW, tries=1))
        at(2)
        claimed = end_oldest(table, claimed)
        at(3)
        assert end_all(table, claimed) == ["b"]
