"""Backfills: any gap, on demand, over as many ticks as it takes; and the outage that the platform's history allows."""

import random
import re
import sys
import time as wall
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from partner_orders.clock import to_text
from partner_orders.orders.event import parse_event
from partner_orders.orders.lifecycle import is_final
from partner_orders.orders.model import Client
from partner_orders.reconciler.backfill import InvalidRequestError
from partner_orders.reconciler.table import ReconciliationTable
from partner_orders.reconciler.windows import Position
from tests.support.orders import CHAIN_ID
from tests.support.orders_table import TABLE
from tests.support.platform import START, VirtualTime, lives
from tests.support.reconciler_world import Killed, World
from tests.support.sampling import every
from tools.local.simulated_platform import lives as platform_lives
from tools.local.simulated_platform.lives import Life, Step, trading_hour

AFTER = START + timedelta(hours=2)


@pytest.fixture
def world(dynamodb: Any) -> World:
    made = World(dynamodb, lives(stores=3, orders=30), VirtualTime(AFTER))
    made.run()
    made.queue.messages = []
    return made


def test_backfill_brings_its_window_in_sync(world: World) -> None:
    """A backfill brings its window in sync and ends with a report."""
    done = world.backfill()
    assert (done["state"], done["stores"], done["stores_done"]) == ("done", 3, 3)
    assert done["missing"] == done["enqueued"] == len(world.lives)
    assert world.not_in_sync() == []


def test_backfill_of_older_changes(world: World) -> None:
    """What changed longer ago than the daily check looks is found by a backfill."""
    world.time.sleep(30 * 86_400)
    world.run()  # The daily check.
    world.queue.messages = []
    world.new_worker()
    world.backfill(**{"from": START.isoformat()})
    assert world.not_in_sync() == []


def test_backfill_of_a_change_after_the_end(world: World) -> None:
    """A change of an order that had ended, longer ago than the daily check looks, is found by a backfill alone."""
    world.backfill(**{"from": START.isoformat()})
    world.drain()
    number, life = next((n, life) for n, life in enumerate(world.lives) if is_final(life.steps[-1].status))
    last = life.steps[-1]
    at = last.at + timedelta(minutes=5)
    body = last.body | {"sys": last.body["sys"] | {"updated_at": to_text(at)}, "comment": "Paid back in part"}
    world.time.sleep(30 * 86_400)
    world.run()
    world.drain()
    world.lives[number] = Life(life.order_id, life.shop, (*life.steps, Step(at, body, False)), life.masked)
    world.api.show(world.lives)
    world.time.sleep(25 * 3_600)
    world.run()  # The daily check.
    world.drain()
    assert list(world.not_in_sync()) == [life.order_id]
    world.backfill(**{"from": START.isoformat()})
    assert world.not_in_sync() == []


def test_only_the_requested_part_is_read(world: World) -> None:
    """A backfill reads only the window and the stores asked for."""
    shop = world.lives[0].shop
    middle = START + timedelta(minutes=20)
    ours = [life for life in world.lives if life.shop == shop and life.created_at < middle]
    for name in (shop.store_id, shop.external_partner_config_id):
        done = world.backfill(**{"from": START.isoformat(), "to": middle.isoformat()}, stores=[name], preview=True)
        assert done["orders_checked"] == len(ours)


def test_store_once_known_by_its_code_is_read_once(world: World) -> None:
    """A store that was first known by its code alone, then by both ids, is one of the stores of a run."""
    shop = world.lives[0].shop
    stores = len(world.stores.all())
    client = parse_event(platform_lives.to_text(world.lives[0].steps[0].body).encode()).order.client
    world.stores.remove(next(store for store in world.stores.all() if store.store_id == shop.store_id))
    world.stores.register(client.model_copy(update={"store_id": None}), START)
    world.stores.register(client, START + timedelta(minutes=1))
    assert len(world.stores.all()) == stores
    done = world.backfill(preview=True)
    assert (done["stores_done"], done["missing"]) == (stores, len(world.lives))
    names = [shop.external_partner_config_id, shop.store_id]
    assert world.backfill(stores=names, preview=True)["stores_done"] == 1


def test_code_of_two_stores_is_rejected(world: World) -> None:
    """A code that two stores have at the same time is no store to read, and the error names both."""
    for store_id in ("s1", "s2"):
        world.stores.register(Client(chain_id=CHAIN_ID, store_id=store_id, external_partner_config_id="GB-1"), START)
    with pytest.raises(InvalidRequestError, match="s1, s2"):
        world.worker.add_backfill({"stores": ["GB-1"]})


def test_preview_changes_nothing(world: World) -> None:
    """A preview says what would change and changes nothing."""
    done = world.backfill(preview=True)
    assert done["missing"] == len(world.lives)
    assert done["enqueued"] == 0
    assert world.queue.messages == []


def test_preview_names_what_it_would_enqueue(world: World) -> None:
    """A preview names the orders that it would enqueue, bounded, and a backfill names none."""
    previewed = world.backfill(preview=True)
    named = {order["order_id"] for order in previewed["found"]}
    assert named == {life.order_id for life in world.lives}
    assert {order["found"] for order in previewed["found"]} == {"missing"}
    assert "found" not in world.backfill()


def test_progress_of_a_backfill_is_visible(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The progress of a backfill can be read while it runs."""
    monkeypatch.setattr("partner_orders.platform.orders.PAGE_SIZE", 1)
    world.limit = 10
    world.new_worker()
    backfill_id = world.worker.add_backfill({})
    seen = []
    for _ in range(60):
        world.run(seconds=120)
        progress = world.worker.backfill(backfill_id)
        seen.append((progress["stores_done"], progress["orders_checked"]))
        if progress["state"] == "done":
            break
        world.time.sleep(60)
    assert len(set(seen)) >= 3
    assert seen == sorted(seen)
    assert seen[-1][0] == 3


def served_after(world: World, wait: timedelta, **request: str) -> dict[str, Any]:
    """A backfill that had to wait for its turn."""
    backfill_id = world.worker.add_backfill(request)
    world.time.sleep(wait.total_seconds())
    while world.worker.backfill(backfill_id)["state"] != "done":
        world.worker.run("run", lambda: 900.0, only_backfills=True)
    return world.worker.backfill(backfill_id)


def test_backfill_too_late_names_its_stores(world: World) -> None:
    """A backfill whose whole window has become too old names every store it did not read."""
    start = world.time.now() - timedelta(days=59)
    done = served_after(world, timedelta(days=2), **{"from": to_text(start), "to": to_text(start + timedelta(hours=1))})
    assert done["failed_stores"] == dict.fromkeys((shop.store_id for shop in world.shops), "too_old")
    assert (done["orders_checked"], done["stores_done"]) == (0, 3)


def test_partly_late_backfill_says_from_when(world: World) -> None:
    """A backfill whose window has become too old in part says before when it read nothing."""
    start = world.time.now() - timedelta(days=59)
    done = served_after(world, timedelta(days=2), **{"from": to_text(start)})
    assert (done["failed_stores"], done["orders_checked"]) == ({}, len(world.lives))
    not_read_before = datetime.fromisoformat(done["not_read_before"])
    assert timedelta(days=60) - timedelta(hours=1) < world.time.now() - not_read_before < timedelta(days=60)


def test_short_wait_shortens_no_backfill(world: World) -> None:
    """A backfill that waits for minutes reads its whole window."""
    done = served_after(world, timedelta(minutes=15))
    assert done["not_read_before"] is None
    asked = {datetime.fromisoformat(asked.query["start_time"]) for asked in world.sessions[-1].asked[-3:]}
    assert {at.replace(tzinfo=None) for at in asked} == {
        datetime.fromisoformat(done["from"]).replace(tzinfo=None, microsecond=0) - timedelta(seconds=1)
    }


def test_failing_store_is_retried_then_named(world: World) -> None:
    """A store that fails is retried once at the end of a backfill and then named."""
    world.api.faults = {"forbidden": 1}
    assert world.backfill()["failed_stores"] == {}
    world.api.faults = {"forbidden": 1_000}
    done = world.backfill()
    assert set(done["failed_stores"].values()) == {"forbidden"}
    assert done["state"] == "done"


def test_removed_store_is_named(world: World) -> None:
    """A store that is removed while its backfill waits is named as not registered, and the others are read."""
    backfill_id = world.worker.add_backfill({})
    assert re.fullmatch(rf"{re.escape(to_text(world.time.now()))}-[0-9a-f]{{4}}", backfill_id)
    gone = world.stores.all()[0]
    world.stores.remove(gone)
    while world.worker.backfill(backfill_id)["state"] != "done":
        world.worker.run("run", lambda: 900.0, only_backfills=True)
    done = world.worker.backfill(backfill_id)
    assert (done["failed_stores"], done["stores_done"]) == ({gone.store_id: "not_registered"}, 3)
    assert done["orders_checked"] == sum(life.shop.store_id != gone.store_id for life in world.lives)


def test_backfill_lets_stores_be_checked(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stores are checked as usual while a backfill runs."""
    monkeypatch.setattr("partner_orders.platform.orders.PAGE_SIZE", 1)
    monkeypatch.setattr("partner_orders.reconciler.windows.PAGES_AT_ONCE", 4)
    world.worker.add_backfill({})
    checked = []
    for _ in range(8):
        world.time.sleep(60)
        checked.append(world.run(seconds=120).counts["stores_checked"])
    assert all(checked)


def test_backfill_delays_no_round(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a long run that reads a backfill all the time, each store is visited again and again."""
    monkeypatch.setattr("partner_orders.platform.orders.PAGE_SIZE", 1)
    monkeypatch.setattr("partner_orders.reconciler.windows.PAGES_AT_ONCE", 1)
    world.worker.add_backfill({})
    world.time.sleep(300)
    report = world.run(seconds=20 * 60)
    assert report.counts["stores_checked"] >= 3 * len(world.shops)


def test_backfill_lists_all_positions_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A backfill lists the positions of all stores once, to see what is due."""
    read, positions = [], ReconciliationTable.positions

    def all_of_them(table: ReconciliationTable) -> dict[str, Position]:
        read.append("all")
        return positions(table)

    monkeypatch.setattr(ReconciliationTable, "positions", all_of_them)
    world.worker.add_backfill({})
    world.worker.run("run", lambda: 900.0, only_backfills=True)
    assert read == ["all"]  # of what is due, once


def test_backfill_uses_the_id_that_works(world: World) -> None:
    """A backfill asks for a store by the id that the API accepts."""
    shop = world.lives[0].shop
    code = shop.external_partner_config_id
    world.table.move(Position(shop.store_id, AFTER, AFTER, vendor_id=code), fencing_token=2_000_000_000)
    world.new_worker()
    world.worker.add_backfill({"stores": [shop.store_id]})
    world.worker.run("run", lambda: 900.0, only_backfills=True)
    assert {asked.url.split("/vendors/")[1].split("/")[0] for asked in world.sessions[-1].asked} == {code}


@pytest.mark.parametrize("row", [{}, {"checked_until": {"S": "soon"}}])
def test_bad_position_stops_no_backfill(world: World, row: dict[str, Any]) -> None:
    """A position that cannot be read does not stop a backfill."""
    key = {"pk": {"S": "RECONCILIATION"}, "sk": {"S": f"POSITION#{world.lives[0].shop.store_id}"}}
    world.dynamodb.put_item(TableName=TABLE, Item={**key, **row})
    backfill_id = world.worker.add_backfill({})
    world.worker.run("run", lambda: 900.0, only_backfills=True)
    assert world.worker.backfill(backfill_id)["missing"] == len(world.lives)


def test_unknown_backfill_is_an_error(world: World) -> None:
    """An unknown backfill id is an error."""
    with pytest.raises(InvalidRequestError, match="there is no backfill of this id; reports are kept for 90 days"):
        world.worker.backfill("nonsense")


@pytest.mark.parametrize("kills", every(3, range(3), first=1))
def test_killed_backfill_loses_nothing(world: World, kills: int) -> None:
    """A backfill that is killed again and again loses nothing."""
    chance = random.Random(kills)
    backfill_id = world.worker.add_backfill({})
    for _ in range(6):
        world.kill_after = chance.randrange(10)
        try:
            world.run()
        except Killed:
            world.new_worker()
        world.time.sleep(200)
    world.kill_after = None
    while world.worker.backfill(backfill_id)["state"] != "done":
        world.run()
        world.time.sleep(200)
    world.drain()
    assert world.not_in_sync() == []


# -- sixty days --------------------------------------------------------------------------------------------------------

STORES, DAYS = 50, 60


# The simulated table sorts a whole partition at each read, which takes too long with so many orders.
@pytest.mark.slow
@pytest.mark.parametrize(("orders", "kills"), [(10_000, 0), (100_000, 20)])
def test_sixty_missed_days_are_healed(dynamodb: Any, orders: int, kills: int) -> None:
    """Sixty days of 50 stores without a webhook are brought in sync, within 60 requests in 60 seconds."""
    began = wall.monotonic()
    # All of it within what the platform still shows while the run lasts.
    start = START - timedelta(days=DAYS - 0.5)
    made = trading_hour(11 + kills, orders, STORES, start, CHAIN_ID, timedelta(days=DAYS - 1))
    world = World(dynamodb, [replace(life, steps=life.steps[-1:]) for life in made], VirtualTime(AFTER))
    say(f"{len(world.lives):,} orders of {STORES} stores over {DAYS} days", began)
    chance, killed, ticks = random.Random(kills), 0, 0
    while killed < kills or len(world.table.positions()) < STORES:
        world.kill_after = chance.randrange(3, 40) if killed < kills else None
        ticks += 1
        try:
            world.run()
        except Killed:
            killed += 1
            world.new_worker()
        world.drain()
        world.time.sleep(300)
    assert world.not_in_sync() == []
    assert killed == kills
    assert world.most_requests_in_a_minute() <= 60
    requests, hours = len(world.api.requests), (world.time.now() - AFTER) / timedelta(hours=1)
    say(f"made whole by {requests:,} requests in {ticks} ticks, {hours:.1f} h, {killed} kills", began)

    read = world.orders.read_orders
    world.new_worker()
    again = world.backfill()
    bound = sum(-(-count // 500) for count in orders_by_store(world).values())
    # Those of the backfill; the stores are checked meanwhile as ever, over minutes.
    requests = sum(asked.query["start_time"] < "2026-09" for asked in world.sessions[-1].asked)
    read = world.orders.read_orders - read
    say(
        f"second pass: {requests} requests, page bound {bound}, {read:,} orders read, enqueued {again['enqueued']}",
        began,
    )
    assert again["orders_checked"] == again["in_step"] == orders
    assert again["enqueued"] == 0
    assert requests <= 1.25 * bound


def orders_by_store(world: World) -> dict[str, int]:
    counts: dict[str, int] = {}
    for life in world.lives:
        counts[life.shop.store_id] = counts.get(life.shop.store_id, 0) + 1
    return counts


def say(what: str, began: float) -> None:
    sys.stderr.write(f"\n  {wall.monotonic() - began:5.0f} s  {what}")
