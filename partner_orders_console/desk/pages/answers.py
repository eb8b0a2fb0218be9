"""Answers: those that wait, by age; the outcomes of a day's; and answering an order, with a preview."""

from http import HTTPStatus
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from partner_orders.answers.judgement import Outcome
from partner_orders.orders.stored import StoredOrder
from partner_orders_console.desk.connection import Fault
from partner_orders_console.desk.desk import Desk
from partner_orders_console.desk.pages.now import FIGURES_FRESH, FRESH, names_of_stores
from partner_orders_console.desk.pages.orders import chosen_stores, row_of, stores_of
from partner_orders_console.desk.rendering import address, desk_of, message, page
from partner_orders_console.operations import answers, orders
from partner_orders_console.operations.flow import Stage, flow
from partner_orders_console.operations.order_pages import Choice, Place, page_of_ids
from partner_orders_console.operations.stack import DeployedStack

OUTCOMES = tuple(Outcome)


def _answers(request: Request) -> Response:
    return page(request, "answers.html", **(_waiting_context(desk_of(request)) | _outcomes_context(request)))


def _waiting(request: Request) -> Response:
    return page(request, "answers_waiting.html", **_waiting_context(desk_of(request)))


def _outcomes(request: Request) -> Response:
    return page(request, "answers_outcomes.html", **_outcomes_context(request))


def _waiting_context(desk: Desk) -> dict[str, Any]:
    def read(stack: DeployedStack) -> list[answers.Answered]:
        return answers.chosen(stack, answers.Choice(open_only=True))

    figures = desk.read("flow", FIGURES_FRESH, flow)
    return {
        "is_on": desk.read("answers on", FIGURES_FRESH, lambda stack: "AnswersApiUrl" in stack.outputs),
        "waiting": desk.read("waiting answers", FRESH, read),
        "figures": figures if isinstance(figures, Fault) else figures.figures.get(Stage.SENDER, []),
        "delays": [] if isinstance(figures, Fault) else figures.delays.get(Stage.SENDER, []),
        "stores": names_of_stores(desk),
    }


def _outcomes_context(request: Request) -> dict[str, Any]:
    """The answers to the orders of a page of a day's orders: a busy day is read page by page."""
    desk, asked = desk_of(request), request.query_params
    query = {name: asked.get(name, "") for name in ("store", "day", "outcome", "after")}

    def read(stack: DeployedStack) -> tuple[list[answers.Answered], Place | None]:
        stores = chosen_stores(desk, stack, query["store"])
        outcome = answers.outcome_named(query["outcome"] or None)
        choice = Choice(stores, query["day"] or None, after=Place.from_text(query["after"]))
        order_ids, further = page_of_ids(stack, choice)
        found = answers.to_orders(stack, order_ids)
        answered = [it for it in found if outcome is None or it.status == outcome]
        return sorted(answered, key=lambda it: it.stored.accepted_at, reverse=True), further

    return {
        "answered": desk.connection.attempt(read),
        "query": query,
        "outcomes": OUTCOMES,
        "known_stores": stores_of(desk),
        "stores": names_of_stores(desk),
        "link": lambda **changed: address("/answers", **{**query, "after": "", **changed}),
        "refresh": address("/answers/outcomes", **query),
    }


def _form(request: Request) -> Response:
    """Where an answer to an order is written; what was written before stays."""
    desk, order_id = desk_of(request), request.path_params["order_id"]
    order = desk.connection.attempt(lambda stack: _answerable(stack, order_id))
    if isinstance(order, Fault):
        advice = "" if order.is_missing else order.advice
        return message(request, HTTPStatus.NOT_FOUND, order.what, advice, "/orders")
    row = row_of(order, stores_of(desk))
    example = answers.example(order)
    return page(request, "answer_form.html", order=order, row=row, content=request.query_params.get("content", example))


def _answerable(stack: DeployedStack, order_id: str) -> StoredOrder:
    """Raises OperatorError."""
    order = orders.of_id(stack, order_id)
    stack.answers_output("AnswersApiUrl")
    return order


ROUTES = (
    Route("/answers", _answers),
    Route("/answers/waiting", _waiting),
    Route("/answers/outcomes", _outcomes),
    Route("/orders/{order_id}/answer", _form),
)
