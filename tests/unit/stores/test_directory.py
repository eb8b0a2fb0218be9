"""The stores as their rows say."""

from typing import Any

import pytest

from partner_orders.stores.directory import store_in
from partner_orders.stores.store import Store
from tests.support.fixed_clock import NOW

ROW: dict[str, Any] = {
    "sk": "STORE#q7xk",
    "store_id": "q7xk",
    "external_partner_config_id": "GB-1",
    "name": "Greenbasket Clifton",
    "country_code": "pk",
    "currency": "PKR",
    "time_zone": "Asia/Karachi",
    "trading_hours": "mon-fri 08:00-22:00",
    "is_paused": True,
    "is_answering": True,
    "paused_at": "2026-10-14T08:00:00.000000Z",
    "paused_by": "Amina",
    "paused_reason": "a flood",
    "registered_at": "2026-10-14T09:00:00.000000Z",
}


def test_store_of_a_row() -> None:
    """A store has all that its row says."""
    assert store_in(ROW) == Store(
        store_id="q7xk",
        external_partner_config_id="GB-1",
        name="Greenbasket Clifton",
        country_code="pk",
        currency="PKR",
        time_zone="Asia/Karachi",
        trading_hours="mon-fri 08:00-22:00",
        is_paused=True,
        is_answering=True,
        paused_at="2026-10-14T08:00:00.000000Z",
        paused_by="Amina",
        paused_reason="a flood",
        registered_at=NOW,
    )


@pytest.mark.parametrize(
    ("written", "is_paused"), [("True", True), ("true", True), ("no", False), (False, False), (1, False)]
)
def test_store_of_a_row_by_hand(written: Any, is_paused: bool) -> None:
    """A row that somebody wrote by hand is a store by its key: what is of another type, or no time, counts as absent,
    and a pause may be a word."""
    row = {"sk": "STORE#q7xk", "name": 7, "registered_at": "today", "is_paused": written, "is_answering": "true"}
    assert store_in(row) == Store("q7xk", is_paused=is_paused)
    assert store_in({"sk": "STORE#q7xk"}) == Store("q7xk")
