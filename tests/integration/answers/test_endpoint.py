"""The answers API on moto: what each caller gets, and what is stored."""

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import example, given, settings
from hypothesis import strategies as st

from partner_orders.answers import intake
from partner_orders.answers.endpoint import MAX_BODY_BYTES, POST
from partner_orders.answers.intake import DETAILS, NoSuchOrderError
from partner_orders.answers.judgement import Outcome
from partner_orders.answers.rules import Hindrance
from partner_orders.aws import keys
from partner_orders.orders.erasure import Erasure
from tests.support.answers import ORDER_ID, STORE_ID, lines, read, said
from tests.support.answers_world import AnswersWorld
from tests.support.contracts import QUICK, dynamodb_by
from tests.support.examples import examples
from tests.support.fixed_clock import clock
from tests.support.orders import as_bytes, order
from tests.support.orders_table import TABLE
from tools.local.events import answers_request

type MakeWorld = Callable[..., AnswersWorld]
BAG = {"sku": "BAG", "quantity": 1, "unit_price": 0.1}
FACTS = {"type", "detail", "order_status", "sequence", "allowed"}


@pytest.fixture(params=QUICK)
def make_world(request: pytest.FixtureRequest) -> Iterator[MakeWorld]:
    with dynamodb_by(request) as client:
        yield lambda **fields: AnswersWorld(client, **fields)


@pytest.fixture
def world(make_world: MakeWorld) -> AnswersWorld:
    return make_world()


def problems(response: tuple[int, dict[str, Any]]) -> dict[str, str]:
    """What is wrong with an answer, by path."""
    status, body = response
    assert (status, body["type"]) == (422, "invalid_answer")
    return {problem["path"]: problem["problem"] for problem in body["problems"]}


# -- what is taken --------------------------


def test_new_answer_gets_202(world: AnswersWorld) -> None:
    """A new answer is stored, the sender is woken, and the caller sees the request that will be sent."""
    status, body = world.post(lines=[{"id": "ln-1", "quantity": 1}])
    assert status == 202
    assert (body["answer_id"], body["status"], body["tries"]) == ("till-1", "waiting", 0)
    assert body["by"] == "arn:aws:sts::123456789012:assumed-role/answers-caller"
    sent = body["will_send"]
    assert (sent["order_id"], sent["status"]) == (ORDER_ID, "READY_FOR_PICKUP")
    assert [line["_id"] for line in sent["items"]] == [line["_id"] for line in lines()]
    assert sent["items"][0]["pricing"]["quantity"] == 1
    assert (world.stored, world.wake_ups.woken) == (["till-1"], [ORDER_ID])


def test_repeated_answer_gets_200(world: AnswersWorld) -> None:
    """The same answer again gets the first one's state: at once, after its outcome, and once the order is over."""
    world.post()
    status, body = world.post()
    assert (status, body["status"], "will_send" in body) == (200, "waiting", False)
    world.end(Outcome.REFUSED, "order_changed", ("line ln-1: the order has it no longer",))
    world.receive(20, status="CANCELLED")
    world.switch(False)
    world.now += timedelta(days=9)
    status, body = world.post()
    assert (status, body.get("status"), body.get("outcome_reason")) == (200, "refused", "order_changed")
    assert body["problems"] == ["line ln-1: the order has it no longer"]
    assert (len(world.stored), len(world.wake_ups.woken)) == (1, 1)


def test_any_answer_can_be_repeated(world: AnswersWorld) -> None:
    """Each of several answers gets its own state when it is repeated, and none is stored again."""
    updates = [{"kind": "update", "answer_id": f"till-{number}"} for number in range(3)]
    for update in updates:
        assert world.post(**update)[0] == 202
    for update in updates:
        status, body = world.post(**update)
        assert (status, body["answer_id"]) == (200, update["answer_id"])
    assert world.stored == ["till-0", "till-1", "till-2"]


def test_numbers_may_be_written_otherwise(world: AnswersWorld) -> None:
    """A repeat that writes its numbers in another way is the same answer."""
    world.post(lines=[{"id": "ln-1", "quantity": 1}, {"id": "ln-3", "weight": 0.8}])
    body = json.dumps(said(sequence=1.0, lines=[{"id": "ln-1", "quantity": 1.0}, {"id": "ln-3", "weight": 8}]))
    assert world.post(body.replace('"weight": 8', '"weight": 0.800'))[0] == 200


def test_accept_is_repeated_after_its_time(make_world: MakeWorld) -> None:
    """An accepted order's answer is the same after the time that it promised."""
    world = make_world(brand="glovo", transport_type="VENDOR_DELIVERY")
    content = {"kind": "accept", "ready_at": "2026-10-14T09:30:00Z"}
    status, body = world.post(**content)
    assert (status, body["will_send"]["status"]) == (202, "ACCEPTED")
    world.now += timedelta(days=2)
    assert world.post(**content)[0] == 200
    assert list(problems(world.post(**content, answer_id="other"))) == ["ready_at"]


def test_lost_wake_up_fails_nothing(world: AnswersWorld) -> None:
    """An answer that is stored is accepted, whatever becomes of the wake-up."""
    world.wake_ups.fails = True
    assert (world.post()[0], world.stored) == (202, ["till-1"])


def test_erased_order_can_be_answered(world: AnswersWorld) -> None:
    """An order whose customer was erased keeps its lines and can be answered."""
    Erasure(world.client, TABLE, lambda _: True, clock).erase_order(ORDER_ID)
    sequence = world.orders.get(ORDER_ID)
    assert sequence is not None
    status, body = world.post(sequence=sequence.sequence, lines=[{"id": "ln-2", "not_found": True}])
    assert (status, len(body["will_send"]["items"])) == (202, 5)


def test_order_without_platform_store_id(make_world: MakeWorld) -> None:
    """An order that names only the chain's own code of its store is answered under that code."""
    client = order()["client"] | {"store_id": None, "external_partner_config_id": STORE_ID}
    world = make_world(client=client)
    assert (world.post()[0], world.shown()[0]) == (202, 200)


def test_other_lines_since_are_no_obstacle(world: AnswersWorld) -> None:
    """An answer to an older sequence is taken where the lines have not changed since."""
    world.receive(20, promised_for="2026-10-14T09:55:00.000Z")
    assert world.post()[0] == 202


def test_line_is_named_by_id_or_sku(world: AnswersWorld) -> None:
    """A line may be named by its id, or by its SKU where only one line has it."""
    status, body = world.post(lines=[{"sku": "KW-220", "not_found": True}, {"id": "ln-4", "not_found": True}])
    assert status == 202
    assert [line["status"] for line in body["will_send"]["items"]] == [
        *("IN_CART", "NOT_FOUND", "IN_CART", "NOT_FOUND", "IN_CART"),
    ]


def test_more_may_be_found_after_an_update(world: AnswersWorld) -> None:
    """A line that an update made shorter may grow again, up to what was ordered."""
    items = lines()
    items[0] = items[0] | {
        "status": "IN_CART",
        "original_pricing": items[0]["pricing"],
        "pricing": items[0]["pricing"] | {"quantity": 1},
    }
    world.receive(20, items=items)
    assert world.post(sequence=2, lines=[{"id": "ln-1", "quantity": 3}])[0] == 422
    assert world.post(sequence=2, lines=[{"id": "ln-1", "quantity": 2}])[0] == 202


def test_pieces_of_weighed_lines_are_free(world: AnswersWorld) -> None:
    """The pieces of a weighed line are not held to what was ordered: its weight is."""
    assert world.post(lines=[{"id": "ln-3", "quantity": 4, "weight": 0.9}])[0] == 202


# -- bodies that are not taken --------------------------


@pytest.mark.parametrize(
    "body",
    ["", "{", "ready", "<answer/>", '{"kind": NaN}', '{"kind": "ready", "kind": "ready"}', "[" * 1_000, b"\xff\xfe{}"],
)
def test_body_that_is_no_json_gets_400(world: AnswersWorld, body: str | bytes) -> None:
    """A body that is not JSON is refused, and says why without quoting it."""
    status, response = world.post(body)
    assert (status, response["type"], world.stored) == (400, "malformed_body", [])
    assert "answer" not in response["detail"]


def test_base64_body_is_decoded(world: AnswersWorld) -> None:
    """A body in base64, as API Gateway delivers some, is read; one that is not base64 is refused."""
    event = answers_request(POST, STORE_ID, ORDER_ID, json.dumps(said()).encode())
    assert world.request(event | {"body": "no base64!"})[0] == 400
    assert world.request(event)[0] == 202


def test_large_body_gets_413(world: AnswersWorld) -> None:
    """A body at the limit is read, one byte more is refused, and so is one that grows by its encoding."""
    body = json.dumps(said())
    assert world.post(body + " " * (MAX_BODY_BYTES - len(body) + 1))[0] == 413
    assert world.post("€" * (MAX_BODY_BYTES // 3 + 1))[0] == 413
    assert world.stored == []
    assert world.post(body + " " * (MAX_BODY_BYTES - len(body)))[0] == 202


def test_each_problem_is_told_by_path(world: AnswersWorld) -> None:
    """Everything that is wrong with the form of an answer is told at once, by path."""
    wrong = problems(
        world.post(
            answer_id="no blanks",
            sequence="1",
            picker="Amna",
            lines=[{"id": "ln-1"}, {"id": "ln-2", "quantity": -1}, {"quantity": 1}, 7, {"id": "ln-4", "wieght": 1}],
            added=[{"quantity": 1}, BAG | {"unit_price": 0.00001}],
        )
    )
    assert [*wrong] == [
        *("body", "answer_id", "sequence", "lines[0]", "lines[1].quantity", "lines[2]", "lines[3]", "lines[4]"),
        *("added[0].sku", "added[0].unit_price", "added[1].unit_price"),
    ]
    assert "Amna" not in str(wrong)
    assert world.stored == []


def test_each_wrong_line_is_told(world: AnswersWorld) -> None:
    """Everything that does not suit the order is told at once, by line."""
    wrong = problems(
        world.post(
            lines=[
                {"id": "ln-1", "quantity": 3},
                {"sku": "KW-100", "not_found": True},
                {"id": "ln-9", "not_found": True},
                {"id": "ln-2", "weight": 1},
                {"id": "ln-3", "weight": 1.001},
                {"sku": "KW-310", "not_found": True},
            ]
        )
    )
    assert {*wrong} == {
        *("lines[0].quantity", "lines[1]", "lines[2]", "lines[3].weight", "lines[4].weight", "lines[5]"),
    }
    assert "from 0.6 to 1 kg" in wrong["lines[4].weight"]
    assert "several lines" in wrong["lines[5]"]
    assert world.stored == []


@pytest.mark.parametrize("missing", ["sku", "unit_price"])
@pytest.mark.parametrize("place", ["replaced_by", "added"])
def test_new_line_needs_sku_and_price(world: AnswersWorld, missing: str, place: str) -> None:
    """A replacement or an addition without SKU or price is refused."""
    new = {name: value for name, value in BAG.items() if name != missing}
    content = {"added": [new]} if place == "added" else {"lines": [{"id": "ln-1", "replaced_by": [new]}]}
    [path] = problems(world.post(**content))
    assert path.endswith(f"{place}[0].{missing}")


# -- orders that are not found --------------------------


def test_order_of_another_store_gets_404(world: AnswersWorld) -> None:
    """An order is found under its own store only, by each of the routes."""
    for response in (world.post(store_id="r8zz"), world.shown(store_id="r8zz"), world.post(order_id="0")):
        assert (response[0], response[1]["type"]) == (404, "not_found")
    assert world.stored == []


def test_order_of_another_chain_gets_404(make_world: MakeWorld) -> None:
    """An order of another chain is not ours to answer, even if its store has an id of ours."""
    client = order()["client"] | {"chain_id": "41f7c3d8-9e02-4a6b-8f57-b3c90d1e6a25"}
    world = make_world(client=client)
    assert (world.post()[0], world.shown()[0], world.stored) == (404, 404, [])


@pytest.mark.parametrize("order_id", ["", " ", "x" * 201, "%36f2a", "../other", "\ud800", "\x00", f"{ORDER_ID}x"])
def test_strange_ids_get_404(world: AnswersWorld, order_id: str) -> None:
    """An id that no order has gets 404, whatever is in it. API Gateway has decoded it: it is not decoded again."""
    assert world.request(answers_request(POST, STORE_ID, order_id, json.dumps(said())))[0] == 404
    assert world.request(answers_request(POST, order_id, ORDER_ID, json.dumps(said())))[0] == 404


def test_missing_path_parameters_get_404(world: AnswersWorld) -> None:
    """A request without path parameters, or of an unknown route, gets 404."""
    event = answers_request(POST, STORE_ID, ORDER_ID, json.dumps(said()))
    without: list[dict[str, Any]] = [{"pathParameters": None}, {"pathParameters": {}}, {"routeKey": None}]
    for changed in [*without, {"routeKey": "$default"}]:
        assert world.request(event | changed)[0] == 404
    assert world.stored == []


def test_uuid_may_be_in_capitals(world: AnswersWorld) -> None:
    """A UUID is the same in capitals. Another id of 36 characters is taken as it is."""
    assert world.post(order_id=ORDER_ID.upper())[0] == 202
    other = "ORDER-" + "7" * 30
    world.receive(20, order_id=other)
    assert (world.post(order_id=other)[0], world.post(order_id=other.lower())[0]) == (202, 404)


# -- conflicts --------------------------


def conflict(response: tuple[int, dict[str, Any]]) -> tuple[str, str, list[str]]:
    status, body = response
    assert (status, {*body}) == (409, FACTS)
    return body["type"], body["order_status"], body["allowed"]


def test_store_that_is_off_gets_409(world: AnswersWorld) -> None:
    """A store takes no answers until it is switched on."""
    world.switch(False)
    assert conflict(world.post()) == ("store_off", "RECEIVED", [])


@pytest.mark.parametrize("status", ["READY_FOR_PICKUP", "DISPATCHED", "PICKED_UP", "DELIVERED", "CANCELLED"])
def test_finished_order_gets_409(world: AnswersWorld, status: str) -> None:
    """An order that is ready, beyond that, or cancelled takes no answer."""
    world.receive(20, status=status)
    for kind in ({}, {"kind": "update"}, {"kind": "cancel", "reason": "CLOSED"}):
        assert conflict(world.post(sequence=2, **kind)) == ("order_finished", status, [])


def test_kind_that_is_not_allowed_gets_409(make_world: MakeWorld) -> None:
    """A kind of answer that the brand or the delivery does not have says which ones there are."""
    accept = {"kind": "accept", "ready_at": "2026-10-14T09:30:00Z"}
    foodpanda = make_world(transport_type="VENDOR_DELIVERY")
    assert conflict(foodpanda.post(**accept)) == ("not_allowed", "RECEIVED", ["cancel", "ready", "update"])
    glovo = make_world(brand="glovo", transport_type="VENDOR_DELIVERY")
    cancel = {"kind": "cancel", "reason": "CLOSED"}
    assert conflict(glovo.post(**cancel)) == ("not_allowed", "RECEIVED", ["accept", "ready", "update"])
    assert glovo.stored == []


@pytest.mark.parametrize("first", [{}, {"kind": "cancel", "reason": "TOO_BUSY"}])
def test_open_answer_gets_409(world: AnswersWorld, first: dict[str, Any]) -> None:
    """While a ready or a cancel waits, no other answer is taken. After it was refused, one is."""
    assert world.post(**first)[0] == 202
    for kind in ({}, {"kind": "update"}, {"kind": "cancel", "reason": "CLOSED"}):
        assert conflict(world.post(answer_id="till-2", **kind)) == ("answer_open", "RECEIVED", [])
    world.end(Outcome.REFUSED)
    assert world.post(answer_id="till-2")[0] == 202


def test_update_may_be_followed(world: AnswersWorld) -> None:
    """Any number of updates may wait, and a ready behind them."""
    for number in range(3):
        assert world.post(kind="update", answer_id=f"till-{number}")[0] == 202
    assert world.post(answer_id="till-3")[0] == 202
    assert world.stored == ["till-0", "till-1", "till-2", "till-3"]


@pytest.mark.parametrize("outcome", [Outcome.APPLIED, Outcome.REFUSED])
def test_answers_that_ended_stay(world: AnswersWorld, outcome: Outcome) -> None:
    """Each answer is stored beside those that ended before it."""
    for number in range(3):
        assert world.post(kind="update", answer_id=f"till-{number}")[0] == 202
        assert world.stored == [f"till-{earlier}" for earlier in range(number + 1)]
        world.end(outcome)


def test_changed_order_gets_409(world: AnswersWorld) -> None:
    """An answer to lines that have changed since, or to a sequence that there is not yet, says which is the newest."""
    world.receive(20, items=lines()[:3])
    status, body = world.post()
    assert (status, body["type"], body["sequence"]) == (409, "order_changed", 2)
    assert world.post(sequence=3)[1]["type"] == "order_changed"
    assert world.post(sequence=2)[0] == 202


def test_other_content_gets_409(world: AnswersWorld) -> None:
    """An id that an earlier answer has, with other content, is refused while that waits and after its outcome."""
    lines = [{"id": "ln-1", "quantity": 1}]
    world.post(lines=lines, added=[BAG])
    others: list[dict[str, Any]] = [{}, {"lines": lines}, {"lines": lines, "added": [BAG | {"quantity": 2}]}]
    for other in others:
        assert conflict(world.post(**other)) == ("answer_id_used", "RECEIVED", [])
    world.end(Outcome.REFUSED)
    assert conflict(world.post()) == ("answer_id_used", "RECEIVED", ["cancel", "ready", "update"])


def test_answers_of_an_order_are_bounded(world: AnswersWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """An order takes so many answers and no more."""
    monkeypatch.setattr(intake, "MAX_ANSWERS", 2)
    for number in range(2):
        assert world.post(kind="update", answer_id=f"till-{number}")[0] == 202
    assert conflict(world.post(answer_id="last")) == ("too_many_answers", "RECEIVED", [])
    assert world.stored == ["till-0", "till-1"]


def test_bytes_of_answers_are_bounded(world: AnswersWorld) -> None:
    """Answers that would not fit into the order's row are refused, not stored in part."""
    new = [{"sku": "S" * 190, "quantity": 1, "unit_price": 0.1, "name": "n" * 190}] * 100
    statuses = [world.post(kind="update", answer_id=f"till-{number}", added=new)[0] for number in range(9)]
    assert (statuses[0], statuses[-1]) == (202, 409)
    assert statuses == sorted(statuses)


def test_each_conflict_says_what_to_do() -> None:
    """Each reason for a conflict has a text of two sentences: what is wrong, and what to do."""
    assert {*DETAILS} == {*Hindrance}
    assert all(text.endswith(".") and text.count(". ") == 1 for text in DETAILS.values())


# -- concurrency, and what goes wrong --------------------------


def interleaved(world: AnswersWorld, *others: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    """Answer the order while others are stored between the reading and the writing."""
    waiting = [*others]
    table, accept = world.table, world.table.accept

    def late(*arguments: Any) -> None:
        if waiting:
            other = waiting.pop(0)
            world.intake().take(STORE_ID, ORDER_ID, read(**other), "other", "request-8")
        accept(*arguments)

    table.accept = late  # type: ignore[method-assign, assignment]
    try:
        return world.post()
    finally:
        table.accept = accept  # type: ignore[method-assign]


def test_concurrent_updates_are_both_taken(world: AnswersWorld) -> None:
    """Of two answers at the same time, both are stored, one behind the other."""
    assert interleaved(world, {"answer_id": "till-2", "kind": "update"})[0] == 202
    assert world.stored == ["till-2", "till-1"]


def test_concurrent_readies_are_not_both_taken(world: AnswersWorld) -> None:
    """Of two answers that end the picking, the second one is refused although it read before the first was written."""
    assert conflict(interleaved(world, {"answer_id": "till-2"}))[0] == "answer_open"
    assert world.stored == ["till-2"]


def test_concurrent_repeat_is_taken_once(world: AnswersWorld) -> None:
    """The same answer twice at the same time is stored once, and with other content refused."""
    assert interleaved(world, {})[0] == 200
    assert world.stored == ["till-1"]


def test_concurrent_other_content_gets_409(world: AnswersWorld) -> None:
    """Of two answers with one id and other content, the second one is refused."""
    assert conflict(interleaved(world, {"kind": "update"}))[0] == "answer_id_used"


def test_fault_of_ours_gets_503(world: AnswersWorld) -> None:
    """A fault of ours is a 503 that tells nothing of it; the same answer may be sent again."""

    def fail(**_: Any) -> None:
        raise ClientError({"Error": {"Code": "InternalServerError", "Message": "secret"}}, "UpdateItem")

    world.client.meta.events.register("before-call.dynamodb.UpdateItem", fail)
    response = world.endpoint.respond(answers_request(POST, STORE_ID, ORDER_ID, json.dumps(said())))
    assert (response.status, response.counted_as, response.fault) == (503, "AnswersUnavailable", "ClientError")
    assert "secret" not in response.to_http()["body"]
    world.client.meta.events.unregister("before-call.dynamodb.UpdateItem", fail)
    assert world.post()[0] == 202


def test_intake_knows_no_other_store(world: AnswersWorld) -> None:
    """The answers of an order are shown to its own store only."""
    with pytest.raises(NoSuchOrderError):
        world.intake().answers("r8zz", ORDER_ID)


# -- reading --------------------------


def test_answers_are_shown(world: AnswersWorld) -> None:
    """An order's answers are listed in the order of acceptance, and each is found by its id."""
    assert world.shown() == (200, {"order_id": ORDER_ID, "answers": []})
    world.post(kind="update", lines=[{"id": "ln-3", "weight": 0.75}])
    world.post(answer_id="till-2")
    world.end()
    status, body = world.shown()
    assert status == 200
    assert [(answer["answer_id"], answer["status"]) for answer in body["answers"]] == [
        ("till-1", "applied"),
        ("till-2", "waiting"),
    ]
    assert world.get("till-1") == (200, body["answers"][0])
    assert body["answers"][0]["lines"] == [{"id": "ln-3", "weight": 0.75}]
    assert world.get("till-3")[0] == 404


# -- any body --------------------------

NAMES = ["answer_id", "sequence", "kind", "lines", "added", "ready_at", "reason", "id", "sku", "quantity", "weight"]
WORDS = ["ready", "update", "accept", "cancel", "CLOSED", "ln-1", "KW-310", "2026-10-14T09:30:00Z", "till-1"]
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.sampled_from(WORDS),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=5),
    max_leaves=12,
)
BODIES = st.binary(max_size=60) | (
    st.dictionaries(st.sampled_from([*NAMES, "added", "not_found"]), VALUES, max_size=6)
    | st.builds(lambda value, name: said() | {name: value}, VALUES, st.sampled_from(NAMES))
).map(lambda value: json.dumps(value).encode())


def test_any_body_is_taken_or_refused(world: AnswersWorld) -> None:
    """Whatever the body, there is a response, never a 5xx, and only a 202 stores anything."""
    pk, sk = keys.answers(ORDER_ID)

    @settings(max_examples=examples(100))
    @example(as_bytes(said()))
    @example(as_bytes(said(lines=[{"id": "ln-3", "weight": 10**99}])))
    @example(as_bytes(said(sequence=10**90)))
    @example(b'{"answer_id": "a", "sequence": 1e99, "kind": "ready"}')
    @example(b'{"answer_id": "a", "sequence": 1, "kind": "ready", "added": [{"sku": "\\ud800"}]}')
    @given(BODIES)
    def any_body(body: bytes) -> None:
        status, response = world.post(body)
        assert status in {202, 400, 409, 422}
        if status == 202:
            assert len(world.stored) == 1
            world.client.delete_item(TableName=TABLE, Key={"pk": {"S": pk}, "sk": {"S": sk}})
        else:
            assert response["detail"].endswith(".")
        assert world.stored == []

    any_body()
