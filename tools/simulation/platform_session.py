"""The Partner API, as the reconciler reaches it: slow, refusing, silent, hostile, and unlike its contract."""

import io
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlencode, urlsplit

import requests

from tools.local.simulated_platform.partner_api import Request, Response
from tools.simulation.hostile_responses import (
    LONGEST_SECONDS,
    MOST_BYTES,
    DrippingBody,
    HugeBody,
    compressed,
    inflating,
    to_requests,
)

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
WHERE = "GET orders"
_JSON = {"Content-Type": "application/json"}


class PlatformSession:
    """The session of ``platform_session``, answered by the simulated platform."""

    def __init__(self, world: "World") -> None:
        self._world = world

    def get(
        self,
        url: str,
        params: Mapping[str, str],
        headers: Mapping[str, str],
        timeout: tuple[float, float],
        **_: object,
    ) -> requests.Response:
        world, chance = self._world, self._world.chance
        world.kernel.sleep(chance.uniform(0.05, 0.4))
        world.dies_or_hangs(WHERE)
        world.dies_at_the_store(unquote(urlsplit(url).path).split("/")[-2])
        if world.faults.strikes("api_no_answer", WHERE):
            world.kernel.sleep(20.0)
            raise requests.ReadTimeout
        if world.faults.strikes("api_trickles", WHERE):
            # A byte now and then, for longer than the lease; meanwhile somebody invokes the function.
            seconds = world.faults.between("api_trickles", 130, 400)
            world.kernel.spawn(partial(world.reconcile, {}), world.service, chance.uniform(60, seconds))
            world.kernel.sleep(seconds)
        lower = {name.lower(): value for name, value in headers.items()}
        answer = self._answer(Request("GET", f"{urlsplit(url).path}?{urlencode(params)}", lower), timeout[1])
        world.kernel.sleep(chance.uniform(0.01, 0.1))
        world.dies_or_hangs(f"after {WHERE}")
        return answer

    def _answer(self, request: Request, patience: float) -> requests.Response:
        world = self._world
        if refusal := self._refusal():
            return to_requests(refusal)
        world.api.faults = {}
        for kind in API_FAULTS:
            if world.faults.strikes(f"api_{kind}", WHERE):
                world.api.faults = {kind: 1}
                break
        given = world.api.handle(request, world.kernel.now())
        if given.status == 200 and world.faults.strikes("api_gzip", WHERE):
            given = compressed(given, world.faults.one_of("api_gzip", ["gzip", "deflate"]))
        if world.faults.strikes("api_inflates", WHERE):
            return to_requests(
                replace(given, status=200, headers=_JSON | {"Content-Encoding": "gzip"}, body=inflating())
            )
        if world.faults.strikes("api_huge", WHERE):
            huge = HugeBody(given.body[:-1])
            world.at_the_end(lambda: huge.taken > MOST_BYTES, "more was read of a response than a function can hold")
            return to_requests(replace(given, status=200, headers=_JSON), io.BufferedReader(huge))
        if world.faults.strikes("api_drips", WHERE):
            drips = DrippingBody(given.body, world.kernel.sleep, world.faults.chance_of("api_drips"), patience)
            world.at_the_end(
                lambda: drips.seconds > LONGEST_SECONDS, "a response was waited for longer than the lease lasts"
            )
            return to_requests(given, drips)
        return to_requests(given)

    def _refusal(self) -> Response | None:
        """What a server says before it has looked at anything."""
        faults, now = self._world.faults, self._world.kernel.now()
        if faults.strikes("api_bad_request", WHERE):
            return Response(400, _JSON, b'{"code":"BAD_REQUEST","message":"Bad request"}')
        if faults.strikes("api_not_yet", WHERE):
            return Response(faults.one_of("api_not_yet", [408, 425]), _JSON, b"{}")
        if faults.strikes("api_told_later", WHERE):
            seconds = round(now.timestamp() + faults.between("api_told_later", 5, 90))
            return Response(429, {"Content-Type": "text/html", "Retry-After": str(seconds)}, b"")
        return None
