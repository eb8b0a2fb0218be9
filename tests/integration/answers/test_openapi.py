"""docs/answers-api.yaml is what the endpoint does: routes, statuses, fields, enums, bounds, and its own examples."""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import jsonschema
import pytest
import yaml

from partner_orders.answers import reading, stored
from partner_orders.answers.answer import AnswerProblemsError, CancelReason, Kind
from partner_orders.answers.endpoint import GET, LIST, MAX_BODY_BYTES, POST, WAITING
from partner_orders.answers.judgement import Outcome
from partner_orders.answers.rules import Hindrance
from tests.support.answers import ORDER_ID, STORE_ID, said
from tests.support.answers_world import AnswersWorld
from tests.support.orders_table import dynamodb_at
from tests.support.template import TEMPLATE
from tests.unit.docs.test_links import ROOT
from tools.local.events import answers_request

TEXT = (ROOT / "docs" / "answers-api.yaml").read_text(encoding="utf-8")
API: dict[str, Any] = yaml.safe_load(TEXT)
SCHEMAS: dict[str, Any] = API["components"]["schemas"]
BY_ROUTE = {
    f"{method.upper()} {path}": operation
    for path, item in API["paths"].items()
    for method, operation in item.items()
    if method != "parameters"
}
EXAMPLES: dict[str, Any] = BY_ROUTE[POST]["requestBody"]["content"]["application/json"]["examples"]
# API Gateway's own, before any function runs.
BY_THE_GATEWAY = {"403", "429"}
DOC = (ROOT / "docs" / "answers.md").read_text(encoding="utf-8")
IN_THE_GUIDE = [json.loads(text) for text in re.findall(r"```json\n(.*?)```", DOC, re.DOTALL)]
# Only some brands accept orders.
ACCEPTING = {"brand": "glovo", "transport_type": "VENDOR_DELIVERY"}


def validate(value: Any, schema: dict[str, Any]) -> None:
    jsonschema.Draft202012Validator(schema | {"components": API["components"]}).validate(value)


def resolved(node: dict[str, Any]) -> dict[str, Any]:
    """A part of the file, or what it refers to."""
    if "$ref" not in node:
        return node
    place: Any = API
    for name in node["$ref"].removeprefix("#/").split("/"):
        place = place[name]
    found: dict[str, Any] = place
    return found


def validate_response(route: str, status: int, body: dict[str, Any]) -> None:
    response = resolved(BY_ROUTE[route]["responses"][str(status)])
    validate(body, response["content"]["application/json"]["schema"])


def world_for(client: Any, answer: dict[str, Any]) -> AnswersWorld:
    return AnswersWorld(client, **(ACCEPTING if answer["kind"] == "accept" else {}))


def test_file_is_valid() -> None:
    """Every schema is a JSON Schema, every reference resolves, and everything that is defined is used."""
    for schema in SCHEMAS.values():
        jsonschema.Draft202012Validator.check_schema(schema)
    references = {*re.findall(r"#/components/([\w/]+)", TEXT)}
    for reference in references:
        assert resolved({"$ref": f"#/components/{reference}"})
    defined = {f"{kind}/{name}" for kind in ("schemas", "responses", "parameters") for name in API["components"][kind]}
    assert defined == references


def test_routes_are_those_of_the_template() -> None:
    """The file, the code and the template have the same routes and path parameters."""
    assert {*BY_ROUTE} == {POST, LIST, GET}
    text = TEMPLATE.read_text(encoding="utf-8")
    for path, item in API["paths"].items():
        assert f"          {path}:\n" in text
        names = [resolved(parameter)["name"] for parameter in item["parameters"]]
        assert names == re.findall(r"\{(\w+)\}", path)


def test_enums_and_bounds_are_those_of_the_code() -> None:
    """Kinds, reasons, outcomes, conflicts and bounds are the code's."""
    assert {SCHEMAS[name]["properties"]["kind"]["const"] for name in ("Ready", "Update", "Accept", "Cancel")} == {*Kind}
    shown, conflict = SCHEMAS["Shown"]["properties"], SCHEMAS["Conflict"]["properties"]
    assert {*shown["kind"]["enum"]} == {*conflict["allowed"]["items"]["enum"]} == {*Kind}
    assert {*SCHEMAS["CancelReason"]["enum"]} == {*CancelReason}
    assert {*shown["status"]["enum"]} == {WAITING, *Outcome}
    assert {*conflict["type"]["enum"]} == {*Hindrance}
    assert SCHEMAS["Lines"]["maxItems"] == reading.MAX_LINES
    assert SCHEMAS["NewLines"]["maxItems"] == reading.MAX_NEW_LINES
    assert SCHEMAS["Text"]["maxLength"] == reading.MAX_TEXT
    assert SCHEMAS["NewLine"]["properties"]["quantity"]["maximum"] == reading.MAX_PIECES
    assert SCHEMAS["LineChange"]["properties"]["quantity"]["maximum"] == reading.MAX_PIECES
    assert SCHEMAS["NewLine"]["properties"]["unit_price"]["maximum"] == reading.MAX_PRICE
    assert SCHEMAS["Weight"]["maximum"] == reading.MAX_KILOGRAMS
    assert SCHEMAS["AnswersOfOrder"]["properties"]["answers"]["maxItems"] == stored.MAX_ANSWERS
    assert f"{MAX_BODY_BYTES:,} bytes" in BY_ROUTE[POST]["requestBody"]["description"]


@pytest.mark.parametrize("name", ["Ready", "Update", "Accept", "Cancel"])
def test_request_fields_are_those_of_the_code(name: str) -> None:
    """Each kind of answer has the fields that the code takes, and of a line and of a new line as well."""
    properties = SCHEMAS[name]["properties"]
    assert {*properties} == reading.FIELDS[Kind(name.lower())]
    assert {*SCHEMAS["LineChange"]["properties"]} == reading.LINE_FIELDS
    assert {*SCHEMAS["NewLine"]["properties"]} == reading.NEW_LINE_FIELDS


@pytest.mark.parametrize("name", EXAMPLES)
def test_example_of_the_file_is_taken(name: str) -> None:
    """Each example of a request suits its schema and is taken, and its responses suit theirs."""
    answer = EXAMPLES[name]["value"]
    validate(answer, SCHEMAS["Answer"])
    with dynamodb_at() as client:
        world = world_for(client, answer)
        for status in (202, 200):
            response = world.post(answer)
            assert response[0] == status
            validate_response(POST, *response)
        validate_response(LIST, *world.shown())
        validate_response(GET, *world.get(answer["answer_id"]))


def test_guide_shows_answers_that_are_taken() -> None:
    """Each JSON example of docs/answers.md is an answer that is taken, or a response that suits its schema."""
    answers = [example for example in IN_THE_GUIDE if {*example} >= {"answer_id", "sequence"} and "by" not in example]
    assert {answer["kind"] for answer in answers} == {*Kind}
    for answer in answers:
        validate(answer, SCHEMAS["Answer"])
        with dynamodb_at() as client:
            assert world_for(client, answer).post(answer)[0] == 202
    others = [example for example in IN_THE_GUIDE if example not in answers]
    assert others
    for response in others:
        validate(response, {"anyOf": [{"$ref": f"#/components/schemas/{name}"} for name in RESPONSES]})


RESPONSES = ["AcceptedAnswer", "StoredAnswer", "Conflict", "InvalidAnswer"]


def unavailable(**_: Any) -> None:
    raise ConnectionError


def some_of_each(world: AnswersWorld) -> Iterator[tuple[str, int, dict[str, Any]]]:
    """A response of each status that the function gives, with its route."""
    missing = {"order_id": "00000000-0000-4000-8000-000000000000"}
    yield (POST, *world.post("{"))
    yield (POST, *world.post(" " * (MAX_BODY_BYTES + 1)))
    yield (POST, *world.post(lines=[{"id": "ln-9", "weight": 0}], sequence="1"))
    yield (POST, *world.post(lines=[{"id": "ln-9", "weight": 1}]))
    yield (POST, *world.post(**missing))
    yield (LIST, *world.shown(**missing))
    yield (GET, *world.get("till-9"))
    yield (
        POST,
        *world.post(lines=[{"id": "ln-1", "not_found": True}], added=[{"sku": "B", "weight": 1, "unit_price": 0}]),
    )
    yield (POST, *world.post(kind="cancel", reason="CLOSED"))
    world.end(Outcome.REFUSED, "order_changed", ("line ln-1: the order has it no longer",))
    yield (POST, *world.post(answer_id="till-2", kind="cancel", reason="CLOSED"))
    yield (POST, *world.post(answer_id="till-2", kind="cancel", reason="CLOSED"))
    yield (LIST, *world.shown())
    yield (GET, *world.get("till-1"))
    world.client.meta.events.register("before-call.dynamodb.BatchGetItem", unavailable)
    for route in (POST, LIST, GET):
        event = answers_request(route, STORE_ID, ORDER_ID, json.dumps(said()), "till-1")
        yield (route, *world.request(event))


def test_each_status_suits_its_schema() -> None:
    """Each status that the file names is given by the function or by API Gateway, and its body suits its schema."""
    met: set[tuple[str, str]] = set()
    with dynamodb_at() as client:
        for route, status, body in some_of_each(AnswersWorld(client)):
            validate_response(route, status, body)
            met.add((route, str(status)))
    named = {(route, status) for route, operation in BY_ROUTE.items() for status in operation["responses"]}
    assert {(route, status) for route, status in named if status not in BY_THE_GATEWAY} == met


WRONG: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "no id": lambda it: {name: value for name, value in it.items() if name != "answer_id"},
    "blank in the id": lambda it: it | {"answer_id": "a b"},
    "sequence 0": lambda it: it | {"sequence": 0},
    "unknown field": lambda it: it | {"found": "all"},
    "field of another kind": lambda it: it | {"reason": "CLOSED"},
    "line without a name": lambda it: it | {"lines": [{"quantity": 1}]},
    "line named twice": lambda it: it | {"lines": [{"id": "ln-1", "sku": "KW-100", "quantity": 1}]},
    "line that says nothing": lambda it: it | {"lines": [{"id": "ln-1"}]},
    "line that says two things": lambda it: it | {"lines": [{"id": "ln-1", "quantity": 1, "not_found": True}]},
    "nothing found": lambda it: it | {"lines": [{"id": "ln-1", "quantity": 0}]},
    "no weight": lambda it: it | {"lines": [{"id": "ln-3", "weight": 0}]},
    "new line without a price": lambda it: it | {"added": [{"sku": "B", "quantity": 1}]},
    "new line without an amount": lambda it: it | {"added": [{"sku": "B", "unit_price": 1}]},
    "new line of no weight": lambda it: it | {"added": [{"sku": "B", "unit_price": 1, "weight": 0}]},
    "too many new lines": lambda it: it | {"added": [{"sku": "B", "quantity": 1, "unit_price": 1}] * 101},
    "long text": lambda it: it | {"added": [{"sku": "B" * 201, "quantity": 1, "unit_price": 1}]},
    "price as text": lambda it: it | {"added": [{"sku": "B", "quantity": 1, "unit_price": "1"}]},
}


@pytest.mark.parametrize("name", WRONG)
def test_schema_refuses_what_the_code_does(name: str) -> None:
    """What the schema refuses, the code refuses as well."""
    wrong = WRONG[name](said())
    with pytest.raises(jsonschema.ValidationError):
        validate(wrong, SCHEMAS["Answer"])
    with pytest.raises(AnswerProblemsError):
        reading.read_answer(json.loads(json.dumps(wrong)))
