"""``table restore`` and ``forget`` where orders have answers: none is sent twice, lost, or taken for an order."""

import io
from collections.abc import Callable

import pytest

from partner_orders.answers.answer import Kind
from partner_orders.answers.judgement import Outcome
from partner_orders.aws import keys
from partner_orders.aws.attribute_values import Row
from partner_orders_console.operations import table_restore
from partner_orders_console.operations.stack import DeployedStack
from tests.support.accepted_answers import BAG, ORDER_ID, accept, end
from tests.support.console import Ran, on_moto
from tests.support.fixed_clock import NOW
from tests.support.orders import order
from tests.support.orders_table import TABLE

pytestmark = on_moto

type Run = Callable[..., Ran]

RESTORED = f"{TABLE}-restored"


@pytest.fixture
def plan(stack: DeployedStack, store_order: Callable[..., None]) -> table_restore.Plan:
    """A restore to a time at which one answer had ended, and another was open."""
    store_order(order())
    end(stack.answers, accept(stack.answers, "till-1", kind=Kind.UPDATE), Outcome.APPLIED)
    accept(stack.answers, "till-2", added=(BAG,))
    stack.dynamodb.restore_table_to_point_in_time(SourceTableName=TABLE, TargetTableName=RESTORED)
    return table_restore.Plan(
        TABLE, RESTORED, NOW, NOW, NOW, 0, 0, consumer_is_paused=True, is_there=True, erasures_since=0
    )


def row(stack: DeployedStack) -> Row:
    found = stack.table.get(keys.answers(ORDER_ID))
    assert found is not None
    return found


def test_restored_answer_is_not_sent(stack: DeployedStack, plan: table_restore.Plan) -> None:
    """A lost row comes back with each answer's outcome, and one that was open then is unknown and not sent."""
    stack.table.delete(keys.answers(ORDER_ID))
    table_restore._Copying(stack, plan, 1, lambda _: None).write_lost()
    first, second = (stored.ending for stored in stack.answers.get(ORDER_ID).answers)
    assert first is not None
    assert second is not None
    assert (first.outcome, second.outcome, second.reason) == (Outcome.APPLIED, Outcome.UNKNOWN, "table_restored")
    assert not {"open", "listed_at", "claimed_until"} & row(stack).keys()
    accept(stack.answers, "till-3")
    assert [stored.is_open for stored in stack.answers.get(ORDER_ID).answers] == [False, False, True]


def test_answers_are_not_written_over(stack: DeployedStack, plan: table_restore.Plan) -> None:
    """Restoring an order over what is there leaves its answers as they are."""
    end(stack.answers, stack.answers.get(ORDER_ID).answers[1], Outcome.APPLIED)
    there = row(stack)
    restored = table_restore._Copying(stack, plan, 1, lambda _: None).write_over((ORDER_ID,))
    assert (row(stack), restored.total) == (there, 1)


@pytest.mark.usefixtures("plan")
def test_forget_leaves_answers(run: Run, stack: DeployedStack, monkeypatch: pytest.MonkeyPatch) -> None:
    """Erasing a customer passes the answers over, and the order can still be answered."""
    there = row(stack)
    monkeypatch.setattr("sys.stdin", io.StringIO(order()["customer"]["phone_number"]))
    ran = run("forget", "--by", "phone", "--yes", "--json")
    assert (ran.status, ran.json["orders"]) == (0, 1)
    assert row(stack) == there
