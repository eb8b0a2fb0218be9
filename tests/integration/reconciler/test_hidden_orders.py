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
from tests.support.sampling import every
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
def test_counted_but_hidden_orders_are_found(dynamodb: Any, monkeypatch: pytest.MonkeyPatch, page_size: int) -> None:
    """Orders counted but not shown hold back the watermark, and are found once they are shown."""
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


def test_false_empty_response_is_retried(world: World) -> None:
    """An empty response that counts orders is requested again."""
    lies = [True]
    between(world, lambda _, answer: edited(answer, orders=[]) if lies and lies.pop() else answer)
    assert world.run().failed_stores == {}
    world.drain()
    assert world.not_in_sync() == []


def test_empty_page_in_doubt_is_retried(dynamodb: Any) -> None:
    """An empty page is requested again where nothing else marks the end."""
    world = World(dynamodb, lives(orders=90, stores=1), VirtualTime(AFTER), Unknowns(page_size_honoured=False))
    lies = [True]

    def change(request: Request, answer: Response) -> Response:
        orders = [] if "page=3&" in request.target and lies and lies.pop() else json.loads(answer.body)["orders"]
        return edited(answer, orders=orders, total_pages=0)

    between(world, change)
    assert world.run().failed_stores == {}
    world.drain()
    assert world.not_in_sync() == []


def test_extra_page_costs_few_requests(dynamodb: Any) -> None:
    """A platform that counts one page too many costs few requests and no order."""
    world = World(dynamodb, lives(orders=100, stores=10), VirtualTime(AFTER))
    between(world, lambda _, answer: edited(answer, total_pages=json.loads(answer.body)["total_pages"] + 1))
    for _ in range(2):
        report = world.run()
        world.drain()
        assert {*report.failed_stores.values()} == {"empty_page"}
        assert report.counts["requests"] <= 5 * 10
    assert world.not_in_sync() == []


def test_transient_fault_keeps_parts_long(dynamodb: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a transient fault the reconciler stops reading in short parts."""
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


def test_changed_times_are_noticed_in_a_day(dynamodb: Any) -> None:
    """A changed time format is noticed within a day, though no order is open."""
    world = World(dynamodb, lives(orders=12), VirtualTime(START - timedelta(days=1)), Unknowns(times="with_z"))
    for life in world.lives[:2]:
        world.receive(life)
    world.run()
    world.time.sleep(timedelta(days=1, hours=2).total_seconds())
    world.run()
    world.api.unknowns.times = "without_z"
    days_of(world, 1.1)
    assert world.not_in_sync() == []


def test_outdated_store_code_is_dropped(world: World) -> None:
    """A store's code that shows no orders any more gives way to its own id within a day."""
    mine = world.shops[0]
    for life in world.lives:
        world.receive(life, 0)
    world.api._shops[mine.external_partner_config_id] = []
    world.table.move(Position(mine.store_id, AFTER, vendor_id=mine.external_partner_config_id), fencing_token=0)
    days_of(world, 1.1)
    assert world.not_in_sync() == []
    assert world.table.position(mine.store_id).vendor_id == mine.store_id


def test_store_showing_nothing_is_named_daily(world: World) -> None:
    """A store of which the platform shows nothing, though we have its orders, is named daily."""
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


def test_missed_orders_count_for_their_store(world: World) -> None:
    """Missed orders shown under another store's id count for their own store."""
    mine, other = world.shops
    world.api._shops.pop(mine.store_id)
    world.api._shops[mine.external_partner_config_id] = world.api._shops[other.store_id]
    report = world.run()
    missed = sum(life.shop == other for life in world.lives)
    assert {store: counts["webhooks_missed"] for store, counts in report.stores.items()} == {other.store_id: missed}


@pytest.mark.parametrize("vendor_id", [None, "code"])
def test_others_orders_are_reported(world: World, vendor_id: str | None) -> None:
    """A store that shows only another store's orders is reported so, whichever id is tried first."""
    mine, other = world.shops
    code = mine.external_partner_config_id
    world.api._shops.pop(mine.store_id)
    world.api._shops[code] = world.api._shops[other.store_id]
    world.table.move(Position(mine.store_id, vendor_id=code if vendor_id else None), fencing_token=0)
    assert world.run().failed_stores == {mine.store_id: "another_store"}


def test_store_known_by_its_code_is_read(world: World) -> None:
    """A store registered by its code alone is read, though its orders do not name that code."""
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


@pytest.mark.slow
def test_backfill_survives_rejected_tokens(dynamodb: Any) -> None:
    """A backfill completes although some stores reject the token."""
    world = many_stores_some_refused(dynamodb)
    done = world.backfill()
    assert (done["stores_done"], {*done["failed_stores"].values()}) == (len(world.shops), {"unauthorized"})


@pytest.mark.slow
def test_unauthorized_stores_block_no_other(dynamodb: Any) -> None:
    """Stores that reject the token do not keep the others from being checked."""
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


def test_rejected_token_ends_the_run(world: World) -> None:
    """A token that is rejected everywhere ends the run at the first store."""
    world.run()
    world.drain()
    between(world, lambda *_: Response(401, {}, b"{}"))
    world.time.sleep(300)
    report = world.run()
    assert report.stopped == "unauthorized"
    assert report.counts["requests"] == 2


def test_stopped_backfill_resumes(dynamodb: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A backfill that was stopped on its way resumes there."""
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
def test_failing_id_keeps_the_others_answer(world: World, status: int) -> None:
    """An id that fails does not discard what the store's other id has answered."""
    for life in world.lives:
        world.receive(life)
    shop = world.shops[0]
    world.api._shops[shop.store_id] = []
    code = f"/{quote(shop.external_partner_config_id)}/"
    between(world, lambda request, answer: Response(status, {}, b"{}") if code in request.target else answer)
    assert world.run().failed_stores == {shop.store_id: "nothing_shown"}
    assert all(checked_until(world))


def test_quiet_backfill_asks_each_store_once(world: World) -> None:
    """A backfill of a quiet period asks for each store once."""
    world.run()
    world.drain()
    asked = len(world.api.requests)
    window = {"from": (START - timedelta(days=2)).isoformat(), "to": (START - timedelta(days=1)).isoformat()}
    assert world.backfill(**window)["failed_stores"] == {}
    regular = 2
    assert len(world.api.requests) - asked <= regular + len(world.shops)


def test_quiet_store_may_count_an_empty_page(world: World) -> None:
    """A quiet store is checked, though the platform counts one page of nothing."""
    world.run()
    world.drain()
    between(world, lambda _, answer: edited(answer, total_pages=max(1, json.loads(answer.body)["total_pages"])))
    for _ in range(3):
        world.time.sleep(1_800)
        report = world.run()
        assert (report.failed_stores, report.counts["requests"]) == ({}, 2)


def test_store_that_stops_runs_comes_last(dynamodb: Any) -> None:
    """A store that stops every run comes last in a backfill."""
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


def test_unreadable_past_blocks_no_new_order(dynamodb: Any) -> None:
    """An old minute that cannot be read does not keep new orders away."""
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
    left_out = report.to_json()["left_out"]
    assert {time["failure"] for time in left_out} == {"server_error:500"}
    assert {time["store_id"] for time in left_out} == {shop.store_id for shop in world.shops}
    assert world.not_in_sync() == []
    assert all(at is not None and at > world.time.now() - timedelta(minutes=10) for at in checked_until(world))


# -- what is counted --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("consumer_works", every(2, [True, False], first=1))
def test_missing_order_is_counted_once(dynamodb: Any, consumer_works: bool) -> None:
    """A missing order is counted once, whether or not the consumer works meanwhile."""
    world = World(dynamodb, lives(orders=12), VirtualTime(START))
    counts: dict[str, int] = dict.fromkeys(("missing", "webhooks_missed"), 0)
    while world.time.now() < AFTER:
        world.time.sleep(300)
        report = world.run()
        counts = {name: counts[name] + report.counts[name] for name in counts}
        if consumer_works:
            world.drain()
    assert counts == {"missing": 12, "webhooks_missed": 16}


def test_order_read_twice_is_not_waiting(dynamodb: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """An order read twice in one run does not count as waiting."""
    monkeypatch.setattr(partner_api, "PAGE_SIZE", 3)
    world = World(dynamodb, lives(orders=40), VirtualTime(AFTER))
    lies = [*range(20)]

    def change(request: Request, answer: Response) -> Response:
        return edited(answer, orders=[]) if "page=2&" in request.target and lies and lies.pop() else answer

    between(world, change)
    assert world.run().to_json()["waiting"] == 0


def test_backfill_counts_what_a_check_found(world: World) -> None:
    """A backfill beside a regular check reports the orders that the check has enqueued."""
    backfill_id = world.worker.add_backfill({})
    world.run()
    progress = world.worker.backfill(backfill_id)
    found = progress["missing"] + progress["waiting"]
    assert (progress["state"], progress["orders_checked"], found) == ("done", 12, 12)


def test_preview_leaves_waiting_orders_alone(dynamodb: Any) -> None:
    """A preview leaves waiting orders as they are: the next run finds them waiting and enqueues none."""
    world = World(dynamodb, lives(), VirtualTime(START + timedelta(minutes=20)))
    world.run()
    queued = len(world.queue.messages)
    world.worker.add_backfill({"preview": True})
    only_backfills(world)
    report = world.run()
    assert report.counts["waiting"] > 0
    assert (report.counts["enqueued"], len(world.queue.messages)) == (0, queued)


def test_orders_before_a_refusal_count(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Orders enqueued before the queue refused are counted."""
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
