"""What the consumer rejects: kept whole, unless it names an order whose customer was erased."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from partner_orders.consumer.intake import Delivery, Intake
from partner_orders.order_events.message import OrderEventMessage
from partner_orders.orders.erasure import Erasure
from partner_orders.orders.rejected import digest_of
from partner_orders.orders.rejected_table import RejectedTable
from partner_orders.orders.table import OrdersTable
from partner_orders.stores.table import StoresTable
from tests.support.examples import examples
from tests.support.fixed_clock import NOW, clock
from tests.support.orders import CHAIN_ID, as_bytes, order
from tests.support.orders_table import RETENTION, TABLE

pytestmark = pytest.mark.privacy

WHOLE = as_bytes(order(20))
# From where the order's id and its customer's name are both there, to where the object ends.
ID = order()["order_id"].encode()
FIRST = max(WHOLE.index(b"Amna"), WHOLE.index(ID)) + 40


@settings(max_examples=examples(10), suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.integers(FIRST, len(WHOLE) - 1), st.booleans(), st.booleans(), st.sampled_from((None, "", ["RECEIVED"])))
@example(FIRST, True, True, None)
def test_rejected_event_of_the_erased(
    dynamodb: Any, cut: int, is_erased: bool, is_in_capitals: bool, status: Any
) -> None:
    """A rejected event is kept whole; of an erased order it is kept without the customer, however its id is written."""
    orders = OrdersTable(dynamodb, TABLE, RETENTION)
    rejected = RejectedTable(dynamodb, TABLE, timedelta(days=90), clock)
    for row in dynamodb.scan(TableName=TABLE)["Items"]:
        dynamodb.delete_item(TableName=TABLE, Key={"pk": row["pk"], "sk": row["sk"]})
    bodies = (WHOLE[:cut].replace(ID, ID.upper() if is_in_capitals else ID), as_bytes(order(20, status=status)))
    with ThreadPoolExecutor(1) as executor:
        intake = Intake(orders, StoresTable(dynamodb, TABLE, CHAIN_ID, clock), rejected, clock, executor)
        texts = [OrderEventMessage("webhook", NOW, "c", body).to_text() for body in (as_bytes(order(10)), *bodies)]
        intake.process([Delivery("m", texts[0])], lambda: 30.0)
        if is_erased:
            Erasure(dynamodb, TABLE, lambda _: True, clock).erase_order(order()["order_id"])
        intake.process([Delivery(f"m{number}", text) for number, text in enumerate(texts[1:])], lambda: 30.0)
    for body in bodies:
        event = rejected.get(digest_of(body))
        assert event is not None
        assert (event.body == body) is not is_erased
        assert (b"Amna" in event.body) is not is_erased
