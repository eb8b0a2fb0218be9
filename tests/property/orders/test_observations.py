"""The stored order is a function of the set of events with the latest times at which a GET showed them."""

import itertools
from datetime import datetime, timedelta
from typing import Any
from unittest.mock import patch

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from partner_orders.clock import to_text
from partner_orders.orders import table as orders_table
from partner_orders.orders.event import Arrival, OrderEvent, parse_event
from partner_orders.orders.history import MergedOrder, merge
from partner_orders.orders.table import OrdersTable, Written
from tests.support.examples import examples
from tests.support.fixed_clock import NOW
from tests.support.orders import as_bytes, order
from tests.support.orders_table import RETENTION, TABLE

ONE_TABLE = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
KEY = {"pk": {"S": f"ORDER#{order()['order_id']}"}, "sk": {"S": "ORDER"}}
STATUSES = ("RECEIVED", "RECEIVED", "RECEIVED", "DISPATCHED", "CANCELLED", "CANCELLED")
EVENTS = [parse_event(as_bytes(order(12, status=status, comment=str(n)))) for n, status in enumerate(STATUSES)]
MASKED = parse_event(as_bytes(order(12, status="CANCELLED", comment="4*", extra="a", more="b", most="c")))

type Observation = tuple[OrderEvent, datetime | None]


def at(minutes: int) -> datetime:
    return NOW + timedelta(minutes=minutes)


observations = st.lists(
    st.tuples(
        st.sampled_from([*EVENTS, MASKED]),
        st.none() | st.integers(0, 5).map(at),
    ),
    min_size=1,
    max_size=14,
)


def merged(seen: list[Observation]) -> MergedOrder:
    shown: dict[str, datetime] = {}
    for event, shown_at in seen:
        if shown_at:
            shown[event.digest] = max(shown_at, shown.get(event.digest, shown_at))
    return merge((event for event, _ in seen), shown)


def latest_shown(seen: list[Observation]) -> dict[str, str]:
    """The latest time at which a GET showed each event."""
    latest: dict[str, str] = {}
    for event, shown_at in seen:
        if shown_at:
            latest[event.digest] = max(to_text(shown_at), latest.get(event.digest, ""))
    return latest


def written(dynamodb: Any, seen: list[Observation], sizes: list[int]) -> tuple[OrdersTable, Written]:
    """The table after batches of these sizes, in which a row holds no more than three entries; and the counts."""
    for item in dynamodb.scan(TableName=TABLE)["Items"]:
        dynamodb.delete_item(TableName=TABLE, Key={"pk": item["pk"], "sk": item["sk"]})
    orders, stored = OrdersTable(dynamodb, TABLE, RETENTION), 0
    rest = iter(seen)
    with patch.object(orders_table, "MAX_ENTRIES", 3), patch.object(orders_table, "MAX_MOVED", 2):
        for size in itertools.cycle(sizes):
            batch = [
                (event, Arrival("webhook", NOW, "c", shown_at)) for event, shown_at in itertools.islice(rest, size)
            ]
            if not batch:
                return orders, Written(stored=stored)
            stored += orders.write(batch).stored
    raise AssertionError("unreachable")


# A confirmation that comes late is no later one; and a sale is one though its status has moved out of the row.
@example([(EVENTS[4], at(5)), (EVENTS[4], at(1)), (EVENTS[5], at(3))], list(range(14)), [1])
@example([(EVENTS[n], None) for n in (3, 0, 1, 2, 4, 5, 4)], list(range(14)), [1])
@settings(max_examples=examples(60), suppress_health_check=ONE_TABLE)
@given(observations, st.permutations(range(14)), st.lists(st.integers(1, 4), min_size=1, max_size=4))
def test_convergence_over_observations(
    dynamodb: Any, seen: list[Observation], places: list[int], sizes: list[int]
) -> None:
    """Whatever the order, the batches and what has moved out of the row, the table holds what the merge gives."""
    shuffled = [seen[place] for place in places if place < len(seen)]
    orders, counts = written(dynamodb, shuffled, sizes)
    expected, found = merged(seen), orders.get(EVENTS[0].order_id)
    assert found is not None
    assert (found.snapshot_key, found.digests) == (expected.snapshot_key, frozenset(expected.events))
    assert (found.sale, found.disputed) == (expected.sale, expected.disputed)
    assert {entry.digest: entry.shown_at for entry in found.history if entry.shown_at} == latest_shown(seen)
    known = orders.known([EVENTS[0].order_id])[EVENTS[0].order_id]
    assert known.statuses == {event.status for event, _ in seen}
    assert counts.stored == len(expected.events)


@given(observations, observations)
def test_merge_of_observations(one: list[Observation], other: list[Observation]) -> None:
    """Observations in any order and any number of times give one order."""
    assert merged([*one, *other]).snapshot_key == merged([*other, *one, *one]).snapshot_key


@given(observations)
def test_latest_true_state_is_not_masked(seen: list[Observation]) -> None:
    """A masked copy is never the snapshot where a full one of the same state was seen."""
    full = [event for event, _ in seen if event.status == "CANCELLED" and event is not MASKED]
    assert not full or merged(seen).snapshot.digest != MASKED.digest
