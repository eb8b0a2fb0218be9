"""The Partner API and the storage host, as the catalogue's functions reach them."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Self
from urllib.parse import unquote, urlencode, urlsplit

import requests

from tools.local.simulated_platform.partner_api import Request, Response
from tools.simulation.hostile_responses import to_requests

if TYPE_CHECKING:
    from tools.simulation.catalogue.world import CatalogueWorld

API_FAULTS = ("unauthorized", "forbidden", "not_found", "too_many", "server_error", "html", "truncated")
PRIVATE_HOST = "files.internal.example.com"
_DOWN = Response(503, {"Content-Type": "text/html"}, b"<html>down</html>")


class CatalogueSession:
    """The session of ``platform_session``, answered by the simulated platform. ``function`` is whose it is."""

    def __init__(self, world: "CatalogueWorld", function: str) -> None:
        self._world = world
        self._function = function

    def get(self, url: str, **options: object) -> requests.Response:
        return self.request("GET", url, **options)  # type: ignore[arg-type]

    def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        timeout: tuple[float, float],
        params: Mapping[str, str] | None = None,
        data: bytes | None = None,
        **_: object,
    ) -> requests.Response:
        world, patience = self._world, timeout[1]
        path = urlsplit(url).path
        where = f"{method} {path.rsplit('/', 1)[-1]}"
        self._check_host(url)
        world.kernel.sleep(world.chance.uniform(0.05, 0.4))
        world.dies_or_hangs(where)
        if is_status(path):
            world.asked_of_status.append(world.kernel.seconds)
        else:
            world.asked.append((world.kernel.seconds, self._function))
        if world.faults.strikes("api_no_answer", where):
            world.kernel.sleep(patience)
            raise requests.ReadTimeout
        lower = {name.lower(): value for name, value in headers.items()}
        given = self._answer(Request(method, f"{path}?{urlencode(params or {})}", lower, data or b""), where)
        world.kernel.sleep(min(given.hang_seconds, patience) + world.chance.uniform(0.01, 0.3))
        world.dies_or_hangs(f"after {where}")
        if given.hang_seconds >= patience:
            raise requests.ReadTimeout
        if not given.status:
            raise requests.ConnectionError("the connection was dropped")
        return to_requests(given)

    def _check_host(self, url: str) -> None:
        if not url.startswith(f"{self._world.base_url}/"):
            self._world.trespass("the token goes to another host")

    def _answer(self, request: Request, where: str) -> Response:
        world, faults = self._world, self._world.faults
        if world.is_down():
            return _DOWN
        path = urlsplit(request.target).path
        is_put_of_products = request.method == "PUT" and not is_status(path) and not is_promotion(path)
        if is_put_of_products:
            world.note_put(_store_of(request))
        world.api.faults = {}
        for kind in API_FAULTS:
            if faults.strikes(f"api_{kind}", where):
                world.api.faults = {kind: 1}
                break
        if is_put_of_products and "not_found" in world.api.faults:
            world.catalogue.note_not_found(_store_of(request), request.body)
        given = world.api.handle(request, world.kernel.now())
        world.post_early_callbacks()
        if request.method == "PUT" and is_promotion(path):
            world.promoting.note_put(request.body)
        return given


def is_status(path: str) -> bool:
    """Whether a request is about a store's status."""
    return path.endswith("/status")


def is_promotion(path: str) -> bool:
    """Whether a request sends a promotion."""
    return path.endswith("/promotion")


def _store_of(request: Request) -> str:
    """The store that a PUT is for."""
    return unquote(urlsplit(request.target).path).split("/")[-2]


class StorageSession:
    """A session with another host than the Partner API: it never gets the token, and has a public address."""

    def __init__(self, world: "CatalogueWorld") -> None:
        self._world = world

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing to do."""

    def get_adapter(self, _: str) -> object:
        return None

    def get(self, url: str, headers: Mapping[str, str], **_: object) -> requests.Response:
        world, parts = self._world, urlsplit(url)
        if "authorization" in {name.lower() for name in headers}:
            world.trespass("the token goes to a storage host")
        if headers.get("Host") == PRIVATE_HOST or parts.hostname != world.storage_address:
            world.trespass(f"a file is fetched from {headers.get('Host')} at {parts.hostname}")
        world.kernel.sleep(world.chance.uniform(0.05, 0.4))
        world.dies_or_hangs("GET file")
        given = world.storage.handle(Request("GET", f"{parts.path}?{parts.query}", {}), world.kernel.now())
        return to_requests(given)
