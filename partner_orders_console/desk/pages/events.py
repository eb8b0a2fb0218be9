"""Events: what was received in a time, event by event, with what became of each."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from partner_orders.clock import from_text, now, to_text
from partner_orders_console.desk.connection import Fault
from partner_orders_console.desk.pages.orders import STATUSES, stores_of
from partner_orders_console.desk.rendering import address, desk_of, page
from partner_orders_console.operations import orders
from partner_orders_console.operations.event_log import Choice, EventLog, event_log
from partner_orders_console.operations.event_source import Source
from partner_orders_console.operations.stack import DeployedStack

_SHOWN = 100
# How far back each choice goes.
AGES = {
    "15 minutes": timedelta(minutes=15),
    "2 hours": timedelta(hours=2),
    "8 hours": timedelta(hours=8),
    "1 day": timedelta(days=1),
}
_USUAL = "2 hours"


def _events(request: Request) -> Response:
    desk, asked = desk_of(request), request.query_params
    query = {name: asked.get(name, "") for name in ("store", "age", "status", "source", "since", "until")}
    since = _time(query["since"]) or now() - AGES.get(query["age"], AGES[_USUAL])

    def read(stack: DeployedStack) -> EventLog:
        store = orders.store_named(stack, query["store"]) if query["store"] else None
        statuses = (query["status"],) if query["status"] else ()
        return event_log(stack, Choice(since, _time(query["until"]), store, statuses, query["source"], limit=_SHOWN))

    found = desk.connection.attempt(read)
    return page(request, "events.html", **_context(query, since, found), stores=stores_of(desk))


def _context(query: Mapping[str, str], since: datetime, found: EventLog | Fault) -> dict[str, Any]:
    until = None if isinstance(found, Fault) else found.next_until
    # The pages that follow go back as far as the first one did.
    older = {**query, "since": to_text(since), "until": to_text(until)} if until else None
    return {
        "found": found,
        "query": query,
        "age": query["age"] if query["age"] in AGES else _USUAL,
        "ages": [*AGES],
        "statuses": STATUSES,
        "sources": [*Source],
        "older": address("/events", **older) if older else "",
        "first": address("/events", **{**query, "since": "", "until": ""}),
    }


def _time(text: str) -> datetime | None:
    """A time of an address; None for none, and for what is no time."""
    try:
        return from_text(text) if text else None
    except ValueError:
        return None


ROUTES = (Route("/events", _events),)
