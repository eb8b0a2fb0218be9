"""Whichever store kills its workers, and whichever order breaks its pages, the others are read."""

from datetime import timedelta
from typing import Any

import pytest

from partner_orders.platform import orders as partner_api
from partner_orders.reconciler.windows import Position
from tests.support.platform import START, VirtualTime, lives
from tests.support.reconciler_faults import between, only_backfills, set_store
from tests.support.reconciler_world import Killed, World
from tests.support.sampling import every
from tools.local.simulated_platform.partner_api import Response

AFTER = START + timedelta(hours=2)


@pytest.fixture
def world(dynamodb: Any) -> World:
    return World(dynamodb, lives(orders=24, stores=4), VirtualTime(AFTER))


def store_of(request: Any) -> str:
    return str(request.target.split("/vendors/")[1].split("/")[0])


def kill_at(world: World, store_id: str) -> None:
    def change(request: Any, answer: Response) -> Response:
        if store_of(request) == store_id:
            raise Killed
        return answer

    between(world, change)


@pytest.mark.parametrize("number", every(3, range(4)))
def test_killer_store_costs_only_itself(world: World, number: int) -> None:
    """Whichever store kills its workers, the others are in sync and it is named."""
    killer = world.shops[number].store_id
    kill_at(world, killer)
    for _ in range(3):
        with pytest.raises(Killed):
            world.run()
        world.new_worker()
        world.time.sleep(300)
    assert world.run().failed_stores == {killer: "ends_the_run"}
    world.drain()
    wrong = {*world.not_in_sync()}
    assert wrong == {life.order_id for life in world.lives if life.shop.store_id == killer}


@pytest.mark.parametrize("number", every(3, range(4)))
def test_killer_store_ends_no_backfill(world: World, number: int) -> None:
    """Whichever store kills its workers, a backfill ends and names it."""
    killer = world.shops[number].store_id
    kill_at(world, killer)
    backfill_id = world.worker.add_backfill({})
    for _ in range(3):
        with pytest.raises(Killed):
            only_backfills(world)
        world.new_worker()
        world.time.sleep(300)
    only_backfills(world)
    progress = world.worker.backfill(backfill_id)
    assert (progress["state"], progress["failed_stores"]) == ("done", {killer: "ends_the_run"})


@pytest.mark.parametrize("number", every(3, range(4)))
def test_cancel_is_never_undone(world: World, number: int) -> None:
    """At whichever store a backfill is cancelled, it requests no other any more, and stays cancelled."""
    backfill_id = world.worker.add_backfill({})
    requested: list[str] = []

    def change(request: Any, answer: Response) -> Response:
        if store_of(request) not in requested:
            requested.append(store_of(request))
        if len(requested) > number:
            world.table.cancel(backfill_id)
        return answer

    between(world, change)
    only_backfills(world)
    only_backfills(world)
    assert len(requested) == number + 1
    # The last store was under way, and may have been done.
    assert world.worker.backfill(backfill_id)["state"] == "cancelled"


@pytest.mark.parametrize("number", every(3, [0, 7, 23], first=1))
def test_bad_order_costs_only_its_minute(world: World, number: int) -> None:
    """Whichever order breaks every response, the others are found, and it is once it breaks none."""
    bad = world.lives[number]
    broken = [bad.order_id.encode()]

    def change(_: Any, answer: Response) -> Response:
        return Response(500, {}, b"{}") if any(order_id in answer.body for order_id in broken) else answer

    between(world, change)
    for _ in range(14):
        report = world.run()
        world.drain()
        world.time.sleep(300)
    near = {life.order_id for life in world.lives if abs(life.created_at - bad.created_at) < timedelta(seconds=62)}
    assert {bad.order_id} <= {*world.not_in_sync()} <= near
    assert (report.failed_stores, report.minutes_left_out) == ({}, 1)
    broken.clear()
    world.time.sleep(25 * 3_600)
    assert world.run().minutes_left_out == 0
    world.drain()
    assert world.not_in_sync() == []


def test_trading_stores_come_before_new_ones(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stores that trade are checked before the history of new ones, but for a quarter of the requests."""
    monkeypatch.setattr(partner_api, "PAGE_SIZE", 1)
    for shop in world.shops:
        world.table.move(Position(shop.store_id, AFTER - timedelta(minutes=5), AFTER - timedelta(hours=1)), 0)
    for number in range(3):
        set_store(world, f"0-new-{number}", name="new")
        world.api._shops[f"0-new-{number}"] = world.lives[:12]
    requested: list[str] = []

    def change(request: Any, answer: Response) -> Response:
        requested.append(store_of(request))
        return answer

    between(world, change)
    report = world.run()
    assert report.counts["stores_checked"] >= 7
    in_turn = [*dict.fromkeys(requested)]
    assert sum(store_id.startswith("0-new") for store_id in in_turn[:5]) == 1
