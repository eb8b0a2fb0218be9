"""The simulated catalogue in real time: its jobs, callbacks and storage host beside the server of the platform."""

import json
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tools.local.simulated_platform.catalogue import FAULTS, Catalogue
from tools.local.simulated_platform.catalogue_api import CatalogueRoutes, StorageHost, WithCatalogue
from tools.local.simulated_platform.catalogue_records import Callback, Habits, Pace, plain
from tools.local.simulated_platform.courier import Courier, Destination, Posting
from tools.local.simulated_platform.partner_api import Request, Response
from tools.local.simulated_platform.picked_files import CATALOGUE, PROMOTIONS, PickedFiles, PromotionRows
from tools.local.simulated_platform.promotions import FAULTS as PROMOTION_FAULTS
from tools.local.simulated_platform.promotions import PromotionPace, Promotions
from tools.local.simulated_platform.store_status import FAULTS as STATUS_FAULTS
from tools.local.simulated_platform.store_status import State, StatusHabits, StoreStatuses

SENDERS = 2
_HOURS = ("opens", "closes")


class LiveCatalogue:
    """The catalogue of a platform that is served, with promotions and the status of stores. ``state`` is the catalogue
    itself, ``postings`` its callbacks."""

    def __init__(self, api: WithCatalogue, chain_id: str) -> None:
        self.state = Catalogue()
        self.postings: list[Posting] = []
        self.statuses = StoreStatuses()
        self.statuses.is_known = lambda vendor: vendor in self.state.vendors or api.knows_store(vendor)
        self.promotions = Promotions(self.state)
        self.picked: dict[str, PickedFiles] = {}
        self._promotion_rows: PromotionRows = {}
        api.catalogue_routes = CatalogueRoutes(self.state, chain_id, _now, self.statuses, self.promotions)
        self._api = api
        self._courier = Courier()
        self._senders = ThreadPoolExecutor(SENDERS)
        self._sent: list[Future[None]] = []
        self._storage: ThreadingHTTPServer | None = None
        self._lock = threading.Lock()

    def deliver_to(self, destination: Destination, url: str) -> None:
        """Where callbacks go: the catalogue webhook of the portal, with the secret of the orders' webhook. Without a
        ``url`` none is posted."""
        self._courier.destination = replace(destination, webhook_url=url)

    def adopt(self, habits: Habits, of_status: StatusHabits | None = None) -> None:
        """Behave as a brand does from now on."""
        if of_status is not None:
            self.statuses.habits = of_status
        with self._lock:
            self.state.habits = habits
            if habits.results_at == "storage" and self._storage is None:
                self._storage = _storage_server(StorageHost(self.state))
                self.state.storage_url = f"http://127.0.0.1:{self._storage.server_port}"

    def handle(self, request: Request, now: datetime) -> Response:
        """The response to a request about the catalogue; early callbacks are posted before it returns."""
        with self._lock:
            response = self._api.handle(request, now)
            early = self._postings(self.state.take_callbacks(_now(), early=True))
        for posting in early:
            self._post(posting)
        return response

    def work(self) -> None:
        """Work off what is due, and post the callbacks that are due in threads of their own."""
        with self._lock:
            self.state.work(_now())
            due = self._postings(self.state.take_callbacks(_now()))
            self._sent = [future for future in self._sent if not future.done()]
            self._sent += [self._senders.submit(self._post, posting) for posting in due]

    def settle(self) -> None:
        """Wait until each callback that work() has posted was acknowledged or given up."""
        with self._lock:
            sent = [*self._sent]
        for future in sent:
            future.result()

    def close(self) -> None:
        """End the storage host. The senders end with their last callback."""
        self._senders.shutdown(wait=False)
        if self._storage is not None:
            self._storage.shutdown()
            self._storage.server_close()

    def control(self, what: str, content: dict[str, Any]) -> dict[str, Any]:
        """Do what a request to the controls says. Raises ValueError, TypeError and KeyError."""
        controls: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
            "catalogue-fill": self._fill,
            "catalogue-edit": self._edit,
            "catalogue-faults": self._set_faults,
            "catalogue-habits": self._set_habits,
            "catalogue-pace": self._set_pace,
            "catalogue-status": self._set_status,
            "catalogue-status-faults": self._set_status_faults,
            "catalogue-status-habits": self._set_status_habits,
            "catalogue-promotion-faults": self._set_promotion_faults,
            "catalogue-promotion-pace": self._set_promotion_pace,
            "catalogue-pick-up": self._pick_up,
        }
        if what not in controls:
            raise ValueError(f"no such control; there are {', '.join(controls)}")
        return controls[what](content)

    def truth(self) -> dict[str, Any]:
        """All that the platform knows of its catalogue: what is shown, the ledger of jobs, requests and callbacks."""
        with self._lock:
            state = self.state
            return {
                "shown": {
                    vendor: {
                        sku: {"price": plain(shown.price), "active": shown.active, "cap": shown.cap}
                        for sku, shown in state.shown(vendor).items()
                    }
                    for vendor in state.vendors
                },
                "jobs": [job.to_json() for job in state.jobs.values()],
                "requests": dict(state.requests),
                "callbacks": [posting.to_json() for posting in self.postings],
                "statuses": self.statuses.to_json(_now()),
                "promotions": self.promotions.to_json(_now()),
            }

    def _fill(self, content: dict[str, Any]) -> dict[str, Any]:
        vendor, count, code = str(content["vendor"]), int(content["products"]), str(content.get("code", ""))
        with self._lock:
            products = self.state.fill(vendor, count, code, str(content.get("locale", "en_PK")))
        self._api.open_store(vendor, code or vendor)
        return {
            "products": [
                {"sku": product.sku, "barcodes": [*product.barcodes], "price": plain(product.price)}
                | {"active": product.active, "cap": product.cap, "buffer": product.buffer, "title": product.title}
                for product in products
            ]
        }

    def _edit(self, content: dict[str, Any]) -> dict[str, Any]:
        price = None if content.get("price") is None else Decimal(str(content["price"]))
        with self._lock:
            self.state.edit(content["vendor"], content["sku"], _now(), price, content.get("active"), content.get("cap"))
        return {}

    def _pick_up(self, content: dict[str, Any]) -> dict[str, Any]:
        """Pick files up: ``folders`` by kind, of an SFTP server on this machine, with the portal's ``prefix``."""
        folders = {kind: Path(content["folders"][kind]) for kind in (CATALOGUE, PROMOTIONS)}
        with self._lock:
            prefix = content["prefix"]
            # The portal has one prefix at a time. What an earlier file began goes on, and nobody looks at its file.
            files = self.picked.setdefault(prefix, PickedFiles(self.state, prefix, promotions=self._promotion_rows))
            others = tuple(f"{other}_" for other in self.picked if other != prefix)
            found = [one for kind, folder in folders.items() for one in files.pick_up(kind, folder, _now(), others)]
        running = {vendor: files.running(vendor) for vendor in self.state.vendors}
        return {"files": [one.to_json() for one in found], "promotions": running}

    def _set_faults(self, content: dict[str, float]) -> dict[str, Any]:
        if unknown := set(content) - set(FAULTS):
            raise ValueError(f"no such fault: {', '.join(sorted(unknown))}; there are {', '.join(FAULTS)}")
        with self._lock:
            self.state.faults = dict(content)
        return {}

    def _set_habits(self, content: dict[str, Any]) -> dict[str, Any]:
        self.adopt(replace(self.state.habits, **content))
        return {}

    def _set_pace(self, content: dict[str, float]) -> dict[str, Any]:
        """Set the pace, in seconds."""
        pace = Pace(**{name: timedelta(seconds=seconds) for name, seconds in content.items()})
        with self._lock:
            self.state.pace = pace
        return {}

    def _set_status(self, content: dict[str, Any]) -> dict[str, Any]:
        """Change a status as the platform does by itself."""
        until = content.get("until")
        end = None if until is None else datetime.fromisoformat(until)
        with self._lock:
            self.statuses.set(content["vendor"], State(content["status"], content.get("reason", ""), end), _now())
        return {}

    def _set_status_faults(self, content: dict[str, float]) -> dict[str, Any]:
        if unknown := set(content) - set(STATUS_FAULTS):
            raise ValueError(f"no such fault: {', '.join(sorted(unknown))}; there are {', '.join(STATUS_FAULTS)}")
        with self._lock:
            self.statuses.faults = dict(content)
        return {}

    def _set_status_habits(self, content: dict[str, Any]) -> dict[str, Any]:
        """Set habits; hours as ``08:00``."""
        hours: dict[str, Any] = {name: time.fromisoformat(content[name]) for name in _HOURS if name in content}
        with self._lock:
            self.statuses.habits = replace(self.statuses.habits, **(content | hours))
        return {}

    def _set_promotion_faults(self, content: dict[str, float]) -> dict[str, Any]:
        if unknown := set(content) - set(PROMOTION_FAULTS):
            raise ValueError(f"no such fault: {', '.join(sorted(unknown))}; there are {', '.join(PROMOTION_FAULTS)}")
        with self._lock:
            self.promotions.faults = dict(content)
        return {}

    def _set_promotion_pace(self, content: dict[str, float]) -> dict[str, Any]:
        """Set the pace of promotions, in seconds."""
        pace = PromotionPace(**{name: timedelta(seconds=seconds) for name, seconds in content.items()})
        with self._lock:
            self.promotions.pace = pace
        return {}

    def _postings(self, callbacks: Iterable[Callback]) -> list[Posting]:
        postings = [
            Posting(callback.job_id, callback.status, callback.at.isoformat(), json.dumps(callback.body))
            for callback in callbacks
        ]
        self.postings += postings
        return postings

    def _post(self, posting: Posting) -> None:
        if self._courier.destination.webhook_url:
            self._courier.post(posting)
        else:
            posting.outcome = "never_sent"


def _now() -> datetime:
    """The catalogue's clock is the real one, also while an hour of orders is played fast."""
    return datetime.now(UTC)


def _storage_server(host: StorageHost) -> ThreadingHTTPServer:
    """A server on a port of its own, running."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            response = host.handle(Request("GET", self.path, headers), _now())
            self.send_response_only(response.status)
            for name, value in response.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(response.body)))
            self.end_headers()
            self.wfile.write(response.body)

        def log_message(self, *_: object) -> None:
            """Log nothing: a run makes too many requests."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    return server
