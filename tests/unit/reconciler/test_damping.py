"""Damping: which states of an unsteady order wait, and for how long."""

from datetime import UTC, datetime, timedelta

import pytest

from partner_orders.orders.event import OrderEvent, parse_event
from partner_orders.orders.stored import Showing, showing
from partner_orders.reconciler.damping import FREE_STATES, LONGEST_PAUSE, is_damped
from tests.support.orders import as_bytes, order

NOW = datetime(2026, 10, 14, 12, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


def state(comment: str, status: str = "RECEIVED") -> OrderEvent:
    return parse_event(as_bytes(order(comment=comment, status=status)))


def shown(*ago: timedelta) -> list[Showing]:
    """Other states of the order with the same status and clock, by how long ago each was shown."""
    return [showing(state(f"state {number}"), NOW - at) for number, at in enumerate(ago)]


def test_first_states_do_not_wait() -> None:
    """An order may differ a few times in a row."""
    assert not is_damped(state("new"), shown(), NOW)
    assert not is_damped(state("new"), shown(*[MINUTE] * (FREE_STATES - 1)), NOW)
    assert is_damped(state("new"), shown(*[MINUTE] * FREE_STATES), NOW)


@pytest.mark.parametrize(
    ("last_pause", "pause"),
    [(5 * MINUTE, HOUR), (HOUR, 6 * HOUR), (6 * HOUR, LONGEST_PAUSE), (LONGEST_PAUSE, LONGEST_PAUSE)],
)
def test_pauses_grow(last_pause: timedelta, pause: timedelta) -> None:
    """Each pause is longer than the one before, up to the longest."""
    for ago, waits in ((pause - MINUTE, True), (pause, False)):
        assert is_damped(state("new"), shown(ago + last_pause + HOUR, ago + last_pause, ago), NOW) is waits


def test_longest_pause_ends_before_daily_check() -> None:
    """What a daily check enqueues, the next one is not kept from."""
    assert timedelta(hours=12) < LONGEST_PAUSE < timedelta(hours=23)


@pytest.mark.parametrize(
    "changed",
    [state("new", status="DISPATCHED"), parse_event(as_bytes(order(sys={"updated_at": "2026-10-14T11:59:00Z"})))],
)
def test_change_of_status_or_clock_never_waits(changed: OrderEvent) -> None:
    """However unsteady the order was, a new status or a new clock goes through."""
    unsteady = shown(*[MINUTE] * 20)
    assert is_damped(state("new"), unsteady, NOW)
    assert not is_damped(changed, unsteady, NOW)


def test_state_that_comes_back_waits() -> None:
    """Two states that alternate are as unsteady as many."""
    back, other = state("one"), state("other")
    showings = [showing(back, NOW - 10 * MINUTE), showing(other, NOW - 5 * MINUTE)]
    assert is_damped(back, showings, NOW)
    assert not is_damped(back, showings, NOW + HOUR)
    assert not is_damped(state("third"), showings, NOW)


def test_state_shown_once_waits_an_hour() -> None:
    """A state that was shown once comes back after the shortest pause."""
    once = [showing(state("one"), NOW)]
    assert is_damped(state("one"), once, NOW + 59 * MINUTE)
    assert not is_damped(state("one"), once, NOW + HOUR)
