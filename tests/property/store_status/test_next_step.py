"""The next step follows from what is known alone: sent once, then read first, never near the end (rules W3, W4, W5)."""

from datetime import datetime, timedelta

from hypothesis import example, given, settings
from hypothesis import strategies as st

from partner_orders.store_status import status as after
from partner_orders.store_status.next_step import (
    FRESH,
    LAST_PUT_BEFORE_END,
    LONGEST_BACKOFF,
    READ_EVERY,
    Act,
    Step,
    checkin_due,
    next_step,
)
from partner_orders.store_status.shown import CLOSED, CheckinTimes, Reading
from partner_orders.store_status.status import StoreStatus
from partner_orders.store_status.wish import Kind, Outcome, Wish
from tests.support.examples import examples
from tests.support.fixed_clock import NOW

MINUTES = st.integers(0, 300).map(lambda minutes: timedelta(minutes=minutes))
SECONDS = st.integers(0, 20_000).map(lambda seconds: timedelta(seconds=seconds))
READINGS = st.sampled_from(
    [
        Reading("OPEN"),
        Reading(CLOSED),
        Reading(CLOSED, "OTHER"),
        Reading("CLOSED_TODAY", "OTHER"),
        Reading("CLOSED_UNTIL", "OTHER", NOW + timedelta(hours=2)),
        Reading("CLOSED_UNTIL"),
        Reading("SOMETHING_NEW"),
    ]
)


@st.composite
def statuses(draw: st.DrawFn) -> StoreStatus:
    """A status as some happenings leave it, each a while after the one before."""
    status, at = StoreStatus("s0"), NOW
    for _ in range(draw(st.integers(0, 8))):
        at += draw(SECONDS) / 10
        match draw(st.sampled_from(["wish", "send", "read", "fail", "end"])):
            case "wish":
                kind = draw(st.sampled_from([*Kind]))
                number = 1 if status.wish is None else status.wish.number + 1
                until = at + timedelta(minutes=5) + draw(MINUTES)
                wish = Wish(number, kind, until, "OTHER" if kind.closes else "", "a person", "because", at)
                status = after.wished(status, wish, at)
            case "send" if status.active_wish is not None:
                status = after.claimed(status, "c", at)
                if draw(st.booleans()):
                    words = draw(st.sampled_from(["", "LOCKED"]))
                    status = after.sent(status, at, is_acknowledged=draw(st.booleans()), refusal=words)
            case "read":
                status = after.read(status, draw(READINGS), at)
            case "fail":
                status = after.unreadable(status, "server_error", draw(st.booleans()), at)
            case "end" if status.active_wish is not None and at >= status.active_wish.until:
                status = after.ended(status, at)
    return status


@st.composite
def cases(draw: st.DrawFn) -> tuple[StoreStatus, datetime]:
    """A status, and a time: any, or one near what the status knows of."""
    status = draw(statuses())
    known = [status.put_at, status.looked_at, status.claimed_until, None if status.wish is None else status.wish.until]
    near = st.sampled_from([NOW, *filter(None, known)])
    seconds = draw(st.sampled_from([-200, -119, -60, -1, 0, 1, 29, 31, 60, 130, 900, 9_000]))
    return status, draw(near) + timedelta(seconds=seconds)


@settings(max_examples=examples(500))
@given(cases())
def test_nothing_is_sent_near_the_end(case: tuple[StoreStatus, datetime]) -> None:
    """No wish is sent in the last two minutes of its time or after it, nor without an active wish."""
    status, now = case
    step = next_step(status, now)
    if step.act is not Act.PUT or step.at > now:
        return
    wish = status.active_wish
    assert wish is not None
    assert now < wish.until - LAST_PUT_BEFORE_END


def _sent_and_read() -> tuple[StoreStatus, datetime]:
    """A closing that was sent, and that the platform does not show two minutes later."""
    wish = Wish(1, Kind.CLOSED_TODAY, NOW + timedelta(hours=2), "OTHER", "a person", "because", NOW)
    status = after.sent(after.claimed(after.wished(StoreStatus("s0"), wish, NOW), "c", NOW), NOW)
    later = NOW + timedelta(minutes=2)
    return after.read(status, Reading("OPEN"), later), later


def test_closing_that_is_not_shown_goes_again() -> None:
    """A closing that the platform does not show is sent again."""
    status, now = _sent_and_read()
    assert next_step(status, now).act is Act.PUT


@settings(max_examples=examples(500))
@given(cases())
@example(_sent_and_read())
def test_nothing_is_sent_again_unread(case: tuple[StoreStatus, datetime]) -> None:
    """A wish is sent again only after a fresh reading that differs; an opening that was shown never is."""
    status, now = case
    step = next_step(status, now)
    if step.act is not Act.PUT or step.at > now or status.put_at is None:
        return
    assert status.shown is not None
    assert not status.awaits_reading
    assert abs(now - status.shown.read_at) <= FRESH
    assert status.outcome is Outcome.WAITING
    assert not (status.wish is not None and status.was_shown and not status.wish.kind.closes)


@settings(max_examples=examples(500))
@given(cases())
def test_a_claim_is_left_alone(case: tuple[StoreStatus, datetime]) -> None:
    """While somebody sends something, nobody else does anything for the wish."""
    status, now = case
    if status.active_wish is not None and status.claimed_until is not None and now < status.claimed_until:
        assert next_step(status, now).at > now


@settings(max_examples=examples(500))
@given(cases())
def test_it_always_goes_on(case: tuple[StoreStatus, datetime]) -> None:
    """There is a next step, at most an hour ahead; and of a wish at most some minutes, or at its end."""
    status, now = case
    claimed_at = None if status.claimed_until is None else status.claimed_until - after.CLAIM
    wished_at = None if status.wish is None else status.wish.at
    now = max(now, NOW, *filter(None, (status.put_at, status.looked_at, claimed_at, wished_at)))
    step = next_step(status, now)
    longest = READ_EVERY if status.active_wish is None else max(LONGEST_BACKOFF, after.CLAIM)
    assert step.at - now <= longest


@settings(max_examples=examples(500))
@given(cases())
def test_a_step_is_the_same_every_time(case: tuple[StoreStatus, datetime]) -> None:
    """The same status and time give the same step; one that is due stays due until something happens."""
    status, now = case
    step: Step = next_step(status, now)
    assert next_step(status, now) == step
    if step.at <= now and status.active_wish is not None:
        later = now + timedelta(seconds=1)
        assert next_step(status, later).at <= later or later >= status.active_wish.until - LAST_PUT_BEFORE_END


@settings(max_examples=examples(500))
@given(cases())
def test_no_check_in_of_what_is_closed(case: tuple[StoreStatus, datetime]) -> None:
    """A store is not checked in while any closing of an operator's lasts, whatever became of it, nor over a closing
    that the platform shows for today or until a time."""
    status, now = case
    times = CheckinTimes(now - timedelta(minutes=5), now + timedelta(minutes=25))
    reading = (Reading("OPEN") if status.shown is None else status.shown.reading)._replace(checkin=times)
    status = after.read(status, reading, now)
    if checkin_due(status, now) is None:
        return
    wish = status.wish
    assert wish is None or not wish.kind.closes or now >= wish.until
    assert reading.status not in {"CLOSED_TODAY", "CLOSED_UNTIL", "CHECKIN"}
