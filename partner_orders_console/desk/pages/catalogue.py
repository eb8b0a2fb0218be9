"""The catalogue: its stores, and what guards hold; a store's files, jobs and products by outcome; and a product."""

from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from partner_orders_console.desk.connection import Fault
from partner_orders_console.desk.desk import Desk
from partner_orders_console.desk.pages.now import names_of_stores
from partner_orders_console.desk.rendering import desk_of, fault_page, page, segment
from partner_orders_console.operations.catalogue import (
    access,
    counting,
    decided,
    files,
    holding,
    job_words,
    overview,
    products,
    store_view,
)
from partner_orders_console.operations.catalogue.decided import DecidedOfStore
from partner_orders_console.operations.catalogue.holding import HeldOfStore
from partner_orders_console.operations.catalogue.overview import StoreStanding
from partner_orders_console.operations.catalogue_stack import CatalogueStack
from partner_orders_console.operations.store_status import viewing

_STACK_FRESH = 60.0
_STORES_FRESH, _HELD_FRESH, _WORK_FRESH, _COUNTS_FRESH = 20.0, 30.0, 5.0, 60.0
_DECISIONS = 50  # of a store that are shown
_RECORDS = 50  # of the history of its status
_JOBS = 300  # of a store, in which a product is looked for: a day's, if one goes each five minutes


def _catalogue(desk: Desk) -> CatalogueStack | Fault:
    return desk.read("catalogue", _STACK_FRESH, access.catalogue_of)


def _read[T](desk: Desk, name: object, seconds: float, make: Callable[[CatalogueStack], T]) -> T | Fault:
    """A part of a page about the catalogue, or why it cannot be shown."""
    catalogue = _catalogue(desk)
    return catalogue if isinstance(catalogue, Fault) else desk.read(name, seconds, lambda _: make(catalogue))


# -- all stores --------------------------------------------------------------------------------------------------------


def _index(request: Request) -> Response:
    desk = desk_of(request)
    catalogue = _catalogue(desk)
    if isinstance(catalogue, Fault):
        return fault_page(request, catalogue, "/")
    return page(request, "catalogue.html", **(_stores_context(desk) | _held_context(desk)))


def _stores(request: Request) -> Response:
    return page(request, "catalogue_stores.html", **_stores_context(desk_of(request)))


def _held(request: Request) -> Response:
    return page(request, "catalogue_held.html", **_held_context(desk_of(request)))


def _stores_context(desk: Desk) -> dict[str, Any]:
    return {
        "standings": _read(desk, "catalogue stores", _STORES_FRESH, overview.standings),
        "names": names_of_stores(desk),
        "files": files,
    }


def _held_context(desk: Desk) -> dict[str, Any]:
    def read(catalogue: CatalogueStack) -> list[HeldOfStore]:
        found = (holding.held_of(catalogue, store_id) for store_id in access.store_ids(catalogue))
        return [one for one in found if one.lines or one.files]

    return {
        "held": _read(desk, "catalogue held", _HELD_FRESH, read),
        "reasons": holding.REASONS,
        "back": "/catalogue",
        "refresh": "/catalogue/held",
        "names": names_of_stores(desk),
    }


# -- one store ---------------------------------------------------------------------------------------------------------


def _store(request: Request) -> Response:
    desk, store_id = desk_of(request), request.path_params["store_id"]
    found = _standing(desk, store_id)
    if isinstance(found, Fault):
        return fault_page(request, found, "/catalogue")
    context = _work_context(desk, store_id) | _held_of_store_context(desk, store_id)
    work = context["work"]
    has_failed = found.state.failed_jobs and not isinstance(work, Fault)
    why_waiting = job_words.why_waiting(work.jobs) if has_failed else ""
    context |= {
        "decisions": _decisions(desk, store_id),
        "on_platform": _status(desk, store_id),
        "status_words": viewing,
    }
    return page(request, "catalogue_store.html", one=found, why_waiting=why_waiting, **context)


def _status(desk: Desk, store_id: str) -> viewing.StatusView | Fault:
    """Whether a store is open on the platform, with its history."""

    def read(catalogue: CatalogueStack) -> viewing.StatusView:
        return viewing.of_store(catalogue, store_id[: access.MAX_NAME], _RECORDS)

    return _read(desk, ("store status", store_id), _WORK_FRESH, read)


def _decisions(desk: Desk, store_id: str) -> list[DecidedOfStore] | Fault:
    """The newest decisions about what was held of a store."""

    def read(catalogue: CatalogueStack) -> list[DecidedOfStore]:
        return decided.newest(catalogue, [store_id[: access.MAX_NAME]], _DECISIONS)

    return _read(desk, ("catalogue decisions", store_id), _HELD_FRESH, read)


def _standing(desk: Desk, store_id: str) -> StoreStanding | Fault:
    def read(catalogue: CatalogueStack) -> StoreStanding:
        return overview.standing_of(catalogue, access.settings_of(catalogue, store_id[: access.MAX_NAME]))

    return _read(desk, ("catalogue store", store_id), _WORK_FRESH, read)


def _work(request: Request) -> Response:
    context = _work_context(desk_of(request), request.path_params["store_id"])
    return page(request, "catalogue_work.html", **context)


def _work_context(desk: Desk, store_id: str) -> dict[str, Any]:
    """The newest files and jobs of a store, with how far they are."""

    def read(catalogue: CatalogueStack) -> store_view.Work:
        return store_view.work(catalogue, store_id[: access.MAX_NAME])

    work = _read(desk, ("catalogue work", store_id), _WORK_FRESH, read)
    return {"work": work, "store_id": store_id, "files": files, "reasons": holding.REASONS, "job_words": job_words}


def _counts(request: Request) -> Response:
    """The products of a store by outcome: each row is read, so this part comes by itself."""
    desk, store_id = desk_of(request), request.path_params["store_id"]

    def read(catalogue: CatalogueStack) -> counting.Counts:
        return counting.counts(catalogue, access.settings_of(catalogue, store_id[: access.MAX_NAME]))

    counts = _read(desk, ("catalogue counts", store_id), _COUNTS_FRESH, read)
    return page(request, "catalogue_counts.html", counts=counts, store_id=store_id)


def _held_of_store(request: Request) -> Response:
    context = _held_of_store_context(desk_of(request), request.path_params["store_id"])
    return page(request, "catalogue_held.html", **context)


def _held_of_store_context(desk: Desk, store_id: str) -> dict[str, Any]:
    def read(catalogue: CatalogueStack) -> list[HeldOfStore]:
        found = holding.held_of(catalogue, store_id[: access.MAX_NAME])
        return [found] if found.lines or found.files else []

    path = f"/catalogue/stores/{segment(store_id)}"
    return {
        "held": _read(desk, ("catalogue held", store_id), _HELD_FRESH, read),
        "reasons": holding.REASONS,
        "back": path,
        "refresh": f"{path}/held",
        "names": names_of_stores(desk),
    }


def _product(request: Request) -> Response:
    """A product of a store: its values, and the newest jobs that carried it."""
    desk, store_id = desk_of(request), request.path_params["store_id"]
    sku = request.query_params.get("sku", "")
    back = f"/catalogue/stores/{segment(store_id)}"

    def read(catalogue: CatalogueStack) -> products.ProductView:
        return products.product(catalogue, store_id[: access.MAX_NAME], sku.strip(), _JOBS)

    found = _read(desk, ("catalogue product", store_id, sku), _WORK_FRESH, read)
    if isinstance(found, Fault):
        return fault_page(request, found, back)
    return page(request, "catalogue_product.html", found=found, store_id=store_id, jobs=_JOBS)


ROUTES = (
    Route("/catalogue", _index),
    Route("/catalogue/stores", _stores),
    Route("/catalogue/held", _held),
    Route("/catalogue/stores/{store_id}", _store),
    Route("/catalogue/stores/{store_id}/work", _work),
    Route("/catalogue/stores/{store_id}/counts", _counts),
    Route("/catalogue/stores/{store_id}/held", _held_of_store),
    Route("/catalogue/stores/{store_id}/product", _product),
)
