"""The events in events/ are what the platform and AWS would send, and what the command writes."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from partner_orders.answers.answer import AnswerProblemsError
from partner_orders.answers.endpoint import GET, LIST, POST
from partner_orders.answers.endpoint import MAX_BODY_BYTES as MAX_ANSWER_BYTES
from partner_orders.answers.reading import read_answer
from partner_orders.answers.wake_ups import order_id_in
from partner_orders.content_encoding import TooLargeError
from partner_orders.exact_json import MalformedJsonError, parse
from partner_orders.order_events.message import OrderEventMessage, UnreadableMessageError
from partner_orders.orders.event import CatalogueCallbackError, OrderEvent, RejectedError, parse_event
from partner_orders.orders.packed_body import unpack
from partner_orders.pusher.urgent_message import UrgentRefusedError, urgent_change
from partner_orders.results.callback import parse_callback
from partner_orders.webhook.request_body import request_body
from tests.support.fixed_clock import NOW
from tools.local.events import EVENTS, UNKNOWN_ORDER, all_events
from tools.local.invoke import FUNCTIONS
from tools.local.up import CHAIN_ID, SAMPLE_STORES

FILES = sorted(EVENTS.rglob("*.json"))
REJECTED = {"no_order_id", "not_a_number", "malformed", "no_object", "invalid_utf8"}


def read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def test_files_are_what_the_command_writes() -> None:
    """The files in events/ are exactly what the command writes."""
    assert opened({str(path.relative_to(EVENTS)): read(path) for path in FILES}) == opened(all_events())


def opened(value: Any) -> Any:
    """A value with what is compressed in it opened: another zlib makes other bytes of the same."""
    match value:
        case {"B": str(packed)}:
            return unpack(base64.b64decode(packed))
        case {"headers": {"content-encoding": _}, "body": str()}:
            return {**value, "body": request_body(value)}
        case dict():
            return {name: opened(item) for name, item in value.items()}
        case list():
            return [opened(item) for item in value]
        case str() if value.startswith('{"schema_version"') and order_id_in(value) is None:
            return OrderEventMessage.from_text(value)
        case _:
            return value


def stores_of(value: Any) -> set[str]:
    """The ids of our chain's stores that a file names, in whatever it wraps them."""
    match value:
        case {"store_id": str(store_id), "chain_id": chain_id}:
            return {store_id} if chain_id == CHAIN_ID else set()
        case {"store_id": {"S": str(store_id)}, "chain_id": {"S": chain_id}}:
            return {store_id} if chain_id == CHAIN_ID else set()
        case {"stores": [*names]}:
            return {*names}
        case dict():
            return set().union(*map(stores_of, value.values()))
        case list():
            return set().union(*map(stores_of, value))
        case str() if value.startswith("{"):
            try:
                return stores_of(json.loads(value))
            except ValueError:
                return set()
        case _:
            return set()


def test_platform_knows_the_sample_stores() -> None:
    """The simulated platform knows every store that the sample events name."""
    named = set().union(*(stores_of(read(path)) for path in FILES))
    assert "148020" in named
    assert named <= {*SAMPLE_STORES}


def test_every_function_and_status_has_event() -> None:
    """There is a sample event for every function and every status."""
    for status in ("received", "accepted", "ready_for_pickup", "dispatched", "picked_up", "delivered", "cancelled"):
        assert (EVENTS / "webhook" / f"{status}.json").is_file()
        assert (EVENTS / "consumer" / f"{status}.json").is_file()
    assert (EVENTS / "reconciler" / "schedule.json").is_file()
    assert {file.parent.name for file in FILES} == {*FUNCTIONS, EVENTS.name}


@pytest.mark.parametrize("path", sorted((EVENTS / "webhook").glob("*.json")), ids=lambda path: path.stem)
def test_webhook_sample_matches_its_name(path: Path) -> None:
    """A sample event of the webhook carries what its name says."""
    event = read(path)
    if path.stem == "too_large":
        with pytest.raises(TooLargeError):
            request_body(event)
    elif path.stem == "empty":
        assert request_body(event) == b""
    else:
        holds(path.stem, request_body(event))


@pytest.mark.parametrize("path", sorted((EVENTS / "consumer").glob("*.json")), ids=lambda path: path.stem)
def test_consumer_sample_matches_its_name(path: Path) -> None:
    """A sample event of the consumer carries what its name says."""
    records = read(path)["Records"]
    assert records
    if path.stem == "unreadable_message":
        with pytest.raises(UnreadableMessageError):
            OrderEventMessage.from_text(records[0]["body"])
        return
    holds(path.stem, OrderEventMessage.from_text(records[0]["body"]).body)


WRONG_ANSWERS = {"unknown_fields": AnswerProblemsError, "malformed": MalformedJsonError}
ANSWERS = sorted((EVENTS / "answers").glob("*.json"))


@pytest.mark.parametrize("path", ANSWERS, ids=lambda path: path.stem)
def test_answers_sample_matches_its_name(path: Path) -> None:
    """A sample request to the answers API carries what its name says, and its path what its parameters say."""
    event = read(path)
    route, named = event["routeKey"], event["pathParameters"]
    assert route == {"list": LIST, "one": GET}.get(path.stem, POST)
    assert f"{event['requestContext']['http']['method']} {event['rawPath']}" == route.format(**named)
    if route != POST:
        assert "body" not in event
        return
    body = base64.b64decode(event["body"]) if event["isBase64Encoded"] else event["body"].encode()
    assert (len(body) > MAX_ANSWER_BYTES) == (path.stem == "too_large")
    if path.stem in WRONG_ANSWERS:
        with pytest.raises(WRONG_ANSWERS[path.stem]):
            read_answer(parse(body))
    else:
        answer = read_answer(parse(body))
        assert answer.kind in {path.stem, "ready"}
        assert answer.has_new_lines == (path.stem in {"added", "replaced"})


@pytest.mark.parametrize("path", sorted((EVENTS / "sender").glob("*.json")), ids=lambda path: path.stem)
def test_sender_sample_matches_its_name(path: Path) -> None:
    """A sample event of the sender wakes it for an order; the schedule's is empty."""
    event = read(path)
    if path.stem == "schedule":
        assert event == {}
    else:
        [order_id] = [order_id_in(record["body"]) for record in event["Records"]]
        known = read(EVENTS / "order.json")["order_id"]
        assert order_id == {"wake_up": known, "unknown_order": UNKNOWN_ORDER}.get(path.stem)


def holds(name: str, body: bytes) -> None:
    """Hold a body to the models: parsed whole, or rejected as its name says."""
    if name in REJECTED:
        with pytest.raises(RejectedError):
            parse_event(body)
    elif name == "catalogue_callback":
        with pytest.raises(CatalogueCallbackError):
            parse_event(body)
    elif name == "wrong_types":
        assert parse_event(body).problems == ("items", "payment.sub_total")
    else:
        event = parse_event(body)
        assert isinstance(event, OrderEvent)
        assert event.order.client.store_id
        assert event.order.items
        assert event.order.payment
        assert event.occurred_at
        if name in {"received", "ready_for_pickup", "dispatched", "picked_up", "delivered", "cancelled"}:
            assert event.status == name.upper()


@pytest.mark.parametrize("path", sorted((EVENTS / "urgent").glob("*.json")), ids=lambda path: path.stem)
def test_urgent_samples(path: Path) -> None:
    """Each urgent message is what its name says: taken, or refused by its own text."""
    [record] = json.loads(path.read_text(encoding="utf-8"))["Records"]
    if path.stem in {"malformed", "price_as_written"}:
        with pytest.raises(UrgentRefusedError):
            urgent_change(record["body"], NOW, NOW)
    else:
        assert urgent_change(record["body"], NOW, NOW).values.are_said


@pytest.mark.parametrize("name", ["completed", "failed"])
def test_catalogue_webhook_samples(name: str) -> None:
    """Each callback is one that can be read."""
    request = json.loads((EVENTS / "catalogue_webhook" / f"{name}.json").read_text(encoding="utf-8"))
    assert parse_callback(request["body"].encode()).status == name.upper()
