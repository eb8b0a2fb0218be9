"""Stores that end every run: whoever serves them is killed, for memory or by a timeout."""

import contextlib
import itertools
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from partner_orders.platform.failures import OutOfTimeError
from partner_orders.reconciler.lease import LeaseLostError
from partner_orders.reconciler.report import Report
from partner_orders.reconciler.windows import Position
from tests.support.platform import START, VirtualTime, lives
from tests.support.reconciler_faults import between, only_backfills
from tests.support.reconciler_world import Killed, World
from tools.local.simulated_platform.partner_api import Response

AFTER = START + timedelta(hours=2)
DAY = 86_400.0


@pytest.fixture
def world(dynamodb: Any) -> World:
    """Six stores, all in sync up to the trading hour."""
    world = World(dynamodb, lives(orders=40, stores=6), VirtualTime(START - timedelta(minutes=5)))
    world.run()
    return world


def kill_at(world: World, store_id: str) -> list[str]:
    """Kill the worker whenever it requests a store, while the store's id is in the list that is returned."""
    killers = [store_id]

    def change(request: Any, answer: Response) -> Response:
        if any(f"/vendors/{killer}/" in request.target for killer in killers):
            raise Killed
        return answer

    between(world, change)
    return killers


def runs(world: World, seconds: float, run: Callable[[], Report] | None = None, every: float = 900.0) -> list[Report]:
    """Run at an interval, and give the reports of the runs that ended."""
    reports, end = [], world.time.seconds + seconds
    while world.time.seconds < end:
        began = world.time.seconds
        try:
            reports.append((run or world.run)())
        except Killed:
            world.new_worker()
        world.drain()
        world.time.sleep(max(0.0, began + every - world.time.seconds))
    return reports


def killer_of(world: World) -> str:
    return world.lives[0].shop.store_id


@pytest.mark.slow
def test_killer_store_stops_no_other(world: World) -> None:
    """A store at which every worker is killed keeps no order of the others away, and is named."""
    killer = killer_of(world)
    kill_at(world, killer)
    reports = runs(world, DAY)
    others = {life.order_id for life in world.lives if life.shop.store_id != killer}
    assert others.isdisjoint(world.not_in_sync())
    assert reports[-1].failed_stores == {killer: "ends_the_run"}
    assert len(reports) > 85  # of 96: it is tried ever more rarely


def test_killer_store_is_named_after_three_runs(world: World) -> None:
    """After three visits that never ended, the store fails by name, and the runs end."""
    killer = killer_of(world)
    kill_at(world, killer)
    for killed in range(3):
        with pytest.raises(Killed):
            world.run()
        assert world.table.position(killer).unended_visits == killed + 1
        world.new_worker()
        world.time.sleep(300)
    assert world.run().failed_stores == {killer: "ends_the_run"}


def test_others_are_served_before_the_killer(world: World) -> None:
    """From the second run on, every other store is served before the one that ends the run."""
    killer = killer_of(world)
    kill_at(world, killer)
    with pytest.raises(Killed):
        world.run()
    world.new_worker()
    world.time.sleep(300)
    with pytest.raises(Killed):
        world.run()
    positions = world.table.positions()
    began = world.time.now() - timedelta(minutes=1)
    checked = {store_id for store_id, at in positions.items() if at.checked_until and at.checked_until > began}
    assert checked == {shop.store_id for shop in world.shops} - {killer}


@pytest.mark.slow
def test_killer_store_heals(world: World) -> None:
    """A store that ended runs is read, and no longer named, once it ends none."""
    killers = kill_at(world, killer_of(world))
    runs(world, DAY / 4)
    killers.clear()
    reports = runs(world, DAY)
    assert reports[-1].failed_stores == {}
    assert world.not_in_sync() == []
    assert world.table.position(killer_of(world)).unended_visits == 0


@pytest.mark.slow
def test_tries_become_rare(world: World) -> None:
    """A store that ends runs is tried after an hour, two, four, and at least daily."""
    killer, tries = killer_of(world), []

    def change(request: Any, answer: Response) -> Response:
        if f"/vendors/{killer}/" in request.target:
            tries.append(world.time.now())
            raise Killed
        return answer

    between(world, change)
    runs(world, 4 * DAY, every=3_600.0)
    waits = [(later - earlier) / timedelta(hours=1) for earlier, later in itertools.pairwise(tries)][2:]
    assert all(least <= wait < least + 1.5 for wait, least in zip(waits, [1, 2, 4, 8, 16, 24], strict=False))
    assert len(waits) >= 6


@pytest.mark.parametrize("error", [OutOfTimeError, LeaseLostError, MemoryError])
def test_run_that_ends_is_no_fault_of_a_store(world: World, error: type[Exception]) -> None:
    """A run that ends in an orderly way leaves no visit behind that never ended."""
    world.time.sleep(300)

    def change(_: Any, __: Response) -> Response:
        raise error

    between(world, change)
    with contextlib.suppress(error):
        world.run()
    assert {position.unended_visits for position in world.table.positions().values()} == {0}


def test_visit_costs_one_write_more(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A visit of a store writes its position when it begins and when it ends, and no more."""
    moved: list[Position] = []
    move = type(world.table).move

    def count(table: Any, position: Position, fencing_token: int) -> None:
        moved.append(position)
        move(table, position, fencing_token)

    monkeypatch.setattr(type(world.table), "move", count)
    world.time.sleep(300)
    world.run()
    assert [position.unended_visits for position in moved] == [1, 0] * 6


# -- backfills ----------------------------------------------------------------------------------------------------


def test_backfill_ends_despite_a_killer(world: World) -> None:
    """A backfill fails a store at which every worker is killed by name, and ends."""
    world.time.sleep(7_200)
    killer = killer_of(world)
    kill_at(world, killer)
    backfill_id = world.worker.add_backfill({})
    runs(world, 3_600, lambda: only_backfills(world))
    progress = world.worker.backfill(backfill_id)
    assert (progress["state"], progress["stores_done"]) == ("done", 6)
    assert progress["failed_stores"] == {killer: "ends_the_run"}
    others = {life.order_id for life in world.lives if life.shop.store_id != killer}
    assert others.isdisjoint(world.not_in_sync())


def test_backfill_serves_others_before_a_killer(world: World) -> None:
    """A store at which a worker was killed is the last of its backfill."""
    killer = killer_of(world)
    backfill_id = world.worker.add_backfill({"stores": [killer, *(shop.store_id for shop in world.shops)]})
    kill_at(world, killer)
    with pytest.raises(Killed):
        only_backfills(world)
    world.new_worker()
    world.time.sleep(300)
    with pytest.raises(Killed):
        only_backfills(world)
    backfill = world.table.backfill(backfill_id)
    assert backfill is not None
    assert backfill.pending == (killer,)


def test_run_that_ends_is_no_fault_in_a_backfill(world: World) -> None:
    """A backfill whose run is out of time counts no visit as one that never ended."""
    backfill_id = world.worker.add_backfill({})

    def change(_: Any, __: Response) -> Response:
        raise OutOfTimeError

    between(world, change)
    only_backfills(world)
    backfill = world.table.backfill(backfill_id)
    assert backfill is not None
    assert (backfill.is_begun, backfill.unended_visits) == (False, {})


# -- cancelling ---------------------------------------------------------------------------------------------------


def test_cancelled_backfill_is_not_served(world: World) -> None:
    """A cancelled backfill requests nothing any more, and says so."""
    backfill_id = world.worker.add_backfill({})
    assert world.worker.cancel(backfill_id)["state"] == "cancelled"
    assert only_backfills(world).counts["requests"] == 0
    assert world.worker.backfill(backfill_id)["state"] == "cancelled"


def test_running_worker_honours_a_cancel(world: World) -> None:
    """A worker that serves a backfill stops before its next store, and its progress does not undo the cancel."""
    backfill_id = world.worker.add_backfill({})
    requested: list[str] = []

    def change(request: Any, answer: Response) -> Response:
        requested.append(request.target.split("/vendors/")[1].split("/")[0])
        world.table.cancel(backfill_id)
        return answer

    between(world, change)
    report = only_backfills(world)
    assert (report.stopped, len({*requested})) == ("", 1)
    assert world.worker.backfill(backfill_id)["state"] == "cancelled"


def test_done_backfill_stays_done(world: World) -> None:
    """A backfill that is done cannot be cancelled any more."""
    done = world.backfill()
    assert world.worker.cancel(done["backfill"]) == done
