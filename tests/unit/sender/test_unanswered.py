"""Which orders count as unanswered, and for how long the oldest has waited."""

from datetime import timedelta
from typing import Any

import pytest

from partner_orders.answers.stored import OrderAnswers, Progress, StoredAnswer
from partner_orders.answers.table import AnswersTable
from partner_orders.aws.dynamodb import Table
from partner_orders.clock import to_text
from partner_orders.orders.event import Arrival, parse_event
from partner_orders.orders.table import OrdersTable
from partner_orders.sender.unanswered import Unanswered, UnansweredOrders
from partner_orders.stores.store import StoreSettings
from partner_orders.stores.table import StoresTable
from tests.support.answers import read
from tests.support.contracts import simulated_orders_table
from tests.support.fixed_clock import NOW, clock
from tests.support.orders import CHAIN_ID, as_bytes, order
from tests.support.orders_table import RETENTION, TABLE

ANSWERING = ("q7xk", "q7xm")
SILENT = "q7xn"


class Orders:
    """Two stores that answer within 20 minutes, and one that is switched off."""

    def __init__(self) -> None:
        self.client = simulated_orders_table()
        self.stores = StoresTable(self.client, TABLE, CHAIN_ID, clock)
        for store_id in (*ANSWERING, SILENT):
            self.stores.set(store_id, StoreSettings(is_answering=store_id != SILENT))

    def receive(self, order_id: str, minutes: float, store_id: str = ANSWERING[0], status: str = "RECEIVED") -> None:
        """Store an order that was created some minutes ago."""
        at = to_text(NOW - timedelta(minutes=minutes))
        client = order()["client"] | {"store_id": store_id}
        body = order(order_id=order_id, client=client, status=status, sys={"created_at": at, "updated_at": at})
        event = parse_event(as_bytes(body))
        OrdersTable(self.client, TABLE, RETENTION).write([(event, Arrival("webhook", NOW))])

    def answer(self, order_id: str, **said: Any) -> None:
        stored = StoredAnswer(1, read(**said), NOW, "role/till", "request-7", (), Progress(NOW))
        AnswersTable(self.client, TABLE, RETENTION).accept(OrderAnswers(order_id), stored, ANSWERING[0])

    def count(self) -> Unanswered:
        return UnansweredOrders(Table(self.client, TABLE), self.stores, timedelta(minutes=20), clock).count()


@pytest.fixture
def orders() -> Orders:
    return Orders()


def test_no_order_waits(orders: Orders) -> None:
    """Without an order nothing waits."""
    assert orders.count() == Unanswered(0, 0.0)


def test_orders_of_all_stores(orders: Orders) -> None:
    """Overdue orders of every store that answers count; the oldest tells for how long."""
    for order_id, minutes, store_id in (("a", 30, ANSWERING[0]), ("b", 45, ANSWERING[1]), ("c", 90, SILENT)):
        orders.receive(order_id, minutes, store_id)
    assert orders.count() == Unanswered(2, 45.0)


@pytest.mark.parametrize(("minutes", "waits"), [(19.9, 0), (20, 1), (24 * 60, 1), (24 * 60 + 1, 0)])
def test_how_long_an_order_waits(orders: Orders, minutes: float, waits: int) -> None:
    """An order counts from the time that its store has, and for a day."""
    orders.receive("a", minutes)
    assert orders.count() == Unanswered(waits, minutes * waits)


@pytest.mark.parametrize(
    ("status", "said", "waits"),
    [
        ("ACCEPTED", None, 1),
        ("READY_FOR_PICKUP", None, 0),
        ("RECEIVED", {"kind": "update"}, 1),
        ("RECEIVED", {"kind": "ready"}, 0),
        ("RECEIVED", {"kind": "cancel", "reason": "CLOSED"}, 0),
    ],
)
def test_answered_order(orders: Orders, status: str, said: dict[str, Any] | None, waits: int) -> None:
    """An order waits until it is ready, or an answer to it says so or cancels it."""
    orders.receive("a", 25, status=status)
    if said is not None:
        orders.answer("a", **said)
    assert orders.count() == Unanswered(waits, 25.0 * waits)
