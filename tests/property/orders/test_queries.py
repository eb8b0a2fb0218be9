"""What the indexes answer about the orders of a store is what a look at every order would."""

from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from partner_orders.clock import to_text
from partner_orders.orders import lifecycle
from partner_orders.orders.event import Arrival, parse_event
from partner_orders.orders.table import OrdersTable
from tests.support.examples import examples
from tests.support.orders import as_bytes, order
from tests.support.orders_table import RETENTION, TABLE

NOW = datetime(2026, 10, 14, 12, tzinfo=UTC)
STORES = ("q7xk", "n9wz")
STATUSES = ("RECEIVED", "READY_FOR_PICKUP", "DISPATCHED", "CANCELLED", "COMPLETED")
HOURS = st.integers(-72, 72)
EXAMPLES = count()


@settings(max_examples=examples(60), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    orders=st.lists(st.tuples(st.sampled_from(STORES), st.sampled_from(STATUSES), HOURS), max_size=5),
    start=HOURS,
    end=HOURS,
)
def test_store_queries_are_as_looking_at_all(
    dynamodb: Any, orders: list[tuple[str, str, int]], start: int, end: int
) -> None:
    """The open orders of a store and its newest one, between any two times; orders may be dated ahead."""
    first, last = NOW + timedelta(hours=start), NOW + timedelta(hours=end)
    table = OrdersTable(dynamodb, TABLE, RETENTION)
    # One table for all examples: each has stores of its own.
    example = f"{next(EXAMPLES)}-"
    for number, (store, status, hours) in enumerate(orders):
        at = to_text(NOW + timedelta(hours=hours))
        body = order(
            order_id=f"{example}{number}",
            status=status,
            client={"store_id": example + store},
            sys={"created_at": at, "updated_at": at},
        )
        table.write([(parse_event(as_bytes(body)), Arrival("webhook", NOW, "c"))])
    for store in STORES:
        created = {
            f"{example}{number}": (status, NOW + timedelta(hours=hours))
            for number, (of_store, status, hours) in enumerate(orders)
            if of_store == store and start <= hours <= end
        }
        followed = {
            order_id: at
            for order_id, (status, at) in created.items()
            if lifecycle.is_open(status) and lifecycle.is_known(status)
        }
        assert table.newest_of_store(example + store, first, last) == max(
            (at for _, at in created.values()), default=None
        )
        if start <= end:
            assert table.open_of_store(example + store, first, last) == followed
            assert table.has_open(example + store, first, last) == bool(followed)
