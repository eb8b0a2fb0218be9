"""Stores: their settings and hours, how silent they are, how far they are checked; and one of them."""

from datetime import timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from partner_orders.clock import now
from partner_orders.reconciler.windows import Position
from partner_orders.stores.store import Store
from partner_orders.stores.trading_hours import BadTradingHoursError, TradingHours
from partner_orders_console.desk.connection import Fault
from partner_orders_console.desk.pages.now import FRESH, all_stores, last_of_stores
from partner_orders_console.desk.rendering import desk_of, fault_page, page
from partner_orders_console.operations.open_orders import by_store, open_orders
from partner_orders_console.operations.orders import store_named
from partner_orders_console.operations.stack import DeployedStack
from partner_orders_console.operations.store_overview import overview
from partner_orders_console.operations.store_trouble import StoreTrouble, store_troubles


def _stores(request: Request) -> Response:
    return page(request, "stores.html", **_context(request))


def _rows(request: Request) -> Response:
    return page(request, "stores_rows.html", **_context(request))


def _context(request: Request) -> dict[str, Any]:
    desk = desk_of(request)
    stores = desk.connection.attempt(lambda stack: all_stores(desk, stack))
    positions = desk.read("positions", FRESH, lambda stack: stack.reconciliation.positions())
    orders = desk.read("open orders", FRESH, open_orders)
    last = last_of_stores(desk)
    reports = desk.read("recent reports", FRESH, _recent_reports)
    return {
        "stores": stores,
        "positions": {} if isinstance(positions, Fault) else positions,
        "open_at": {} if isinstance(orders, Fault) else {one.store_id: one for one in by_store(orders)},
        "last": {} if isinstance(last, Fault) else last,
        "silent": set() if isinstance(reports, Fault) else _silent(reports),
        "troubles": _troubles(positions, reports),
        "faults": [part for part in (positions, orders, last, reports) if isinstance(part, Fault)],
    }


def _recent_reports(stack: DeployedStack) -> list[dict[str, Any]]:
    """The reports of the runs of the last half hour, oldest first."""
    return stack.reconciliation.reports(now() - timedelta(minutes=30), now())


def _silent(reports: list[dict[str, Any]]) -> set[str]:
    """The stores that the reconciler found silent in their trading hours; not each run looks for them."""
    return next(({*report["silent_stores"]} for report in reversed(reports) if report["silent_stores"]), set())


def _troubles(positions: dict[str, Position] | Fault, reports: list[dict[str, Any]] | Fault) -> dict[str, StoreTrouble]:
    known = {} if isinstance(positions, Fault) else positions
    return store_troubles(known, [] if isinstance(reports, Fault) else reports)


def _store(request: Request) -> Response:
    desk, name = desk_of(request), request.path_params["store_id"]
    found = desk.connection.attempt(lambda stack: overview(stack, store_named(stack, name)))
    if isinstance(found, Fault):
        return fault_page(request, found, "/stores")
    reports = desk.read("recent reports", FRESH, _recent_reports)
    trouble = _troubles({found.position.store_id: found.position}, reports).get(found.store.store_id)
    return page(
        request, "store.html", found=found, store=found.store, is_trading=_is_trading(found.store), trouble=trouble
    )


def _is_trading(store: Store) -> bool | None:
    """Whether a store is open by its trading hours; None where it has none."""
    if not store.trading_hours or not store.time_zone:
        return None
    try:
        return TradingHours.from_text(store.trading_hours, store.time_zone).is_open(now())
    except BadTradingHoursError:
        return None


ROUTES = (
    Route("/stores", _stores),
    Route("/stores/rows", _rows),
    Route("/stores/{store_id}", _store),
)
