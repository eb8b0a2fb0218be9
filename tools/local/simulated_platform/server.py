"""The simulated platform over HTTP: the Partner API under /v2, and its own controls under /_platform."""

import json
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from tools.local.simulated_platform.catalogue_api import WithCatalogue, is_about_catalogue
from tools.local.simulated_platform.catalogue_live import LiveCatalogue
from tools.local.simulated_platform.courier import Courier, Destination, Misbehaviour, Posting
from tools.local.simulated_platform.lives import HOUR, Life, instant, to_text, trading_hour, webhook_events
from tools.local.simulated_platform.partner_api import FAULTS, Request, Response, Unknowns
from tools.local.simulated_platform.picked_orders import PickedOrders, plain
from tools.local.simulated_platform.profiles import BY_NAME

DEFAULT_WALL_SECONDS = 20.0


class BadControlError(ValueError):
    """An invalid control request; the message says why."""


class Platform:
    """One chain's platform: the orders of the hour that was played last, a courier, the catalogue, and the Partner API
    of them all."""

    def __init__(
        self, chain_id: str, token: str, rate_limit: int, clients: dict[str, str], stores: Iterable[str] = ()
    ) -> None:
        self._chain_id = chain_id
        self.api = WithCatalogue(chain_id, token, rate_limit, clients=clients, stores=stores)
        self.catalogue = LiveCatalogue(self.api, chain_id)
        self._courier = Courier()
        self._catalogue_webhook_url = ""
        self._catalogue_webhook_headers: dict[str, str] | None = None  # those of the orders' webhook
        self.picked = PickedOrders(chain_id, token, rate_limit, Courier())
        self._lives: list[Life] = []
        self._state = "idle"
        self._stores_played = 0
        self._start = datetime.now(UTC)
        self._begun = time.monotonic()
        self._speed = 1.0
        self._length = timedelta(0)
        self._lock = threading.Lock()

    def now(self) -> datetime:
        """The platform's clock: fast while an hour is played, then at the usual speed."""
        elapsed = time.monotonic() - self._begun
        played = min(timedelta(seconds=elapsed * self._speed), self._length)
        after = max(0.0, elapsed - self._length.total_seconds() / self._speed)
        return self._start + played + timedelta(seconds=after)

    def handle(self, request: Request) -> Response:
        """The response to a request of the Partner API."""
        if is_about_catalogue(request.target):
            return self.catalogue.handle(request, self.now())
        if self.picked.has(request):
            return self.picked.handle(request)
        return self.api.handle(request, self.now())

    # -- controls -----------------------------------------------------------------------------------------------

    def configure(self, content: dict[str, Any]) -> None:
        known = {name: content[name] for name in vars(Destination()) if name in content}
        self._courier.destination = Destination(**{**vars(self._courier.destination), **known})
        self.picked.deliver_to(self._courier.destination)
        self._catalogue_webhook_url = str(content.get("catalogue_webhook_url", self._catalogue_webhook_url))
        self._catalogue_webhook_headers = content.get("catalogue_webhook_headers", self._catalogue_webhook_headers)
        there = self._courier.destination
        headers = there.webhook_headers if self._catalogue_webhook_headers is None else self._catalogue_webhook_headers
        self.catalogue.deliver_to(replace(there, webhook_headers=headers), self._catalogue_webhook_url)

    def play(self, content: dict[str, Any]) -> bool:
        """Begin to play an hour; False if one is being played. Raises BadControlError."""
        with self._lock:
            if self._state == "playing":
                return False
            seed, wall = int(content.get("seed", 1)), float(content.get("wall_seconds", DEFAULT_WALL_SECONDS))
            start = instant(content["start"]) if content.get("start") else datetime.now(UTC) - HOUR
            try:
                misbehaviour = Misbehaviour(**content.get("faults", {}))
            except TypeError as error:
                raise BadControlError(str(error)) from None
            self._lives = self._hour(content, seed, start)
            self.api.show(self._lives)
            self._start, self._begun = start, time.monotonic()
            self._speed, self._length = HOUR.total_seconds() / wall, HOUR
            self._state = "playing"
        timetable = [
            (
                (step.at - start).total_seconds() / self._speed,
                Posting(life.order_id, step.status, step.body["sys"].get("updated_at", ""), to_text(step.body)),
            )
            for life, step in webhook_events(self._lives)
        ]
        threading.Thread(target=self._play, args=(timetable, seed, misbehaviour, wall), daemon=True).start()
        return True

    def _hour(self, content: dict[str, Any], seed: int, start: datetime) -> list[Life]:
        """The orders to play; sets the Partner API to their brand's habits. Raises BadControlError."""
        orders, stores = int(content.get("orders", 100)), int(content.get("stores", 3))
        # Each hour has stores of its own, so that no two stores have one code.
        first, self._stores_played = self._stores_played, self._stores_played + stores
        if "profile" not in content:
            return trading_hour(seed, orders, stores, start, self._chain_id, first_store=first)
        profile = BY_NAME.get(content["profile"])
        if profile is None:
            raise BadControlError(f"no such profile; there are {', '.join(BY_NAME)}")
        self.api.unknowns, self.api.form_of_get = profile.unknowns, profile.form_of_get
        if content.get("adopts_catalogue", True):
            self.catalogue.adopt(profile.catalogue, profile.status)
        return profile.hour(seed, orders, stores, start, self._chain_id, first)

    def _play(self, timetable: list[tuple[float, Posting]], seed: int, misbehaviour: Misbehaviour, wall: float) -> None:
        self._courier.play(timetable, seed, misbehaviour, wall / 60)
        # GET shows states after the last webhook, so the hour also lasts until its clock ends.
        time.sleep(max(0.0, self._begun + wall - time.monotonic()))
        self._state = "done"

    def progress(self) -> dict[str, Any]:
        outcomes = Counter(posting.outcome for posting in self._courier.postings)
        refusals = Counter(str(posting.answer) for posting in self._courier.postings if posting.outcome == "gave_up")
        return {
            "state": self._state,
            "orders": len(self._lives),
            "events": len(self._courier.postings),
            "attempts": self._courier.counts["attempts"],
            "acknowledged": outcomes["acknowledged"],
            "failed": outcomes["gave_up"],
            "failed_by_answer": dict(refusals),
            "never_sent": outcomes["never_sent"],
            "retries": self._courier.counts["retries"],
            "duplicates_sent": self._courier.counts["duplicates_sent"],
            "garbage_sent": self._courier.counts["garbage_sent"],
            "garbage_acknowledged": self._courier.counts["garbage_acknowledged"],
            "api_requests": len(self.api.requests),
        }

    def truth(self) -> dict[str, Any]:
        """All that the platform knows: each order as GET shows it now, and the outcome of each event."""
        now, orders = self.now(), []
        for life in self._lives:
            step = life.step_shown_at(now)
            if step is not None:
                body = json.loads(self.api.body_text(life, step))
                orders.append(
                    {
                        "order_id": life.order_id,
                        "store_id": life.shop.store_id,
                        "status": step.status,
                        "updated_at": body["sys"].get("updated_at", ""),
                        "body": body,
                    }
                )
        events = [posting.to_json() for posting in self._courier.postings]
        return {"orders": orders, "events": events, "garbage": list(self._courier.garbage)}

    def set_faults(self, content: dict[str, Any]) -> None:
        """Set ``api``, faults of the Partner API, and ``unknowns``, its behaviour where the contract is silent.

        Raises BadControlError.
        """
        faults: dict[str, float] = content.get("api", {})
        if unknown := set(faults) - set(FAULTS):
            raise BadControlError(f"no such fault: {', '.join(sorted(unknown))}; there are {', '.join(FAULTS)}")
        self.api.faults = dict(faults)
        if "unknowns" in content:
            try:
                self.api.unknowns = Unknowns(**content["unknowns"])
            except TypeError as error:
                raise BadControlError(str(error)) from None


def serve(platform: Platform, port: int) -> ThreadingHTTPServer:
    """A server on 127.0.0.1, not yet running."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._handle()

        def do_POST(self) -> None:
            self._handle()

        def do_PUT(self) -> None:
            self._handle()

        def log_message(self, *_: object) -> None:
            """Log nothing: a run makes too many requests."""

        def _handle(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            path = urlsplit(self.path).path
            if path.startswith("/_platform/"):
                status, content = _control(platform, self.command, path.removeprefix("/_platform/"), body)
                self._reply(status, {"Content-Type": "application/json"}, json.dumps(content).encode())
                return
            headers = {name.lower(): value for name, value in self.headers.items()}
            request = Request(self.command, self.path, headers, body, self.client_address[0])
            response = platform.handle(request)
            if not response.status:
                self.close_connection = True
                self.connection.shutdown(socket.SHUT_RDWR)
                return
            if response.hang_seconds:
                time.sleep(response.hang_seconds)
            self._reply(response.status, response.headers, response.body)

        def _reply(self, status: int, headers: dict[str, str], body: bytes) -> None:
            self.send_response_only(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    server = PlatformServer(("127.0.0.1", port), Handler)
    server.platform = platform
    platform.catalogue.state.api_url = f"http://127.0.0.1:{server.server_port}"
    return server


class PlatformServer(ThreadingHTTPServer):
    """Also works off the catalogue's jobs, in each round of its loop."""

    daemon_threads = True
    platform: Platform

    def service_actions(self) -> None:
        super().service_actions()
        self.platform.catalogue.work()

    def server_close(self) -> None:
        super().server_close()
        self.platform.catalogue.close()


def _control(platform: Platform, method: str, what: str, body: bytes) -> tuple[int, dict[str, Any]]:
    try:
        content = json.loads(body) if body else {}
        match method, what:
            case "POST", "configure":
                platform.configure(content)
                return 200, {}
            case "POST", "play":
                return (202, {}) if platform.play(content) else (409, {"message": "an hour is being played"})
            case "POST", "faults":
                platform.set_faults(content)
                return 200, {}
            case "POST", "place":
                orders, seed, accepts = int(content["orders"]), int(content["seed"]), bool(content["accepts"])
                lives = platform.picked.place(orders, seed, accepts, content.get("stores_seed"))
                return 200, {"orders": plain(lives)}
            case "POST", "picking-faults":
                platform.picked.set_faults(content)
                return 200, {}
            case "POST", _ if what.startswith("catalogue-"):
                return 200, platform.catalogue.control(what, content)
            case "GET", "catalogue":
                return 200, platform.catalogue.truth()
            case "GET", "picked":
                return 200, platform.picked.truth()
            case "GET", "progress":
                return 200, platform.progress()
            case "GET", "truth":
                return 200, platform.truth()
    except (BadControlError, ValueError, TypeError, LookupError, ArithmeticError) as error:
        return 400, {"message": str(error)}
    posts = "configure, play, faults, place, picking-faults, catalogue-fill, -edit, -faults, -habits, -pace, -status, "
    posts += "-status-faults, -status-habits"
    return 404, {"message": f"{posts} (POST); progress, truth, picked, catalogue (GET)"}
