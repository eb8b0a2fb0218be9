"""Whatever goes wrong on the way, an answer has one effect at most, in its turn, and ends as the platform shows it."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from partner_orders.answers.cart import cart_of, same_lines
from partner_orders.answers.judgement import Outcome
from partner_orders.answers.put_body import UPDATE_CART
from partner_orders.answers.stored import StoredAnswer
from partner_orders.orders.event import parse_event
from tests.support.contracts import QUICK, orders_table_of
from tests.support.sender_world import SenderWorld
from tools.local.simulated_platform.lives import to_text

FAULTS = (
    *("false_refusal", "put_lost", "put_unanswered", "put_error_before", "put_error_after", "put_slow"),
    *("put_cancelled_before", "put_normalised", "put_not_shown_yet", "put_refused", "too_many", "server_error"),
    *("unauthorized", "html", "truncated", "hang"),
)
BAG = {"sku": "BAG", "quantity": 1, "unit_price": 0.1}


@pytest.mark.parametrize("on", QUICK)
@pytest.mark.slow
@given(
    faults=st.dictionaries(st.sampled_from(FAULTS), st.integers(1, 3), max_size=4),
    deaths=st.sets(st.integers(1, 60), max_size=4),
    kinds=st.lists(st.sampled_from(["ready", "added", "updated", "cancel", "two"]), min_size=1, max_size=2),
    loses_wake_ups=st.booleans(),
)
@settings(max_examples=15)
def test_answers_survive_any_trouble(
    on: str, faults: dict[str, int], deaths: set[int], kinds: list[str], loses_wake_ups: bool
) -> None:
    """Each answer ends; what it says has an effect once if it is applied, and none if it is refused or expired."""
    with orders_table_of(on) as client:
        world = SenderWorld(client, orders=len(kinds))
        for order, kind in enumerate(kinds):
            _answer(world, order, kind)
        world.api.faults.update(faults)
        world.storm(deaths, loses_wake_ups)
        for order in range(len(kinds)):
            _check(world, order)


def _answer(world: SenderWorld, order: int, kind: str) -> None:
    first = world.lines(order)[0]["_id"]
    match kind:
        case "added":
            world.answer(order, added=[BAG])
        case "updated":
            world.answer(order, kind="update", added=[BAG])
        case "cancel":
            world.answer(order, kind="cancel", reason="CLOSED")
        case "two":
            world.answer(order, kind="update", lines=[{"id": first, "not_found": True}])
            world.answer(order)
        case _:
            world.answer(order)


def _check(world: SenderWorld, order: int) -> None:
    order_id, answers = world.lives[order].order_id, world.answers(order).answers
    sent = [body["status"] for _, answered, body in world.api.answers if answered == order_id]
    effects = Counter(sent)
    wanted = [_status(world, order, stored) for stored in answers]
    # One after the other: once the second one was sent, nothing of the first one comes.
    assert sent == sorted(sent, key=wanted.index)
    for stored, status in zip(answers, wanted, strict=True):
        assert stored.ending is not None, stored
        outcome = stored.ending.outcome
        if outcome in {Outcome.REFUSED, Outcome.EXPIRED}:
            assert effects[status] == 0, (outcome, sent)
        elif outcome is Outcome.APPLIED and stored.answer.has_new_lines:
            assert effects[status] == 1, sent
        elif outcome is Outcome.APPLIED:
            assert effects[status] >= 1, sent
    bags = sum(line["sku"] == "BAG" for line in world.lines(order))
    assert bags <= 1
    assert world.status(order) in {"RECEIVED", "READY_FOR_PICKUP", "DISPATCHED", "CANCELLED"}
    _check_lines(world, order)


def _status(world: SenderWorld, order: int, stored: StoredAnswer) -> str:
    kind = stored.answer.kind.value
    ready = "DISPATCHED" if world.lives[order].steps[0].body["transport_type"] == "VENDOR_DELIVERY" else ""
    return {"update": UPDATE_CART, "cancel": "CANCELLED"}.get(kind, ready or "READY_FOR_PICKUP")


def _check_lines(world: SenderWorld, order: int) -> None:
    """What the table has of the order, once all has come, are the platform's lines."""
    life = world.api.shown(world.lives[order].order_id)
    assert life is not None
    shown = cart_of(parse_event(to_text(life.steps[-1].body).encode()).order.items)
    answers = world.answers(order).answers
    if all(stored.ending and stored.ending.outcome is Outcome.APPLIED for stored in answers):
        known = world.reads.newest(world.lives[order].order_id)
        assert known is not None
        assert same_lines(cart_of(known.order.items), shown)
