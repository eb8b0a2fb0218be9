"""Orders that the list shows late, or dates ahead, or shows differently at each look."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from partner_orders.orders.event import parse_event
from partner_orders.reconciler.report import Report
from tests.support.platform import START, VirtualTime, lives
from tests.support.reconciler_faults import between, edited, set_store
from tests.support.reconciler_world import World
from tests.support.sampling import every
from tools.local.simulated_platform.lives import Life, to_text
from tools.local.simulated_platform.partner_api import Request, Response

AFTER = START + timedelta(hours=2)
RUN_EVERY = 300.0


def runs(world: World, hours: float) -> list[Report]:
    reports = []
    for _ in range(round(hours * 3_600 / RUN_EVERY)):
        world.time.sleep(RUN_EVERY)
        reports.append(world.run())
        world.drain()
    return reports


# -- late -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("minutes", every(3, [20, 40, 75], first=1))
def test_order_shown_late_is_found_in_the_hour(dynamodb: Any, minutes: int) -> None:
    """An order that the list shows long after it was made is found within the hour."""
    world = World(dynamodb, lives(), VirtualTime(AFTER))
    life, *others = world.lives
    world.api.show(others)
    runs(world, 1)
    late = moved(life, world.time.now())
    runs(world, minutes / 60)
    world.lives = [late, *others]
    world.api.show(world.lives)
    assert world.not_in_sync() == [late.order_id]
    runs(world, 1 - minutes / 240)
    assert world.not_in_sync() == []


def moved(life: Life, at: Any) -> Life:
    """The order as one that was made, and was done, at another time."""
    time = at.isoformat().replace("+00:00", "Z")
    step = life.steps[-1]
    body = step.body | {"sys": {"created_at": time, "updated_at": time}}
    return replace(life, steps=(replace(step, at=at, body=body),))


def test_older_look_takes_no_more_requests(dynamodb: Any) -> None:
    """A quiet store takes one request at each run, also when its window is longer."""
    world = World(dynamodb, lives(), VirtualTime(START + timedelta(hours=5)))
    world.run()
    world.drain()
    before = len(world.api.requests)
    reports = runs(world, 3)
    assert len(world.api.requests) - before == len(reports) * len(world.shops)
    lengths = [
        round((parsed(asked.query["end_time"]) - parsed(asked.query["start_time"])) / timedelta(minutes=1))
        for asked in world.sessions[0].asked[-len(reports) * len(world.shops) :]
    ]
    longer = sum(length > 100 for length in lengths)
    assert longer == len(world.shops) * 6
    assert {length for length in lengths if length <= 100} == {20}


def parsed(text: str) -> Any:
    return parse_event(json.dumps({"order_id": "x", "status": "y", "sys": {"created_at": text}}).encode()).occurred_at


# -- dated ahead ------------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("ahead", [timedelta(hours=5), timedelta(days=365 * 70)])
def test_silence_is_noticed_despite_a_future_order(dynamodb: Any, ahead: timedelta) -> None:
    """An order dated ahead is no sign that a store has orders now."""
    world = World(dynamodb, lives(), VirtualTime(AFTER + timedelta(hours=3)))
    store_id = world.shops[0].store_id
    set_store(world, store_id, trading_hours="mon-sun 00:00-00:00", time_zone="UTC")
    life = next(each for each in world.lives if each.shop.store_id == store_id)
    world.orders.put(to_text(moved(life, world.time.now() + ahead).steps[0].body).encode())
    assert world.run().silent_stores == [store_id]


def test_future_open_order_makes_no_store_urgent(dynamodb: Any) -> None:
    """An open order dated ahead is not followed."""
    world = World(dynamodb, lives(), VirtualTime(AFTER + timedelta(hours=3)))
    life = world.lives[0]
    body = moved(life, world.time.now() + timedelta(days=300)).steps[0].body | {"status": "RECEIVED"}
    world.orders.put(to_text(body).encode())
    now = world.time.now()
    assert not world.orders.has_open(life.shop.store_id, now - timedelta(days=3), now)
    report = world.run()
    assert report.not_shown == []


# -- different at each look -------------------------------------------------------------------------------------------


def unsteady(world: World, change: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    """Make the platform show every order differently each time."""

    def edit(_: Request, answer: Response) -> Response:
        body = json.loads(answer.body)
        return edited(answer, orders=[change(shown) for shown in body["orders"]]) if "orders" in body else answer

    between(world, edit)


@pytest.fixture
def open_order(dynamodb: Any) -> World:
    """A platform that has one order, open for ever."""
    life, *_ = lives(stores=1)
    return World(dynamodb, [replace(life, steps=life.steps[:1])], VirtualTime(START + timedelta(hours=1)))


@pytest.mark.slow
def test_unsteady_field_costs_little(open_order: World) -> None:
    """An open order whose image link differs at each look costs some events a day, and the report says so."""
    world = open_order
    unsteady(world, lambda shown: shown | {"comment": f"?signature={world.time.seconds}"})
    reports = runs(world, 24)
    assert sum(report.counts["enqueued"] for report in reports) <= 8
    damped = [report for report in reports if report.damped]
    assert len(damped) > 250
    assert all(report.to_json()["unsteady_fields"] == {"comment": 1} for report in damped)


def test_change_of_unsteady_order_goes_through(open_order: World) -> None:
    """While an order is damped, a new status reaches the queue at the next run."""
    world = open_order
    unsteady(world, lambda shown: shown | {"comment": f"?signature={world.time.seconds}"})
    runs(world, 3)
    unsteady(world, lambda shown: shown | {"status": "CANCELLED"})
    world.time.sleep(RUN_EVERY)
    report = world.run()
    assert (report.counts["enqueued"], report.damped) == (1, {})


@pytest.mark.slow
def test_last_state_of_unsteady_order_is_stored(open_order: World) -> None:
    """When an order is steady again, what it shows then is stored within a day."""
    world = open_order
    settled = timedelta(hours=9).total_seconds() + world.time.seconds
    unsteady(world, lambda shown: shown | {"comment": f"?signature={min(world.time.seconds, settled)}"})
    runs(world, 9)
    assert runs(world, 1)[-1].damped
    reports = runs(world, 25)
    assert reports[-1].damped == {}
    assert reports[-1].counts["in_step"] == 1
