"""An event for the bus: how much it holds, and what it shows of itself."""

import json

import pytest

from partner_orders.publisher.change_event import MAX_DETAIL_BYTES, ChangeEvent


def event_of(length: int) -> ChangeEvent:
    """An event whose detail has so many bytes."""
    return ChangeEvent("order.received", {"id": "a/1", "order": "x" * (length - len('{"id":"a/1","order":""}'))})


def test_order_is_left_out_beyond_the_limit() -> None:
    """A detail of the most bytes is whole; with one more it has no order, and says so."""
    text = event_of(MAX_DETAIL_BYTES).detail_text()
    assert (len(text), json.loads(text).keys()) == (MAX_DETAIL_BYTES, {"id", "order"})
    assert json.loads(event_of(MAX_DETAIL_BYTES + 1).detail_text()) == {
        "id": "a/1",
        "order": None,
        "order_left_out": "too_large",
    }


@pytest.mark.privacy
def test_event_shows_no_detail() -> None:
    """What is logged of an event has nothing of the order."""
    assert repr(ChangeEvent("order.received", {"order": "Amina"})) == "ChangeEvent(detail_type='order.received')"
