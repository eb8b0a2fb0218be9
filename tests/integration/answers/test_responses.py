"""The responses of the answers API, whole: what each caller reads, and under which name it is counted."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from partner_orders.answers.endpoint import MAX_BODY_BYTES, POST, Response
from partner_orders.answers.stored import Progress
from partner_orders.clock import to_text
from tests.support.answers import ORDER_ID, STORE_ID, said
from tests.support.answers_world import AnswersWorld
from tests.support.contracts import FAKE, orders_table_of
from tools.local.events import answers_request

type Body = dict[str, Any]


@pytest.fixture
def world() -> Iterator[AnswersWorld]:
    with orders_table_of(FAKE) as client:
        yield AnswersWorld(client)


def respond(world: AnswersWorld, body: str | bytes = "", /, **changed: Any) -> Response:
    """Post an answer, with some of the request changed."""
    return world.endpoint.respond(answers_request(POST, STORE_ID, ORDER_ID, body or json.dumps(said())) | changed)


def whole(response: Response) -> tuple[int, Body, str]:
    return response.status, json.loads(response.to_http()["body"]), response.counted_as


def error(kind: str, detail: str) -> Body:
    return {"type": kind, "detail": detail}


def waiting(world: AnswersWorld) -> Body:
    """The answer of ``said``, as it waits."""
    return said() | {
        "status": "waiting",
        "accepted_at": to_text(world.now),
        "by": "arn:aws:sts::123456789012:assumed-role/answers-caller",
        "tries": 0,
        "next_try_at": to_text(world.now),
    }


def test_response_is_json(world: AnswersWorld) -> None:
    """A response is JSON, and says so."""
    response = respond(world)
    assert {**response.to_http(), "body": None} == {
        "statusCode": 202,
        "headers": {"content-type": "application/json"},
        "body": None,
    }


def test_response_is_not_printed(world: AnswersWorld) -> None:
    """What is printed of a response has nothing of its body."""
    response = respond(world)
    assert repr(response) == "Response(status=202, counted_as='AnswersAccepted', fault='')"


def test_what_is_taken(world: AnswersWorld) -> None:
    """A new answer is shown with what will be sent; a repeated one, without it."""
    status, body, counted_as = whole(respond(world))
    will_send = body.pop("will_send")
    assert (status, body, counted_as) == (202, waiting(world), "AnswersAccepted")
    assert will_send["status"] == "READY_FOR_PICKUP"
    assert whole(respond(world)) == (200, waiting(world), "AnswersRepeated")


def test_answer_that_is_tried_again(world: AnswersWorld) -> None:
    """An answer that waits after a failure says what it waits for, and when it is tried next."""
    respond(world)
    claimed = world.table.claim(ORDER_ID, world.now)
    assert claimed is not None
    assert claimed.oldest_open is not None
    next_try_at = world.now + timedelta(minutes=1)
    world.table.note(claimed, claimed.oldest_open, Progress(next_try_at, tries=3, failure="rate_limited"))
    waits = {"tries": 3, "next_try_at": to_text(next_try_at), "waits_for": "rate_limited"}
    assert world.get("till-1") == (200, waiting(world) | waits)


@pytest.mark.parametrize(
    ("changed", "response"),
    [
        ({"routeKey": "$default"}, (404, error("not_found", "There is no such route."), "AnswersNotFound")),
        ({"pathParameters": {}}, (404, error("not_found", "There is no such order."), "AnswersNotFound")),
        (
            {"body": "no base64!", "isBase64Encoded": True},
            (400, error("malformed_body", "The body is not base64."), "AnswersInvalid"),
        ),
        (
            {"body": "e30=!", "isBase64Encoded": True},
            (400, error("malformed_body", "The body is not base64."), "AnswersInvalid"),
        ),
        ({"body": "{,"}, (400, error("malformed_body", "Not JSON (at character 1)."), "AnswersInvalid")),
        (
            {"body": " " * (MAX_BODY_BYTES + 1)},
            (413, error("too_large", "The body is over 65536 bytes."), "AnswersInvalid"),
        ),
    ],
)
def test_what_is_not_taken(world: AnswersWorld, changed: Body, response: tuple[int, Body, str]) -> None:
    """A request that cannot be taken is told why."""
    assert whole(respond(world, **changed)) == response


@pytest.mark.parametrize("body", [None, "", "\ud800"])
def test_body_that_is_no_text(world: AnswersWorld, body: str | None) -> None:
    """A body that is missing, empty or no text is malformed, and no fault of ours."""
    assert respond(world, body=body).status == 400


def test_answer_that_nobody_gave(world: AnswersWorld) -> None:
    """An answer that the order does not have is named as what is missing."""
    assert world.get("other") == (404, error("not_found", "There is no such answer."))


def test_what_cannot_be_taken_says_what_was_stored(world: AnswersWorld) -> None:
    """An answer with problems says that nothing was stored, and is counted as invalid."""
    status, body, counted_as = whole(respond(world, json.dumps(said(sequence=None))))
    problems = body.pop("problems")
    assert (status, counted_as) == (422, "AnswersInvalid")
    assert body == error("invalid_answer", "The answer cannot be taken. Nothing was stored.")
    assert [problem["path"] for problem in problems] == ["sequence"]


def test_conflict_is_counted(world: AnswersWorld) -> None:
    """A conflict is counted as one."""
    world.switch(False)
    assert respond(world).counted_as == "AnswersConflicts"


def test_fault_of_ours(world: AnswersWorld) -> None:
    """A fault of ours asks to try again, and tells nothing of the fault."""
    world.table.accept = None  # type: ignore[method-assign, assignment]
    response = respond(world)
    assert whole(response) == (503, error("unavailable", "Not available, try again."), "AnswersUnavailable")
    assert response.fault == "TypeError"


def test_who_called(world: AnswersWorld) -> None:
    """An answer names its caller: the role without its session, a user by the whole ARN, and nobody as nobody."""
    callers = {"arn:aws:iam::123456789012:user/till": "arn:aws:iam::123456789012:user/till", None: ""}
    for number, (arn, by) in enumerate(callers.items()):
        authorizer = {"iam": {"userArn": arn}} if arn else None
        body = json.dumps(said(kind="update", answer_id=f"till-{number}"))
        response = respond(world, body, requestContext={"requestId": f"request-{number}", "authorizer": authorizer})
        assert response.body["by"] == by


def test_request_is_remembered(world: AnswersWorld) -> None:
    """An answer is stored with the id of the request that brought it, and without one where it has none."""
    contexts = [{"requestId": "request-7"}, {}, None]
    for number, context in enumerate(contexts):
        respond(world, json.dumps(said(kind="update", answer_id=f"till-{number}")), requestContext=context)
    correlations = [stored.correlation_id for stored in world.table.get(ORDER_ID).answers]
    assert correlations == ["request-7", "", ""]
