"""Whatever depends on how events arrive is bookkeeping, and docs/guarantees.md names all of it."""

import re
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from partner_orders.aws.attribute_values import Row, from_attributes
from partner_orders.order_events.message import ANSWER, RECONCILIATION, REPLAY, WEBHOOK
from partner_orders.orders.event import Arrival, OrderEvent, parse_event
from partner_orders.orders.table import OrdersTable
from tests.support.examples import examples
from tests.support.fixed_clock import NOW
from tests.support.lives import histories
from tests.support.orders import as_bytes, order
from tests.support.orders_table import RETENTION, TABLE

PAGE = (Path(__file__).parents[3] / "docs" / "guarantees.md").read_text(encoding="utf-8")
# Of a snapshot without a time, two more.
OF_UNTIMED = {"listed_at", "expires_at"}
# In which row a body is kept, and its text, which may be that of another copy.
OF_BODIES = {"body"}
TWO_EVENTS = [parse_event(as_bytes(order(minute))) for minute in (12, 13)]


def documented() -> set[str]:
    """The names that the page gives, with those of an order without a time."""
    paragraph = PAGE.partition("- Only bookkeeping depends")[2].partition("If two copies")[0]
    return {*re.findall(r"`(\w+)`", paragraph)}


def row_after(dynamodb: Any, events: list[OrderEvent], sizes: list[int], source: str) -> Row:
    """The order's row after the events have come in batches, each at another time."""
    key = {"pk": {"S": f"ORDER#{events[0].order_id}"}, "sk": {"S": "ORDER"}}
    dynamodb.delete_item(TableName=TABLE, Key=key)
    orders, rest = OrdersTable(dynamodb, TABLE, RETENTION), list(events)
    begins = NOW if source == WEBHOOK else NOW + timedelta(minutes=30)
    for number, size in enumerate(sizes * len(events)):
        arrival = Arrival(source, begins + timedelta(hours=number), f"{source}-{number}")
        batch, rest = rest[:size], rest[size:]
        if batch:
            orders.write([(event, arrival) for event in batch])
    row: Row = from_attributes(dynamodb.get_item(TableName=TABLE, Key=key)["Item"])
    return row


def names_that_differ(one: Row, other: Row) -> set[str]:
    """The attributes in which two rows differ; of a history entry, its own attributes."""
    differ: set[str] = set()
    for name in one.keys() | other.keys():
        first, second = one.get(name), other.get(name)
        if isinstance(first, dict) and isinstance(second, dict):
            differ |= names_that_differ(first, second)
        elif first != second:
            differ.add(name)
    return differ


@settings(max_examples=examples(40), suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@example(TWO_EVENTS, Random(1), [1], RECONCILIATION)
@example(TWO_EVENTS, Random(1), [1], REPLAY)
@example(TWO_EVENTS, Random(1), [1], ANSWER)
@given(
    histories(max_size=5),
    st.randoms(use_true_random=False),
    st.lists(st.integers(1, 3), min_size=1, max_size=3),
    st.sampled_from([RECONCILIATION, REPLAY, ANSWER]),
)
def test_only_bookkeeping_depends_on_arrival(
    dynamodb: Any, events: list[OrderEvent], chance: Any, sizes: list[int], source: str
) -> None:
    """Two arrivals of the same events make rows that differ in nothing but what the page names."""
    shuffled = [*events, *chance.sample(events, len(events))]
    chance.shuffle(shuffled)
    one = row_after(dynamodb, events, [1], WEBHOOK)
    other = row_after(dynamodb, shuffled, sizes, source)
    is_timed = one.get("occurred_at") is not None
    allowed = documented() | OF_BODIES
    assert names_that_differ(one, other) <= (allowed - OF_UNTIMED if is_timed else allowed)


def test_page_names_no_more_than_there_is() -> None:
    """Every name of the page is an attribute of a row or of a history entry."""
    entry = {"received_at", "source", "correlation_id"}
    assert documented() == entry | {"version", "sequence", "republished", "body_bytes"} | OF_UNTIMED
