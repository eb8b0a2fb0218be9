"""What the table asks of two events has one answer, and it is the merge's."""

from hypothesis import given

from partner_orders.orders.event import OrderEvent
from partner_orders.orders.history import merge
from tests.support.lives import histories


@given(histories())
def test_one_of_two_events_supersedes(events: list[OrderEvent]) -> None:
    """Exactly one of two different events supersedes the other."""
    distinct = list(merge(events).events.values())
    for one in distinct:
        for other in distinct:
            assert one.supersedes(other.snapshot_key) + other.supersedes(one.snapshot_key) == (one is not other)


@given(histories())
def test_no_event_supersedes_the_snapshot(events: list[OrderEvent]) -> None:
    """No event supersedes the snapshot of the merge."""
    snapshot = merge(events).snapshot
    assert not any(event.supersedes(snapshot.snapshot_key) for event in events)
