"""The row of an order's answers, from the first answer to its outcome, and what is read of orders for an answer."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from partner_orders.answers.judgement import Outcome
from partner_orders.answers.order_reads import STORE_FRESH, OrderReads
from partner_orders.answers.stored import Ending, Progress, attribute
from partner_orders.aws import keys
from partner_orders.aws.attribute_values import Row
from partner_orders.aws.dynamodb import ConditionFailedError, Table
from partner_orders.clock import to_text
from partner_orders.stores.store import StoreSettings
from tests.support.answers import ORDER_ID, STORE_ID
from tests.support.answers_world import AnswersWorld
from tests.support.contracts import FAKE, orders_table_of, stale_orders_table
from tests.support.fixed_clock import NOW
from tests.support.orders_table import RETENTION, TABLE

LATER = NOW + timedelta(seconds=10)


@pytest.fixture
def world() -> Iterator[AnswersWorld]:
    with orders_table_of(FAKE) as client:
        yield AnswersWorld(client)


def row(world: AnswersWorld) -> Row:
    """All of the row but its key."""
    found = Table(world.client, TABLE).get(keys.answers(ORDER_ID))
    assert found is not None
    return {name: value for name, value in found.items() if name not in {"pk", "sk"}}


def accepted(world: AnswersWorld, count: int, at: datetime) -> Row:
    """The row of so many open answers, the last of which was accepted then."""
    answers = world.table.get(ORDER_ID).answers
    return {
        "schema_version": 1,
        "store_id": STORE_ID,
        "accepted": count,
        "expires_at": int((at + RETENTION).timestamp()),
        "open": "ANSWERS",
        "listed_at": to_text(NOW + timedelta(seconds=30)),
        **{f"a#{stored.number:04d}": attribute(stored) for stored in answers},
    }


def update(world: AnswersWorld, number: int) -> None:
    assert world.post(kind="update", answer_id=f"till-{number}")[0] == 202


def test_row_of_open_answers(world: AnswersWorld) -> None:
    """An order is listed half a minute after its first open answer, and kept for the retention after its last one."""
    update(world, 1)
    assert row(world) == accepted(world, 1, NOW)
    world.now = LATER
    update(world, 2)
    assert row(world) == accepted(world, 2, LATER)


def test_row_of_a_claim(world: AnswersWorld) -> None:
    """While a sender has an order, nobody else gets it, and it is listed for when the claim ends."""
    update(world, 1)
    assert world.table.claim(ORDER_ID, LATER) is not None
    until = to_text(LATER + timedelta(seconds=120))
    claimed = {"claimed_until": until, "listed_at": until, "fence": 1}
    assert row(world) == accepted(world, 1, NOW) | claimed
    assert world.table.claim(ORDER_ID, LATER + timedelta(seconds=120)) is None
    assert world.table.claim(ORDER_ID, LATER + timedelta(seconds=121)) is not None
    assert row(world)["fence"] == 2


def test_row_of_an_answer_put_off(world: AnswersWorld) -> None:
    """An order whose answer is put off is free, and listed for its next try."""
    update(world, 1)
    claimed = world.table.claim(ORDER_ID, NOW)
    assert claimed is not None
    assert claimed.oldest_open is not None
    world.table.put_off(claimed, claimed.oldest_open, Progress(LATER, failures=1, failure="rate_limited"))
    assert row(world) == accepted(world, 1, NOW) | {"listed_at": to_text(LATER), "fence": 1}


def test_row_of_ended_answers(world: AnswersWorld) -> None:
    """An order whose answers have all ended is listed no more; a new one lists it again."""
    for number in (1, 2):
        update(world, number)
    world.end()
    both = accepted(world, 2, NOW)
    until = to_text(NOW + timedelta(seconds=120))
    assert row(world) == both | {"claimed_until": until, "listed_at": until, "fence": 1}
    world.now += timedelta(seconds=121)
    world.end(Outcome.REFUSED)
    ended = accepted(world, 2, NOW)
    del ended["open"], ended["listed_at"]
    assert row(world) == ended | {"fence": 2}
    update(world, 3)
    listed_at = to_text(world.now + timedelta(seconds=30))
    assert row(world) == accepted(world, 3, world.now) | {"fence": 2, "listed_at": listed_at}


def test_due_orders_are_bounded(world: AnswersWorld) -> None:
    """Orders that should have been taken up are listed from their time on, and so many at most."""
    update(world, 1)
    at = NOW + timedelta(seconds=30)
    assert [*world.table.due(at - timedelta(microseconds=1), 9)] == []
    assert [*world.table.due(at, 9)] == [ORDER_ID]
    world.receive(order_id="another-order")
    world.now = LATER
    assert world.post(kind="update", order_id="another-order")[0] == 202
    assert [*world.table.due(at + timedelta(minutes=1), 9)] == [ORDER_ID, "another-order"]
    assert [*world.table.due(at + timedelta(minutes=1), 1)] == [ORDER_ID]


def test_outcome_that_expires_meanwhile(world: AnswersWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """An outcome that expires while it is asked for again cannot be published."""
    update(world, 1)
    assert not world.table.publish_again(ORDER_ID, "till-1", NOW)
    world.end()
    assert world.table.publish_again(ORDER_ID, "till-1", LATER)
    assert row(world)["republished"] == f"1#{to_text(LATER)}"

    def expired(*_: Any, **__: Any) -> None:
        raise ConditionFailedError(None)

    monkeypatch.setattr(Table, "update", expired)
    assert not world.table.publish_again(ORDER_ID, "till-1", LATER)


# -- what is read ------------------------------------------------------------------------------------------------------


def test_order_that_was_just_written_is_answered() -> None:
    """An answer is checked against the order, its answers and its store as they are, also just after a write."""
    world = AnswersWorld(stale_orders_table())
    assert world.post(kind="update")[0] == 202
    assert world.post(kind="update", answer_id="till-2")[0] == 202
    world.switch(False)
    assert world.post(kind="update", answer_id="till-3")[1]["type"] == "store_off"


def test_switch_counts_within_half_a_minute(world: AnswersWorld) -> None:
    """Whether a store answers is read again after half a minute, and not before."""
    now = [NOW]
    reads = OrderReads(Table(world.client, TABLE), lambda: now[0])
    assert not reads.is_answering("unknown")
    assert reads.is_answering(STORE_ID)
    world.stores.set(STORE_ID, StoreSettings(is_answering=False))
    now[0] = NOW + STORE_FRESH - timedelta(microseconds=1)
    assert reads.is_answering(STORE_ID)
    now[0] = NOW + STORE_FRESH
    assert not reads.is_answering(STORE_ID)


def test_order_that_is_gone(world: AnswersWorld) -> None:
    """An order that is not there has neither a snapshot nor bodies; one without its body says so."""
    reads = OrderReads(Table(world.client, TABLE), lambda: NOW)
    assert (reads.newest("gone"), [*reads.bodies("gone")]) == (None, [])
    order = Table(world.client, TABLE).get(keys.order(ORDER_ID))
    assert order is not None
    for name in [name for name in order if name.startswith("e#")]:
        del order[name]["body"]
    with pytest.raises(LookupError) as raised:
        reads.snapshot(order)
    assert str(raised.value) == "the snapshot's body is not there any more"


def test_ending_is_stored_whole(world: AnswersWorld) -> None:
    """An outcome is stored with its time, its reason and what is wrong by line."""
    update(world, 1)
    world.now = LATER
    world.end(Outcome.REFUSED, "order_changed", ("line ln-1: gone",))
    [stored] = world.table.get(ORDER_ID).answers
    assert stored.ending == Ending(Outcome.REFUSED, LATER, "order_changed", ("line ln-1: gone",))
