"""The stores as their rows say."""

from typing import Any

import pytest

from partner_orders.stores.directory import StoreDirectory, store_in
from partner_orders.stores.facts import CODE
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


@pytest.mark.parametrize(
    ("rows", "listings"),
    [
        ([{}], ("q7xk",)),
        # A claim without an alias, an alias without a claim, and both.
        ([{CODE: "GB-1"}], ("q7xk", "GB-1")),
        ([{}, {"sk": "ALIAS#GB-1", "store_id": "q7xk"}], ("q7xk", "GB-1")),
        ([{CODE: "GB-2"}, {"sk": "ALIAS#GB-1", "store_id": "q7xk"}], ("q7xk", "GB-1", "GB-2")),
        ([{CODE: "q7xk"}], ("q7xk",)),
    ],
)
def test_listings_of_a_store(rows: list[dict[str, Any]], listings: tuple[str, ...]) -> None:
    """The orders of a store are listed under its id, and under each code that leads to it."""
    [store] = StoreDirectory({"sk": "STORE#q7xk"} | row for row in rows).stores
    assert store.listings == listings
