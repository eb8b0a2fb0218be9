"""New stores, whose history takes many requests, and the stores that trade meanwhile."""

import itertools
from datetime import timedelta
from typing import Any

import pytest

from partner_orders.platform import orders as partner_api
from partner_orders.reconciler.windows import Position
from tests.support.platform import START, VirtualTime, lives
from tests.support.reconciler_faults import set_store
from tests.support.reconciler_world import World

AFTER = START + timedelta(hours=2)
TRADING, NEW, PAGES = 10, 120, 12


@pytest.fixture
def world(dynamodb: Any, monkeypatch: pytest.MonkeyPatch) -> World:
    """Stores that trade, and as many new ones, each with some pages of history."""
    monkeypatch.setattr(partner_api, "PAGE_SIZE", 1)
    world = World(dynamodb, lives(orders=2 * TRADING, stores=TRADING), VirtualTime(AFTER))
    for shop in world.shops:
        world.table.move(Position(shop.store_id, AFTER - timedelta(minutes=5), AFTER - timedelta(hours=1)), 0)
    for number in range(NEW):
        store_id = f"new-{number:03}"
        set_store(world, store_id, name="new")
        world.api._shops[store_id] = world.lives[:PAGES]
    return world


def are_new(world: World) -> bool:
    positions = world.table.positions()
    read = [store_id for store_id, position in positions.items() if position.daily_check_at]
    return len(read) < NEW + len(world.shops)


@pytest.mark.slow
def test_first_looks_delay_no_trading_store(world: World) -> None:
    """While new stores are read, those that trade are checked at their regular round."""
    trading = {shop.store_id for shop in world.shops}
    requested: dict[str, list[float]] = {store_id: [world.time.seconds] for store_id in trading}
    handle = world.api.handle

    def note(request: Any, now: Any) -> Any:
        store_id = request.target.split("/vendors/")[1].split("/")[0]
        if store_id in trading:
            requested[store_id].append(world.time.seconds)
        return handle(request, now)

    world.api.handle = note  # type: ignore[method-assign]
    while are_new(world):
        report = world.run()
        world.time.sleep(60)
    waits = {later - earlier for times in requested.values() for earlier, later in itertools.pairwise(times)}
    assert max(waits) <= 300 + 60 + report.round_seconds + 60
    assert world.time.seconds < 2 * 3_600


def test_round_is_as_long_as_it_says(world: World) -> None:
    """With new stores, a round of those that trade takes a third longer than without."""
    world.run(seconds=120)
    assert world.table.reports(AFTER - timedelta(hours=1), AFTER + timedelta(hours=1))[-1]["round_seconds"] == round(
        TRADING * 60 / 54 * 4 / 3
    )


def test_first_look_is_read_in_parts(dynamodb: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A first look of many parts goes on where the last part ended, and reads all of it in one run."""
    monkeypatch.setattr(partner_api, "PAGE_SIZE", 1)
    world = World(dynamodb, lives(orders=60, stores=1), VirtualTime(AFTER))
    report = world.run()
    world.drain()
    assert (report.stopped, report.failed_stores, world.not_in_sync()) == ("", {}, [])
    assert report.counts["requests"] < 4 * len(world.lives)
    assert world.table.position(world.shops[0].store_id).daily_check_at is not None
