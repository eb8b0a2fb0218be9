"""What the table asks of two events has one answer, and it is the merge's."""

from hypothesis import given

from partner_orders.orders.event import OrderEvent
from partner_orders.orders.history import merge
from tests.support.lives import histories


@given(histories())
def test_of_two_different_events_exactly_one_supersedes_the_other(events: list[OrderEvent]) -> None:
    distinct = list(merge(events).events.values())
    for one in distinct:
        for other in distinct:
            assert one.supersedes(other.snapshot_key) + other.supersedes(one.snapshot_key) == (one is not other)


@given(histories())
def test_no_event_supersedes_the_snapshot_of_the_merge(events: list[OrderEvent]) -> None:
    snapshot = merge(events).snapshot
    assert not any(event.supersedes(snapshot.snapshot_key) for event in events)
