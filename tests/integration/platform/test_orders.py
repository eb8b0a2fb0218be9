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
from tests.support.sampling import every, pairs
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


@pytest.mark.usefixtures("small_pages")
@pytest.mark.parametrize("unknowns", every(23, MIXES), ids=lambda mix: "-".join(map(str, vars(mix).values())))
def test_missed_hour_is_healed(dynamodb: Any, unknowns: Unknowns) -> None:
    """An hour without webhooks is brought in sync, whatever the contract leaves open."""
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
@pytest.mark.parametrize("unknowns", every(4, MIXES[3::11]), ids=lambda mix: "-".join(map(str, vars(mix).values())))
def test_window_read_in_parts_is_complete(dynamodb: Any, monkeypatch: pytest.MonkeyPatch, unknowns: Unknowns) -> None:
    """A window that is read in parts is complete."""
    monkeypatch.setattr("partner_orders.reconciler.windows.PAGES_AT_ONCE", 2)
    world = make(dynamodb, unknowns)
    world.run()
    world.drain()
    assert world.not_in_sync() == []


EVERY_WAY = pytest.mark.parametrize(("filter_by", "sorted_by"), pairs(["created", "updated"], SORTED))


@pytest.mark.usefixtures("small_pages")
@EVERY_WAY
def test_orders_that_move_pages_are_found(dynamodb: Any, filter_by: str, sorted_by: tuple[str, str]) -> None:
    """Orders that move between pages while these are read are not missed."""
    sort_by, order = sorted_by
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
def test_one_changed_order_hides_no_other(
    dynamodb: Any, monkeypatch: pytest.MonkeyPatch, filter_by: str, sorted_by: tuple[str, str]
) -> None:
    """No order is missed, whichever other one changes before whichever page is read."""
    sort_by, order = sorted_by
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
def test_hidden_order_is_found_in_parts(dynamodb: Any, monkeypatch: pytest.MonkeyPatch, in_parts: bool) -> None:
    """An order never on the page being read is found in shorter parts, or its store fails."""
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
def test_order_that_leaves_hides_no_other(dynamodb: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Filtered by update, an order leaves the first page at each request and the others move up. None is missed."""
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
def test_emptied_last_page_is_the_end(dynamodb: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A last page is the end when its orders have left the window."""
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
def test_repeated_first_page_is_an_error(dynamodb: Any) -> None:
    """Getting the first page again and again is an error, and the window is read again in the next run."""
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
def test_wrong_page_count_ends_no_reading(dynamodb: Any, monkeypatch: pytest.MonkeyPatch, total: bytes) -> None:
    """A wrong number of pages does not end the reading."""
    world = make(dynamodb)
    if total == b"1":
        # Pages of its own size, and a count that was made for ours.
        world.api.unknowns.page_size_honoured = False
    rewriting(world, monkeypatch, rb'"total_pages":\d+', b'"total_pages":' + total)
    world.run()
    world.drain()
    monkeypatch.undo()
    assert world.not_in_sync() == []


def test_too_many_pages_fail_the_store(dynamodb: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A store that claims a million pages fails and does not keep the run busy."""
    world = make(dynamodb)
    rewriting(world, monkeypatch, rb'"total_pages":\d+', b'"total_pages":1000000')
    report = world.run()
    assert {*report.failed_stores.values()} == {"too_many_pages"}
    assert report.counts["requests"] < 10 * len(report.failed_stores)


def test_pages_of_another_size_are_all_read(dynamodb: Any) -> None:
    """All pages are read when their size is not the one requested."""
    world = make(dynamodb, Unknowns(page_size_honoured=False), orders=90)
    world.run()
    world.drain()
    assert world.not_in_sync() == []


@pytest.mark.parametrize("times", ["with_z", "without_z"])
def test_time_format_is_remembered(dynamodb: Any, times: str) -> None:
    """The accepted time format is learnt, and the next worker uses it from its first request."""
    world = make(dynamodb, Unknowns(times=times))
    world.run()
    world.drain()
    asked = len(world.api.requests)
    world.new_worker()
    world.time.sleep(300)
    world.run()
    assert len(world.api.requests) - asked == len({life.shop.store_id for life in world.lives})


def test_changed_time_format_is_noticed(dynamodb: Any) -> None:
    """A change of the platform's time format is noticed where orders are expected."""
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
def test_requests_are_bounded_by_pages(dynamodb: Any, monkeypatch: pytest.MonkeyPatch, pages: int) -> None:
    """A window takes one request a page, and one more if it has several pages."""
    monkeypatch.setattr(partner_api, "PAGE_SIZE", 5)
    world = World(dynamodb, lives(orders=5 * pages, stores=1), VirtualTime(AFTER))
    world.run()
    assert len(world.api.requests) == pages + (pages > 1)


def test_request_has_the_known_parameters(dynamodb: Any) -> None:
    """A window is requested in UTC with the parameters that the platform knows, 500 orders a page."""
    world = make(dynamodb)
    world.run()
    assert world.sessions[0].asked != []
    for asked in world.sessions[0].asked:
        assert (asked.method, asked.url.rpartition("/")[2]) == ("GET", "orders")
        assert set(asked.query) == {"start_time", "end_time", "page", "page_size"}
        assert asked.query["page_size"] == "500"


def test_identity_ignores_number_spelling() -> None:
    """An order on two pages is the same one, however its number is spelled."""
    assert order_page.identity({"order_id": 10, "status": "RECEIVED"}) == order_page.identity(
        {"order_id": Decimal("10.0"), "status": "DISPATCHED"}
    )
