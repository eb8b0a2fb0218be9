"""An answer that comes while another is sent is taken up, whenever it comes."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from partner_orders.answers.answer import Answer, Kind
from partner_orders.answers.judgement import Outcome
from partner_orders.answers.stored import Ending, Progress, StoredAnswer
from partner_orders.answers.table import AcceptedMeanwhileError, AnswersTable
from tests.support.contracts import QUICK, orders_table_of
from tests.support.fixed_clock import NOW
from tests.support.orders_table import RETENTION, TABLE

STEPS = ("claim", "note", "end")


def accept(table: AnswersTable, answer_id: str) -> StoredAnswer:
    earlier = table.get("order")
    answer = Answer(answer_id, 1, Kind.UPDATE)
    stored = StoredAnswer(earlier.accepted + 1, answer, NOW, "till", "request", (), Progress(NOW))
    table.accept(earlier, stored, "store")
    return stored


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
        ended, later = [], NOW + timedelta(hours=1)
        for _ in range(3):
            while (stored := claimed.oldest_open) is not None:
                try:
                    claimed = table.end(claimed, stored, Ending(Outcome.APPLIED, NOW))
                    ended.append(stored.answer.answer_id)
                except AcceptedMeanwhileError:
                    claimed = table.present_claim(claimed)
            if (again := table.claim("order", later)) is None:
                break
            claimed, later = again, later + timedelta(hours=1)
        assert ended == wanted
        assert not [*table.due(later, 10)]
