"""Changes: what the desk is asked to do. Each is asked about first, done once, and says what it did."""

from collections.abc import Mapping
from http import HTTPStatus
from urllib.parse import parse_qsl

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from partner_orders_console.desk.actions import ACTIONS, Action, Question
from partner_orders_console.desk.connection import Fault
from partner_orders_console.desk.rendering import desk_of, message, page

_MAX_FIELDS = 300
MAX_FORM_BYTES = 200_000


def _changes(request: Request) -> Response:
    return page(request, "changes.html", jobs=desk_of(request).jobs.all())


def _question(request: Request) -> Response:
    """What a change would do, and the form that does it."""
    return _asked(request, dict(request.query_params))


async def _change(request: Request) -> Response:
    """Preview or begin a change."""
    body = await _body(request)
    if body is None:
        return await run_in_threadpool(message, request, HTTPStatus.CONTENT_TOO_LARGE, "the form is too large")
    return await run_in_threadpool(_begin, request, body)


async def _body(request: Request) -> bytes | None:
    """The body of a form; None for one over the limit."""
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > MAX_FORM_BYTES:
            return None
    return body


def _begin(request: Request, body: bytes) -> Response:
    desk = desk_of(request)
    try:
        form = dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=_MAX_FIELDS))
    except ValueError:
        return message(request, HTTPStatus.BAD_REQUEST, "the form cannot be read")
    if form.pop("form_token", "") != desk.guard.form_token:
        return message(request, HTTPStatus.FORBIDDEN, "the form is not one of this desk", "Load its page again.")
    if form.pop("step", "") == "ask":
        return _asked(request, form)
    action = _action(request)
    if isinstance(action, Response):
        return action
    question = desk.connection.attempt(lambda stack: action.ask(stack, form))
    if isinstance(question, Fault):
        return _not_asked(request, question, form)
    find = desk.connection.stack
    job = desk.jobs.begin(question.what, question.back, lambda progress: action.perform(find(), form, progress))
    return RedirectResponse(f"/changes/done/{job.job_id}", HTTPStatus.SEE_OTHER)


def _asked(request: Request, form: Mapping[str, str]) -> Response:
    action = _action(request)
    if isinstance(action, Response):
        return action
    question = desk_of(request).connection.attempt(lambda stack: action.ask(stack, form))
    if isinstance(question, Fault):
        return _not_asked(request, question, form)
    return _ask(request, action, question, form)


def _ask(request: Request, action: Action, question: Question, form: Mapping[str, str]) -> Response:
    name = request.path_params["action"]
    return page(request, "change.html", name=name, action=action, question=question, form=form)


def _action(request: Request) -> Action | Response:
    """The change that is asked for, or why there is none."""
    desk, name = desk_of(request), request.path_params["action"]
    if name not in ACTIONS:
        return message(request, HTTPStatus.NOT_FOUND, "there is no such change")
    if not desk.options.allows_changes:
        advice = "Start it with `partner-orders desk --allow-changes`."
        return message(request, HTTPStatus.FORBIDDEN, "this desk changes nothing", advice)
    return ACTIONS[name]


def _not_asked(request: Request, fault: Fault, form: Mapping[str, str]) -> Response:
    return message(request, HTTPStatus.UNPROCESSABLE_ENTITY, fault.what, fault.advice, back_of(form))


def back_of(form: Mapping[str, str]) -> str:
    """The page of the desk that a form came from."""
    back = form.get("back", "")
    return back if back.startswith("/") and not back.startswith(("//", "/\\")) else "/"


def _job(request: Request) -> Response:
    return _shown(request, "job.html")


def _job_part(request: Request) -> Response:
    return _shown(request, "job_part.html")


def _shown(request: Request, template: str) -> Response:
    job = desk_of(request).jobs.get(request.path_params["job_id"])
    if job is None:
        return message(
            request, HTTPStatus.NOT_FOUND, "there is no such change", "The desk remembers the last ones.", "/changes"
        )
    return page(request, template, job=job)


ROUTES = (
    Route("/changes", _changes),
    Route("/changes/done/{job_id}", _job),
    Route("/changes/done/{job_id}/part", _job_part),
    Route("/changes/{action}", _question, methods=["GET"]),
    Route("/changes/{action}", _change, methods=["POST"]),
)
