"""The catalogue's routes of the Partner API, and the host that stores files of results (docs/platform.md 6).

Both are functions of a request and a time. A response with the status 0 stands for a dropped connection.
"""

import json
import re
from collections.abc import Callable
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from tools.local.simulated_platform.catalogue import Catalogue
from tools.local.simulated_platform.catalogue_assortment import CATEGORIES
from tools.local.simulated_platform.catalogue_call import RefusedCallError
from tools.local.simulated_platform.catalogue_records import Job, Product
from tools.local.simulated_platform.partner_api import Request, Response, SimulatedPartnerApi
from tools.local.simulated_platform.promotions import Promotions
from tools.local.simulated_platform.store_status import StoreStatuses

DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE = 20, 500
DROPPED = Response(0, {}, b"")
_PATH = re.compile(
    r"/v2/(chains/[^/]+/vendors/[^/]+/(catalog(/export)?|categories|status)|chains/[^/]+/catalog/jobs/[^/]+|files/[^/]+"
    r"|chains/[^/]+/promotion(/jobs/[^/]+)?)"
)


def is_about_catalogue(target: str) -> bool:
    """Whether a request's target (path and query) is one of the catalogue's routes."""
    return _PATH.fullmatch(urlsplit(target).path) is not None


class CatalogueRoutes:
    """Routes for a catalogue, its promotions and the status of its stores. ``clock`` gives the time of the catalogue
    where that is not the time of the request."""

    def __init__(
        self,
        catalogue: Catalogue,
        chain_id: str,
        clock: Callable[[], datetime] | None = None,
        statuses: StoreStatuses | None = None,
        promotions: Promotions | None = None,
    ) -> None:
        self.catalogue = catalogue
        self.promotions = promotions or Promotions(catalogue)
        self.statuses = statuses or StoreStatuses()
        self._chain_id = chain_id
        self._clock = clock

    def response(self, method: str, target: str, content: bytes, now: datetime) -> Response | None:
        """The response to an admitted request; None if the target is not the catalogue's."""
        if not is_about_catalogue(target):
            return None
        at, url = self._clock() if self._clock else now, urlsplit(target)
        parts = [unquote(part) for part in url.path.strip("/").split("/")]
        if parts[1] == "chains" and parts[2] != self._chain_id:
            return _error(404, "NOT_FOUND", "Chain not found")
        try:
            return self._routed(method, parts, dict(parse_qsl(url.query)), content, at)
        except RefusedCallError as refusal:
            self.catalogue.requests[f"refused_{refusal.status}"] += 1
            return _error(refusal.status, refusal.code, str(refusal))

    def _routed(self, method: str, parts: list[str], query: dict[str, str], content: bytes, now: datetime) -> Response:
        match method, parts[1:]:
            case "PUT", ["chains", _, "vendors", vendor, "catalog"]:
                return self._put(vendor, content, now)
            case "GET", ["chains", _, "vendors", vendor, "catalog"]:
                self._count("page")
                return self._page(vendor, query)
            case "GET", ["chains", _, "vendors", vendor, "status"]:
                return self._status(vendor, now)
            case "PUT", ["chains", _, "vendors", vendor, "status"]:
                return self._put_status(vendor, content, now)
            case "POST", ["chains", _, "vendors", vendor, "catalog", "export"]:
                self._count("export")
                return _json(202, self._accepted(self.catalogue.export(vendor, now)))
            case "GET", ["chains", _, "vendors", vendor, "categories"]:
                self._count("categories")
                self.catalogue.products(vendor)
                return _json(200, {"categories": _categories(query.get("only_leaves", "true") == "true")})
            case "GET", ["chains", _, "catalog", "jobs", job_id]:
                self._count("job")
                return self._job(job_id, now)
            case "PUT", ["chains", _, "promotion"]:
                return self._put_promotion(content, now)
            case "GET", ["chains", _, "promotion", "jobs", job_id]:
                return self._promotion_job(job_id, now)
            case "GET", ["files", name]:
                self._count("file")
                return _file(self.catalogue.file(name.removesuffix(".csv")))
        return _error(405, "METHOD_NOT_ALLOWED", "Method not allowed")

    def _put(self, vendor: str, content: bytes, now: datetime) -> Response:
        catalogue = self.catalogue
        self._count("put")
        if catalogue.strikes("put_error_before"):
            return _gateway_error(vendor, now)
        if catalogue.strikes("put_dropped_before"):
            return DROPPED
        taken = catalogue.put(vendor, content, now)
        self._count("put_job" if isinstance(taken, Job) else "put_single")
        if catalogue.strikes("put_error_after"):
            return _gateway_error(vendor, now)
        if catalogue.strikes("put_dropped_after"):
            return DROPPED
        return _json(202, self._accepted(taken)) if isinstance(taken, Job) else _json(200, {"sku": taken})

    def _status(self, vendor: str, now: datetime) -> Response:
        self.statuses.requests["status_get"] += 1
        if self.statuses.strikes("get_error"):
            return _gateway_error(vendor, now)
        return _json(200, self.statuses.get(vendor, now))

    def _put_status(self, vendor: str, content: bytes, now: datetime) -> Response:
        statuses = self.statuses
        statuses.requests["status_put"] += 1
        if statuses.strikes("put_error_before"):
            return _gateway_error(vendor, now)
        if statuses.strikes("put_dropped_before"):
            return DROPPED
        statuses.put(vendor, content, now)
        if statuses.strikes("put_error_after"):
            return _gateway_error(vendor, now)
        if statuses.strikes("put_dropped_after"):
            return DROPPED
        if statuses.habits.put_answers == 204:
            return Response(204, {}, b"")
        return _json(200, statuses.get(vendor, now))

    def _put_promotion(self, content: bytes, now: datetime) -> Response:
        promotions = self.promotions
        promotions.requests["promotion_put"] += 1
        if promotions.strikes("put_error_before"):
            return _gateway_error("promotion", now)
        if promotions.strikes("put_dropped_before"):
            return DROPPED
        job = promotions.put(content, now)
        if promotions.strikes("put_error_after"):
            return _gateway_error("promotion", now)
        if promotions.strikes("put_dropped_after"):
            return DROPPED
        if promotions.strikes("put_without_job"):
            return _json(202, {"job_status": "QUEUED"})
        return _json(202, {"job_id": job.job_id, "job_status": "QUEUED"})

    def _promotion_job(self, job_id: str, now: datetime) -> Response:
        self.promotions.requests["promotion_job"] += 1
        if self.promotions.strikes("get_error"):
            return _gateway_error("promotion", now)
        return _json(200, self.promotions.job(job_id, now))

    def _accepted(self, job: Job) -> dict[str, Any]:
        # The state at acceptance, also where the job has ended before this response.
        return {"job_id": self.catalogue.public_id(job), "job_status": "QUEUED"}

    def _job(self, job_id: str, now: datetime) -> Response:
        job = self.catalogue.jobs.get(job_id)
        if job is None or not self.catalogue.habits.shows_jobs:
            return _error(404, "NOT_FOUND", "Job not found")
        body = {"job_id": self.catalogue.public_id(job), "job_status": job.status}
        link = self.catalogue.link(job, now)
        return _json(200, body | ({"download_url": link} if link else {}))

    def _page(self, vendor: str, query: dict[str, str]) -> Response:
        """A page of the products; like every name that it does not know, page_number is ignored."""
        products = [product for product in self.catalogue.products(vendor) if _is_wanted(product, query)]
        size = min(_whole(query.get("page_size"), DEFAULT_PAGE_SIZE), MAX_PAGE_SIZE)
        number = _whole(query.get("page"), 1)
        shown = products[(number - 1) * size : number * size]
        pages = -(-len(products) // size)
        counted = {"page_number": number, "page_size": size, "total_pages": pages}
        return _json(200, {**counted, "products": [self._as_get_shows(product) for product in shown]})

    def _as_get_shows(self, product: Product) -> dict[str, Any]:
        body = {
            "sku": product.sku,
            "barcodes": [*product.barcodes],
            "title": product.title,
            "price": float(product.price),
            "active": product.active,
            "categories": [product.category],
        }
        return body if product.cap is None else body | {self.catalogue.habits.cap_name: product.cap}

    def _count(self, kind: str) -> None:
        self.catalogue.requests[kind] += 1


class WithCatalogue(SimulatedPartnerApi):
    """The Partner API with the catalogue's routes: behind the same rate limit, token and faults as those of orders.

    Also a base beside another Partner API: ``class Both(WithCatalogue, OddPartnerApi)``.
    """

    catalogue_routes: CatalogueRoutes | None = None

    def _answered(self, path: str, content: bytes, now: datetime) -> Response:
        routes = self.catalogue_routes
        response = routes.response("PUT", path, content, now) if routes else None
        return response or super()._answered(path, content, now)

    def _read(self, path: str, query: str, method: str, now: datetime) -> Response:
        routes = self.catalogue_routes
        response = routes.response(method, f"{path}?{query}", b"", now) if routes else None
        return response or super()._read(path, query, method, now)


class StorageHost:
    """The host of short-lived signed links. It refuses a request that carries a token, and counts it."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue

    def handle(self, request: Request, now: datetime) -> Response:
        """The file behind a link; 403 for a token and for a link that is wrong or too old, 404 for a missing file."""
        requests, url = self._catalogue.requests, urlsplit(request.target)
        requests["storage"] += 1
        if "authorization" in request.headers:
            requests["storage_with_token"] += 1
            return _error(403, "InvalidRequest", "Only one authentication mechanism is allowed")
        query, job_id = dict(parse_qsl(url.query)), url.path.strip("/").removesuffix(".csv")
        expires = _whole(query.get("expires"), 0)
        if query.get("signature") != self._catalogue.signature(job_id, expires) or expires < now.timestamp():
            return _error(403, "AccessDenied", "The link is not valid, or has expired")
        return _file(self._catalogue.file(job_id))


def _is_wanted(product: Product, query: dict[str, str]) -> bool:
    term = query.get("query_term", "").lower()
    texts = (product.sku, *product.barcodes, *product.title.values())
    wanted = query.get("category_global_ids", product.category).split(",")
    is_active = query.get("is_active", str(product.active)).lower() == str(product.active).lower()
    return is_active and product.category in wanted and any(term in text.lower() for text in texts)


def _categories(only_leaves: bool) -> list[dict[str, Any]]:
    return [
        {"global_id": name, "details": {"name": name.title()}, "parent_global_id": parent, "active": True}
        for name, parent in CATEGORIES.items()
        if parent is not None or not only_leaves
    ]


def _whole(text: str | None, default: int) -> int:
    """A whole number above 0 and of at most 12 digits, else the default."""
    return int(text) if text and len(text) <= 12 and text.isdecimal() and int(text) > 0 else default


def _file(content: bytes | None) -> Response:
    if content is None:
        return _error(404, "NOT_FOUND", "File not found")
    return Response(200, {"Content-Type": "text/csv"}, content)


def _gateway_error(vendor: str, now: datetime) -> Response:
    at = now.isoformat(timespec="milliseconds")
    return _json(500, {"timestamp": at, "path": vendor, "status": 500, "error": "Internal Server Error"})


def _error(status: int, code: str, message: str) -> Response:
    return _json(status, {"code": code, "message": message})


def _json(status: int, body: dict[str, Any]) -> Response:
    return Response(status, {"Content-Type": "application/json"}, json.dumps(body, ensure_ascii=False).encode())
