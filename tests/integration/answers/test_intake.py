"""The intake of answers at its limits: the last byte, writes that others win, and a history that cannot be read."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from partner_orders.answers import intake
from partner_orders.answers.intake import HinderedError
from partner_orders.answers.order_reads import OrderReads
from partner_orders.answers.put_body import target_of
from partner_orders.answers.rules import Hindrance
from partner_orders.answers.stored import size_of
from partner_orders.answers.table import AcceptedMeanwhileError
from partner_orders.aws import keys
from partner_orders.aws.dynamodb import Table
from partner_orders.clock import INSTANT
from partner_orders.orders.event import parse_event
from partner_orders.orders.packed_body import pack
from partner_orders.orders.stored import EVENT
from tests.support.answers import ORDER_ID, STORE_ID, lines, read
from tests.support.answers_world import AnswersWorld
from tests.support.contracts import FAKE, orders_table_of
from tests.support.orders import as_bytes, order
from tests.support.orders_table import TABLE


@pytest.fixture
def world() -> Iterator[AnswersWorld]:
    with orders_table_of(FAKE) as client:
        yield AnswersWorld(client)


def test_preview_stores_nothing(world: AnswersWorld) -> None:
    """A preview tells what would be stored and sent, and stores and sends nothing."""
    preview = world.intake().preview(STORE_ID, ORDER_ID, read())
    assert (world.stored, world.wake_ups.woken) == ([], [])
    assert preview.will_send is not None
    assert preview == world.intake().take(STORE_ID, ORDER_ID, read(), "", "")


def test_request_to_come_is_not_printed(world: AnswersWorld) -> None:
    """What is printed of an answer that was taken has no word of the request that it means."""
    preview = world.intake().preview(STORE_ID, ORDER_ID, read())
    assert "will_send" not in repr(preview)
    assert "READY_FOR_PICKUP" not in repr(preview)


def test_hindrance_says_what_it_is(world: AnswersWorld) -> None:
    """What hinders an answer is an error with the sentence that the till gets."""
    world.switch(False)
    with pytest.raises(HinderedError) as raised:
        world.intake().preview(STORE_ID, ORDER_ID, read())
    assert str(raised.value) == intake.DETAILS[Hindrance.STORE_OFF]


def test_switch_is_read_again_after_half_a_minute(world: AnswersWorld) -> None:
    """What is known of a store's switch is at most half a minute old."""
    reads = OrderReads(Table(world.client, TABLE), lambda: world.now)
    assert reads.is_answering(STORE_ID)
    world.switch(False)
    world.now += timedelta(seconds=30) - INSTANT
    assert reads.is_answering(STORE_ID)
    world.now += INSTANT
    assert not reads.is_answering(STORE_ID)


def test_last_byte_is_taken(world: AnswersWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """Answers may fill the bytes that are kept of them, to the last one."""
    target = target_of(read(), parse_event(as_bytes(order(10, items=lines()))).order, world.brand)
    stored = world.intake().preview(STORE_ID, ORDER_ID, read()).stored
    room = size_of(stored, target.lines)
    monkeypatch.setattr(intake, "MAX_BYTES", room - 1)
    with pytest.raises(HinderedError) as raised:
        world.intake().preview(STORE_ID, ORDER_ID, read())
    assert raised.value.hindrance == Hindrance.TOO_MANY_ANSWERS
    monkeypatch.setattr(intake, "MAX_BYTES", room)
    assert world.intake().preview(STORE_ID, ORDER_ID, read()).stored == stored


def test_write_that_others_win_gets_503(world: AnswersWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer that others come before, each time, is not stored, and its caller may try again."""
    tries: list[Any] = []

    def accept(*arguments: Any) -> None:
        tries.append(arguments)
        raise AcceptedMeanwhileError

    monkeypatch.setattr(world.table, "accept", accept)
    assert world.post()[0] == 503
    assert (len(tries), world.stored, world.wake_ups.woken) == (8, [], [])
    with pytest.raises(RuntimeError) as raised:
        world.intake().take(STORE_ID, ORDER_ID, read(), "", "")
    assert str(raised.value) == "concurrent answers to an order won every time"


@pytest.mark.parametrize("body", [None, b"{}", b'{"job_id": "1", "status": "COMPLETED"}'])
def test_history_that_cannot_be_read_gets_409(world: AnswersWorld, body: bytes | None) -> None:
    """Where an event of the history cannot be read any more, nobody knows whether the lines have changed."""
    [first] = events_of_order(world)
    world.receive(20, promised_for="2026-10-14T09:55:00.000Z")
    replace_body(world, first, body)
    assert world.post()[1]["type"] == "order_changed"
    assert world.post(sequence=2)[0] == 202


def events_of_order(world: AnswersWorld) -> list[str]:
    stored = world.orders.get(ORDER_ID)
    assert stored is not None
    return [entry.digest for entry in stored.history]


def replace_body(world: AnswersWorld, digest: str, body: bytes | None) -> None:
    """Have another body for an event, or none."""
    pk, sk = keys.order(ORDER_ID)
    change: dict[str, Any] = {"UpdateExpression": "REMOVE #event.#body"}
    if body is not None:
        values = {":body": {"B": pack(body)}}
        change = {"UpdateExpression": "SET #event.#body = :body", "ExpressionAttributeValues": values}
    world.client.update_item(
        TableName=TABLE,
        Key={"pk": {"S": pk}, "sk": {"S": sk}},
        ExpressionAttributeNames={"#event": f"{EVENT}{digest}", "#body": "body"},
        **change,
    )
