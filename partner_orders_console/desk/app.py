"""The application: every page behind the guard, and a sentence for what is not there."""

from http import HTTPStatus

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

from partner_orders_console.desk.desk import Desk
from partner_orders_console.desk.guard import App
from partner_orders_console.desk.pages import PAGES
from partner_orders_console.desk.rendering import message
from partner_orders_console.operations.errors import name_and_place


def desk_app(desk: Desk) -> App:
    """The desk as an ASGI application."""
    static = Mount("/static", StaticFiles(packages=[("partner_orders_console.desk", "static")]))
    routes = [static, *(route for page in PAGES for route in page.routes)]
    app = Starlette(routes=routes, exception_handlers={HTTPException: _not_there, Exception: _failed}, debug=False)
    app.state.desk = desk
    app.state.pages = PAGES
    return desk.guard.protecting(app)


def _not_there(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else HTTPStatus.NOT_FOUND
    what = "there is no such page" if status == HTTPStatus.NOT_FOUND else HTTPStatus(status).phrase
    return message(request, status, what)


def _failed(request: Request, error: Exception) -> Response:
    what = f"a fault in partner-orders itself: {name_and_place(error)}"
    return message(request, HTTPStatus.INTERNAL_SERVER_ERROR, what, "Report it, with the address of the page.")
