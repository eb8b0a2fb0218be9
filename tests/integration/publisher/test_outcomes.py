"""The publisher and answers: each outcome becomes one event, in the order's own sequence of events."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from partner_orders.answers.judgement import Outcome
from partner_orders.answers.table import AnswersTable
from partner_orders.clock import to_text
from tests.support.accepted_answers import BAG, ENDED_AT, ORDER_ID, STORE_ID, accept, end
from tests.support.fixed_clock import NOW
from tests.support.orders_table import RETENTION, TABLE
from tests.support.publisher_world import World, at

SCHEMA = json.loads((Path(__file__).parents[3] / "docs" / "change-event.v1.schema.json").read_text())
KEY = {"pk": {"S": f"ORDER#{ORDER_ID}"}, "sk": {"S": "ANSWERS"}}


@pytest.fixture
def world(dynamodb: Any) -> Iterator[World]:
    made = World(dynamodb)
    yield made
    for detail in made.bus.details:
        jsonschema.validate(detail, SCHEMA)
        kind = "answer" if "answer_id" in detail else "order"
        assert detail.keys() <= SCHEMA["$defs"][kind]["properties"].keys()


@pytest.fixture
def answers(world: World) -> AnswersTable:
    return AnswersTable(world.dynamodb, TABLE, RETENTION)


def row(world: World) -> dict[str, Any]:
    found: dict[str, Any] = world.dynamodb.get_item(TableName=TABLE, Key=KEY)["Item"]
    return found


@pytest.mark.parametrize("outcome", Outcome)
def test_each_outcome_is_one_event(world: World, answers: AnswersTable, outcome: Outcome) -> None:
    """Each outcome is one event with its facts, and accepting, claiming and noting publish nothing."""
    end(answers, accept(answers, "till-1"), outcome, "order_changed", ("line 1: the order has it no longer",))
    assert world.publish().counts == {"Published": 1}
    assert world.bus.kinds == [f"order.answer_{outcome.value}"]
    assert world.bus.details == [
        {
            "schema_version": 1,
            "id": f"{ORDER_ID}/answers/till-1",
            "answer_id": "till-1",
            "order_id": ORDER_ID,
            "store_id": STORE_ID,
            "kind": "ready",
            "outcome": outcome.value,
            "reason": "order_changed",
            "problems": ["line 1: the order has it no longer"],
            "accepted_at": to_text(NOW),
            "ended_at": to_text(ENDED_AT),
            "tries": 1,
            "correlation_id": "request-7",
        }
    ]


@pytest.mark.privacy
def test_outcome_says_nothing_of_the_content(world: World, answers: AnswersTable) -> None:
    """The event of an outcome repeats nothing of what the answer said."""
    end(answers, accept(answers, "till-1", added=(BAG,)), Outcome.APPLIED)
    world.publish()
    assert "Amina" not in world.bus.entries[0]["Detail"]
    assert world.bus.details[0]["reason"] is None


def test_outcomes_stay_among_the_orders_events(world: World, answers: AnswersTable) -> None:
    """Outcomes keep their place among the order's own changes, also behind one that is held."""
    world.receive(at(12, "RECEIVED"))
    stored = accept(answers, "till-1")
    world.receive(at(20, "READY_FOR_PICKUP"))
    end(answers, stored, Outcome.APPLIED)
    world.receive(at(30, "DISPATCHED"))
    world.bus.fault = lambda entry: "ThrottlingException" if "READY" in entry["Detail"] else None
    world.publish()
    assert world.bus.kinds == ["order.received"]
    world.bus.fault = lambda _: None
    world.publish()
    assert world.bus.kinds[1:] == ["order.ready_for_pickup", "order.answer_applied", "order.dispatched"]


def test_row_with_many_outcomes(world: World, answers: AnswersTable) -> None:
    """A row that comes with several outcomes at once is several events, one request after the other."""
    for name in ("till-1", "till-2", "till-3"):
        end(answers, accept(answers, name), Outcome.REFUSED)
    accept(answers, "till-4")
    world.stream.records.clear()
    world.stream.add(KEY, None, row(world))
    assert world.publish().counts == {"Published": 3}
    assert [detail["answer_id"] for detail in world.bus.details] == ["till-1", "till-2", "till-3"]
    assert world.bus.requests == [1, 1, 1]


def test_ended_answer_is_not_told_of_again(world: World, answers: AnswersTable) -> None:
    """The outcome of an answer is one event, whatever becomes of later answers to the order."""
    for name in ("till-1", "till-2"):
        end(answers, accept(answers, name), Outcome.APPLIED)
    assert world.publish().counts == {"Published": 2}
    assert [detail["answer_id"] for detail in world.bus.details] == ["till-1", "till-2"]


def test_refused_outcome_spares_the_next(world: World, answers: AnswersTable) -> None:
    """Of several outcomes in a row, one that the bus never accepts becomes a dead-letter message alone."""
    for name in ("till-1", "till-2", "till-3"):
        end(answers, accept(answers, name), Outcome.REFUSED)
    world.stream.records.clear()
    world.stream.add(KEY, None, row(world))
    world.bus.fault = lambda entry: "MalformedDetail" if "till-2" in entry["Detail"] else None
    published = world.publish()
    assert (published.counts, published.correlation_ids) == ({"Published": 2, "NotPublished": 1}, ["request-7"])
    assert [detail["answer_id"] for detail in world.bus.details] == ["till-1", "till-3"]
    assert json.loads(world.letters.texts[0])["detail_type"] == "order.answer_refused"


def test_held_outcome_comes_again(world: World, answers: AnswersTable) -> None:
    """A temporary error holds an outcome, which is published when the error is over."""
    end(answers, accept(answers, "till-1"), Outcome.APPLIED)
    world.bus.fault = lambda _: "InternalFailure"
    published = world.publish()
    assert (published.counts, published.correlation_ids) == ({"Held": 1}, ["request-7"])
    world.bus.fault = lambda _: None
    world.publish()
    assert world.bus.kinds == ["order.answer_applied"]


def test_outcome_is_published_again_if_asked(world: World, answers: AnswersTable) -> None:
    """An outcome is published again under its id if somebody asks, and an open answer has none."""
    end(answers, accept(answers, "till-1"), Outcome.APPLIED)
    accept(answers, "till-2")
    world.publish()
    asked = [answers.publish_again(ORDER_ID, name, NOW) for name in ("till-1", "till-2", "till-9")]
    assert asked == [True, False, False]
    world.publish()
    answers.publish_again(ORDER_ID, "till-1", NOW + timedelta(seconds=1))
    world.publish()
    assert [detail["id"] for detail in world.bus.details] == [f"{ORDER_ID}/answers/till-1"] * 3


def test_unreadable_answers_become_a_dead_letter(world: World) -> None:
    """A row of answers that cannot be read becomes a dead-letter message, and later changes are published."""
    odd = {"M": {"outcome": {"S": "applied"}}}
    world.stream.add(KEY, None, KEY | {"a#0001": odd})
    world.receive(at(12, "RECEIVED"))
    assert world.publish().counts == {"NotPublished": 1, "Published": 1}


def test_status_never_names_an_outcome(world: World) -> None:
    """A status of the platform is never taken for the outcome of an answer."""
    world.receive(at(12, "ANSWER_APPLIED"))
    world.publish()
    assert world.bus.kinds == ["order.status_answer_applied"]
