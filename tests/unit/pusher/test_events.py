"""What the bus is told of a store's status and of a promotion: exactly these fields, and neither who wished it nor
their words."""

from datetime import timedelta
from typing import Any

import pytest

from partner_orders.promotions import state as promotions
from partner_orders.promotions.wish import Channel
from partner_orders.pusher.promotion_events import outcome_changed
from partner_orders.pusher.status_events import status_changed
from partner_orders.store_status.record import Record
from partner_orders.store_status.shown import Reading
from partner_orders.store_status.wish import Kind, Outcome, Wish
from tests.support.promotions import NOW, promotion, wish_of

pytestmark = pytest.mark.privacy

UNTIL = NOW + timedelta(hours=3)
CLOSING = Wish(1, Kind.CLOSED_UNTIL, UNTIL, "OTHER", "a person", "because", NOW)
SHOWN = Reading("CLOSED_UNTIL", "OTHER", UNTIL)
OF_A_WISH = Record("n", 2, NOW, CLOSING, Outcome.SHOWN, puts=1, reading=SHOWN, before=Reading("OPEN"), is_event=True)
PUT = promotion()
SAID = promotions.first(PUT, wish_of(PUT)(1), Channel.API, NOW)


def _names(detail: Any, prefix: str = "") -> set[str]:
    """The paths of all values."""
    if not isinstance(detail, dict):
        return {prefix}
    return {path for name, value in detail.items() for path in _names(value, f"{prefix}.{name}" if prefix else name)}


def test_event_of_a_status_has_no_person() -> None:
    """An event of a store's status has these fields alone."""
    told = status_changed("q7xk", OF_A_WISH)
    shown = {
        f"{side}.{name}" for side in ("shown", "old_shown") for name in ("status", "closed_reason", "closed_until")
    }
    wish = {"number", "status", "closed_reason", "closed_until", "outcome", "refusal", "sends"}
    names = {"schema_version", "id", "store_id", "changed_at", *shown, *(f"wish.{name}" for name in wish)}
    assert _names(told.detail) == names
    assert not any(word in told.detail_text() for word in ("a person", "because"))


def test_event_of_a_promotion_has_no_person() -> None:
    """An event of a promotion has these fields alone."""
    told = outcome_changed(SAID, SAID.untold[0])
    wish = {"number", "ends_it", "outcome", "problem", "left_out", "sends"}
    names = {"schema_version", "id", "promotion_id", "name", "starts_at", "ends_at", "changed_at"}
    assert _names(told.detail) == names | {f"wish.{name}" for name in wish}
    assert not any(word in told.detail_text() for word in ("a person", "because"))
