"""Trouble: rejected events and dead letters by reason, what became of each, the queues over time, refused requests, and
the secrets."""

from datetime import timedelta
from http import HTTPStatus
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from partner_orders.clock import now
from partner_orders.stores.store import Store
from partner_orders_console.desk.charts import Chart, chart
from partner_orders_console.desk.connection import Fault
from partner_orders_console.desk.pages.now import FIGURES_FRESH, FRESH
from partner_orders_console.desk.pages.orders import stores_of
from partner_orders_console.desk.rendering import desk_of, fault_page, message, page
from partner_orders_console.operations import dead_letters, orders, rejected
from partner_orders_console.operations.catalogue_stack import CatalogueStack, has_catalogue
from partner_orders_console.operations.dead_letter_queue import CATALOGUE_OUTPUTS, OUTPUTS, Queue
from partner_orders_console.operations.flow import DAY
from partner_orders_console.operations.metric_series import Series, of_queue, series
from partner_orders_console.operations.refused_requests import refused_requests
from partner_orders_console.operations.rejected import Choice
from partner_orders_console.operations.rejected_content import about, in_words, still_wrong
from partner_orders_console.operations.secrets_status import secrets_status
from partner_orders_console.operations.stack import DeployedStack

_SHOWN = 200  # of the rejected events, the newest
_LETTERS_SHOWN = 50
_REFUSED_SHOWN = 20
_REFUSED_FRESH = 60.0
_SECRETS_FRESH = 300.0
_FIVE_MINUTES = timedelta(minutes=5)


def _trouble(request: Request) -> Response:
    return page(request, "trouble.html", **_rejected_context(request))


def _rejected(request: Request) -> Response:
    return page(request, "trouble_rejected.html", **_rejected_context(request))


def _rejected_context(request: Request) -> dict[str, Any]:
    reason = request.query_params.get("reason", "")
    found = desk_of(request).read("rejected events", FRESH, lambda stack: rejected.unresolved(stack, Choice(), _SHOWN))
    events = [] if isinstance(found, Fault) else found.events
    return {
        "found": found,
        "groups": rejected.groups(events),
        "reason": reason,
        "events": [event for event in events if reason in {"", event.reason}],
    }


def _letters(request: Request) -> Response:
    """The dead-letter queues; each look takes a second of each queue that has messages."""
    states = desk_of(request).read("dead letters", FRESH, dead_letters.states)
    return page(request, "trouble_letters.html", states=states)


def _queues(request: Request) -> Response:
    desk = desk_of(request)
    found = desk.read("queues over time", FIGURES_FRESH, _queue_series)
    return page(request, "trouble_queues.html", found=found, charts=[] if isinstance(found, Fault) else _charts(found))


def _queue_series(stack: DeployedStack) -> dict[str, Series]:
    waiting, age = "ApproximateNumberOfMessagesVisible", "ApproximateAgeOfOldestMessage"
    metrics = {
        "waiting": of_queue(stack, "OrderEventsQueueUrl", waiting),
        "oldest": of_queue(stack, "OrderEventsQueueUrl", age),
        **{
            queue.value: of_queue(stack, output, waiting)
            for queue, output in OUTPUTS.items()
            if output in stack.outputs
        },
    }
    beside = CatalogueStack.beside(stack)
    if beside is not None:
        metrics |= {
            queue.value: of_queue(beside.deployed, output, waiting)
            for queue, (output, _) in CATALOGUE_OUTPUTS.items()
            if output in beside.outputs
        }
    return series(stack, metrics, now() - DAY, now())


def _charts(found: dict[str, Series]) -> list[Chart]:
    start, end = now() - DAY, now()
    letters = {name: values for name, values in found.items() if name not in {"waiting", "oldest"}}
    return [
        chart("Order events that wait", {"messages": found["waiting"]}, start, end, _FIVE_MINUTES, nothing=None),
        chart("Age of the oldest of them", {"age": found["oldest"]}, start, end, _FIVE_MINUTES, "s", nothing=None),
        chart("Dead letters", letters, start, end, _FIVE_MINUTES, nothing=None),
    ]


def _secrets(request: Request) -> Response:
    states = desk_of(request).read("secrets", _SECRETS_FRESH, secrets_status)
    return page(request, "trouble_secrets.html", states=states)


def _refused(request: Request) -> Response:
    """The requests of the last day that the webhook refused."""
    found = desk_of(request).read(
        "refused requests", _REFUSED_FRESH, lambda stack: refused_requests(stack, now() - DAY, _REFUSED_SHOWN)
    )
    return page(request, "trouble_refused.html", found=found)


def _event(request: Request) -> Response:
    """One rejected event, and what has become of it."""
    desk, digest = desk_of(request), request.path_params["digest"]
    reveals = "reveal" in request.query_params and desk.options.shows_personal_data
    event = desk.connection.attempt(lambda stack: rejected.named(stack, digest))
    if isinstance(event, Fault):
        if_missing = "It may have been discarded, or its time in the table is over."
        return fault_page(request, event, "/trouble", if_missing)
    named = about(event)
    order = desk.connection.attempt(lambda stack: orders.of_id(stack, named.order_id)) if named.order_id else None
    return page(
        request,
        "rejected.html",
        event=event,
        about=named,
        has_order=not (order is None or isinstance(order, Fault)),
        store=_store_among(stores_of(desk), named.store_ids),
        problems=[in_words(problem, event) for problem in event.problems],
        still_wrong="" if event.resolved_at else still_wrong(event),
        body=rejected.shown(event, reveals),
        order_id=rejected.order_of(event),
        reveals=reveals,
    )


def _store_among(stores: dict[str, Store], names: tuple[str, ...]) -> Store | None:
    """The registered store of one of these ids, the platform's or the chain's own."""
    for name in names:
        if name in stores:
            return stores[name]
    codes = {store.external_partner_config_id: store for store in stores.values()}
    return next((codes[name] for name in names if name in codes), None)


def _queue(request: Request) -> Response:
    """What is in a dead-letter queue."""
    desk, name = desk_of(request), request.path_params["queue"]
    is_here = desk.connection.attempt(lambda stack: name not in CATALOGUE_OUTPUTS or has_catalogue(stack))
    if name not in {*Queue} or is_here is False:
        return message(request, HTTPStatus.NOT_FOUND, "there is no such queue", "", "/trouble")
    reveals = "reveal" in request.query_params and desk.options.shows_personal_data
    queue = Queue(name)
    letters = desk.read(("letters", name), FRESH, lambda stack: dead_letters.messages(stack, queue, _LETTERS_SHOWN))
    contents = [] if isinstance(letters, Fault) else [(it, dead_letters.content(queue, it, reveals)) for it in letters]
    return page(request, "dead_letters.html", queue=queue, letters=letters, contents=contents, reveals=reveals)


ROUTES = (
    Route("/trouble", _trouble),
    Route("/trouble/rejected", _rejected),
    Route("/trouble/letters", _letters),
    Route("/trouble/queues", _queues),
    Route("/trouble/refused", _refused),
    Route("/trouble/secrets", _secrets),
    Route("/trouble/rejected/{digest}", _event),
    Route("/trouble/letters/{queue}", _queue),
)
