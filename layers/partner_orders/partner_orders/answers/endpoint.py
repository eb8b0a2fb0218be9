"""The answers API: what the chain's own systems call, and what they get (docs/answers.md, docs/answers-api.yaml)."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from partner_orders.answers.answer import AnswerProblemsError
from partner_orders.answers.intake import (
    AnswersIntake,
    HinderedError,
    NoSuchOrderError,
    Taken,
    problems_of,
)
from partner_orders.answers.reading import plain, read_answer
from partner_orders.answers.stored import StoredAnswer
from partner_orders.clock import to_text
from partner_orders.exact_json import Json, MalformedJsonError, parse, write
from partner_orders.orders.fields import Kind as FieldKind
from partner_orders.orders.fields import UnreadableError, read_value

MAX_BODY_BYTES = 65_536
ANSWERS = "/stores/{store_id}/orders/{order_id}/answers"
POST, LIST, GET = f"POST {ANSWERS}", f"GET {ANSWERS}", f"GET {ANSWERS}/{{answer_id}}"
WAITING = "waiting"


@dataclass(frozen=True)
class Response:
    """What the caller gets, and the name under which it is counted. ``fault`` is the kind of error behind a 503."""

    status: int
    body: dict[str, Json] = field(repr=False)
    counted_as: str = ""
    fault: str = ""

    def to_http(self) -> dict[str, Any]:
        return {
            "statusCode": self.status,
            "headers": {"content-type": "application/json"},
            "body": write(self.body),
        }


class AnswersEndpoint:
    def __init__(self, intake: AnswersIntake) -> None:
        self._intake = intake

    def respond(self, request: Mapping[str, Any]) -> Response:
        """Respond to one request of an HTTP API (payload format 2.0). Raises nothing: a fault of ours is a 503, after
        which the same answer can be sent again."""
        named = request.get("pathParameters") or {}
        try:
            store_id, order_id = (_identifier(named.get(name)) for name in ("store_id", "order_id"))
            match request.get("routeKey"):
                case key if key == POST:
                    return self._take(store_id, order_id, request)
                case key if key == LIST:
                    answers = self._intake.answers(store_id, order_id).answers
                    return Response(200, {"order_id": order_id, "answers": [answer_json(it) for it in answers]})
                case key if key == GET:
                    stored = self._intake.answers(store_id, order_id).by_id(named.get("answer_id", ""))
                    return _no_such("answer") if stored is None else Response(200, answer_json(stored))
                case _:
                    return _no_such("route")
        except NoSuchOrderError:
            return _no_such("order")
        except Exception as error:
            return Response(
                503, _error("unavailable", "Not available, try again."), "AnswersUnavailable", type(error).__name__
            )

    def _take(self, store_id: str, order_id: str, request: Mapping[str, Any]) -> Response:
        try:
            body = _body(request)
        except ValueError:
            return _unreadable("the body is not base64")
        if len(body) > MAX_BODY_BYTES:
            return Response(413, _error("too_large", f"The body is over {MAX_BODY_BYTES} bytes."), "AnswersInvalid")
        try:
            value = parse(body)
        except MalformedJsonError as error:
            return _unreadable(str(error))
        context = request.get("requestContext") or {}
        try:
            answer = read_answer(value)
            taken = self._intake.take(store_id, order_id, answer, _caller(context), str(context.get("requestId", "")))
        except AnswerProblemsError as error:
            text = "The answer cannot be taken. Nothing was stored."
            return Response(422, _error("invalid_answer", text) | {"problems": problems_of(error)}, "AnswersInvalid")
        except HinderedError as error:
            return Response(409, _error(error.hindrance.value, str(error)) | error.facts, "AnswersConflicts")
        return _taken(taken)


def answer_json(stored: StoredAnswer) -> dict[str, Json]:
    """An answer as the API shows it: what it says, and what has become of it. Times are UTC."""
    progress, ending = stored.progress, stored.ending
    shown: dict[str, Json] = {
        **plain(stored.answer),
        "status": WAITING if ending is None else ending.outcome.value,
        "accepted_at": to_text(stored.accepted_at),
        "by": stored.by,
        "tries": progress.tries,
    }
    if ending is None:
        waits_for = {"waits_for": progress.failure} if progress.failure else {}
        return shown | {"next_try_at": to_text(progress.next_try_at)} | waits_for
    shown["ended_at"] = to_text(ending.ended_at)
    if ending.reason:
        shown["outcome_reason"] = ending.reason
    if ending.problems:
        shown["problems"] = [*ending.problems]
    return shown


def _taken(taken: Taken) -> Response:
    body = answer_json(taken.stored)
    if not taken.is_new:
        return Response(200, body, "AnswersRepeated")
    return Response(202, body | {"will_send": taken.will_send}, "AnswersAccepted")


def _body(request: Mapping[str, Any]) -> bytes:
    """Raises ValueError."""
    text: str = request.get("body") or ""
    if request.get("isBase64Encoded"):
        return base64.b64decode(text, validate=True)
    return text.encode("utf-8", "surrogatepass")


def _caller(context: Mapping[str, Any]) -> str:
    """Who called, by its ARN; of a role without the session, which may name a person."""
    iam = (context.get("authorizer") or {}).get("iam") or {}
    arn = str(iam.get("userArn", ""))
    return arn.rpartition("/")[0] if ":assumed-role/" in arn else arn


def _identifier(text: str | None) -> str:
    """An id of the path as orders have it, so a UUID in small letters. API Gateway has decoded the path. Raises
    NoSuchOrderError for one that no order has."""
    try:
        identifier, _ = read_value(FieldKind.IDENTIFIER, text or "")
    except UnreadableError:
        raise NoSuchOrderError from None
    if not identifier:
        raise NoSuchOrderError
    return str(identifier)


def _unreadable(what: str) -> Response:
    return Response(400, _error("malformed_body", f"{what[:1].upper()}{what[1:]}."), "AnswersInvalid")


def _no_such(what: str) -> Response:
    return Response(404, _error("not_found", f"There is no such {what}."), "AnswersNotFound")


def _error(kind: str, text: str) -> dict[str, Json]:
    return {"type": kind, "detail": text}
