"""Pages of orders of several stores: whole, in order, and read from the index in parts."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from partner_orders.clock import from_text, to_text
from partner_orders.stores.store import StoreSettings
from partner_orders_console.operations.order_pages import PAGE, Choice, Place, page_of_ids
from partner_orders_console.operations.stack import DeployedStack
from tests.support.aws_calls import watch_calls
from tests.support.orders import order

DAY = "2026-10-14"
# Orders of each store: one is busy, several orders share an instant, one store has none.
STORES = {"busy": range(140), "slow": range(3, 90, 30), "even": [minute // 3 for minute in range(60)], "none": ()}


@pytest.fixture
def day(stack: DeployedStack, store_order: Callable[..., None]) -> list[Place]:
    """The places of a day's orders, oldest first."""
    start, places = from_text(f"{DAY}T08:00:00.000Z"), []
    for store_id, minutes in STORES.items():
        stack.stores.set(store_id, StoreSettings(time_zone="UTC"))
        for number, minute in enumerate(minutes):
            place = Place(to_text(start + timedelta(minutes=minute)), f"{store_id}-{number}")
            places.append(place)
            client = {**order()["client"], "store_id": store_id, "external_partner_config_id": None}
            store_order(order(order_id=place.order_id, client=client, sys={"created_at": place.created_at}))
    return sorted(places)


@pytest.mark.slow
@pytest.mark.parametrize("newest_first", [True, False])
def test_pages_hold_each_order_once(stack: DeployedStack, day: list[Place], newest_first: bool) -> None:
    """The pages of a day, one after the other, give each store's orders once and in order."""
    seen: list[str] = []
    after, pages = None, 0
    while pages == 0 or after is not None:
        choice = Choice(stack.stores.all(), DAY, newest_first=newest_first, after=after)
        ids, after = page_of_ids(stack, choice)
        assert len(ids) == PAGE or after is None
        seen, pages = seen + ids, pages + 1
    wanted = [place.order_id for place in sorted(day, reverse=newest_first)]
    assert seen == wanted
    assert pages == -(-len(wanted) // PAGE)


@pytest.mark.slow
@pytest.mark.usefixtures("day")
def test_of_many_stores_little_is_read(stack: DeployedStack, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of stores that share a page, less than a page of each is read from the index."""
    rows: list[int] = []

    def see(operation: str, parameters: dict[str, Any], response: Any) -> None:
        if operation == "Query" and "IndexName" in parameters:
            rows.append(len(response["Items"]))

    stores = stack.stores.all()
    watch_calls(monkeypatch, see)
    page_of_ids(stack, Choice(stores, DAY, newest_first=False))
    assert PAGE < sum(rows) < 2 * PAGE
