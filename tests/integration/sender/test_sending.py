"""The sender: each answer reaches the platform once, in order, and ends as the platform shows it."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from partner_orders.answers.intake import AnswersIntake
from partner_orders.answers.table import AnswersTable, ClaimLostError
from tests.support.contracts import QUICK, dynamodb_by
from tests.support.orders import CHAIN_ID
from tests.support.orders_table import RETENTION, TABLE
from tests.support.sampling import every, pairs
from tests.support.sender_world import SenderWorld
from tools.local.simulated_platform.partner_api import Response

type MakeWorld = Callable[..., SenderWorld]


@pytest.fixture(params=QUICK)
def world(request: pytest.FixtureRequest) -> Iterator[SenderWorld]:
    with dynamodb_by(request) as client:
        yield SenderWorld(client)


@pytest.fixture(params=QUICK)
def accepting_world(request: pytest.FixtureRequest) -> Iterator[SenderWorld]:
    with dynamodb_by(request) as client:
        yield SenderWorld(client, accepts=True)


def test_ready_order_is_applied(world: SenderWorld) -> None:
    """An order of which all was found becomes ready by one PUT, and its state goes the way of all events."""
    world.answer()
    world.run()
    assert (world.outcome(), len(world.api.answers)) == ("applied", 1)
    assert world.status() in {"READY_FOR_PICKUP", "DISPATCHED"}
    assert {message.source for message in world.told} == {"answer"}
    stored = world.orders.get(world.lives[0].order_id)
    assert stored is not None
    assert stored.status == world.status()


def test_answers_write_no_order(world: SenderWorld) -> None:
    """Answers of every outcome, put off and repeated too, write the row of an order's answers, and never the order."""
    written: list[dict[str, Any]] = []

    class Noting:
        def __getattr__(self, name: str) -> Any:
            def call(**asked: Any) -> Any:
                if name not in {"get_item", "query", "batch_get_item"}:
                    written.append(asked["Key"])
                return getattr(world.client, name)(**asked)

            return call

    world.table = AnswersTable(Noting(), TABLE, RETENTION)  # type: ignore[arg-type]
    world.intake = AnswersIntake(world.reads, world.table, world.wake_ups, world.brand, CHAIN_ID, world.time.now)
    world.api.faults.update(put_error_before=3, put_lost=1, put_refused=1, put_not_shown_yet=1, server_error=2)
    for order, life in enumerate(world.lives):
        taken = world.answer(order, added=[{"sku": "BAG", "quantity": 1, "unit_price": 0.1}])
        world.run()
        assert world.table.publish_again(life.order_id, taken.stored.answer.answer_id, world.time.now())
    assert world.outcomes.keys() == {"applied", "refused"}
    rows = {(key["pk"]["S"], key["sk"]["S"]) for key in written}
    assert rows == {(f"ORDER#{life.order_id}", "ANSWERS") for life in world.lives}


def test_lines_become_what_was_picked(world: SenderWorld) -> None:
    """Fewer pieces, a weight, a line that is not there, replacements and additions reach the platform as said."""
    for order, life in enumerate(world.lives):
        lines = life.steps[0].body["items"]
        said = []
        for line in lines:
            if line["pricing"]["pricing_type"] == "KG":
                said.append({"id": line["_id"], "weight": line["pricing"]["weight"]})
            elif line["pricing"]["quantity"] > 1:
                said.append({"id": line["_id"], "quantity": 1})
        world.answer(order, lines=said, added=[{"sku": "BAG", "quantity": 1, "unit_price": 0.1}])
    world.run()
    assert {world.outcome(order=order) for order in range(len(world.lives))} == {"applied"}
    for order in range(len(world.lives)):
        pieces = [line["pricing"]["quantity"] for line in world.lines(order)]
        assert pieces == [1] * len(pieces)


@pytest.mark.parametrize(
    ("response", "shown"),
    pairs(
        ["", "false_refusal", "put_unanswered", "put_error_after", "put_slow"],
        ["", "put_not_shown_yet", "put_normalised"],
    ),
)
def test_taken_request_is_not_repeated(world: SenderWorld, response: str, shown: str) -> None:
    """A request that took effect is applied once, whatever its response was, and however late the platform shows it."""
    world.api.faults.update({fault: 1 for fault in (response, shown) if fault})
    world.answer(added=[{"sku": "BAG", "quantity": 1, "unit_price": 0.1}])
    world.run()
    assert (world.outcome(), len(world.api.answers)) == ("applied", 1)
    assert sum(line["sku"] == "BAG" for line in world.lines()) == 1


@pytest.mark.slow
@pytest.mark.crash
@pytest.mark.parametrize("call", range(1, 24))
def test_killed_sender_sends_nothing_twice(world: SenderWorld, call: int) -> None:
    """Whichever call a sender dies at, the order gets the added product once."""
    world.api.faults["put_not_shown_yet"] = 1
    world.answer(added=[{"sku": "BAG", "quantity": 1, "unit_price": 0.1}])
    world.storm([call])
    assert (world.outcome(), len(world.api.answers)) == ("applied", 1)


def test_overtaken_sender_writes_nothing(world: SenderWorld) -> None:
    """A sender whose claim ran out, and that another one took over, ends without a write or a request."""
    world.answer()
    order_id, now = world.lives[0].order_id, world.time.now()
    late = world.table.claim(order_id, now)
    world.time.seconds += 200.0
    assert late is not None
    assert world.table.claim(order_id, world.time.now()) is not None
    with pytest.raises(ClaimLostError):
        world.table.let_go(late, now)
    assert world.table.claim(order_id, world.time.now()) is None


@pytest.mark.parametrize(
    "fault", every(2, ["put_error_before", "put_lost", "too_many", "unauthorized", "html", "hang"])
)
def test_lost_request_is_repeated(world: SenderWorld, fault: str) -> None:
    """A request that was lost is sent again once it is clear that it had no effect."""
    world.api.faults[fault] = 1
    world.answer(added=[{"sku": "BAG", "quantity": 1, "unit_price": 0.1}])
    world.run()
    assert (world.outcome(), len(world.api.answers)) == ("applied", 1)


def test_added_products_wait_for_a_second_reading(world: SenderWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """A request that adds products, and had no effect as far as a reading shows, goes again only after another one."""
    request, asked = world.session.request, []

    def noted(method: str, *arguments: Any, **options: Any) -> Any:
        asked.append((method, world.time.seconds))
        return request(method, *arguments, **options)

    monkeypatch.setattr(world.session, "request", noted)
    world.api.faults["put_error_before"] = 1
    world.answer(added=[{"sku": "BAG", "quantity": 1, "unit_price": 0.1}])
    world.run()
    first, second = [number for number, (method, _) in enumerate(asked) if method == "PUT"]
    readings = [seconds for method, seconds in asked[first:second] if method == "GET"]
    assert len(readings) >= 2
    assert readings[-1] - readings[0] >= 29.0


def test_success_without_effect_is_no_outcome(world: SenderWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """A 200 that shows the order as it was does not end the answer, which goes again and is applied then."""
    put = world.api._put
    replies: list[Response] = []

    def ignoring(*arguments: Any) -> Response:
        if replies:
            return put(*arguments)
        life = world.lives[0]
        text = world.api.body_text(life, life.steps[0])
        replies.append(Response(200, {"Content-Type": "application/json"}, text.encode()))
        return replies[0]

    monkeypatch.setattr(world.api, "_put", ignoring)
    world.answer()
    world.run()
    assert (world.outcome(), len(world.api.answers)) == ("applied", 1)


def test_third_refusal_is_one(world: SenderWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the platform refuses three times ends as refused, with what it said."""
    refusal = Response(403, {"Content-Type": "application/json"}, b"{}")
    monkeypatch.setattr(world.api, "_put", lambda *_: refusal)
    world.answer()
    world.run()
    [stored] = world.answers().answers
    assert (world.outcome(), stored.ending and stored.ending.reason, stored.progress.tries) == (
        "refused",
        "forbidden",
        3,
    )


def test_answers_stay_in_order(world: SenderWorld) -> None:
    """A second answer waits for the first one's outcome, however long that takes."""
    world.api.faults["put_lost"] = 3
    line = world.lines()[0]
    world.answer(kind="update", lines=[{"id": line["_id"], "not_found": True}])
    world.answer(kind="ready")
    world.run()
    assert [world.outcome(1), world.outcome(2)] == ["applied", "applied"]
    assert next(answer["status"] for _, _, answer in world.api.answers) == "UPDATE_CART"
    assert len(world.api.answers) == 2
    assert world.lines()[0]["status"] == "NOT_FOUND"


def test_customer_who_cancels_overtakes(world: SenderWorld) -> None:
    """An order that the customer cancels meanwhile ends the answer as overtaken."""
    world.api.faults["put_cancelled_before"] = 1
    world.answer()
    world.run()
    assert (world.outcome(), world.api.answers) == ("overtaken", [])


@pytest.mark.slow
def test_outage_of_two_hours_is_survived(world: SenderWorld) -> None:
    """While the platform is down, answers wait, and are applied when it is back."""
    world.api.faults["server_error"] = 1_000_000
    for order in range(2):
        world.answer(order)
    world.run(2 * 3600.0)
    assert [world.outcome(order=order) for order in range(2)] == ["", ""]
    world.api.faults.clear()
    world.run()
    assert [world.outcome(order=order) for order in range(2)] == ["applied", "applied"]


@pytest.mark.slow
@pytest.mark.parametrize(("fault", "outcome"), [("put_error_before", "expired"), ("server_error", "unknown")])
def test_answer_ends_after_three_hours(world: SenderWorld, fault: str, outcome: str) -> None:
    """After three hours an answer has expired, or its outcome is unknown where the platform could not be read."""
    world.answer()
    world.api.faults["put_lost"] = 1
    world.run(10.0)
    world.api.faults[fault] = 1_000_000
    world.run(5 * 3600.0)
    assert (world.outcome(), world.api.answers) == (outcome, [])


def test_accept_and_then_dispatch(accepting_world: SenderWorld) -> None:
    """Where a store accepts orders, an order is accepted, then dispatched, and shown as ready."""
    world = accepting_world
    world.answer(kind="accept", ready_at=(world.time.now().replace(hour=23)).isoformat())
    world.run()
    assert (world.outcome(), world.status()) == ("applied", "ACCEPTED")
    world.answer(kind="ready")
    world.run()
    assert (world.outcome(2), world.status()) == ("applied", "READY_FOR_PICKUP")


def test_cancelled_order_is_applied(world: SenderWorld) -> None:
    """A cancellation is applied where the order is cancelled with our reason."""
    world.answer(kind="cancel", reason="TOO_BUSY")
    world.run()
    assert (world.outcome(), world.status()) == ("applied", "CANCELLED")
