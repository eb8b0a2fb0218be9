"""What the contract leaves open is found out from any refusal, and remembered for the chain."""

import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from partner_orders.platform import http
from partner_orders.platform.orders import TIME_FORMATS
from tests.support.platform import START, VirtualTime, lives
from tests.support.reconciler_faults import Change, between, edited
from tests.support.reconciler_world import World
from tests.support.sampling import every, pairs
from tools.local.simulated_platform.partner_api import Response, Unknowns

AFTER = START + timedelta(hours=2)
WITH_ZONE, BARE = "_time=[^&]*Z&", "_time=[^&Z]*&"
LARGE_PAGES = "page_size=(1[0-9][1-9]|[2-9][0-9]{2})"


REFUSAL = Response(400, {"Content-Type": "application/json"}, b'{"code":"BAD_REQUEST","message":"invalid"}')


def refusing(pattern: str, status: int = 400) -> Change:
    """Refuse requests whose target is like this."""
    refusal = replace(REFUSAL, status=status)
    return lambda request, answer: refusal if re.search(pattern, request.target) else answer


def assert_later_runs_know_it(world: World) -> None:
    """Everything is in sync, and a new worker needs one request for each store."""
    assert world.not_in_sync() == []
    world.new_worker()
    world.time.sleep(300)
    report = world.run()
    assert (report.failed_stores, report.counts["requests"]) == ({}, len(world.shops))


@pytest.mark.parametrize(
    ("guess", "status"),
    pairs([(WITH_ZONE, 1), (BARE, 0), (LARGE_PAGES, 2), (f"{WITH_ZONE}|{LARGE_PAGES}", 3)], [400, 422]),
)
def test_refused_guess_gets_another(dynamodb: Any, guess: tuple[str, int], status: int) -> None:
    """A form of times or a page size that is refused gives way to another, which the next worker knows."""
    pattern, requests = guess
    world = World(dynamodb, lives(orders=30), VirtualTime(AFTER))
    between(world, refusing(pattern, status))
    report = world.run()
    assert (report.failed_stores, report.counts["requests"]) == ({}, len(world.shops) + requests)
    world.drain()
    assert_later_runs_know_it(world)


@pytest.mark.parametrize("pattern", [WITH_ZONE, BARE, LARGE_PAGES])
def test_quiet_stores_survive_a_refusal(dynamodb: Any, pattern: str) -> None:
    """Stores without any order are checked, whichever guess the platform refuses."""
    world = World(dynamodb, lives(orders=12), VirtualTime(AFTER))
    world.api.show([])
    between(world, refusing(pattern))
    for _ in range(2):
        report = world.run()
        assert (report.failed_stores, report.counts["stores_checked"]) == ({}, 2)
        world.time.sleep(300)
    assert report.counts["requests"] <= 2 * len(world.shops)


def test_changed_guess_is_noticed_by_a_refusal(dynamodb: Any) -> None:
    """A platform that begins to refuse the times that it took is read with the others."""
    world = World(dynamodb, lives(orders=12), VirtualTime(START + timedelta(minutes=20)), Unknowns(times="with_z"))
    world.run()
    world.drain()
    world.api.unknowns.times = "without_z"
    between(world, refusing(WITH_ZONE))
    world.time.sleep(6_000)
    assert world.run().failed_stores == {}
    world.drain()
    assert_later_runs_know_it(world)


@pytest.mark.parametrize("status", [400, 404, 422])
def test_refused_id_gives_way_to_the_other(dynamodb: Any, status: int) -> None:
    """An id of a store that is refused in a path gives way to its other id, which the next run knows."""
    world = World(dynamodb, lives(orders=12), VirtualTime(AFTER))
    between(world, refusing("|".join(f"/{shop.store_id}/" for shop in world.shops), status))
    assert world.run().failed_stores == {}
    world.drain()
    assert_later_runs_know_it(world)


def test_remembered_id_gives_way_to_the_other(dynamodb: Any) -> None:
    """A store's id that worked and is refused since gives way to its other id, which the next run knows."""
    world = World(dynamodb, lives(orders=12), VirtualTime(AFTER))
    world.run()
    world.drain()
    between(world, refusing("|".join(f"/{shop.store_id}/" for shop in world.shops)))
    world.time.sleep(300)
    assert world.run().failed_stores == {}
    world.drain()
    assert_later_runs_know_it(world)


def test_remembered_page_size_gives_way_to_a_smaller(dynamodb: Any) -> None:
    """A page size that worked and is refused since gives way to a smaller one, which the next run knows."""
    world = World(dynamodb, lives(orders=12), VirtualTime(AFTER))
    between(world, refusing(LARGE_PAGES))
    world.run()
    world.drain()
    between(world, refusing("page_size=[0-9]{3}"))
    world.time.sleep(300)
    world.new_worker()
    assert world.run().failed_stores == {}
    world.drain()
    assert_later_runs_know_it(world)


def test_refused_store_costs_no_other(dynamodb: Any) -> None:
    """A store whose requests are all refused fails by name, and costs few requests and no other store."""
    world = World(dynamodb, lives(orders=30, stores=6), VirtualTime(AFTER))
    refused = world.shops[0]
    between(world, refusing(f"/({refused.store_id}|{re.escape(refused.external_partner_config_id)})/"))
    for _ in range(2):
        report = world.run()
        assert report.failed_stores == {refused.store_id: "refused:400"}
        assert report.counts["requests"] <= 6 + 2 * 6  # which store is the first is not said
        world.drain()
        world.time.sleep(300)
    lost = {life.order_id for life in world.lives if life.shop == refused}
    assert {*world.not_in_sync()} == lost


@pytest.mark.parametrize("pages", every(2, [1, 3]))
def test_too_large_pages_are_read_smaller(dynamodb: Any, pages: int) -> None:
    """A store whose pages have too many bytes is read in smaller pages, and is so at once the next time."""
    world = World(dynamodb, lives(orders=60 * pages, stores=1), VirtualTime(AFTER))

    def change(_: Any, answer: Response) -> Response:
        return Response(answer.status, answer.headers, re.sub(rb'"status":', b'"x":"%s",\\g<0>' % padding, answer.body))

    padding = b"x" * 30_000
    between(world, change)
    report = world.run()
    assert report.failed_stores == {}
    assert report.counts["orders_checked"] == 60 * pages
    assert report.api_errors["too_large"] <= 2
    assert {asked.query["page_size"] for asked in world.sessions[-1].asked[-2:]} <= {"100", "20"}
    world.drain()
    world.time.sleep(86_400)
    assert world.run().api_errors["too_large"] == 0


def test_handover_is_of_what_works(dynamodb: Any) -> None:
    """What the platform refuses is never remembered, what it takes is."""
    world = World(dynamodb, lives(orders=12), VirtualTime(AFTER))
    between(world, refusing(f"{WITH_ZONE}|{LARGE_PAGES}"))
    world.run()
    handover = world.lease.acquire()
    assert handover is not None
    assert (handover.time_format, handover.page_size, handover.page_length) == (TIME_FORMATS[1], 100, None)


# -- what befalls every store ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "requests", "reason"),
    every(2, [(403, 4, "forbidden"), (500, 5 * http.TRIES, "server_error"), (400, 36, "refused")], first=1),
)
def test_failure_of_every_store_ends_the_run(dynamodb: Any, status: int, requests: int, reason: str) -> None:
    """A failure that befalls every store ends the run after a few, and the next run begins with others.

    A store takes what its window takes, and as much for the latest of it.
    """
    world = World(dynamodb, lives(orders=120, stores=28), VirtualTime(AFTER))
    between(world, lambda *_: Response(status, {"Content-Type": "application/json"}, b'{"message":"Forbidden"}'))
    failed: set[str] = set()
    for _ in range(3):
        report = world.run()
        assert report.stopped.partition(":")[0] == reason
        assert report.counts["requests"] <= requests
        assert not failed & report.failed_stores.keys()
        failed |= report.failed_stores.keys()
        world.time.sleep(300)


@pytest.mark.slow
def test_silence_of_every_store_ends_the_run(dynamodb: Any) -> None:
    """A platform that does not respond ends the run after a few stores."""
    world = World(dynamodb, lives(orders=120, stores=28), VirtualTime(AFTER))
    world.api.faults = {"hang": 10_000}
    report = world.run()
    assert report.stopped.startswith("no_answer")
    assert report.counts["requests"] <= 5 * http.TRIES


@pytest.mark.parametrize("status", [403, 500])
def test_failure_of_some_stores_is_theirs(dynamodb: Any, status: int) -> None:
    """Stores that always fail end no run while others work, however often."""
    world = World(dynamodb, lives(orders=60, stores=12), VirtualTime(AFTER))
    failing = sorted(shop.store_id for shop in world.shops)[1::4]
    pattern = "|".join(f"/{store_id}/" for store_id in failing)
    between(world, refusing(pattern, status))
    for _ in range(2):
        report = world.run()
        assert (report.stopped, {*report.failed_stores}) == ("", {*failing})
        world.drain()
        world.time.sleep(300)


def test_window_of_one_store_that_fails_is_its_own(dynamodb: Any) -> None:
    """A store of which one window always gets 500 ends no run, in however many parts it is read."""
    world = World(dynamodb, lives(orders=12, stores=1), VirtualTime(AFTER))
    between(world, refusing("/vendors/", 500))
    for _ in range(4):
        assert world.run().stopped == ""
        world.time.sleep(300)


def test_breaker_heeds_a_response(dynamodb: Any) -> None:
    """Stores in a row that get 5xx end no run where one between them got a response, be it a refusal."""
    world = World(dynamodb, lives(orders=60, stores=12), VirtualTime(AFTER))
    order: list[str] = []

    def change(request: Any, answer: Response) -> Response:
        name = request.target.split("/vendors/")[1].partition("/")[0]
        order.extend([name] if name not in order else [])
        return Response(404 if order.index(name) % 3 == 2 else 503, {}, b"{}")

    between(world, change)
    assert world.run().stopped == ""


def test_breaker_ignores_edits(dynamodb: Any) -> None:
    """Empty responses are responses."""
    world = World(dynamodb, lives(orders=12), VirtualTime(AFTER))
    between(world, lambda _, answer: edited(answer, orders=None))
    assert world.run().stopped == ""


def test_small_pages_of_one_store_are_its_own(dynamodb: Any) -> None:
    """Where one store is read in small pages for an endless response, the others find out for themselves that the
    platform refuses large ones."""
    world = World(dynamodb, lives(orders=30), VirtualTime(AFTER))
    asked: list[str] = []

    def change(request: Any, answer: Response) -> Response:
        if not re.search(LARGE_PAGES, request.target):
            return answer
        asked.append(request.target)
        return Response(200, answer.headers, b" " * 20_000_000) if len(asked) == 1 else REFUSAL

    between(world, change)
    assert world.run().failed_stores == {}
    assert len(world.shops) > 1
