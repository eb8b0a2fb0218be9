"""The brands of the platform, for tests that have to hold under each of them."""

from datetime import timedelta
from typing import Any

import pytest

from tests.support.orders import CHAIN_ID
from tests.support.platform import START, VirtualTime
from tests.support.reconciler_world import World
from tools.local.simulated_platform.profiles import PROFILES, Profile

AFTER = START + timedelta(hours=2)


@pytest.fixture(params=PROFILES, ids=lambda profile: profile.name)
def profile(request: pytest.FixtureRequest) -> Profile:
    """Each brand in turn."""
    chosen: Profile = request.param
    return chosen


def world_of(profile: Profile, dynamodb: Any, orders: int = 12, stores: int = 2, seed: int = 7) -> World:
    """A reconciler's world on a brand, two hours after its first order."""
    lives = profile.hour(seed, orders, stores, START, CHAIN_ID)
    world = World(dynamodb, lives, VirtualTime(AFTER), profile.unknowns)
    world.api.form_of_get = profile.form_of_get
    return world
