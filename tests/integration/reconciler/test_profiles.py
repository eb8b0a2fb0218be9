"""The reconciler under each brand of the platform: its times, pages, counts, spellings and ids."""

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from partner_orders.orders.event import parse_event
from tests.support.platform import BASE_URL, lives
from tests.support.profiles import AFTER, profile, world_of
from tests.support.reconciler_world import World
from tools.local.simulated_platform.lives import to_text
from tools.local.simulated_platform.partner_api import Request
from tools.local.simulated_platform.profiles import PROFILES, Profile

__all__ = ["profile"]


@pytest.fixture
def world(profile: Profile, dynamodb: Any) -> World:
    return world_of(profile, dynamodb)


def refused_by(world: World) -> int:
    """How many requests the platform refuses with a 400, of those that were made."""
    answers = Counter(
        world.api.handle(
            Request("GET", f"{asked.url.removeprefix(BASE_URL)}?{query(asked.query)}", asked.headers), AFTER
        ).status
        for session in world.sessions
        for asked in session.asked
    )
    return answers[400]


def query(parameters: dict[str, str]) -> str:
    return "&".join(f"{name}={value}" for name, value in parameters.items())


def test_brand_is_read_to_the_end(world: World) -> None:
    """Every order of a brand is found, stored and in sync, and no store fails."""
    report = world.run()
    world.drain()
    assert world.not_in_sync() == []
    assert report.failed_stores == {}


def test_brand_settles(world: World) -> None:
    """A second run enqueues nothing, and a third makes as few requests as the second."""
    world.run()
    world.drain()
    requests = []
    for _ in range(2):
        world.time.sleep(301)
        report = world.run()
        requests.append(report.counts["requests"])
        assert report.counts["enqueued"] == 0
    assert requests[1] <= requests[0]


def test_brand_keeps_what_it_learned(world: World) -> None:
    """A new worker does not repeat the guesses that the platform refused."""
    world.run()
    world.drain()
    world.new_worker()
    del world.sessions[:-1]
    world.time.sleep(301)
    world.run()
    assert world.sessions[-1].asked
    assert refused_by(world) == 0


def test_brand_of_which_webhooks_came(world: World) -> None:
    """After every webhook, a run brings only what a brand's GET alone shows."""
    for life in world.lives:
        for number, step in enumerate(life.steps):
            if step.by_webhook:
                world.receive(life, number)
    known = world.orders.known(life.order_id for life in world.lives)
    unseen = 0
    for life in world.lives:
        shown = life.step_shown_at(AFTER)
        assert shown is not None
        unseen += not shown.by_webhook
    report = world.run()
    assert len(known) == len(world.lives)
    # A masked copy is another body than the webhook's.
    assert report.counts["missing"] == 0
    assert report.counts["different"] >= unseen
    world.drain()
    assert world.not_in_sync() == []


def test_backfill_of_a_brand_ends(world: World) -> None:
    """A backfill of a brand stores every order, without a failed store."""
    progress = world.backfill(**{"from": (AFTER - timedelta(hours=3)).isoformat()})
    assert progress["failed_stores"] == {}
    assert world.not_in_sync() == []


def test_quiet_store_of_a_brand_is_in_sync(profile: Profile, dynamodb: Any) -> None:
    """A store without an order is checked, and does not fail."""
    world = world_of(profile, dynamodb)
    quiet = lives(stores=1, seed=90)[0]
    world.stores.register(parse_event(to_text(quiet.steps[0].body).encode()).order.client)
    world.api._stores.add(quiet.shop.store_id)
    report = world.run()
    assert report.failed_stores == {}
    assert report.counts["stores_checked"] == 1 + len(world.shops)


@pytest.mark.slow
def test_long_list_of_a_brand_is_read(profile: Profile, dynamodb: Any) -> None:
    """A store with more orders than any page holds is read to its end."""
    world = world_of(profile, dynamodb, orders=230, stores=1)
    for _ in range(3):
        report = world.run()
        world.drain()
        world.time.sleep(301)
    assert report.failed_stores == {}
    assert world.not_in_sync() == []


def test_profiles_differ_where_brands_do() -> None:
    """Together the profiles show every form of times, pages, counts, empty lists and ids."""
    unknowns = [profile.unknowns for profile in PROFILES]
    assert {it.times for it in unknowns} == {"any", "with_z", "without_z"}
    assert {it.counts for it in unknowns} == {"numbers", "text", "missing"}
    assert {it.empty for it in unknowns} == {"list", "missing", "null", "no_content"}
    for name in ("times_refused", "page_size_refused", "page_size_honoured"):
        assert {getattr(it, name) for it in unknowns} == {True, False}
    for name in ("has_updated_at", "upper_case_ids", "numeric_store_ids"):
        assert {getattr(profile, name) for profile in PROFILES} == {True, False}
    assert any(profile.get_only for profile in PROFILES)
    assert any(profile.webhook_only for profile in PROFILES)
    assert {profile.name for profile in PROFILES} == {"pedidosya", "foodpanda", "glovo", "yemeksepeti"}
