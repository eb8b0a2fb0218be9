"""The consumer keeps stores as the platform last said they are, also in an environment that has just started."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import permutations
from typing import Any

import pytest

from partner_orders.consumer.intake import Delivery, Intake
from partner_orders.order_events.message import OrderEventMessage
from partner_orders.orders.rejected_table import RejectedTable
from partner_orders.orders.table import OrdersTable
from partner_orders.stores.table import StoresTable
from tests.support.fixed_clock import clock
from tests.support.orders import CHAIN_ID, as_bytes, order
from tests.support.orders_table import TABLE, Calls


@pytest.fixture
def executor() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(4) as threads:
        yield threads


class Consumers:
    """Each event comes to an environment that has just started."""

    def __init__(
        self, orders: OrdersTable, rejected: RejectedTable, executor: ThreadPoolExecutor, dynamodb: Any
    ) -> None:
        self._parts = (orders, rejected, executor, dynamodb)

    def take(self, minute: int, order_id: str, **client: Any) -> None:
        orders, rejected, executor, dynamodb = self._parts
        stores = StoresTable(dynamodb, TABLE, CHAIN_ID, clock)
        intake = Intake(orders, stores, rejected, clock, executor)
        body = order(minute, order_id=order_id, client={"chain_id": CHAIN_ID, **client})
        body["sys"]["created_at"] = body["sys"]["updated_at"]
        text = OrderEventMessage("webhook", clock(), "c", as_bytes(body)).to_text()
        assert intake.process([Delivery("m", text)], lambda: 30.0).failed == {}


@pytest.fixture
def consumers(orders: OrdersTable, rejected: RejectedTable, executor: ThreadPoolExecutor, dynamodb: Any) -> Consumers:
    return Consumers(orders, rejected, executor, dynamodb)


def test_name_is_the_last_by_the_platforms_clock(consumers: Consumers, stores: StoresTable) -> None:
    """A store has the name of its latest event, whatever the order of arrival, in cold environments too."""
    for number, told in enumerate(permutations([("Old", 10), ("New", 20), ("Old", 30)])):
        for name, minute in told:
            consumers.take(minute, f"{number}/{minute}", store_id=f"s{number}", name=name)
    assert {store.name for store in stores.all()} == {"Old"}


@pytest.mark.parametrize("fact", ["name", "country_code", "external_partner_config_id"])
def test_latest_clock_tells_the_store(consumers: Consumers, stores: StoresTable, fact: str) -> None:
    """A store is as its latest event says by the platform's clock, whichever came first, and whatever the values."""
    for number, told in enumerate(([("A", 20), ("Z", 10)], [("Z", 10), ("A", 20)])):
        for value, minute in told:
            consumers.take(minute, f"{number}/{minute}", store_id=f"s{number}", **{fact: f"{value}{number}"})
    assert {getattr(store, fact) for store in stores.all()} == {"A0", "A1"}


def test_name_that_older_orders_repeat_stays(consumers: Consumers, stores: StoresTable) -> None:
    """A name that an order said again counts as of then, also where the store's newest orders say no name."""
    for minute in (10, 30):
        consumers.take(minute, f"named/{minute}", store_id="q7xk", name="Clifton")
    for minute in range(31, 40):
        consumers.take(minute, f"nameless/{minute}", store_id="q7xk")
    consumers.take(20, "late", store_id="q7xk", name="Former")
    assert [store.name for store in stores.all()] == ["Clifton"]


def test_late_event_takes_no_code_away(consumers: Consumers, stores: StoresTable) -> None:
    """An event of 08:10 with a code that a live store has from 08:00 to 08:30 does not take it away."""
    for minute in range(0, 31, 5):
        consumers.take(minute, f"live/{minute}", store_id="live", external_partner_config_id="GB-1")
    consumers.take(10, "late", store_id="closed", external_partner_config_id="GB-1")
    found = stores.find("GB-1")
    assert found is not None
    assert (found.store_id, found.listings) == ("live", ("live", "GB-1"))


def test_latest_event_of_an_order_tells_the_store(intake: Intake, stores: StoresTable, dynamodb: Any) -> None:
    """Of several events of an order in one batch, the latest one tells of the store, and nothing is written of the
    others."""
    told = [order(20), order(30, status="READY_FOR_PICKUP"), order(10)]
    for body, name in zip(told, ("New", "Newest", "Old"), strict=True):
        body["client"]["name"] = name
    deliveries = [
        Delivery(f"m{number}", OrderEventMessage("webhook", clock(), "c", as_bytes(body)).to_text())
        for number, body in enumerate(told)
    ]
    calls = Calls(dynamodb)
    assert intake.process(deliveries, lambda: 30.0).failed == {}
    # The order, the store, and its code.
    assert calls.made.count("UpdateItem") == 3
    assert [store.name for store in stores.all()] == ["Newest"]
