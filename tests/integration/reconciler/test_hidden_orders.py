"""A platform that shows less than it has, for a while or for one store: it is noticed, or healed once it passes."""

import json
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest

from partner_orders.order_events.queue import QueueRefusedError
from partner_orders.platform import orders as partner_api
from partner_orders.reconciler.report import Report
from partner_orders.reconciler.windows import Position
from tests.support.orders_table import TABLE
from tests.support.platform import START, VirtualTime, lives
from tests.support.reconciler_faults import between, edited, only_backfills, set_store
from tests.support.reconciler_world import World
from tools.local.simulated_platform.partner_api import Request, Response, Unknowns

AFTER = START + timedelta(hours=2)


@pytest.fixture
def world(dynamodb: Any) -> World:
    return World(dynamodb, lives(orders=12), VirtualTime(AFTER))


def days_of(world: World, days: float, every: timedelta = timedelta(hours=1)) -> list[Report]:
    """Tick and drain for so many days."""
    reports, end = [], world.time.now() + timedelta(days=days)
    while world.time.now() < end:
        world.time.sleep(every.total_seconds())
        reports.append(world.run())
        world.drain()
    return reports


def checked_until(world: World) -> list[datetime | None]:
    return [world.table.position(shop.store_id).checked_until for shop in world.shops]


# -- pages and answers that hold less than they count -----------------------------------------------------------------


def without_the_late_half(world: World) -> Callable[[Request, Response], Response]:
    late = {life.order_id for life in world.lives if life.created_at > START + timedelta(minutes=30)}

    def change(_: Request, answer: Response) -> Response:
        orders = json.loads(answer.body)["orders"]
        return edited(answer, orders=[order for order in orders if order["order_id"] not in late])

    return change


@pytest.mark.parametrize("page_size", [500, 3])
def test_orders_that_are_counted_and_not_shown_hold_the_watermark_and_are_found_once_they_are(
    dynamodb: Any, monkeypatch: pytest.MonkeyPatch, page_size: int
) -> None:
    monkeypatch.setattr(partner_api, "PAGE_SIZE", page_size)
    world = World(dynamodb, lives(orders=40), VirtualTime(AFTER))
    honest = world.api.handle
    if page_size == 500:
        between(world, lambda _, answer: edited(answer, orders=[]))
    else:
        between(world, without_the_late_half(world))
    report = world.run()
    world.drain()
    assert {*report.failed_stores.values()} == {"empty_page"}
    assert all(at is None or at < START + timedelta(hours=1) for at in checked_until(world))
    world.api.handle = honest  # type: ignore[method-assign]
    world.time.sleep(300)
    world.run()
    world.drain()
    assert world.not_in_sync() == []


def test_an_empty_answer_that_counts_itself_once_is_asked_for_again(world: World) -> None:
    lies = [True]
    between(world, lambda _, answer: edited(answer, orders=[]) if lies and lies.pop() else answer)
    assert world.run().failed_stores == {}
    world.drain()
    assert world.not_in_sync() == []


def test_an_empty_page_where_nothing_else_tells_the_end_is_asked_for_again(dynamodb: Any) -> None:
    world = World(dynamodb, lives(orders=90, stores=1), VirtualTime(AFTER), Unknowns(page_size_honoured=False))
    lies = [True]

    def change(request: Request, answer: Response) -> Response:
        orders = [] if "page=3&" in request.target and lies and lies.pop() else json.loads(answer.body)["orders"]
        return edited(answer, orders=orders, total_pages=0)

    between(world, change)
    assert world.run().failed_stores == {}
    world.drain()
    assert world.not_in_sync() == []


def test_a_platform_that_counts_one_page_too_many_costs_few_requests_and_no_order(dynamodb: Any) -> None:
    world = World(dynamodb, lives(orders=100, stores=10), VirtualTime(AFTER))
    between(world, lambda _, answer: edited(answer, total_pages=json.loads(answer.body)["total_pages"] + 1))
    for _ in range(2):
        report = world.run()
        world.drain()
        assert {*report.failed_stores.values()} == {"empty_page"}
        assert report.counts["requests"] <= 5 * 10
    assert world.not_in_sync() == []


def test_a_fault_that_passes_leaves_no_short_parts_behind(dynamodb: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(partner_api, "PAGE_SIZE", 3)
    world = World(dynamodb, lives(orders=40, stores=1), VirtualTime(AFTER))
    lies = [*range(40)]
    between(
        world,
        lambda request, answer: (
            edited(answer, orders=[]) if "page=2&" in request.target and lies and lies.pop() else answer
        ),
    )
    report = world.run()
    assert report.failed_stores == {}
    assert report.counts["requests"] <= 300  # of the 86,000 minutes that were asked for
    world.drain()
    assert world.not_in_sync() == []


# -- answers without anything ------------------------------------------------------------------------------------------


def test_times_that_the_platform_reads_no_more_are_noticed_within_a_day_though_no_order_is_open(dynamodb: Any) -> None:
    world = World(dynamodb, lives(orders=12), VirtualTime(START - timedelta(days=1)), Unknowns(times="with_z"))
    for life in world.lives[:2]:
        world.receive(life)
    world.run()
    world.time.sleep(timedelta(days=1, hours=2).total_seconds())
    world.run()
    world.api.unknowns.times = "without_z"
    days_of(world, 1.1)
    assert world.not_in_sync() == []


def test_a_code_that_a_store_shares_with_a_quiet_one_no_more_is_left_within_a_day(world: World) -> None:
    mine = world.shops[0]
    for life in world.lives:
        world.receive(life, 0)
    world.api._shops[mine.external_partner_config_id] = []
    world.table.move(Position(mine.store_id, AFTER, vendor_id=mine.external_partner_config_id), fencing_token=0)
    days_of(world, 1.1)
    assert world.not_in_sync() == []
    assert world.table.position(mine.store_id).vendor_id == mine.store_id


def test_a_store_of_which_the_platform_shows_nothing_though_we_have_orders_of_it_is_named_daily(world: World) -> None:
    for life in world.lives:
        world.receive(life)
    silent = world.shops[0]
    for name in (silent.store_id, silent.external_partner_config_id):
        world.api._shops[name] = []
    reports = days_of(world, 3)
    named = [report for report in reports if report.failed_stores]
    assert 3 <= len(named) <= 5
    assert all(report.failed_stores == {silent.store_id: "nothing_shown"} for report in named)
    at = world.table.position(silent.store_id).checked_until
    assert at is not None
    assert at > world.time.now() - timedelta(hours=1)


# -- whose orders they are ---------------------------------------------------------------------------------------------


def test_what_was_missed_of_another_store_is_booked_on_that_store(world: World) -> None:
    mine, other = world.shops
    world.api._shops.pop(mine.store_id)
    world.api._shops[mine.external_partner_config_id] = world.api._shops[other.store_id]
    report = world.run()
    missed = sum(life.shop == other for life in world.lives)
    assert {store: counts["webhooks_missed"] for store, counts in report.stores.items()} == {other.store_id: missed}


@pytest.mark.parametrize("vendor_id", [None, "code"])
def test_a_store_without_an_answer_of_its_own_is_told_as_another_stores_whichever_id_comes_first(
    world: World, vendor_id: str | None
) -> None:
    mine, other = world.shops
    code = mine.external_partner_config_id
    world.api._shops.pop(mine.store_id)
    world.api._shops[code] = world.api._shops[other.store_id]
    world.table.move(Position(mine.store_id, vendor_id=code if vendor_id else None), fencing_token=0)
    assert world.run().failed_stores == {mine.store_id: "another_store"}


def test_a_store_that_only_the_chain_has_a_name_for_is_read_though_its_orders_do_not_say_it(world: World) -> None:
    mine = world.shops[0]
    world.dynamodb.delete_item(TableName=TABLE, Key={"pk": {"S": "STORES"}, "sk": {"S": f"STORE#{mine.store_id}"}})
    set_store(world, mine.external_partner_config_id, currency="EUR")
    for life in world.lives:
        for step in life.steps:
            step.body["client"].pop("external_partner_config_id")
    world.api.show(world.lives)
    assert world.run().failed_stores == {}
    world.drain()
    assert world.not_in_sync() == []


# -- one store's trouble ----------------------------------------------------------------------------------------------


def many_stores_some_refused(dynamodb: Any) -> World:
    world = World(dynamodb, lives(orders=60, stores=30), VirtualTime(AFTER))
    refused = sorted(shop.store_id for shop in world.shops)[:3]
    between(
        world,
        lambda request, answer: (
            Response(401, {}, b"{}") if any(f"/{name}/" in request.target for name in refused) else answer
        ),
    )
    return world


def test_stores_whose_token_is_refused_keep_no_backfill_from_its_end(dynamodb: Any) -> None:
    world = many_stores_some_refused(dynamodb)
    done = world.backfill()
    assert (done["stores_done"], {*done["failed_stores"].values()}) == (len(world.shops), {"unauthorized"})


def test_stores_whose_token_is_refused_keep_no_other_from_being_checked(dynamodb: Any) -> None:
    world = many_stores_some_refused(dynamodb)
    world.worker.add_backfill({})
    reports = []
    for _ in range(6):
        world.time.sleep(300)
        reports.append(world.run())
        world.drain()
    # As long as none was read, it may be the token; each of the three is met first once.
    assert [report.stopped for report in reports] == ["unauthorized"] * 3 + [""] * 3
    assert all(report.counts["stores_checked"] == len(world.shops) - 3 for report in reports[3:])


def test_a_token_that_is_refused_everywhere_ends_the_run_at_the_first_store(world: World) -> None:
    world.run()
    world.drain()
    between(world, lambda *_: Response(401, {}, b"{}"))
    world.time.sleep(300)
    report = world.run()
    assert report.stopped == "unauthorized"
    assert report.counts["requests"] == 2


def test_a_backfill_that_was_stopped_on_its_way_goes_on_from_there(
    dynamodb: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(partner_api, "PAGE_SIZE", 3)
    monkeypatch.setattr("partner_orders.reconciler.windows.PAGES_AT_ONCE", 4)
    world = World(dynamodb, lives(orders=60, stores=1), VirtualTime(AFTER))
    asked = 0

    def change(_: Request, answer: Response) -> Response:
        nonlocal asked
        asked += 1
        return Response(429, {"Retry-After": "240"}, b"") if asked % 12 == 0 else answer

    between(world, change)
    backfill_id = world.worker.add_backfill({})
    for _ in range(30):
        only_backfills(world)
        world.drain()
        world.time.sleep(300)
    progress = world.worker.backfill(backfill_id)
    assert (progress["state"], progress["missing"], world.not_in_sync()) == ("done", 60, [])


@pytest.mark.parametrize("status", [400, 403, 500])
def test_an_id_that_the_platform_refuses_does_not_take_back_what_the_other_has_answered(
    world: World, status: int
) -> None:
    for life in world.lives:
        world.receive(life)
    shop = world.shops[0]
    world.api._shops[shop.store_id] = []
    code = f"/{quote(shop.external_partner_config_id)}/"
    between(world, lambda request, answer: Response(status, {}, b"{}") if code in request.target else answer)
    assert world.run().failed_stores == {shop.store_id: "nothing_shown"}
    assert all(checked_until(world))


def test_a_backfill_of_a_quiet_time_asks_each_store_once(world: World) -> None:
    world.run()
    world.drain()
    asked = len(world.api.requests)
    window = {"from": (START - timedelta(days=2)).isoformat(), "to": (START - timedelta(days=1)).isoformat()}
    assert world.backfill(**window)["failed_stores"] == {}
    regular = 2
    assert len(world.api.requests) - asked <= regular + len(world.shops)


def test_a_quiet_store_of_a_platform_that_counts_a_page_of_nothing_is_checked(world: World) -> None:
    world.run()
    world.drain()
    between(world, lambda _, answer: edited(answer, total_pages=max(1, json.loads(answer.body)["total_pages"])))
    for _ in range(3):
        world.time.sleep(1_800)
        report = world.run()
        assert (report.failed_stores, report.counts["requests"]) == ({}, 2)


def test_a_store_that_stops_every_run_is_the_last_of_a_backfill(dynamodb: Any) -> None:
    world = World(dynamodb, lives(orders=24, stores=6), VirtualTime(AFTER))
    first = min(shop.store_id for shop in world.shops)
    between(
        world,
        lambda request, answer: (
            Response(503, {"Retry-After": "120"}, b"") if f"/{first}/" in request.target else answer
        ),
    )
    backfill_id = world.worker.add_backfill({})
    for _ in range(6):
        only_backfills(world)
        world.time.sleep(300)
    assert world.worker.backfill(backfill_id)["stores_done"] == 5


def test_an_old_minute_that_cannot_be_read_does_not_keep_what_is_new_away(dynamodb: Any) -> None:
    world = World(dynamodb, lives(orders=24), VirtualTime(START + timedelta(minutes=20)))
    world.run()
    world.drain()
    bad = START - timedelta(days=2)

    def change(request: Request, answer: Response) -> Response:
        start, end = (
            datetime.fromisoformat(re.sub("Z?$", "+00:00", text, count=1))
            for text in re.findall(r"_time=([^&]*)", request.target.replace("%3A", ":"))
        )
        return Response(500, {}, b"") if start <= bad <= end else answer

    between(world, change)
    world.time.sleep(timedelta(days=1).total_seconds())  # so that a sweep is due
    world.api.show(world.lives)
    for _ in range(3):
        report = world.run()
        world.drain()
        world.time.sleep(300)
    assert {*report.failed_stores.values()} == {"server_error:500"}
    assert world.not_in_sync() == []
    assert all(at is not None and at > world.time.now() - timedelta(minutes=10) for at in checked_until(world))


# -- what is counted --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("consumer_works", [True, False])
def test_an_order_is_missing_once_whether_or_not_the_consumer_works_meanwhile(
    dynamodb: Any, consumer_works: bool
) -> None:
    world = World(dynamodb, lives(orders=12), VirtualTime(START))
    counts: dict[str, int] = dict.fromkeys(("missing", "webhooks_missed"), 0)
    while world.time.now() < AFTER:
        world.time.sleep(300)
        report = world.run()
        counts = {name: counts[name] + report.counts[name] for name in counts}
        if consumer_works:
            world.drain()
    assert counts == {"missing": 12, "webhooks_missed": 16}


def test_what_is_read_twice_in_a_run_does_not_wait(dynamodb: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(partner_api, "PAGE_SIZE", 3)
    world = World(dynamodb, lives(orders=40), VirtualTime(AFTER))
    lies = [*range(20)]

    def change(request: Request, answer: Response) -> Response:
        return edited(answer, orders=[]) if "page=2&" in request.target and lies and lies.pop() else answer

    between(world, change)
    assert world.run().to_json()["waiting"] == 0


def test_a_backfill_beside_a_regular_check_tells_of_what_that_has_queued(world: World) -> None:
    backfill_id = world.worker.add_backfill({})
    world.run()
    progress = world.worker.backfill(backfill_id)
    found = progress["missing"] + progress["waiting"]
    assert (progress["state"], progress["orders_checked"], found) == ("done", 12, 12)


def test_a_preview_leaves_what_waits_where_it_is(dynamodb: Any) -> None:
    world = World(dynamodb, lives(), VirtualTime(START + timedelta(minutes=20)))
    world.run()
    queued = len(world.queue.messages)
    world.worker.add_backfill({"preview": True})
    only_backfills(world)
    report = world.run()
    assert report.counts["waiting"] > 0
    assert (report.counts["enqueued"], len(world.queue.messages)) == (0, queued)


def test_what_the_queue_took_before_it_refused_is_counted(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    took, refused = world.queue.send_all, [False, True]

    def send_all(messages: Any) -> None:
        if refused and refused.pop(0):
            raise QueueRefusedError("refused")
        took(messages)

    monkeypatch.setattr("partner_orders.reconciler.comparison.BATCH_ENTRIES", 4)
    monkeypatch.setattr(world.queue, "send_all", send_all)
    counts = world.run().counts
    assert counts["enqueued"] == counts["missing"] == len(world.queue.messages) < 12
    world.drain()
    world.time.sleep(300)
    assert (counts + world.run().counts)["webhooks_missed"] == 12
