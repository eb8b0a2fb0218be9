"""Paging that cannot lie: whatever the contract does not say, and whichever way the platform misbehaves."""

import itertools
import re
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from partner_orders.platform import order_page
from partner_orders.platform import orders as partner_api
from tests.support.platform import START, VirtualTime, lives
from tests.support.reconciler_world import World
from tools.local.simulated_platform.partner_api import Response, Unknowns

AFTER = START + timedelta(hours=2)
SORTED = [("created", "none"), *itertools.product(("created", "updated"), ("ascending", "descending"))]
MIXES = [
    Unknowns(filter_by, order, start_included, end_included, times, sort_by=sort_by)
    for filter_by, (sort_by, order), start_included, end_included, times in itertools.product(
        ("created", "updated"),
        SORTED,
        (True, False),
        (True, False),
        ("any", "with_z", "without_z"),
    )
]


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(partner_api, "PAGE_SIZE", 3)


def make(dynamodb: Any, unknowns: Unknowns | None = None, orders: int = 40) -> World:
    return World(dynamodb, lives(orders=orders), VirtualTime(AFTER), unknowns)


# All of them in `make verify`; seven apart, they still hold every value and most pairs.
EVERY_SEVENTH = [pytest.param(mix, marks=[] if n % 7 == 0 else [pytest.mark.slow]) for n, mix in enumerate(MIXES)]


@pytest.mark.usefixtures("small_pages")
@pytest.mark.parametrize("unknowns", EVERY_SEVENTH, ids=lambda mix: "-".join(map(str, vars(mix).values())))
def test_an_hour_without_webhooks_is_made_whole_whatever_the_contract_leaves_open(
    dynamodb: Any, unknowns: Unknowns
) -> None:
    # Orders are made, and change, while their pages are read: a request takes a fifth of a second, an hour 3,600.
    world = World(dynamodb, lives(orders=30), VirtualTime(START), unknowns)
    while world.time.now() < AFTER:
        world.run()
        world.drain()
        world.time.sleep(420)
    world.run()
    world.drain()
    assert world.not_in_sync() == []


@pytest.mark.usefixtures("small_pages")
@pytest.mark.parametrize("unknowns", MIXES[3::11], ids=lambda mix: "-".join(map(str, vars(mix).values())))
def test_a_window_read_in_parts_is_whole(dynamodb: Any, monkeypatch: pytest.MonkeyPatch, unknowns: Unknowns) -> None:
    monkeypatch.setattr("partner_orders.reconciler.windows.PAGES_AT_ONCE", 2)
    world = make(dynamodb, unknowns)
    world.run()
    world.drain()
    assert world.not_in_sync() == []


EVERY_WAY = pytest.mark.parametrize(
    ("filter_by", "sort_by", "order"),
    [(filter_by, *sorted_by) for filter_by in ("created", "updated") for sorted_by in SORTED],
)


@pytest.mark.usefixtures("small_pages")
@EVERY_WAY
def test_orders_that_move_between_pages_while_they_are_read_are_not_missed(
    dynamodb: Any, filter_by: str, sort_by: str, order: str
) -> None:
    world = make(dynamodb, Unknowns(filter_by, order, sort_by=sort_by))
    world.api.faults = {"move_between_pages": 4}
    assert world.run().failed_stores == {}
    world.drain()
    # What left the window is in the next one, which begins long after all else.
    world.time.sleep(300)
    assert world.run().counts["orders_checked"] <= 4
    world.drain()
    assert world.not_in_sync() == []


@pytest.mark.usefixtures("small_pages")
@EVERY_WAY
def test_whichever_order_changes_before_whichever_page_is_read_no_other_is_missed(
    dynamodb: Any, monkeypatch: pytest.MonkeyPatch, filter_by: str, sort_by: str, order: str
) -> None:
    world = World(dynamodb, lives(orders=12, stores=1), VirtualTime(AFTER), Unknowns(filter_by, order, sort_by=sort_by))
    handle, asked, missed = world.api.handle, 0, []

    def touch_and_handle(request: Any, now: Any) -> Response:
        nonlocal asked
        asked += 1
        if asked == turn:
            world.api.touch(changed.order_id, now)
        return handle(request, now)

    monkeypatch.setattr(world.api, "handle", touch_and_handle)
    for changed, turn in itertools.product(world.lives, range(2, 6)):
        asked = 0
        pages = world.platform_orders.between(changed.shop.store_id, START, world.time.now() - timedelta(hours=1))
        read = {order_page.identity(shown) for page in pages for shown in page}
        missed += [(life.order_id, turn) for life in world.lives if life.order_id not in read | {changed.order_id}]
        if filter_by == "created" and changed.order_id not in read:
            missed.append((changed.order_id, turn))
        assert asked <= 10
        world.api.touch(changed.order_id, START)
    assert missed == []


@pytest.mark.usefixtures("small_pages")
@pytest.mark.parametrize("in_parts", [True, False])
def test_an_order_that_is_never_on_the_page_being_read_is_found_in_shorter_parts_or_fails_its_store(
    dynamodb: Any, monkeypatch: pytest.MonkeyPatch, in_parts: bool
) -> None:
    if not in_parts:
        monkeypatch.setattr("partner_orders.reconciler.windows.SHORTEST_PART", timedelta(days=90))
    unknowns = Unknowns(sort_by="updated", order="descending")
    world = World(dynamodb, lives(orders=30, stores=1), VirtualTime(AFTER), unknowns)
    handle, (hidden, *others) = world.api.handle, world.lives

    def touch_and_handle(request: Any, now: Any) -> Response:
        for life in others[:3] if "page=1&" in request.target else [hidden]:
            world.api.touch(life.order_id, now)
        return handle(request, now)

    monkeypatch.setattr(world.api, "handle", touch_and_handle)
    report = world.run()
    if in_parts:
        world.drain()
        assert (report.failed_stores, world.not_in_sync()) == ({}, [])
        return
    assert set(report.failed_stores.values()) == {"moved_pages"}
    assert {position.checked_until for position in world.table.positions().values()} == {None}
    assert report.counts["requests"] <= 1 + partner_api.READINGS * 10 + 1  # of the latest, which can be read
    world.drain()
    assert world.not_in_sync() == [hidden.order_id]
    monkeypatch.undo()
    world.time.sleep(300)
    world.run()
    world.drain()
    assert world.not_in_sync() == []


@pytest.mark.usefixtures("small_pages")
def test_an_order_that_leaves_the_window_while_its_pages_are_read_hides_no_other(
    dynamodb: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Filtered by update: each request, one order of the first page changes, and all others move up."""
    world = make(dynamodb, Unknowns(filter_by="updated"))
    handle, gone = world.api.handle, []

    def handle_and_change(*arguments: Any) -> Response:
        answer = handle(*arguments)
        life = next(life for life in world.lives if life not in gone)
        gone.append(life)
        world.api.show([life for life in world.lives if life not in gone])
        return answer

    monkeypatch.setattr(world.api, "handle", handle_and_change)
    world.run()
    world.drain()
    world.api.show([life for life in world.lives if life not in gone])
    monkeypatch.undo()
    shown_throughout = [life for life in world.lives if life not in gone]
    known = world.orders.known(life.order_id for life in world.lives)
    assert shown_throughout
    assert [life.order_id for life in shown_throughout if life.order_id not in known] == []


@pytest.mark.usefixtures("small_pages")
def test_a_last_page_that_is_empty_since_its_orders_left_the_window_is_the_end(
    dynamodb: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(dynamodb, lives(orders=13, stores=1), VirtualTime(AFTER), Unknowns(filter_by="updated"))
    handle, last = world.api.handle, world.lives[-1]

    def leave_and_handle(request: Any, now: Any) -> Response:
        if "page=5&" in request.target:
            world.api.show([life for life in world.lives if life is not last])
        return handle(request, now)

    monkeypatch.setattr(world.api, "handle", leave_and_handle)
    report = world.run()
    assert (report.failed_stores, report.api_errors) == ({}, {})
    assert report.counts["requests"] == 1 + 5
    world.drain()
    assert world.not_in_sync() == [last.order_id]


@pytest.mark.usefixtures("small_pages")
def test_a_first_page_for_ever_is_an_error_and_the_window_is_read_again(dynamodb: Any) -> None:
    world = make(dynamodb)
    world.api.faults = {"repeat_first_page": 10_000}
    report = world.run()
    assert set(report.failed_stores.values()) == {"repeated_page"}
    assert {position.checked_until for position in world.table.positions().values()} == {None}
    world.api.faults = {}
    world.time.sleep(300)
    world.run()
    world.drain()
    assert world.not_in_sync() == []


def rewriting(world: World, monkeypatch: pytest.MonkeyPatch, old: bytes, new: bytes) -> None:
    """Change every page on its way."""
    handle = world.api.handle

    def handle_and_rewrite(*arguments: Any) -> Response:
        answer = handle(*arguments)
        return Response(answer.status, answer.headers, re.sub(old, new, answer.body), answer.hang_seconds)

    monkeypatch.setattr(world.api, "handle", handle_and_rewrite)


@pytest.mark.usefixtures("small_pages")
@pytest.mark.parametrize("total", [b"0", b"null", b'"many"', b"1"])
def test_a_number_of_pages_that_is_wrong_does_not_end_the_reading(
    dynamodb: Any, monkeypatch: pytest.MonkeyPatch, total: bytes
) -> None:
    world = make(dynamodb)
    if total == b"1":
        # Pages of its own size, and a count that was made for ours.
        world.api.unknowns.page_size_honoured = False
    rewriting(world, monkeypatch, rb'"total_pages":\d+', b'"total_pages":' + total)
    world.run()
    world.drain()
    monkeypatch.undo()
    assert world.not_in_sync() == []


def test_a_store_with_a_million_pages_a_minute_has_failed_and_does_not_keep_the_run_busy(
    dynamodb: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = make(dynamodb)
    rewriting(world, monkeypatch, rb'"total_pages":\d+', b'"total_pages":1000000')
    report = world.run()
    assert {*report.failed_stores.values()} == {"too_many_pages"}
    assert report.counts["requests"] < 10 * len(report.failed_stores)


def test_pages_of_another_size_than_asked_for_are_all_read(dynamodb: Any) -> None:
    world = make(dynamodb, Unknowns(page_size_honoured=False), orders=90)
    world.run()
    world.drain()
    assert world.not_in_sync() == []


@pytest.mark.parametrize("times", ["with_z", "without_z"])
def test_the_way_to_write_times_is_learnt_and_remembered_by_the_next_worker(dynamodb: Any, times: str) -> None:
    world = make(dynamodb, Unknowns(times=times))
    world.run()
    world.drain()
    asked = len(world.api.requests)
    world.new_worker()
    world.time.sleep(300)
    world.run()
    assert len(world.api.requests) - asked == len({life.shop.store_id for life in world.lives})


def test_a_platform_that_changes_the_way_to_write_times_is_noticed_where_orders_are_expected(dynamodb: Any) -> None:
    time = VirtualTime(START + timedelta(minutes=20))
    world = World(dynamodb, lives(), time, Unknowns(times="with_z"))
    world.run()
    world.drain()
    world.api.unknowns.times = "without_z"
    while time.now() < AFTER:
        time.sleep(300)
        world.run()
        world.drain()
    assert world.not_in_sync() == []


@pytest.mark.parametrize("pages", [1, 2, 4, 8, 20])
def test_the_requests_for_a_window_are_bounded_by_its_pages(
    dynamodb: Any, monkeypatch: pytest.MonkeyPatch, pages: int
) -> None:
    monkeypatch.setattr(partner_api, "PAGE_SIZE", 5)
    world = World(dynamodb, lives(orders=5 * pages, stores=1), VirtualTime(AFTER))
    world.run()
    assert len(world.api.requests) == pages + (pages > 1)


def test_a_window_is_asked_for_in_utc_with_the_parameters_that_the_platform_knows(dynamodb: Any) -> None:
    world = make(dynamodb)
    world.run()
    for asked in world.sessions[0].asked:
        assert set(asked.query) == {"start_time", "end_time", "page", "page_size"}
        assert asked.query["page_size"] == "500"


def test_an_order_is_the_same_on_two_pages_however_its_number_is_spelled() -> None:
    assert order_page.identity({"order_id": 10, "status": "RECEIVED"}) == order_page.identity(
        {"order_id": Decimal("10.0"), "status": "DISPATCHED"}
    )
