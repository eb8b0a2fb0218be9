"""The merge's laws, kept in DynamoDB: whatever the order, the batches, and whoever writes in between."""

from collections import Counter
from dataclasses import asdict
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from partner_orders.aws.attribute_values import from_attributes
from partner_orders.clock import to_text
from partner_orders.orders.event import Arrival, OrderEvent, parse_event
from partner_orders.orders.history import Sale, merge
from partner_orders.orders.stored import StoredOrder, stored_order
from partner_orders.orders.table import OrdersTable
from tests.support import lives
from tests.support.examples import examples
from tests.support.fixed_clock import NOW
from tests.support.lives import histories
from tests.support.orders import as_bytes
from tests.support.orders_table import RETENTION, TABLE

ONE_TABLE = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
ARRIVAL = Arrival("webhook", NOW, "c1")
SIZES = st.lists(st.integers(1, 4), min_size=1, max_size=10)


class Writer:
    """Writes batches of one order; before some of its calls the next batch is written by somebody else."""

    def __init__(self, dynamodb: Any, events: list[OrderEvent], sizes: list[int], overtaken: list[bool]) -> None:
        self._orders = OrdersTable(dynamodb, TABLE, RETENTION)
        self._client = dynamodb
        self._key = {"pk": {"S": f"ORDER#{events[0].order_id}"}, "sk": {"S": "ORDER"}}
        self._waiting = list(events)
        self._sizes = iter(sizes * len(events))
        self._overtaken = iter(overtaken)
        self.states: list[StoredOrder] = []
        self.counted: Counter[str] = Counter()
        self.new: list[str] = []

    def run(self) -> StoredOrder:
        self._client.delete_item(TableName=TABLE, Key=self._key)
        events = self._client.meta.events
        events.register("before-call.dynamodb.UpdateItem", self._overtake)
        events.register("after-call.dynamodb.UpdateItem", self._look)
        try:
            while self._waiting:
                self._write()
        finally:
            events.unregister("before-call.dynamodb.UpdateItem", self._overtake)
            events.unregister("after-call.dynamodb.UpdateItem", self._look)
        found = self._orders.get(self._key["pk"]["S"].removeprefix("ORDER#"))
        assert found is not None
        return found

    def _write(self) -> None:
        size = next(self._sizes)
        batch, self._waiting = self._waiting[:size], self._waiting[size:]
        written = asdict(self._orders.write([(event, ARRIVAL) for event in batch]))
        self.new += written.pop("new")
        self.counted += Counter(written)

    def _overtake(self, **_: Any) -> None:
        if not self._waiting:
            return
        for is_overtaken in self._overtaken:
            if is_overtaken:
                self._write()
            return

    def _look(self, **_: Any) -> None:
        item = self._client.get_item(TableName=TABLE, Key=self._key)["Item"]
        self.states.append(stored_order(from_attributes(item), {}))


def seen(order: StoredOrder) -> tuple[object, ...]:
    return order.snapshot_key, order.sale, order.disputed


@settings(max_examples=examples(60), suppress_health_check=ONE_TABLE)
@given(histories(max_size=6), SIZES, st.lists(st.booleans(), max_size=12))
def test_convergence_under_concurrent_writes(
    dynamodb: Any, events: list[OrderEvent], sizes: list[int], overtaken: list[bool]
) -> None:
    """Convergence: the table holds what the pure merge gives, whatever the concurrent writes."""
    writer = Writer(dynamodb, events, sizes, overtaken)
    merged, found = merge(events), writer.run()
    assert found.snapshot_key == merged.snapshot.snapshot_key
    assert found.digests == merged.events.keys()
    assert (found.sale, found.disputed, found.conflicts) == (merged.sale, merged.disputed, merged.conflicts)
    assert found.status == merged.snapshot.status
    assert found.attributes["order_code"] == merged.snapshot.order.order_code
    assert writer.counted["stored"] == len(merged.events)
    assert sorted(writer.new) == sorted(merged.events)
    assert writer.counted["duplicates"] == len(events) - len(merged.events)
    assert writer.counted["conflicts"] == merged.conflicts
    created_at = merged.snapshot.order.sys.created_at or merged.snapshot.occurred_at
    if created_at is not None:
        assert found.attributes["listed_at"] == to_text(created_at)
    for entry in found.history:
        assert entry.body is not None
        assert parse_event(entry.body).digest == entry.digest


@pytest.mark.slow
@settings(max_examples=examples(60), suppress_health_check=ONE_TABLE)
@given(st.tuples(lives.events(), lives.events(), lives.events()))
def test_convergence_of_an_overtaken_retry(dynamodb: Any, events: tuple[OrderEvent, OrderEvent, OrderEvent]) -> None:
    """Convergence: the second write of a batch may be overtaken."""
    known, new, overtaking = events
    # Before the second try to write what was partly known, a third event is written.
    found = Writer(dynamodb, [known, known, new, overtaking], [1, 2, 1], [False, False, True]).run()
    assert found.snapshot_key == merge(events).snapshot.snapshot_key
    assert found.digests == merge(events).events.keys()


@settings(max_examples=examples(40), suppress_health_check=ONE_TABLE)
@given(histories(max_size=6), SIZES, st.lists(st.booleans(), max_size=12))
def test_sequence_counts_changes_only(
    dynamodb: Any, events: list[OrderEvent], sizes: list[int], overtaken: list[bool]
) -> None:
    """The sequence of an order counts its changes and nothing else."""
    writer = Writer(dynamodb, events, sizes, overtaken)
    writer.run()
    assert writer.states[0].sequence == 1
    for before, after in zip(writer.states, writer.states[1:], strict=False):
        assert after.sequence - before.sequence == (seen(before) != seen(after))


@settings(max_examples=examples(20), suppress_health_check=ONE_TABLE)
@given(lives.bodies(), lives.bodies(), st.sampled_from(["DISPATCHED", "PICKED_UP", "DELIVERED"]))
def test_late_sale_is_a_change(
    dynamodb: Any, cancelled: dict[str, Any], collected: dict[str, Any], status: str
) -> None:
    """A late event that makes a cancelled order a sale is a change."""
    cancelled |= {"status": "CANCELLED", "cancellation": {"reason": "TOO_BUSY"}, "sys": at("08:20")}
    collected |= {"status": status, "sys": at("08:12")}
    writer = Writer(dynamodb, [parse_event(as_bytes(body)) for body in (cancelled, collected)], [1], [])
    assert writer.run().sale is Sale.YES
    first, *_, last = writer.states
    assert [(state.sequence, state.sale) for state in (first, last)] == [(1, Sale.NO), (2, Sale.YES)]


def at(time: str) -> dict[str, str]:
    return {"created_at": "2026-10-14T08:00:00.000Z", "updated_at": f"2026-10-14T{time}:00.000Z"}
