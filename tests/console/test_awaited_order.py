"""What ``register`` takes for the platform's test order, and what only arrives meanwhile."""

import time
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from partner_orders.order_events.message import ANSWER, RECONCILIATION, REPLAY, WEBHOOK
from partner_orders.orders.event import Arrival
from partner_orders.orders.rejected import digest_of
from partner_orders_console.operations import registering
from partner_orders_console.operations.errors import OperatorError
from partner_orders_console.operations.registering import AwaitedOrder
from partner_orders_console.operations.stack import DeployedStack
from tests.support.console import on_moto
from tests.support.fixed_clock import NOW
from tests.support.orders import order

type StoreOrder = Callable[..., None]


@pytest.fixture
def waited(monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock on which each pause takes its time."""
    passed: list[float] = []

    def now() -> datetime:
        return NOW + timedelta(seconds=sum(passed))

    monkeypatch.setattr(registering, "now", now)
    monkeypatch.setattr("time.sleep", passed.append)


@pytest.mark.usefixtures("waited")
@pytest.mark.parametrize("source", [RECONCILIATION, REPLAY, ANSWER])
@on_moto
def test_only_a_webhook_brings_the_test_order(stack: DeployedStack, store_order: StoreOrder, source: str) -> None:
    """An order that the reconciler, a replay or an answer brings is not the test order; the webhook's is."""
    awaited = AwaitedOrder(stack)
    store_order(order(order_id="found"), source=source)
    with pytest.raises(OperatorError, match="no new order arrived"):
        awaited.wait(1)
    store_order(order(order_id="posted"), source=WEBHOOK)
    assert awaited.wait(5).order_id == "posted"


@pytest.mark.usefixtures("waited")
@on_moto
def test_order_of_before_is_not_awaited(stack: DeployedStack, store_order: StoreOrder) -> None:
    """What was received before the wait began is not the test order, even where its row is written again since."""
    store_order(order(order_id="early"))
    stack.rejected.keep(b"1", Arrival(WEBHOOK, NOW, "c"), "not_an_object", [])
    time.sleep(1)
    awaited = AwaitedOrder(stack)
    store_order(order(30, order_id="early", status="DISPATCHED"), source=RECONCILIATION)
    stack.rejected.keep(b"2", Arrival(WEBHOOK, NOW, "c"), "not_an_object", [])
    with pytest.raises(OperatorError, match="no new order arrived"):
        awaited.wait(5)


@pytest.mark.usefixtures("waited")
@on_moto
def test_rejected_order_of_the_reconciler_is_another(stack: DeployedStack) -> None:
    """An order that the reconciler could not parse is not the rejected test order either; the webhook's is."""
    awaited = AwaitedOrder(stack)
    stack.rejected.keep(b"1", Arrival(RECONCILIATION, NOW, "c"), "not_an_object", [])
    with pytest.raises(OperatorError, match="no new order arrived"):
        awaited.wait(1)
    stack.rejected.keep(b"2", Arrival(WEBHOOK, NOW, "c"), "not_an_object", [])
    assert awaited.wait(5).rejected == digest_of(b"2")
