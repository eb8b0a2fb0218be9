"""One call of the sender: what it requests, notes and ends, by how far the answer is and what the platform shows."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from partner_orders.answers.cart import CartLine, cart_digest, cart_of
from partner_orders.answers.judgement import Outcome
from partner_orders.answers.stored import Ending, Progress
from partner_orders.clock import to_text
from partner_orders.order_events.message import ANSWER, MAX_BODY_BYTES, OrderEventMessage
from partner_orders.orders.event import parse_event
from partner_orders.platform.failures import Failure, OutOfTimeError, PartnerApiError, TokenRejectedError
from partner_orders.sender.turn import Sent
from tests.support.answers import ORDER_ID
from tests.support.fixed_clock import NOW
from tests.support.one_order_world import SHOWN_AT, OneOrderWorld, after, line
from tests.support.orders import as_bytes, order

RECEIVED = order(10)
READY = order(20, status="READY_FOR_PICKUP", items=[line(status="IN_CART")])
# It has got there with other lines than an answer says that found all.
READY_WITH_LESS = order(20, status="READY_FOR_PICKUP", items=[line(status="IN_CART", quantity=1)])
PICKED_DIFFERENTLY = order(20, items=[line(status="IN_CART", quantity=1)])
CANCELLED = order(20, status="CANCELLED")
BAG = {"sku": "BAG", "quantity": 1, "unit_price": 0.1}
NOTHING_FOUND: dict[str, Any] = {"lines": [{"id": "line-1", "not_found": True}]}

DIGEST = cart_digest(cart_of(parse_event(as_bytes(RECEIVED)).order.items))
FOUND = CartLine("line-1", "GB-100231", "IN_CART", quantity=Decimal(2), weight=Decimal(0))
BEGUN = Progress(NOW, tries=1, sent_at=NOW, sent_lines=(FOUND,), cart_before=DIGEST)
# The same for an answer whose request was lost some seconds ago.
SENT = after(BEGUN, 0, sent_at=NOW - timedelta(seconds=5), failures=1, failure="server_error:502")
THREE_HOURS = 3 * 3600.0
MINUTE = 60.0


@pytest.fixture
def world() -> OneOrderWorld:
    return OneOrderWorld()


def ago(seconds: float) -> Any:
    return NOW - timedelta(seconds=seconds)


def error(failure: Failure = Failure.SERVER_ERROR, detail: str = "500", retry_after: float | None = 0.0) -> Exception:
    return PartnerApiError(failure, detail, retry_after)


def put_off(world: OneOrderWorld, seconds: float, progress: Progress, number: int = 1) -> None:
    """Assert that an answer is this far and is tried again so many seconds from NOW, by whichever sender it wakes."""
    stored = world.stored(number)
    assert (stored.ending, stored.progress) == (None, after(progress, seconds))
    assert world.woken == [(ORDER_ID, (stored.progress.next_try_at - world.now).total_seconds())]
    assert (world.row["listed_at"], "claimed_until" in world.row) == (to_text(stored.progress.next_try_at), False)


def ended(world: OneOrderWorld, outcome: Outcome, reason: str = "", problems: tuple[str, ...] = ()) -> None:
    """Assert that the last answer ended so, and that the order waits for no sender."""
    assert world.stored(0).ending == Ending(outcome, world.now, reason, problems)
    assert world.woken == []
    assert not {"open", "listed_at", "claimed_until"} & set(world.row)


# -- the first request --------------------------------------------------------------------------------------------


def test_ready_order(world: OneOrderWorld) -> None:
    """An answer is sent once, its end follows from the response, and the response goes the way of all events."""
    world.accept()
    world.puts = [READY]
    assert world.process() == Sent([(Outcome.APPLIED, 40.0)])
    assert world.requests == ["room", "PUT"]
    pricing = {"pricing_type": "UNIT", "quantity": 2, "weight": 0, "unit_price": Decimal("345.0")}
    sent = {"_id": "line-1", "sku": "GB-100231", "status": "IN_CART", "name": "Full cream milk 1 L", "pricing": pricing}
    assert world.bodies == [{"order_id": ORDER_ID, "status": "READY_FOR_PICKUP", "items": [sent]}]
    assert world.told == [OrderEventMessage(ANSWER, NOW, "request-7", as_bytes(READY), SHOWN_AT)]
    ended(world, Outcome.APPLIED)


def test_request_is_noted_ahead(world: OneOrderWorld) -> None:
    """What is sent is stored before the request begins, without what an earlier try left."""

    def respond() -> dict[str, Any]:
        assert world.stored().progress == replace(BEGUN, tries=3, failures=4)
        assert world.row["claimed_until"] == to_text(NOW + timedelta(seconds=120))
        return READY

    world.accept(Progress(NOW, tries=2, failures=4, failure="rate_limited", refusal="forbidden"))
    world.puts = [respond]
    world.process()
    ended(world, Outcome.APPLIED)


def test_nothing_to_send(world: OneOrderWorld) -> None:
    """An order without an answer, or one that another sender has, is left alone."""
    assert world.process() == Sent()
    world.accept()
    assert world.table.claim(ORDER_ID, NOW)
    assert (world.process(), world.requests, world.woken) == (Sent(), [], [])


@pytest.mark.parametrize("left", [30.0, 29.9])
def test_little_time_left(world: OneOrderWorld, left: float) -> None:
    """With less than 30 seconds left nothing begins, and the order is taken up again at once."""
    accepted = world.accept()
    world.puts, world.left = [READY], left
    sent = world.process()
    if left == 30.0:
        assert sent == Sent([(Outcome.APPLIED, 40.0)])
        return
    assert (sent, world.requests, world.stored()) == (Sent(), [], accepted)
    assert world.woken == [(ORDER_ID, 0.0)]
    assert (world.row["listed_at"], "claimed_until" in world.row) == (to_text(NOW), False)


def test_woken_too_early(world: OneOrderWorld) -> None:
    """An answer whose time has not come waits for the rest of it."""
    progress = Progress(NOW + timedelta(seconds=12), tries=1, failures=1, failure="rate_limited")
    world.accept(progress)
    assert (world.process(), world.requests) == (Sent(), [])
    put_off(world, 12.0, progress)


def test_its_time_has_come(world: OneOrderWorld) -> None:
    """An answer is sent from the moment of its next try on."""
    world.accept(Progress(NOW))
    world.puts = [READY]
    assert world.process() == Sent([(Outcome.APPLIED, 40.0)])


def test_lost_claim(world: OneOrderWorld) -> None:
    """A sender that another one took the order from ends, and leaves what the other one finds."""

    def respond() -> dict[str, Any]:
        world.pass_seconds(121.0)
        assert world.table.claim(ORDER_ID, world.now)
        return READY

    world.accept()
    world.puts = [respond]
    assert world.process() == Sent(failures=["claim_lost"])
    assert (world.stored().progress, world.stored().ending, world.woken) == (BEGUN, None, [])


@pytest.mark.parametrize("seconds", [THREE_HOURS, THREE_HOURS - 1.0])
def test_answer_of_three_hours(world: OneOrderWorld, seconds: float) -> None:
    """An answer that was never sent expires after three hours, with what hindered it."""
    world.accept(Progress(NOW, failures=9, failure="rate_limited"), seconds_ago=seconds)
    world.puts = [READY]
    sent = world.process()
    if seconds < THREE_HOURS:
        assert sent == Sent([(Outcome.APPLIED, seconds)])
        return
    assert (sent, world.requests) == (Sent([(Outcome.EXPIRED, seconds)]), [])
    ended(world, Outcome.EXPIRED, "rate_limited")


def test_no_permit_for_the_request(world: OneOrderWorld) -> None:
    """Without a permit nothing is noted as sent, and the answer waits five seconds."""
    world.accept()
    world.has_room = False
    assert (world.process(), world.requests) == (Sent(), ["room"])
    put_off(world, 5.0, Progress(NOW, failure="no_budget"))


def test_no_permit_for_the_second_try(world: OneOrderWorld) -> None:
    """A request whose token was rejected, and that finds no other permit, had no effect."""
    world.accept(Progress(NOW, failures=2, failure="credentials"))
    world.puts = [OutOfTimeError()]
    assert world.process() == Sent()
    put_off(world, 5.0, Progress(NOW, tries=1, failures=2, failure="no_budget"))


# -- what forbids it ----------------------------------------------------------------------------------------------


def test_order_has_gone(world: OneOrderWorld) -> None:
    """An answer to an order that the table has no longer expires."""
    world.accept()
    world.known = None
    assert (world.process(), world.requests) == (Sent([(Outcome.EXPIRED, 40.0)]), [])
    ended(world, Outcome.EXPIRED, "order_gone")


@pytest.mark.parametrize(
    ("known", "said", "outcome"),
    [
        (READY, {}, Outcome.APPLIED),
        (READY, NOTHING_FOUND, Outcome.OVERTAKEN),
        (CANCELLED, {}, Outcome.OVERTAKEN),
    ],
)
def test_order_is_there_already(
    world: OneOrderWorld, known: dict[str, Any], said: dict[str, Any], outcome: Outcome
) -> None:
    """An order that has got there by itself ends the answer without a request."""
    world.accept(**said)
    world.known = known
    assert (world.process(), world.requests) == (Sent([(outcome, 40.0)]), [])
    ended(world, outcome)


def test_finished_order(world: OneOrderWorld) -> None:
    """An order that is ready, and that its store was to dispatch, takes no answer any more."""
    world.accept()
    world.known = READY | {"transport_type": "VENDOR_DELIVERY"}
    assert (world.process(), world.requests) == (Sent([(Outcome.OVERTAKEN, 40.0)]), [])
    ended(world, Outcome.OVERTAKEN, "order_finished")


def test_kind_that_the_brand_forbids(world: OneOrderWorld) -> None:
    """An answer of a kind that the order does not take is refused."""
    world.accept(kind="accept", ready_at="2026-10-14T10:00:00Z")
    assert (world.process(), world.requests) == (Sent([(Outcome.REFUSED, 40.0)]), [])
    ended(world, Outcome.REFUSED, "not_allowed")


def test_store_that_is_off(world: OneOrderWorld) -> None:
    """The answers of a store that is switched off wait, and are looked at each minute."""
    world.accept()
    world.answering.clear()
    assert (world.process(), world.requests) == (Sent(), [])
    put_off(world, MINUTE, Progress(NOW, failure="store_off"))


CAME, WENT = "line line-2: it came after the answer", "line line-1: the order has it no longer"


@pytest.mark.parametrize(
    ("lines", "said", "problems"),
    [
        ([line(), line("line-2")], {}, (CAME,)),
        ([line("line-2")], NOTHING_FOUND, (CAME, WENT)),
        (
            [line(quantity=1)],
            {"lines": [{"id": "line-1", "quantity": 2}]},
            ("lines[0].quantity: 1 were ordered; more of it is an addition",),
        ),
    ],
)
def test_changed_order(
    world: OneOrderWorld, lines: list[dict[str, Any]], said: dict[str, Any], problems: tuple[str, ...]
) -> None:
    """An answer to lines that the order has no longer is refused, with what is wrong of each."""
    world.accept(**said)
    world.known = order(15, items=lines)
    assert (world.process(), world.requests) == (Sent([(Outcome.REFUSED, 40.0)]), [])
    ended(world, Outcome.REFUSED, "order_changed", problems)


# -- the response -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "failed",
    [
        error(Failure.RATE_LIMITED, "", 60.0),
        error(Failure.BLOCKED, "", 60.0),
        error(Failure.CREDENTIALS, "", 60.0),
        TokenRejectedError(),
    ],
)
def test_request_that_went_nowhere(world: OneOrderWorld, failed: PartnerApiError) -> None:
    """A request that the platform did not look at is tried again as if it had not begun."""
    world.accept(Progress(NOW, tries=1))
    world.puts = [failed]
    assert world.process() == Sent(failures=[str(failed)])
    progress = Progress(NOW, tries=2, failures=1, failure=str(failed))
    put_off(world, failed.retry_after or 1.5, progress)


@pytest.mark.parametrize(
    ("failed", "failure", "refusal"),
    [
        (error(), "server_error:500", ""),
        (error(Failure.REFUSED, "400", None), "refused:400", "refused:400"),
        (error(Failure.NO_RESPONSE, "ReadTimeout"), "no_answer:ReadTimeout", ""),
    ],
)
def test_request_that_may_have_an_effect(world: OneOrderWorld, failed: Exception, failure: str, refusal: str) -> None:
    """After any other failure, what came of the request is read first; a refusal is kept."""
    world.accept()
    world.puts = [failed]
    assert world.process() == Sent(failures=[failure.partition(":")[0]])
    put_off(world, 1.5, replace(BEGUN, failures=1, failure=failure, refusal=refusal))


@pytest.mark.parametrize("failure", [*Failure])
def test_any_failure_may_have_an_effect(world: OneOrderWorld, failure: Failure) -> None:
    """Only what ends a request at the edge proves that it had no effect."""
    world.accept()
    world.puts = [error(failure)]
    world.process()
    at_the_edge = failure in {Failure.RATE_LIMITED, Failure.BLOCKED, Failure.UNAUTHORIZED, Failure.CREDENTIALS}
    assert world.stored().progress.sent_at == (None if at_the_edge else NOW)


@pytest.mark.parametrize(
    "response",
    [
        None,
        b"<html>",
        b"{}",
        b'{"job_id": "8f0e", "status": "completed"}',
        READY | {"order_id": "another-order"},
        RECEIVED,
        READY_WITH_LESS,
    ],
)
def test_response_that_shows_no_effect(world: OneOrderWorld, response: Any) -> None:
    """Any success that does not show the effect is read again two seconds later."""
    world.accept()
    world.puts = [response]
    assert (world.process(), world.requests) == (Sent(), ["room", "PUT"])
    put_off(world, 2.0, BEGUN)
    told = [as_bytes(response)] if response in (RECEIVED, READY_WITH_LESS) else []
    assert [message.body for message in world.told] == told


@pytest.mark.parametrize(("kind", "outcome"), [("ready", Outcome.OVERTAKEN), ("cancel", Outcome.APPLIED)])
def test_response_shows_a_cancelled_order(world: OneOrderWorld, kind: str, outcome: Outcome) -> None:
    """A cancelled order is what a cancellation wants, and overtakes any other answer."""
    world.accept(kind=kind, reason="CLOSED" if kind == "cancel" else None)
    world.puts = [CANCELLED]
    assert world.process() == Sent([(outcome, 40.0)])
    ended(world, outcome)


@pytest.mark.parametrize("spare", [0, -1])
def test_order_of_the_largest_size(world: OneOrderWorld, spare: int) -> None:
    """An order that is too large for a message ends the answer all the same; the reconciler brings it."""
    world.accept()
    body = as_bytes(READY)
    body = as_bytes(READY | {"comment": READY["comment"] + "x" * (MAX_BODY_BYTES - len(body) - spare)})
    world.puts = [body]
    assert world.process() == Sent([(Outcome.APPLIED, 40.0)])
    assert [len(message.body) for message in world.told] == ([MAX_BODY_BYTES] if spare == 0 else [])


@pytest.mark.parametrize(
    ("failures", "retry_after", "seconds"),
    [(0, None, 1.5), (3, None, 12.0), (3, 11.0, 12.0), (3, 13.0, 13.0), (20, None, 225.0), (0, 900.0, 300.0)],
)
def test_back_off(world: OneOrderWorld, failures: int, retry_after: float | None, seconds: float) -> None:
    """The wait doubles with each failure, is what the platform asks for if that is longer, and five minutes at most."""
    world.accept(Progress(NOW, failures=failures))
    world.puts = [error(Failure.RATE_LIMITED, "", retry_after)]
    world.process()
    put_off(world, seconds, Progress(NOW, tries=1, failures=failures + 1, failure="rate_limited"))


# -- after an earlier answer --------------------------------------------------------------------------------------


def applied(seconds_ago: float) -> Ending:
    return Ending(Outcome.APPLIED, ago(seconds_ago))


def test_earlier_answer_is_not_shown_yet(world: OneOrderWorld) -> None:
    """For half a minute after the latest change, an answer waits until the platform shows it."""
    for seconds in (25.0, 10.0, 28.0):
        world.accept(ending=applied(seconds), kind="update")
    world.accept()
    assert (world.process(), world.requests) == (Sent(), [])
    put_off(world, 20.0, Progress(NOW, failure="earlier_answer_not_shown"), number=4)


@pytest.mark.parametrize(("shown", "requests"), [(RECEIVED, ["GET", "room", "PUT"]), (READY, ["GET"])])
def test_second_answer_looks_first(world: OneOrderWorld, shown: dict[str, Any], requests: list[str]) -> None:
    """What the platform shows counts where an earlier answer may have changed what the table has."""
    world.accept(ending=applied(30.0), kind="update")
    world.accept()
    world.gets, world.puts = [shown], [READY]
    assert (world.process(), world.requests) == (Sent([(Outcome.APPLIED, 40.0)]), requests)
    ended(world, Outcome.APPLIED)


def test_many_answers_stay_in_order(world: OneOrderWorld) -> None:
    """However many answers an order has, they stay in the order of acceptance, and the oldest open one has its turn."""
    for number in range(1, 13):
        world.accept(ending=applied(30.0) if number == 1 else None, kind="update")
    answers = world.table.get(ORDER_ID)
    assert [stored.answer.answer_id for stored in answers.answers] == [f"till-{number}" for number in range(1, 13)]
    assert answers.oldest_open == answers.answers[1]


UPDATED = order(20, items=[line(status="NOT_FOUND")])
READY_WITHOUT = order(30, status="READY_FOR_PICKUP", items=[line(status="NOT_FOUND")])


@pytest.mark.parametrize("shown", [RECEIVED, UPDATED])
def test_two_answers_in_a_turn(world: OneOrderWorld, shown: dict[str, Any]) -> None:
    """The second answer is made of the order that the first one's response showed, though all else is behind."""
    world.accept(kind="update", **NOTHING_FOUND)
    world.accept()
    world.puts, world.gets = [UPDATED, READY_WITHOUT], [shown]
    assert world.process() == Sent([(Outcome.APPLIED, 40.0)] * 2)
    assert world.requests == ["room", "PUT", "GET", "room", "PUT"]
    assert [[each["status"] for each in body["items"]] for body in world.bodies] == [["NOT_FOUND"]] * 2
    ended(world, Outcome.APPLIED)


def test_table_is_ahead_of_the_platform(world: OneOrderWorld) -> None:
    """What came by webhook meanwhile counts for the next answer, though a GET does not show it yet."""

    def respond() -> dict[str, Any]:
        world.known = CANCELLED | {"sys": order(30)["sys"]}
        return UPDATED

    world.accept(kind="update", **NOTHING_FOUND)
    world.accept()
    world.puts, world.gets = [respond], [UPDATED]
    assert world.process() == Sent([(Outcome.APPLIED, 40.0), (Outcome.OVERTAKEN, 40.0)])
    ended(world, Outcome.OVERTAKEN)


def test_accepted_during_the_request(world: OneOrderWorld) -> None:
    """An answer that is accepted while the last one is sent has its turn next."""

    def respond() -> dict[str, Any]:
        world.accept(Progress(NOW + timedelta(seconds=9)), kind="update")
        return READY

    world.accept()
    world.puts = [respond]
    assert world.process() == Sent([(Outcome.APPLIED, 40.0)])
    assert world.stored().ending == Ending(Outcome.APPLIED, NOW)
    put_off(world, 9.0, Progress(NOW), number=2)


# -- reading back -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("shown", "outcome"), [(READY, Outcome.APPLIED), (CANCELLED, Outcome.OVERTAKEN)])
def test_effect_is_shown(world: OneOrderWorld, shown: dict[str, Any], outcome: Outcome) -> None:
    """A request that had its effect is not repeated."""
    world.accept(SENT)
    world.gets = [shown]
    assert (world.process(), world.requests) == (Sent([(outcome, 40.0)]), ["GET"])
    assert [message.body for message in world.told] == [as_bytes(shown)]
    ended(world, outcome)


def test_cancellation_is_shown(world: OneOrderWorld) -> None:
    """A cancelled order is what the request for it has done, as far as the platform tells."""
    world.accept(SENT, kind="cancel", reason="CLOSED")
    world.gets = [CANCELLED]
    assert world.process() == Sent([(Outcome.APPLIED, 40.0)])
    ended(world, Outcome.APPLIED)


@pytest.mark.parametrize(
    ("absent", "seconds"), [(None, 30.0), (0.0, 30.0), (15.0, 15.0), (29.0, 2.0), (29.9, 2.0), (30.0, None)]
)
@pytest.mark.parametrize(("kind", "shown"), [("ready", READY_WITH_LESS), ("update", PICKED_DIFFERENTLY)])
def test_other_effect_is_shown(
    world: OneOrderWorld, absent: float | None, seconds: float | None, kind: str, shown: dict[str, Any]
) -> None:
    """What looks like another effect is one half a minute after it was first seen."""
    since = None if absent is None else ago(absent)
    world.accept(replace(SENT, absent_since=since), kind=kind)
    world.gets = [shown]
    sent = world.process()
    assert world.requests == ["GET"]
    if seconds is None:
        assert sent == Sent([(Outcome.APPLIED_DIFFERENTLY, 40.0)])
        ended(world, Outcome.APPLIED_DIFFERENTLY)
    else:
        assert sent == Sent()
        put_off(world, seconds, replace(SENT, absent_since=since or NOW))


@pytest.mark.parametrize(("kind", "shown"), [("ready", PICKED_DIFFERENTLY), ("ready", RECEIVED), ("update", RECEIVED)])
def test_lost_request_is_repeated(world: OneOrderWorld, kind: str, shown: dict[str, Any]) -> None:
    """A request that had no effect, and that may have it twice, is sent again at once, by what is shown."""
    world.accept(SENT, kind=kind)
    world.known = None
    world.gets, world.puts = [shown], [None]
    assert (world.process(), world.requests) == (Sent(), ["GET", "room", "PUT"])
    before = cart_digest(cart_of(parse_event(as_bytes(shown)).order.items))
    lines = tuple(replace(FOUND, quantity=Decimal(each["pricing"]["quantity"])) for each in shown["items"])
    progress = Progress(NOW, tries=2, failures=1, sent_at=NOW, sent_lines=lines, cart_before=before)
    put_off(world, 2.0, progress)


@pytest.mark.parametrize("absent", [29.9, 30.0])
@pytest.mark.parametrize("said", [{"added": [BAG]}, {"lines": [{"id": "line-1", "replaced_by": [BAG]}]}])
def test_products_are_added_after_half_a_minute(world: OneOrderWorld, said: dict[str, Any], absent: float) -> None:
    """A request that adds products is repeated once it is clear that it had no effect."""
    sent = replace(SENT, absent_since=ago(absent))
    world.accept(sent, **said)
    world.gets, world.puts = [RECEIVED], [OutOfTimeError()]
    assert world.process() == Sent()
    if absent < 30.0:
        assert world.requests == ["GET"]
        put_off(world, 2.0, sent)
    else:
        assert world.requests == ["GET", "room", "PUT"]
        put_off(world, 5.0, replace(sent, tries=2, failure="no_budget"))


def test_each_repeat_of_an_addition_waits(world: OneOrderWorld) -> None:
    """A repeated request that adds products has two readings of its own before the next one."""
    world.accept(replace(SENT, absent_since=ago(30.0)), added=[BAG])
    world.gets, world.puts = [RECEIVED, RECEIVED], [error()]
    world.process()
    world.pass_seconds(60.0)
    world.process()
    assert world.requests == ["GET", "room", "PUT", "GET"]


@pytest.mark.parametrize("absent", [None, 29.0, 30.0])
@pytest.mark.parametrize(
    ("refusal", "tries", "is_final"),
    [
        ("refused:400", 1, True),
        ("forbidden", 2, False),
        ("not_found", 2, False),
        ("forbidden", 3, True),
        ("not_found", 3, True),
    ],
)
def test_refusal(world: OneOrderWorld, refusal: str, tries: int, is_final: bool, absent: float | None) -> None:
    """A refusal ends the answer once it is clear that it is one; those that may pass do so at the third."""
    sent = replace(SENT, refusal=refusal, tries=tries, absent_since=None if absent is None else ago(absent))
    world.accept(sent)
    world.gets, world.puts = [RECEIVED], [error()]
    outcome = world.process()
    if absent != 30.0:
        assert (outcome, world.requests) == (Sent(), ["GET"])
        put_off(world, 2.0 if absent else 30.0, replace(sent, absent_since=sent.absent_since or NOW))
    elif is_final:
        assert (outcome, world.requests) == (Sent([(Outcome.REFUSED, 40.0)]), ["GET"])
        ended(world, Outcome.REFUSED, refusal)
    else:
        assert (outcome, world.requests) == (Sent(failures=["server_error"]), ["GET", "room", "PUT"])
        put_off(world, 3.0, replace(BEGUN, tries=tries + 1, failures=2, failure="server_error:500"))


@pytest.mark.parametrize(("absent", "seconds"), [(None, 60.0), (590.0, 10.0), (599.0, 2.0), (600.0, None)])
def test_refused_and_hidden(world: OneOrderWorld, absent: float | None, seconds: float | None) -> None:
    """A refused order that the platform knows no more ends as refused only after ten minutes."""
    sent = replace(SENT, refusal="not_found", absent_since=None if absent is None else ago(absent))
    world.accept(sent)
    world.gets = [PartnerApiError(Failure.NOT_FOUND)]
    outcome = world.process()
    if seconds is None:
        assert outcome == Sent([(Outcome.REFUSED, 40.0)])
        ended(world, Outcome.REFUSED, "not_found")
    else:
        assert outcome == Sent()
        put_off(world, seconds, replace(sent, absent_since=sent.absent_since or NOW))


@pytest.mark.parametrize("absent", [29.0, 30.0])
def test_late_without_effect(world: OneOrderWorld, absent: float) -> None:
    """After three hours a request that had no effect is not repeated, once that is clear."""
    sent = replace(SENT, absent_since=ago(absent))
    world.accept(sent, seconds_ago=THREE_HOURS)
    world.gets = [RECEIVED]
    outcome = world.process()
    assert world.requests == ["GET"]
    if absent < 30.0:
        assert outcome == Sent()
        put_off(world, 2.0, sent)
    else:
        assert outcome == Sent([(Outcome.EXPIRED, THREE_HOURS)])
        ended(world, Outcome.EXPIRED, "server_error:502")


@pytest.mark.parametrize(
    ("failed", "failure", "refusal"),
    [
        (error(), "server_error:500", "refused:400"),
        (error(Failure.NOT_FOUND, "", None), "not_found", ""),
        (b"<html>", "not_json", ""),
        (READY | {"order_id": "another-order"}, "not_json", ""),
    ],
)
@pytest.mark.parametrize("seconds", [40.0, THREE_HOURS])
def test_order_cannot_be_read(world: OneOrderWorld, failed: Any, failure: str, refusal: str, seconds: float) -> None:
    """While the platform does not show the order, the answer waits, and after three hours nobody knows its outcome."""
    sent = replace(SENT, refusal=refusal)
    world.accept(sent, seconds_ago=seconds)
    world.gets = [failed]
    outcome = world.process()
    assert (world.requests, world.told) == (["GET"], [])
    if seconds == THREE_HOURS:
        assert outcome == Sent([(Outcome.UNKNOWN, THREE_HOURS)])
        ended(world, Outcome.UNKNOWN, failure)
    else:
        assert outcome == Sent(failures=[failure.partition(":")[0]])
        put_off(world, 3.0, replace(sent, failures=2, failure=failure))


def test_no_permit_for_a_reading(world: OneOrderWorld) -> None:
    """Without a permit the reading waits five seconds, and what was sent stays noted."""
    world.accept(SENT)
    world.gets = [OutOfTimeError()]
    assert world.process() == Sent()
    put_off(world, 5.0, replace(SENT, failure="no_budget"))


def test_expires_during_a_reading(world: OneOrderWorld) -> None:
    """An answer that was never sent expires where its last reading fails."""

    def respond() -> Exception:
        world.pass_seconds(10.0)
        return error()

    world.accept(ending=applied(60.0), kind="update")
    world.accept(seconds_ago=THREE_HOURS - 5.0)
    world.gets = [respond]
    assert world.process() == Sent([(Outcome.EXPIRED, THREE_HOURS + 5.0)])
    ended(world, Outcome.EXPIRED, "server_error:500")
