"""What one write of an order changes, and what its history keeps."""

from datetime import timedelta
from typing import Any

import pytest

from partner_orders.orders.event import Arrival, OrderEvent, parse_event
from partner_orders.orders.plan import changes_the_sale, history_entry
from tests.support.fixed_clock import NOW
from tests.support.orders import as_bytes, order


def event(**fields: Any) -> OrderEvent:
    return parse_event(as_bytes(order(**fields)))


@pytest.mark.parametrize(("claimed", "changes"), [(None, True), (True, False), (False, False)])
def test_late_status_may_change_the_sale(claimed: bool | None, changes: bool) -> None:
    """A late event makes a cancelled order a sale only where the cancellation says nothing of it."""
    row = {"status": "CANCELLED", "post_picked_up": claimed, "e#1": {"status": "RECEIVED"}}
    assert changes_the_sale([event(status="DISPATCHED")], row) is changes
    assert not changes_the_sale([event(status="ACCEPTED")], row)


def test_history_entry_is_whole() -> None:
    """An entry has all that is known of an event's arrival, and nothing of what is not."""
    arrival = Arrival("webhook", NOW, "c1", NOW + timedelta(minutes=1))
    assert history_entry(event(items="none"), arrival, b"packed", is_redacted=True) == {
        "status": "RECEIVED",
        "received_at": "2026-10-14T09:00:00.000000Z",
        "source": "webhook",
        "correlation_id": "c1",
        "occurred_at": "2026-10-14T08:12:44.107000Z",
        "shown_at": "2026-10-14T09:01:00.000000Z",
        "problems": ["items"],
        "body": b"packed",
        "redacted": True,
    }
    assert history_entry(event(sys=None), Arrival("webhook", NOW), None, is_redacted=False) == {
        "status": "RECEIVED",
        "received_at": "2026-10-14T09:00:00.000000Z",
        "source": "webhook",
        "correlation_id": "",
    }
