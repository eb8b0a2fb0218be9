"""The Partner API, as reconciler and sender reach it: slow, refusing, silent, hostile, and unlike its contract."""

import io
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlencode, urlsplit

import requests

from tools.local.simulated_platform.partner_api import Request, Response
from tools.simulation.faults import PUT_FAULTS
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
# The last one is of pages.
OF_AN_ORDER = API_FAULTS[:-1]
WHERE = "GET orders"
_JSON = {"Content-Type": "application/json"}


class PlatformSession:
    """The session of ``platform_session``, answered by the simulated platform. ``function`` is whose it is."""

    def __init__(self, world: "World", function: str) -> None:
        self._world = world
        self._function = function

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
        world.asked.append((world.kernel.seconds, self._function))
        answer = self._answer(Request("GET", f"{urlsplit(url).path}?{urlencode(params)}", lower), timeout[1])
        world.kernel.sleep(chance.uniform(0.01, 0.1))
        world.dies_or_hangs(f"after {WHERE}")
        return answer

    def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        timeout: tuple[float, float],
        data: bytes | None = None,
        **_: object,
    ) -> requests.Response:
        """One order, shown or answered."""
        world, where, patience = self._world, f"{method} order", timeout[1]
        world.kernel.sleep(world.chance.uniform(0.05, 0.4))
        world.dies_or_hangs(where)
        if world.faults.strikes("api_no_answer", where):
            world.kernel.sleep(patience)
            raise requests.ReadTimeout
        lower = {name.lower(): value for name, value in headers.items()}
        world.asked.append((world.kernel.seconds, self._function))
        given = self._of_an_order(Request(method, urlsplit(url).path, lower, data or b""), where)
        world.kernel.sleep(min(given.hang_seconds, patience) + world.chance.uniform(0.01, 0.1))
        world.dies_or_hangs(f"after {where}")
        if given.hang_seconds >= patience:
            raise requests.ReadTimeout
        return to_requests(given)

    def _of_an_order(self, request: Request, where: str) -> Response:
        world, faults = self._world, self._world.faults
        if refusal := self._refusal(where):
            return refusal
        world.api.faults = {}
        for kind in OF_AN_ORDER:
            if faults.strikes(f"api_{kind}", where):
                world.api.faults = {kind: 1}
                break
        if request.method == "PUT":
            world.api.faults |= {kind: 1 for kind in PUT_FAULTS if faults.strikes(kind, where)}
        return world.api.handle(request, world.kernel.now())

    def _answer(self, request: Request, patience: float) -> requests.Response:
        world = self._world
        if refusal := self._refusal(WHERE):
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

    def _refusal(self, where: str) -> Response | None:
        """What a server says before it has looked at anything."""
        faults, now = self._world.faults, self._world.kernel.now()
        if faults.strikes("api_bad_request", where):
            return Response(400, _JSON, b'{"code":"BAD_REQUEST","message":"Bad request"}')
        if faults.strikes("api_not_yet", where):
            return Response(faults.one_of("api_not_yet", [408, 425]), _JSON, b"{}")
        if faults.strikes("api_told_later", where):
            seconds = round(now.timestamp() + faults.between("api_told_later", 5, 90))
            return Response(429, {"Content-Type": "text/html", "Retry-After": str(seconds)}, b"")
        return None
