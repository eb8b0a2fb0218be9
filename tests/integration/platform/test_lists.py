"""Lists that end where a page proves it, orders listed twice, and pages that one order would spoil."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from itertools import product
from typing import Any

import pytest

from partner_orders.exact_json import write_bytes
from partner_orders.orders.event import parse_event
from partner_orders.platform import orders as partner_api
from partner_orders.platform.failures import PartnerApiError
from partner_orders.platform.http import RunLimits
from tests.support.platform import START, VirtualTime, lives
from tests.support.reconciler_faults import between, edited
from tests.support.reconciler_world import World
from tests.support.sampling import every, pairs
from tools.local.simulated_platform.partner_api import Request, Response, Unknowns

AFTER = START + timedelta(hours=2)

type Envelope = Callable[[dict[str, Any]], dict[str, Any]]


def capped(world: World, size: int, envelope: Envelope = lambda page: page) -> None:
    """The platform shows so many orders a page, and says of it what ``envelope`` makes of a true page."""
    handle = world.api.handle

    def handle_capped(request: Request, now: Any) -> Response:
        target = re.sub("page_size=[0-9]+", f"page_size={size}", request.target)
        answer = handle(replace(request, target=target), now)
        return replace(answer, body=json.dumps(envelope(json.loads(answer.body))).encode())

    world.api.handle = handle_capped  # type: ignore[method-assign]


def one_store(dynamodb: Any, orders: int, unknowns: Unknowns | None = None) -> World:
    return World(dynamodb, lives(orders=orders, stores=1), VirtualTime(AFTER), unknowns)


def as_text(page: dict[str, Any]) -> dict[str, Any]:
    return page | {name: str(value) for name, value in page.items() if name != "orders"}


ENVELOPES: dict[str, Envelope] = {
    "text": as_text,
    "orders alone": lambda page: {"orders": page["orders"]},
    "none counted": lambda page: page | {"total_pages": 0},
    "one counted": lambda page: page | {"total_pages": 1},
    "counted for the requested size": lambda page: page | {"total_pages": 1, "page_size": 500},
    "one too few": lambda page: page | {"total_pages": max(1, page["total_pages"] - 1)},
    "no size": lambda page: {"orders": page["orders"], "total_pages": page["total_pages"]},
}


@pytest.mark.parametrize(("envelope", "size"), every(8, product(ENVELOPES, [20, 50, 100])))
def test_list_ends_where_a_page_proves_it(dynamodb: Any, size: int, envelope: str) -> None:
    """All of 250 orders are read, however the platform pages them and whatever it says of its pages."""
    world = one_store(dynamodb, orders=250)
    capped(world, size, ENVELOPES[envelope])
    assert world.run().failed_stores == {}
    world.drain()
    assert world.not_in_sync() == []


@pytest.mark.parametrize(
    ("envelope", "size"), pairs([as_text, ENVELOPES["orders alone"], ENVELOPES["no size"]], [7, 30])
)
def test_unusual_page_size_is_read_to_its_end(dynamodb: Any, size: int, envelope: Envelope) -> None:
    """Pages of a size that nobody has are read to the last, too."""
    world = one_store(dynamodb, orders=90)
    capped(world, size, envelope)
    assert world.run().failed_stores == {}
    world.drain()
    assert world.not_in_sync() == []


def counted_for_45(page: dict[str, Any]) -> dict[str, Any]:
    """The page of 30 orders with counts that were made for pages of 45."""
    return page | {"total_pages": 2 if page["total_pages"] > 2 else 1, "page_size": 45}


def test_count_of_longer_pages_ends_no_reading(dynamodb: Any) -> None:
    """Where pages have fewer orders than they say, those beyond the count are read, too."""
    world = one_store(dynamodb, orders=90)
    capped(world, 30, counted_for_45)
    assert world.run().failed_stores == {}
    world.drain()
    assert world.not_in_sync() == []


def test_seen_page_length_is_remembered(dynamodb: Any) -> None:
    """Where one window shows how long pages are, another of one such page is not taken for the whole."""
    world = one_store(dynamodb, orders=90)
    capped(world, 30, counted_for_45)
    world.run()
    handover = world.lease.acquire()
    assert handover is not None
    assert handover.page_length == 30
    world.new_worker()
    world.platform_orders._api.begin(RunLimits(), handover)
    shop, first, last = world.shops[0], world.lives[0].created_at, world.lives[40].created_at
    shown = sum(len(listed) for listed in world.platform_orders.between(shop.store_id, first, last))
    assert shown >= 40


@pytest.mark.parametrize("status", [400, 404, 416])
def test_refused_page_beyond_is_the_end(dynamodb: Any, status: int) -> None:
    """Where nothing counts the pages, one that is refused after the last is the end of the list."""
    world = one_store(dynamodb, orders=90)
    capped(world, 30, ENVELOPES["orders alone"])
    between(world, lambda _, answer: answer if json.loads(answer.body)["orders"] else Response(status, {}, b""))
    assert world.run().failed_stores == {}
    world.drain()
    assert world.not_in_sync() == []


@pytest.mark.slow
def test_uncounted_pages_are_read_in_parts(dynamodb: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A long list whose pages nobody counts is read in parts, as one that says how long it is."""
    monkeypatch.setattr("partner_orders.reconciler.windows.PAGES_AT_ONCE", 4)
    world = one_store(dynamodb, orders=200)
    capped(world, 10, ENVELOPES["orders alone"])
    report = world.run()
    assert report.failed_stores == {}
    assert report.counts["requests"] < 200
    world.drain()
    assert world.not_in_sync() == []


def test_known_page_count_costs_nothing(dynamodb: Any) -> None:
    """A page with a count that agrees with it takes one request."""
    world = one_store(dynamodb, orders=30)
    world.run()
    assert len(world.api.requests) == 1


# -- nothing -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (204, b""),
        (200, b""),
        (200, b"{}"),
        (200, b'{"orders":null}'),
        (200, b'{"total_pages":0,"page_size":500}'),
        (200, b'{"orders":null,"total_pages":0,"page_number":1,"page_size":500}'),
    ],
)
def test_nothing_in_any_form_is_quiet(dynamodb: Any, status: int, body: bytes) -> None:
    """A store of which the platform says in any form that it has nothing is checked, at the cost of an empty list."""
    world = World(dynamodb, lives(orders=12), VirtualTime(AFTER))
    between(world, lambda *_: Response(status, {}, body))
    for _ in range(2):
        report = world.run()
        assert (report.failed_stores, report.counts["stores_checked"]) == ({}, 2)
        assert report.counts["requests"] == 4  # in both formats of time, as none was seen to work
        world.time.sleep(300)


@pytest.mark.parametrize("body", [b"", b"{}", b'{"orders":null}'])
def test_nothing_is_doubted_where_orders_are(dynamodb: Any, body: bytes) -> None:
    """Nothing, where we have orders, is doubted in whatever form it is said."""
    world = World(dynamodb, lives(orders=12), VirtualTime(AFTER))
    for life in world.lives:
        world.receive(life)
    between(world, lambda *_: Response(200, {}, body))
    assert {*world.run().failed_stores.values()} == {"nothing_shown"}


@pytest.mark.parametrize("body", [b'{"message":"down"}', b'{"orders":null,"error":"down"}', b"[]", b'"down"'])
def test_error_in_200_fails_the_store(dynamodb: Any, body: bytes) -> None:
    """An error that comes with 200 is no quiet store."""
    world = one_store(dynamodb, orders=12)
    between(world, lambda *_: Response(200, {}, body))
    assert {*world.run().failed_stores.values()} == {"not_a_page"}
    assert {position.checked_until for position in world.table.positions().values()} == {None}


# -- an order listed twice ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("page_size", [500, 5])
@pytest.mark.parametrize("place", [0, 6, 12])
def test_both_states_of_an_order_are_compared(
    dynamodb: Any, monkeypatch: pytest.MonkeyPatch, page_size: int, place: int
) -> None:
    """An order listed in two states, on one page or on two, is compared in both, and hides no other."""
    monkeypatch.setattr(partner_api, "PAGE_SIZE", page_size)
    world = one_store(dynamodb, orders=12)
    shown = [json.loads(world.api.body_text(life, life.steps[-1])) for life in world.lives]
    cancelled = shown[0] | {"status": "CANCELLED", "sys": shown[0]["sys"] | {"updated_at": "2026-10-14T09:59:00Z"}}
    listed = [*shown[:place], cancelled, *shown[place:]] if place else [cancelled, *shown]

    def change(request: Request, answer: Response) -> Response:
        number = int(re.findall("[?&]page=([0-9]+)", request.target)[0])
        pages = [listed[at : at + page_size] for at in range(0, len(listed), page_size)]
        orders = pages[number - 1] if number <= len(pages) else []
        return edited(answer, orders=orders, total_pages=len(pages), page_size=page_size)

    between(world, change)
    report = world.run()
    assert report.failed_stores == {}
    assert report.counts["requests"] <= 1 + 2 * 3
    bodies = [parse_event(body) for body in world.drain()]
    assert {event.status for event in bodies if event.order_id == shown[0]["order_id"]} >= {
        "CANCELLED",
        shown[0]["status"],
    }
    assert world.not_in_sync() == []


# -- an order that spoils a page ---------------------------------------------------------------------------------------

SPOILT = [
    (b'"status":', b'"note":"two\nlines\tand a tab","status":'),
    (b'"status":', b'"note":"half \xc3","status":'),
    (b'"status":', b'"note":' + b"7" * 5_000 + b',"status":'),
    (b'"status":', b'"note":-Infinity,"status":'),
    (b'"status":', b'"note":' + b"[" * 5_000 + b"]" * 5_000 + b',"status":'),
    (b'"status":', b'"note":"\\x","status":'),
    (b'"status":', b'"note":01,"status":'),
]


@pytest.mark.parametrize(
    ("old", "new"), SPOILT, ids=["newline", "letter", "digits", "infinity", "deep", "escape", "01"]
)
def test_spoilt_order_is_rejected_alone(dynamodb: Any, old: bytes, new: bytes) -> None:
    """An order that is no JSON is stored with the rejected events as the bytes that came. The others are read."""
    world = one_store(dynamodb, orders=12)
    bad = world.lives[4]

    def change(_: Request, answer: Response) -> Response:
        shown = world.api.body_text(bad, bad.steps[-1]).encode()
        return replace(answer, body=answer.body.replace(shown, shown.replace(old, new, 1)))

    between(world, change)
    report = world.run()
    assert (report.failed_stores, report.counts["orders_checked"]) == ({}, 12)
    bodies = world.drain()
    spoilt = world.api.body_text(bad, bad.steps[-1]).encode().replace(old, new, 1)
    assert spoilt in bodies
    assert len(world.rejected.newest()) == 1
    assert world.not_in_sync() == [bad.order_id]
    world.time.sleep(300)
    assert world.run().counts["enqueued"] == 0


def test_spoilt_order_on_two_pages_comes_once(dynamodb: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """An order that cannot be parsed is known again on another page."""
    monkeypatch.setattr(partner_api, "PAGE_SIZE", 5)
    world = one_store(dynamodb, orders=12)
    between(world, lambda _, answer: replace(answer, body=re.sub(rb'"status":', b'"x":NaN,"status":', answer.body)))
    report = world.run()
    assert (report.failed_stores, report.counts["orders_checked"]) == ({}, 12)


@pytest.mark.parametrize("page_size", [500, 5])
def test_large_orders_are_parsed_few_at_a_time(dynamodb: Any, monkeypatch: pytest.MonkeyPatch, page_size: int) -> None:
    """However many orders a page has, few are parsed at once."""
    monkeypatch.setattr(partner_api, "PAGE_SIZE", page_size)
    world = one_store(dynamodb, orders=12)
    monkeypatch.setattr("partner_orders.platform.order_page.LIST_BYTES", 20_000)
    store_id = world.shops[0].store_id
    for listed in world.platform_orders.between(store_id, START, AFTER - timedelta(minutes=5)):
        assert len(listed) == 1 or sum(len(write_bytes(order)) for order in listed) <= 25_000


def test_cut_page_is_an_error(dynamodb: Any) -> None:
    """A page that is cut between two orders is requested again, and never taken for the whole list."""
    world = one_store(dynamodb, orders=12)
    between(world, lambda _, answer: replace(answer, body=answer.body[: answer.body.index(b'},{"')] + b"}"))
    with pytest.raises(PartnerApiError, match="not_json"):
        [*world.platform_orders.between(world.shops[0].store_id, START, AFTER)]
