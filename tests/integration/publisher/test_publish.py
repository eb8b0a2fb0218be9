"""The publisher: the table's changes onto the bus, whole, in order, and nothing about people."""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jsonschema
import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from partner_orders.aws.error_codes import code_of
from partner_orders.clock import to_text
from partner_orders.orders import table as orders_table
from partner_orders.orders.event import Arrival, parse_event
from partner_orders.orders.rejected import digest_of
from partner_orders.publisher.publish import LAST_START_SECONDS, Published
from tests.support.fixed_clock import NOW
from tests.support.orders import as_bytes, order
from tests.support.orders_table import TABLE, Calls
from tests.support.publisher_world import ARRIVAL, BATCH_SIZE, BUS, LETTERS, World, at
from tools.fresh_handler import fresh_handler

SCHEMA = json.loads((Path(__file__).parents[3] / "docs" / "change-event.v1.schema.json").read_text())
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)


@pytest.fixture
def world(dynamodb: Any) -> Iterator[World]:
    made = World(dynamodb)
    yield made
    for detail in made.bus.details:
        VALIDATOR.validate(detail)
        # Subscribers have to take fields that the schema does not name; we publish none.
        kind = "rejected" if "digest" in detail else "order"
        assert detail.keys() <= SCHEMA["$defs"][kind]["properties"].keys()


def throttled(operation: str) -> ClientError:
    return ClientError({"Error": {"Code": "ThrottlingException"}}, operation)


def test_each_status_is_an_event(world: World) -> None:
    """Each status of an order is published as an event with its keys and sequence."""
    world.receive(at(12, "RECEIVED"), at(20, "READY_FOR_PICKUP"), at(30, "DISPATCHED"))
    world.publish()
    assert world.bus.kinds == ["order.received", "order.ready_for_pickup", "order.dispatched"]
    first, _, last = world.bus.details
    assert [detail["sequence"] for detail in world.bus.details] == [1, 2, 3]
    assert (first["old_status"], first["sale"], first["changed_fields"]) == (None, "not_yet_known", [])
    assert (last["old_status"], last["status"], last["sale"]) == ("READY_FOR_PICKUP", "DISPATCHED", "yes")
    assert last["changed_fields"] == ["status", "sys.updated_at"]
    body = order()
    assert last["id"] == f"{body['order_id']}/3"
    assert {name: last[name] for name in ("order_id", "external_order_id", "order_code")} == {
        name: body[name] for name in ("order_id", "external_order_id", "order_code")
    }
    assert (last["store_id"], last["source"], last["correlation_id"]) == (
        body["client"]["store_id"],
        "webhook",
        "request-1",
    )


def test_change_within_a_status_is_an_update(world: World) -> None:
    """A change within a status is published as an update that names the fields."""
    changed = at(14, "RECEIVED")
    changed["payment"]["order_total"] = 1
    world.receive(at(12, "RECEIVED"), changed)
    world.publish()
    assert world.bus.kinds == ["order.received", "order.updated"]
    assert world.bus.details[1]["changed_fields"] == ["payment.order_total", "sys.updated_at"]


def test_new_platform_status_is_published(world: World) -> None:
    """A status that the platform adds is published under its name."""
    world.receive(at(12, "HANDED-TO drone!"))
    world.publish()
    assert world.bus.kinds == ["order.handed_to_drone"]
    assert world.bus.details[0]["status"] == "HANDED-TO DRONE!"


def test_unchanged_orders_are_not_published(world: World) -> None:
    """Duplicates, late events, rewrites, expiry and body rows are not published."""
    world.receive(at(30, "DISPATCHED"), at(30, "DISPATCHED"), at(12, "RECEIVED"))  # new, again, late
    key = {"pk": {"S": f"ORDER#{order()['order_id']}"}, "sk": {"S": "ORDER"}}
    item = world.dynamodb.get_item(TableName=TABLE, Key=key)["Item"]
    world.stream.add(key, item, item | {"version": {"N": "77"}})  # a rewrite
    world.stream.add(key, item, None)  # expiry
    world.stream.add({"pk": key["pk"], "sk": {"S": "EVENT#1"}}, None, {"pk": key["pk"]})  # a body's own row
    assert world.publish().counts == {"Published": 1}
    assert world.bus.kinds == ["order.dispatched"]


def test_late_sale_is_an_update(world: World) -> None:
    """A late event that makes a cancelled order a sale is published as an update."""
    cancelled = at(40, "CANCELLED")
    cancelled["cancellation"] = {"reason": "TOO_BUSY"}
    world.receive(cancelled, at(30, "DISPATCHED"))
    world.publish()
    assert world.bus.kinds == ["order.cancelled", "order.updated"]
    assert [(detail["sale"], detail["disputed"]) for detail in world.bus.details] == [("no", True), ("yes", True)]
    assert world.bus.details[1]["changed_fields"] == []


def test_personal_data_is_not_published(world: World) -> None:
    """An order is published without personal data and without unknown fields."""
    body = at(12, "RECEIVED", comment="ring twice", a_new_field={"of": "somebody"})
    body["items"][0]["instructions"] = "for Amina"
    body["client"]["contact"] = "the owner"
    world.receive(body)
    world.publish()
    published = world.bus.details[0]["order"]
    assert published.keys() == body.keys() - {"customer", "comment", "a_new_field"}
    assert "instructions" not in published["items"][0]
    assert "contact" not in published["client"]
    assert published["payment"] == body["payment"]
    assert published["items"][0]["pricing"] == body["items"][0]["pricing"]


def test_personal_data_is_published_if_asked(world: World) -> None:
    """An order is published whole where the chain asks for personal data."""
    world.publisher = world.new_publisher(personal_data=True)
    body = at(12, "RECEIVED", a_new_field={"of": "somebody"})
    world.receive(body)
    world.publish()
    assert world.bus.details[0]["order"] == body


@pytest.mark.parametrize(("setting", "is_whole"), [("false", False), ("true", True)])
def test_function_publishes_as_told(
    world: World, monkeypatch: pytest.MonkeyPatch, setting: str, is_whole: bool
) -> None:
    """The function publishes personal data only where its setting is true."""
    app: Any = fresh_handler("publisher")
    made = {"dynamodb": world.dynamodb, "events": world.bus, "sqs": world.letters}
    monkeypatch.setattr(app, "clients", SimpleNamespace(client=lambda service, _: made[service]))
    settings = {"ORDERS_TABLE_NAME": TABLE, "EVENT_BUS_NAME": BUS, "PUBLISHER_DEAD_LETTERS_URL": LETTERS}
    for name, value in (settings | {"PUBLISH_PERSONAL_DATA": setting}).items():
        monkeypatch.setenv(name, value)
    world.publisher = app.publisher()
    world.receive(at(12, "RECEIVED"))
    world.publish()
    assert ("customer" in world.bus.details[0]["order"]) is is_whole


def test_published_number_has_every_digit(world: World) -> None:
    """A number is published with every digit."""
    world.receive(at(12, "RECEIVED"))
    text = as_bytes(at(13, "RECEIVED")).replace(b'"sub_total":', b'"sub_total":12345678901234567890.123456789,"x":', 1)
    world.orders.write([(parse_event(text), ARRIVAL)])
    world.publish()
    assert '"sub_total":12345678901234567890.123456789' in world.bus.entries[1]["Detail"]


def test_rejected_event_is_published_once(world: World) -> None:
    """A rejected event is published once, without its body."""
    body = b'{"name": "Amina"}'
    for _ in range(3):
        world.rejected.keep(body, ARRIVAL, "not_an_order", ["order_id: Field required"])
    assert world.publish().counts == {"Published": 1}
    assert world.bus.kinds == ["order.rejected"]
    assert world.bus.details == [
        {
            "schema_version": 1,
            "id": f"rejected/{digest_of(body)}",
            "digest": digest_of(body),
            "reason": "not_an_order",
            "problems": ["order_id: Field required"],
            "received_at": to_text(NOW),
            "source": "webhook",
            "correlation_id": "request-1",
        }
    ]


def test_rejected_event_is_published_again_if_asked(world: World) -> None:
    """A rejected event is published again each time that somebody asks, and not when another copy arrives after it."""
    for _ in range(2):
        world.rejected.keep(b"{}", ARRIVAL, "not_an_order", [])
        world.rejected.publish_again(digest_of(b"{}"))
        world.rejected.keep(b"{}", ARRIVAL, "not_an_order", [])
    assert world.publish().counts == {"Published": 3}


def test_large_body_is_fetched_or_left_out(world: World) -> None:
    """A large body is fetched from its row; one too large for the bus is left out."""

    def of_size(minute: int, items: int) -> dict[str, Any]:
        body = at(minute, "RECEIVED")
        body["items"] = [
            body["items"][0] | {"_id": str(n), "sku": f"{n * 7919:x}" * 40} for n in range(items)
        ]  # hard to compress
        return body

    world.receive(of_size(12, 60), of_size(13, 590))
    world.publish()
    whole, too_large = world.bus.details
    assert len(whole["order"]["items"]) == 60
    assert (too_large["order"], too_large["order_left_out"]) == (None, "too_large")
    assert max(len(entry["Detail"]) for entry in world.bus.entries) < 250_000


@pytest.mark.parametrize("error", [throttled("GetItem"), ReadTimeoutError(endpoint_url="")], ids=code_of)
def test_unread_body_holds_its_order(world: World, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    """A large body that cannot be read now holds back its order alone, and the fault is named."""
    monkeypatch.setattr(orders_table, "INLINE_BODY_BYTES", 0)
    world.receive(at(12, "RECEIVED"))
    monkeypatch.undo()
    world.receive(at(12, "RECEIVED", order_id="another"))

    def fail(**_: Any) -> None:
        raise error

    world.dynamodb.meta.events.register("before-call.dynamodb.GetItem", fail)
    published = world.publish()
    world.dynamodb.meta.events.unregister("before-call.dynamodb.GetItem", fail)
    assert published == Published(
        Counter(Published=1, Held=1), ["1000001"], Counter([code_of(error)]), [ARRIVAL.correlation_id]
    )
    world.publish()
    assert world.bus.kinds == ["order.received"] * 3


def test_body_that_is_gone_becomes_a_dead_letter(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A change whose large body is gone becomes a dead-letter message that says so."""
    monkeypatch.setattr(orders_table, "INLINE_BODY_BYTES", 0)
    world.receive(at(12, "RECEIVED"))
    [body] = [row for row in world.dynamodb.scan(TableName=TABLE)["Items"] if row["sk"]["S"].startswith("EVENT#")]
    world.dynamodb.delete_item(TableName=TABLE, Key={"pk": body["pk"], "sk": body["sk"]})
    assert world.publish().counts == {"NotPublished": 1}
    [text] = world.letters.texts
    assert json.loads(text) == {
        "schema_version": 1,
        "pk": f"ORDER#{order()['order_id']}",
        "fault": "LookupError",
        "detail_type": None,
        "detail": None,
    }


def test_unchanged_body_is_read_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A change that leaves the snapshot as it was costs one read of a large body."""
    monkeypatch.setattr(orders_table, "INLINE_BODY_BYTES", 0)
    world.receive(at(12, "RECEIVED"))
    world.publish()
    world.orders.publish_again(order()["order_id"])
    calls = Calls(world.dynamodb)
    assert world.publish().counts == {"Published": 1}
    assert calls.made == ["GetItem"]


def test_transient_error_holds_one_order(world: World) -> None:
    """A transient error holds back its order alone."""
    ids = [f"0b9f3c52-71a4-4f0e-9b1c-{n:012}" for n in range(3)]
    for minute, status in ((12, "RECEIVED"), (20, "DISPATCHED")):
        world.receive(*(at(minute, status, order_id=order_id) for order_id in ids))
    world.bus.fault = lambda entry: "ThrottlingException" if ids[1] in entry["Detail"] else None
    published = world.publish()
    assert published.held == ["1000001", "1000004"]
    assert Counter(detail["order_id"] for detail in world.bus.details) == {ids[0]: 2, ids[2]: 2}
    world.bus.fault = lambda _: None
    assert world.publish().held == []
    assert [detail["sequence"] for detail in world.bus.details if detail["order_id"] == ids[1]] == [1, 2]


@pytest.mark.slow
def test_lasting_error_holds_the_stream(world: World) -> None:
    """A lasting error holds back the stream from the next batch on, and neighbours are published again."""
    ids = [f"0b9f3c52-71a4-4f0e-9b1c-{n:012}" for n in range(BATCH_SIZE + 50)]
    world.receive(*(at(12, "RECEIVED", order_id=order_id) for order_id in ids))
    world.bus.fault = lambda entry: "InternalFailure" if ids[3] in entry["Detail"] else None
    world.publish()
    world.publish()
    told = Counter(detail["order_id"] for detail in world.bus.details)
    assert told.keys() == {*ids[: BATCH_SIZE + 3]} - {ids[3]}
    assert told[ids[2]] == 1
    assert told[ids[4]] == 2
    assert world.letters.texts == []
    world.bus.fault = lambda _: None
    while world.stream.records:
        world.publish()
    assert {detail["order_id"] for detail in world.bus.details} == set(ids)


def test_refused_event_becomes_a_dead_letter(world: World) -> None:
    """An event that the bus will never accept becomes a dead-letter message, whole."""
    world.receive(at(12, "RECEIVED"), at(20, "DISPATCHED"))
    world.bus.fault = lambda entry: "MalformedDetail" if entry["DetailType"] == "order.received" else None
    assert world.publish().counts == {"NotPublished": 1, "Published": 1}
    [text] = world.letters.texts
    letter = json.loads(text)
    detail = letter.pop("detail")
    assert letter == {
        "schema_version": 1,
        "pk": f"ORDER#{order()['order_id']}",
        "fault": "MalformedDetail",
        "detail_type": "order.received",
    }
    jsonschema.validate(json.loads(detail), SCHEMA)


@pytest.mark.parametrize("error", [throttled("SendMessage"), ReadTimeoutError(endpoint_url=LETTERS)], ids=code_of)
def test_unsaved_dead_letter_holds_the_rest(world: World, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    """No change overtakes one that could not even become a dead-letter message, and the fault of that is named."""
    world.receive(at(12, "RECEIVED"), at(20, "DISPATCHED"))
    world.bus.fault = lambda _: "MalformedDetail"

    def fail(**_: Any) -> None:
        raise error

    monkeypatch.setattr(world.letters, "send_message", fail)
    published = world.publish()
    assert (published.held, published.faults) == (["1000000", "1000001"], {code_of(error): 1})
    assert world.bus.entries == []


def test_bad_event_spares_its_request(world: World) -> None:
    """One event that makes a whole request fail does not affect its neighbours."""
    ids = [f"0b9f3c52-71a4-4f0e-9b1c-{n:012}" for n in range(4)]
    world.receive(*(at(12, "RECEIVED", order_id=order_id) for order_id in ids))
    put = world.bus.put_events

    def refuse_all_with_the_third(Entries: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803
        if any(ids[2] in entry["Detail"] for entry in Entries):
            answer: Any = {"Error": {"Code": "ValidationException"}, "ResponseMetadata": {"HTTPStatusCode": 400}}
            raise ClientError(answer, "PutEvents")
        return put(Entries=Entries)

    world.bus.put_events = refuse_all_with_the_third  # type: ignore[method-assign]
    assert world.publish().counts == {"Published": 3, "NotPublished": 1}
    assert ids[2] in world.letters.texts[0]


def test_bad_row_becomes_a_dead_letter(world: World) -> None:
    """A row that cannot be read becomes a dead-letter message that names it."""
    key = {"pk": {"S": "ORDER#odd"}, "sk": {"S": "ORDER"}}
    world.stream.add(key, None, key | {"sequence": {"N": "1"}})
    assert world.publish().counts == {"NotPublished": 1}
    assert json.loads(world.letters.texts[0])["pk"] == "ORDER#odd"


def test_unpublished_changes_are_named(world: World) -> None:
    """Changes held back or given up are named by their correlation ids, up to ten."""

    def arrive(order_id: str, minute: int, correlation_id: str) -> None:
        event = parse_event(as_bytes(at(minute, "RECEIVED", order_id=order_id)))
        world.orders.write([(event, Arrival("webhook", NOW, correlation_id))])

    world.bus.fault = lambda entry: {"a": "ThrottlingException", "b": "MalformedDetail"}.get(
        json.loads(entry["Detail"]).get("order_id", "b")
    )
    arrive("a", 12, "held-1")
    arrive("a", 13, "held-2")
    arrive("b", 12, "given-up")
    arrive("c", 12, "published")
    world.rejected.keep(b"{}", Arrival("webhook", NOW, "rejected-given-up"), "not_an_order", [])
    world.stream.add({"pk": {"S": "ORDER#odd"}, "sk": {"S": "ORDER"}}, None, {"pk": {"S": "ORDER#odd"}})
    arrive("a", 14, "held-2")
    named = world.publish().correlation_ids
    assert sorted(named) == ["given-up", "held-1", "held-2", "rejected-given-up"]
    for number in range(20):
        arrive("a", 15 + number, f"more-{number}")
    assert len(world.publish().correlation_ids) == 10


def test_unpublished_changes_are_counted(world: World) -> None:
    """Each change that is held back or given up is counted, and each fault by how many orders it befell."""
    for minute in (12, 13):
        world.receive(*(at(minute, "RECEIVED", order_id=order_id) for order_id in "abcdef"))
    faults = dict.fromkeys("ab", "ThrottlingException") | {"c": "InternalFailure"} | dict.fromkeys("de", "Malformed")
    world.bus.fault = lambda entry: faults.get(json.loads(entry["Detail"])["order_id"])
    published = world.publish()
    assert published.counts == {"Published": 2, "Held": 6, "NotPublished": 4}
    assert published.faults == {"ThrottlingException": 2, "InternalFailure": 1, "Malformed": 4}


def test_short_time_leaves_the_rest(world: World) -> None:
    """With no time left, the remaining records are left for the next call."""
    for minute in (12, 13):
        world.receive(*(at(minute, "RECEIVED", order_id=order_id) for order_id in "ab"))
    published = world.publish(seconds=LAST_START_SECONDS - 0.1)
    assert (published.counts, published.faults) == ({"Held": 4}, {"OutOfTime": 2})
    assert world.bus.requests == []
    # Enough for the first change of each.
    published = world.publish(seconds=LAST_START_SECONDS)
    assert (published.counts, published.held) == ({"Published": 2, "Held": 2}, ["1000002", "1000003"])


def test_order_is_published_again_on_request(world: World) -> None:
    """An order published again on request has its present status and the next sequence."""
    world.receive(at(12, "RECEIVED"), at(40, "CANCELLED"))
    world.publish()
    world.dynamodb.update_item(
        TableName=TABLE,
        Key={"pk": {"S": f"ORDER#{order()['order_id']}"}, "sk": {"S": "ORDER"}},
        UpdateExpression="SET #sequence = #sequence + :one, republished = #sequence + :one",
        ExpressionAttributeNames={"#sequence": "sequence"},
        ExpressionAttributeValues={":one": {"N": "1"}},
    )
    world.publish()
    assert world.bus.kinds == ["order.received", "order.cancelled", "order.cancelled"]
    assert world.bus.details[2]["sequence"] == 3


def test_expired_credentials_blame_no_event(world: World) -> None:
    """Expired credentials of the publisher hold events back and make no dead-letter message."""
    world.receive(at(12, "RECEIVED"))
    put = world.bus.put_events

    def refuse(Entries: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803
        answer: Any = {"Error": {"Code": "ExpiredTokenException"}, "ResponseMetadata": {"HTTPStatusCode": 400}}
        raise ClientError(answer, "PutEvents")

    world.bus.put_events = refuse  # type: ignore[method-assign]
    assert (world.publish().held, world.letters.texts) == (["1000000"], [])
    world.bus.put_events = put  # type: ignore[method-assign]
    world.publish()
    assert world.bus.kinds == ["order.received"]


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("REJECTED", "order.status_rejected"),
        ("updated", "order.status_updated"),
        ("\u0414\u041e\u041c\u0410", "order.unknown"),
        ("S" * 200, "order." + "s" * 122),
    ],
)
def test_status_never_names_another_kind(world: World, status: str, kind: str) -> None:
    """A status is never taken for another kind of event, nor too long for the bus."""
    world.receive(at(12, status))
    world.publish()
    assert world.bus.kinds == [kind]
