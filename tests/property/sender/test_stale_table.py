"""What an answer has changed counts, though neither the table nor the platform shows it yet; and what changed nothing
is tried again."""

from itertools import count
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from partner_orders.order_events.message import OrderEventMessage
from partner_orders.platform.failures import Failure, PartnerApiError
from partner_orders.platform.order_exchange import OrderExchange, Shown
from tests.support.contracts import FAKE, QUICK, orders_table_of
from tests.support.examples import examples
from tests.support.sampling import every, pairs
from tests.support.sender_world import SenderWorld


class DeafWorld(SenderWorld):
    """A world whose consumer stores nothing of what the sender was shown."""

    def send(self, message: OrderEventMessage) -> None:
        self.told.append(message)


@pytest.mark.parametrize("on", QUICK)
@pytest.mark.parametrize("fault", every(3, ["", "put_unanswered", "put_error_after", "put_not_shown_yet"]))
def test_second_answer_keeps_what_the_first_said(on: str, fault: str) -> None:
    """A line that an update took out of the cart stays out of it when the order is ready."""
    with orders_table_of(on) as client:
        world = DeafWorld(client)
        first: dict[str, Any] = {"id": world.lines()[0]["_id"], "not_found": True}
        world.api.faults[fault] = 1
        world.answer(kind="update", lines=[first])
        world.run()
        world.answer()
        world.run()
        assert [world.outcome(1), world.outcome(2)] == ["applied", "applied"]
        assert world.lines()[0]["status"] == "NOT_FOUND"


@pytest.mark.parametrize("on", QUICK)
@given(lost=st.sampled_from(["put_unanswered", "put_error_after", "false_refusal"]), seed=st.integers(1, 50))
@settings(max_examples=examples(12))
def test_products_are_added_once(on: str, lost: str, seed: int) -> None:
    """A product that an answer adds is added once, however late the platform shows it."""
    with orders_table_of(on) as client:
        world = SenderWorld(client, seed=seed)
        world.api.faults |= {lost: 1, "put_not_shown_yet": 1}
        world.answer(kind="update", added=[{"sku": "BAG", "quantity": 1, "unit_price": 0.1}])
        world.run()
        assert (world.outcome(), sum(line["sku"] == "BAG" for line in world.lines())) == ("applied", 1)


@pytest.mark.parametrize("on", QUICK)
@pytest.mark.parametrize(("refusal", "kind"), pairs(["forbidden", "not_found"], ["ready", "update"]))
def test_refusal_that_passes_is_none(on: str, refusal: str, kind: str) -> None:
    """A refusal that says nothing of the answer does not end it, while the platform shows the order."""
    with orders_table_of(on) as client:
        world = SenderWorld(client)
        world.api.faults[refusal] = 1
        world.answer(kind=kind, lines=[{"id": world.lines()[0]["_id"], "not_found": True}])
        world.run()
        assert world.outcome() == "applied"


def test_order_that_is_hidden_for_a_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    """That the platform once says to know no such order makes no refusal of a request that took effect."""
    show, looks = OrderExchange.show, count(1)

    def show_but_once(exchange: OrderExchange, order_id: str) -> Shown:
        if next(looks) == 2:
            raise PartnerApiError(Failure.NOT_FOUND)
        return show(exchange, order_id)

    monkeypatch.setattr(OrderExchange, "show", show_but_once)
    with orders_table_of(FAKE) as client:
        world = SenderWorld(client)
        world.api.faults.update({"false_refusal": 1, "put_not_shown_yet": 1})
        world.answer()
        world.run()
        assert (world.outcome(), len(world.api.answers)) == ("applied", 1)
