"""One order, or one minute, that cannot be read: it is left out and named, and all else is read."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from partner_orders.platform.responses import MAX_BODY_BYTES
from partner_orders.reconciler.report import Report
from tests.support.platform import START, VirtualTime, lives
from tests.support.reconciler_faults import between, only_backfills
from tests.support.reconciler_world import World
from tests.support.sampling import every
from tools.local.simulated_platform.lives import Life
from tools.local.simulated_platform.partner_api import Response

AFTER = START + timedelta(hours=2)
MINUTE = timedelta(minutes=1)
# What one bad order does to every response that has it.
FAULTS: dict[str, Callable[[Response], Response]] = {
    "server_error": lambda _: Response(500, {}, b"{}"),
    "refused": lambda _: Response(400, {}, b"{}"),
    "not_json": lambda answer: Response(200, answer.headers, answer.body[:-1]),
    "not_a_page": lambda answer: Response(200, answer.headers, b'"none"'),
    "no_answer": lambda answer: Response(200, answer.headers, answer.body, hang_seconds=60.0),
    "too_large": lambda answer: Response(200, answer.headers, answer.body.ljust(MAX_BODY_BYTES + 1)),
}


@pytest.fixture
def world(dynamodb: Any) -> World:
    return World(dynamodb, lives(orders=60, stores=2), VirtualTime(AFTER))


def time_of(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "")).replace(tzinfo=UTC)


def break_windows_with(world: World, life: Life, fault: str) -> list[str]:
    """Break every response that has an order, while its id is in the list that is returned."""
    bad = [life.order_id]

    def change(_: Any, answer: Response) -> Response:
        return FAULTS[fault](answer) if any(order_id.encode() in answer.body for order_id in bad) else answer

    between(world, change)
    return bad


def run_until_narrow(world: World, times: int = 14) -> Report:
    for _ in range(times):
        report = world.run()
        world.drain()
        world.time.sleep(300)
    return report


def in_the_minutes_of(world: World, life: Life) -> set[str]:
    """The orders that may be left out with a bad one."""
    return {
        other.order_id
        for other in world.lives
        if other.shop == life.shop and abs(other.created_at - life.created_at) <= MINUTE + timedelta(seconds=2)
    }


@pytest.mark.parametrize("fault", every(3, FAULTS))
def test_bad_order_hides_only_its_minute(world: World, fault: str) -> None:
    """An order that breaks every response costs its minute, which is named; the position moves on."""
    bad = world.lives[30]
    break_windows_with(world, bad, fault)
    report = run_until_narrow(world)
    assert {*world.not_in_sync()} <= in_the_minutes_of(world, bad)
    (left_out,) = report.to_json()["left_out"]
    assert left_out["store_id"] == bad.shop.store_id
    assert left_out["failure"].startswith(fault)
    assert time_of(left_out["from"]) <= bad.created_at <= time_of(left_out["to"])
    assert time_of(left_out["to"]) - time_of(left_out["from"]) <= MINUTE
    assert (report.minutes_left_out, report.failed_stores) == (1, {})
    for shop in world.shops:
        checked_until = world.table.position(shop.store_id).checked_until
        assert checked_until is not None
        assert checked_until > world.time.now() - timedelta(minutes=10)


def test_left_out_minute_costs_no_requests(world: World) -> None:
    """Between its daily tries, a minute that was left out takes no requests."""
    break_windows_with(world, world.lives[30], "server_error")
    run_until_narrow(world)
    assert world.run().counts["requests"] == 2


@pytest.mark.slow
def test_left_out_minute_is_tried_daily(world: World) -> None:
    """A minute that was left out is tried again within a day, and read once it can be."""
    bad = break_windows_with(world, world.lives[30], "server_error")
    run_until_narrow(world)
    bad.clear()
    for _ in range(26):
        world.time.sleep(3_600)
        report = world.run()
        world.drain()
    assert world.not_in_sync() == []
    assert report.to_json()["left_out"] == []


def test_bad_minutes_are_all_left_out(world: World) -> None:
    """Several bad orders cost their minutes, each of which is named, and nothing else."""
    bad = break_windows_with(world, world.lives[10], "not_json")
    bad += [world.lives[number].order_id for number in (11, 25, 50)]
    named = run_until_narrow(world).to_json()["left_out"]
    broken = [life for life in world.lives if life.order_id in bad]
    for life in broken:
        ours = [one for one in named if one["store_id"] == life.shop.store_id]
        assert any(time_of(one["from"]) <= life.created_at <= time_of(one["to"]) for one in ours), life
    assert {*world.not_in_sync()} <= set().union(*(in_the_minutes_of(world, life) for life in broken))


def test_bad_order_costs_a_backfill_its_minute(world: World) -> None:
    """A backfill leaves a bad minute out, names it, and hands it to the regular checks."""
    bad = world.lives[30]
    broken = break_windows_with(world, bad, "server_error")
    backfill_id = world.worker.add_backfill({"stores": [bad.shop.store_id]})
    while (done := world.worker.backfill(backfill_id))["state"] != "done":
        only_backfills(world)
        world.drain()
    assert {*done["failed_stores"]} == set()
    assert [left_out["store_id"] for left_out in done["left_out"]] == [bad.shop.store_id]
    assert world.table.position(bad.shop.store_id).left_out != ()
    run_until_narrow(world)
    assert {*world.not_in_sync()} <= in_the_minutes_of(world, bad)
    broken.clear()
    assert world.backfill()["left_out"] == []
    assert world.not_in_sync() == []


@pytest.mark.parametrize("fault", FAULTS)
def test_platform_that_is_down_is_not_narrowed(world: World, fault: str) -> None:
    """Where nothing can be read, a visit takes two tries of a request, and leaves nothing out."""
    between(world, lambda _, answer: FAULTS[fault](answer))
    report = world.run()
    # Each page size is tried, and of what is refused each form of times, too, under either of a store's ids.
    most = {"refused": 18, "too_large": 21}.get(fault, 8)
    assert report.counts["requests"] <= most * len(world.shops)
    assert report.minutes_left_out == 0
    assert {position.checked_until for position in world.table.positions().values()} == {None}


def test_store_that_fails_is_not_narrowed(world: World) -> None:
    """A failure of the whole store takes no request more than before."""
    between(world, lambda *_: Response(404, {}, b"{}"))
    assert world.run().counts["requests"] == 2 * len(world.shops)


def test_narrowing_is_bounded(world: World) -> None:
    """A store of which only the newest minutes can be read takes a bounded number of requests a visit."""

    def change(request: Any, answer: Response) -> Response:
        end = time_of(parse_qs(urlsplit(request.target).query)["start_time"][0])
        return answer if end > world.time.now() - timedelta(minutes=2) else Response(500, {}, b"{}")

    between(world, change)
    for _ in range(5):
        report = world.run()
        assert report.counts["requests"] <= 100 * len(world.shops)
        world.time.sleep(300)


@pytest.mark.slow
def test_long_windows_that_fail_are_read_in_parts(world: World) -> None:
    """A platform that fails for windows of over a day is read in shorter ones, in the end all of it."""

    def change(request: Any, answer: Response) -> Response:
        query = parse_qs(urlsplit(request.target).query)
        length = time_of(query["end_time"][0]) - time_of(query["start_time"][0])
        return answer if length < timedelta(days=1) else Response(504, {}, b"<html>")

    between(world, change)
    report = run_until_narrow(world, 30)
    assert world.not_in_sync() == []
    assert report.minutes_left_out == 0
