"""Promotions: what runs where over some weeks, and one promotion with its products, outcome and history."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from partner_orders.clock import now
from partner_orders_console.desk.calendar import WIDTH, calendar
from partner_orders_console.desk.connection import Fault
from partner_orders_console.desk.desk import Desk
from partner_orders_console.desk.pages.now import names_of_stores
from partner_orders_console.desk.pages.orders import stores_of
from partner_orders_console.desk.rendering import desk_of, fault_page, page
from partner_orders_console.operations.catalogue import access
from partner_orders_console.operations.promotions import putting, viewing
from partner_orders_console.operations.promotions.viewing import PromotionView
from partner_orders_console.operations.stack import DeployedStack

_FRESH, _ONE_FRESH = 20.0, 5.0
_MOST_PRODUCTS, _MOST_BARS, _MOST_TROUBLED = 200, 300, 20


def _index(request: Request) -> Response:
    return page(request, "promotions.html", **_context(request))


def _rows(request: Request) -> Response:
    return page(request, "promotions_calendar.html", **_context(request))


def _context(request: Request) -> dict[str, Any]:
    desk = desk_of(request)
    store_id = request.query_params.get("store", "").strip()[: access.MAX_NAME]
    first = _day(request.query_params.get("from", ""))
    views = _all(desk, first)
    found: list[PromotionView] | Fault = views
    if not isinstance(views, Fault) and store_id:
        found = [view for view in views if viewing.names_store(view.state, store_id)]
    return {
        "views": found,
        "calendar": None if isinstance(found, Fault) else calendar(found, first, now()),
        "troubled": [] if isinstance(found, Fault) else viewing.troubled(found)[:_MOST_TROUBLED],
        "most": _MOST_BARS,
        "width": WIDTH,
        "store_id": store_id,
        "stores": stores_of(desk),
    }


def _all(desk: Desk, first: date) -> list[PromotionView] | Fault:
    """The promotions that run from the week of a day on, and those that a person may have to look at."""
    begin = datetime.combine(first - timedelta(days=7), time(0), UTC)

    def read(stack: DeployedStack) -> list[PromotionView]:
        is_past = begin < now() - timedelta(days=14)
        return viewing.all_promotions(access.catalogue_of(stack), since=begin if is_past else None)

    return desk.read(("promotions", first), _FRESH, read)


def _one(request: Request) -> Response:
    desk, promotion_id = desk_of(request), request.path_params["promotion_id"]

    def read(stack: DeployedStack) -> PromotionView:
        return viewing.one_promotion(access.catalogue_of(stack), promotion_id[:40])

    found = desk.read(("promotion", promotion_id), _ONE_FRESH, read)
    if isinstance(found, Fault):
        return fault_page(request, found, "/promotions")
    discounts = found.body.discounts if found.body is not None else ()
    products = [(sku, one) for one in discounts for sku in one.skus]
    return page(
        request,
        "promotion.html",
        view=found,
        products=products[:_MOST_PRODUCTS],
        count=len(products),
        stages=viewing.Stage,
        gives=putting.gives,
        names=names_of_stores(desk),
    )


def _day(text: str) -> date:
    """The day of a query; today for anything else."""
    try:
        found = date.fromisoformat(text)
        return found if 2010 <= found.year < 2100 else now().date()
    except ValueError:
        return now().date()


ROUTES = (
    Route("/promotions", _index),
    Route("/promotions/calendar", _rows),
    Route("/promotions/{promotion_id}", _one),
)
