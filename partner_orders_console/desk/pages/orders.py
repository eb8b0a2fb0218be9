"""Orders: a day's or the open ones, page by page; found by any of the three ids; and the life of one."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from partner_orders.orders import lifecycle
from partner_orders.orders.event import parse_event
from partner_orders.orders.stored import StoredOrder
from partner_orders.stores.store import Store
from partner_orders_console.desk.connection import Fault
from partner_orders_console.desk.desk import Desk
from partner_orders_console.desk.pages.now import all_stores
from partner_orders_console.desk.rendering import address, desk_of, fault_page, message, page, segment
from partner_orders_console.desk.timeline import timeline
from partner_orders_console.operations import answers, orders
from partner_orders_console.operations.marked_json import MarkedLine, marked_json
from partner_orders_console.operations.order_life import LifeStep, life_of
from partner_orders_console.operations.order_lines import lines_of, money_of
from partner_orders_console.operations.order_pages import Choice, Page, Place, find_anywhere, page_of_orders
from partner_orders_console.operations.stack import DeployedStack

STATUSES = (
    lifecycle.RECEIVED,
    lifecycle.ACCEPTED,
    lifecycle.READY_FOR_PICKUP,
    lifecycle.DISPATCHED,
    lifecycle.PICKED_UP,
    lifecycle.DELIVERED,
    lifecycle.CANCELLED,
)
_MOST_WORDS, _MOST_MEANT, _FEWEST_LETTERS = 10, 10, 3
_COMMON = frozenset({"the", "store", "order", "and", "for", "from"})
_EVERY = 10  # seconds after which a list is looked at anew


def _orders(request: Request) -> Response:
    wanted = request.query_params.get("id", "").strip()
    if wanted:
        return _found(request, wanted)
    return page(request, "orders.html", **_list_context(request))


def _rows(request: Request) -> Response:
    return page(request, "orders_rows.html", **_list_context(request))


def _list_context(request: Request) -> dict[str, Any]:
    desk, asked = desk_of(request), request.query_params
    stores = stores_of(desk)
    query = {name: asked.get(name, "") for name in ("store", "day", "status", "open", "sort", "after")}

    def read(stack: DeployedStack) -> Page:
        chosen = chosen_stores(desk, stack, query["store"])
        choice = Choice(
            chosen,
            query["day"] or None,
            [query["status"]] if query["status"] else (),
            open_only=bool(query["open"]),
            of_any_store=not query["store"],
            newest_first=query["sort"] != "oldest",
            after=Place.from_text(query["after"]),
        )
        return page_of_orders(stack, choice)

    found = desk.connection.attempt(read)
    return {
        "found": found,
        "rows": [] if isinstance(found, Fault) else [row_of(order, stores) for order in found.orders],
        "query": query,
        "stores": stores,
        "statuses": STATUSES,
        "link": lambda **changed: address("/orders", **{**query, "after": "", **changed}),
        "refresh": address("/orders/rows", **query),
        # Each look is a query for each store: a large chain is looked at less often.
        "every": max(_EVERY, 1 if query["store"] else len(stores), 60 if query["status"] else 0),
    }


def chosen_stores(desk: Desk, stack: DeployedStack, name: str) -> list[Store]:
    """The store of a name, or all without one. Raises OperatorError and botocore's errors."""
    if name:
        return [orders.store_named(stack, name)]
    return all_stores(desk, stack)


def stores_of(desk: Desk) -> dict[str, Store]:
    """The stores by each of their ids; none where they cannot be read."""
    stores = desk.connection.attempt(lambda stack: all_stores(desk, stack))
    if isinstance(stores, Fault):
        return {}
    return {listing: store for store in stores for listing in store.listings}


def row_of(order: StoredOrder, stores: dict[str, Store]) -> dict[str, Any]:
    """An order as a line of a list; its time is in its store's zone."""
    store_id = orders.store_of(order)
    store = stores.get(store_id)
    return {
        "order": order,
        "store_id": store_id,
        "store_name": store.name if store and store.name else "",
        "zone": orders.zone_of(store) if store else orders.zone_of(Store(store_id)),
        "has_zone": bool(store and store.time_zone),
        "created_at": order.attributes["listed_at"],
        "code": order.attributes.get("order_code", ""),
        "external_order_id": order.attributes.get("external_order_id", ""),
        "total": orders.total_of(order),
        "currency": store.currency if store else None,
        "is_open": lifecycle.is_open(order.status),
    }


# -- finding -----------------------------------------------------------------------------------------------------------


def _found(request: Request, wanted: str) -> Response:
    """The order of an id, or a list where there are several."""
    desk, name = desk_of(request), request.query_params.get("store", "")

    def look(stack: DeployedStack) -> list[StoredOrder]:
        return find_anywhere(stack, wanted, chosen_stores(desk, stack, name))

    found = desk.connection.attempt(look)
    if not isinstance(found, Fault) and len(found) == 1:
        return RedirectResponse(f"/orders/{segment(found[0].order_id)}", HTTPStatus.SEE_OTHER)
    stores = stores_of(desk)
    rows = [] if isinstance(found, Fault) else [row_of(order, stores) for order in found]
    status = HTTPStatus.OK if isinstance(found, Fault) or found else HTTPStatus.NOT_FOUND
    meant = [] if rows else _meant(wanted, stores)
    return page(
        request,
        "orders_found.html",
        status,
        wanted=wanted,
        found=found,
        rows=rows,
        stores=stores,
        name=name,
        meant=meant,
    )


def _meant(wanted: str, stores: dict[str, Store]) -> list[tuple[Store, list[str]]]:
    """The stores that words such as ``0417 at the Clifton store`` may mean, each with the words that may be a code."""
    asked = [word.strip(".,;:#").casefold() for word in wanted.split()[:_MOST_WORDS]]
    codes = [word for word in asked if any(map(str.isdigit, word))]
    found = []
    for listing, store in stores.items():
        names = {store.store_id.casefold(), *(store.name or "").casefold().split()}
        ids = {store.store_id.casefold(), (store.external_partner_config_id or "").casefold()}
        is_meant = wanted.casefold() in (store.name or "").casefold() or any(_begins(word, names) for word in asked)
        if listing == store.store_id and (is_meant or ids & {*asked}):
            found.append((store, [code for code in codes if code not in ids]))
    return found[:_MOST_MEANT]


def _begins(word: str, names: set[str]) -> bool:
    """Whether a word of at least three letters begins a name, so that ``Clift`` finds Clifton."""
    return len(word) >= _FEWEST_LETTERS and word not in _COMMON and any(name.startswith(word) for name in names)


# -- one order ---------------------------------------------------------------------------------------------------------


def _order(request: Request) -> Response:
    return _one(request, "order.html")


def _life(request: Request) -> Response:
    return _one(request, "order_body.html")


def _one(request: Request, template: str) -> Response:
    desk, order_id = desk_of(request), request.path_params["order_id"]
    reveals = "reveal" in request.query_params
    if reveals and not desk.options.shows_personal_data:
        what = "this desk reveals no customer's data"
        advice = "Start it with `partner-orders desk --show-personal-data`."
        return message(request, HTTPStatus.FORBIDDEN, what, advice, f"/orders/{segment(order_id)}")
    order = desk.connection.attempt(lambda stack: orders.of_id(stack, order_id))
    if isinstance(order, Fault):
        if_missing = "An order_code needs its store: look for it on the page of orders."
        return fault_page(request, order, "/orders", if_missing)
    answered = desk.connection.attempt(lambda stack: answers.of_order(stack, order.order_id))
    steps = life_of(order, [] if isinstance(answered, Fault) else answered)
    stores = stores_of(desk)
    snapshot = parse_event(order.snapshot.body or b"{}").order
    return page(
        request,
        template,
        row=row_of(order, stores),
        store=stores.get(orders.store_of(order)),
        order=order,
        snapshot=snapshot,
        customer=_customer(snapshot) if reveals else None,
        reveals=reveals,
        answered=answered,
        steps=steps,
        drawing=timeline(steps),
        bodies=_bodies(steps, reveals),
        lines=[*lines_of(snapshot)],
        money=money_of(snapshot),
        problems=sorted({path for entry in order.history for path in entry.problems}),
    )


def _customer(snapshot: Any) -> dict[str, str]:
    """What an order says of its customer, by the platform's names."""
    if snapshot.customer is None:
        return {}
    said = snapshot.customer.model_dump(exclude_none=True)
    address_ = said.pop("delivery_address", {})
    return {name: str(value) for name, value in {**said, **address_}.items()}


def _bodies(steps: Sequence[LifeStep], reveals: bool) -> dict[int, list[MarkedLine]]:
    """The body of each event by the number of its step; without personal data unless it is revealed."""
    found = {}
    for number, step in enumerate(steps, start=1):
        if step.entry is not None and step.entry.body is not None:
            problems = [f"{path}: could not be read" for path in step.entry.problems]
            found[number] = marked_json(orders.body_of(step.entry, reveals), problems)
    return found


ROUTES = (
    Route("/orders", _orders),
    Route("/orders/rows", _rows),
    Route("/orders/{order_id}", _order),
    Route("/orders/{order_id}/life", _life),
)
