"""The Partner API, as the reconciler reaches it: slow, refusing, silent, and unlike its contract."""

import io
import random
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import urlencode, urlsplit

import requests
from urllib3 import HTTPResponse

from tools.local.simulated_platform.partner_api import Request, Unknowns

if TYPE_CHECKING:
    from tools.simulation.world import World

API_FAULTS = (
    "unauthorized",
    "forbidden",
    "not_found",
    "too_many",
    "server_error",
    "html",
    "truncated",
    "repeat_first_page",
)


class PlatformSession:
    """``requests.Session``, answered by the simulated platform."""

    def __init__(self, world: "World") -> None:
        self._world = world

    def get(self, url: str, params: Mapping[str, str], headers: Mapping[str, str], **_: object) -> requests.Response:
        world, chance = self._world, self._world.chance
        world.kernel.sleep(chance.uniform(0.05, 0.4))
        world.dies_or_hangs("GET orders")
        if world.faults.strikes("api_no_answer", "GET orders"):
            world.kernel.sleep(20.0)
            raise requests.ReadTimeout
        if world.faults.strikes("api_trickles", "GET orders"):
            # A byte now and then, for longer than the lease; meanwhile somebody invokes the function.
            seconds = world.faults.between("api_trickles", 130, 400)
            world.kernel.spawn(partial(world.reconcile, {}), world.service, chance.uniform(60, seconds))
            world.kernel.sleep(seconds)
        api = world.api
        api.faults = {}
        for kind in API_FAULTS:
            if world.faults.strikes(f"api_{kind}", "GET orders"):
                api.faults = {kind: 1}
                break
        lower = {name.lower(): value for name, value in headers.items()}
        target = f"{urlsplit(url).path}?{urlencode(params)}"
        given = api.handle(Request("GET", target, lower), world.kernel.now())
        answer = requests.Response()
        answer.status_code = given.status
        answer.headers.update(given.headers)
        answer.raw = HTTPResponse(io.BytesIO(given.body), preload_content=False)
        world.kernel.sleep(chance.uniform(0.01, 0.1))
        world.dies_or_hangs("after GET orders")
        return answer


def unknowns(seed: int) -> Unknowns:
    """One of the ways in which the platform may do what the contract does not say."""
    chance = random.Random(f"{seed}/unknowns")
    return Unknowns(
        filter_by=chance.choice(["created", "updated"]),
        order=chance.choice(["ascending", "descending", "none"]),
        start_included=chance.random() < 0.5,
        end_included=chance.random() < 0.5,
        times=chance.choice(["any", "with_z", "without_z"]),
        page_size_honoured=chance.random() < 0.8,
        sort_by=chance.choice(["created", "updated"]),
    )
