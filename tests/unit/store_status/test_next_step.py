"""When a store's status is read, sent and let go, at the exact times."""

from dataclasses import replace
from datetime import timedelta

import pytest

from partner_orders.store_status.next_step import Act, Step, checkin_due, next_step
from partner_orders.store_status.shown import CheckinTimes, Reading, Shown
from partner_orders.store_status.status import StoreStatus
from partner_orders.store_status.wish import Kind, Outcome, Wish
from tests.support.fixed_clock import NOW

SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
END = NOW + 3 * HOUR
CLOSING = Wish(1, Kind.CLOSED_UNTIL, END, "OTHER", "a person", "because", NOW)
FIRST = StoreStatus("s0", wish=CLOSING, outcome=Outcome.WAITING)
SENT = replace(FIRST, puts=1, put_at=NOW)
READ = replace(SENT, shown=Shown(Reading("OPEN"), NOW, NOW), looked_at=NOW)


def test_wish_is_sent_at_once() -> None:
    """A wish is sent when it is made, also by a clock that is ahead, and no more within the last two minutes."""
    assert next_step(FIRST, NOW) == Step(Act.PUT, NOW)
    assert next_step(FIRST, NOW + HOUR) == Step(Act.PUT, NOW)
    assert next_step(FIRST, NOW - MINUTE) == Step(Act.PUT, NOW - MINUTE)
    assert next_step(FIRST, END - 2 * MINUTE - SECOND) == Step(Act.PUT, NOW)
    assert next_step(FIRST, END - 2 * MINUTE) == Step(Act.END, END)
    assert next_step(FIRST, END) == Step(Act.END, END)


def test_claim_is_waited_for() -> None:
    """While somebody sends, nothing is sent; once the claim is over, it counts no longer."""
    claimed = replace(FIRST, claimed_until=NOW + MINUTE)
    assert next_step(claimed, NOW + MINUTE - SECOND) == Step(Act.READ, NOW + MINUTE)
    assert next_step(claimed, NOW + MINUTE) == Step(Act.PUT, NOW)


def test_status_is_read_before_it_is_sent_again() -> None:
    """What was sent is read first, with a back-off where that fails."""
    assert next_step(replace(READ, awaits_reading=True), NOW) == Step(Act.READ, NOW)
    assert next_step(SENT, NOW) == Step(Act.READ, NOW)
    failed = replace(SENT, failures=3, looked_at=NOW + MINUTE)
    assert next_step(failed, NOW) == Step(Act.READ, NOW + 5 * MINUTE)
    assert next_step(replace(failed, failures=9), NOW) == Step(Act.READ, NOW + 16 * MINUTE)


@pytest.mark.parametrize("read_at", [30 * SECOND, -30 * SECOND])
def test_sent_again_where_the_platform_differs(read_at: timedelta) -> None:
    """What was read half a minute ago, or is ahead by as much, is the present state; anything older is read again."""
    now = NOW + 10 * MINUTE
    for puts, minutes in ((1, 1), (2, 2), (3, 4), (9, 15)):
        due = NOW + minutes * MINUTE
        fresh = replace(READ, puts=puts, shown=Shown(Reading("OPEN"), now - read_at, NOW))
        assert next_step(fresh, now) == Step(Act.PUT, due)
        moved = read_at + (SECOND if read_at > timedelta() else -SECOND)
        stale = replace(fresh, shown=Shown(Reading("OPEN"), now - moved, NOW))
        assert next_step(stale, now) == Step(Act.READ, due)
    late = replace(READ, shown=Shown(Reading("OPEN"), END - MINUTE, NOW))
    assert next_step(late, END - MINUTE) == Step(Act.END, END)


def test_closing_is_read_each_five_minutes() -> None:
    """A closing that is shown is read five minutes after the last reading, later where that failed, until its end."""
    shown = replace(READ, outcome=Outcome.SHOWN, shown=Shown(Reading("CLOSED_UNTIL"), NOW + HOUR, NOW))
    assert next_step(shown, NOW + HOUR) == Step(Act.READ, NOW + HOUR + 5 * MINUTE)
    assert next_step(shown, END) == Step(Act.END, END)
    failed = replace(shown, failures=4, looked_at=NOW + HOUR + 5 * MINUTE)
    assert next_step(failed, NOW + HOUR) == Step(Act.READ, NOW + HOUR + 13 * MINUTE)
    last = replace(shown, shown=Shown(Reading("CLOSED_UNTIL"), END - MINUTE, NOW))
    assert next_step(last, END - MINUTE) == Step(Act.END, END)


def test_store_without_a_wish_is_read_each_hour() -> None:
    """A store is read at once if it never was, and else each hour; after a failure sooner, unless that lasts."""
    store = StoreStatus("s0")
    assert next_step(store, NOW).act is Act.READ
    assert next_step(store, NOW).at < NOW - 365 * 24 * HOUR
    assert next_step(replace(store, looked_at=NOW), NOW) == Step(Act.READ, NOW + HOUR)
    failed = replace(store, looked_at=NOW, failures=2)
    assert next_step(failed, NOW) == Step(Act.READ, NOW + 2 * MINUTE)
    assert next_step(replace(failed, failures=10), NOW) == Step(Act.READ, NOW + HOUR)
    assert next_step(replace(failed, is_lasting=True), NOW) == Step(Act.READ, NOW + HOUR)


def test_store_is_read_after_its_closing() -> None:
    """A minute after a closing has ended the store is read, once, and then each hour."""
    over = replace(READ, outcome=Outcome.ENDED)
    for looked_at in (END - 5 * MINUTE, END, END + MINUTE - SECOND):
        assert next_step(replace(over, looked_at=looked_at), END) == Step(Act.READ, END + MINUTE)
    for looked_at in (END + MINUTE, END + 2 * MINUTE):
        assert next_step(replace(over, looked_at=looked_at), END) == Step(Act.READ, looked_at + HOUR)
    long_ago = replace(over, looked_at=END - 2 * HOUR)
    assert next_step(long_ago, END) == Step(Act.READ, END - HOUR)
    other = replace(over, outcome=Outcome.OVERTAKEN, looked_at=END - MINUTE)
    assert next_step(other, END) == Step(Act.READ, END + HOUR - MINUTE)


# -- check-in -------------------------------------------------------------------------------------------------------

TIMES = CheckinTimes(NOW, NOW + HOUR)
ASKED = StoreStatus("s0", shown=Shown(Reading("CLOSED", checkin=TIMES), NOW, NOW))


@pytest.mark.parametrize(
    ("after", "is_due"),
    [
        (-SECOND, False),
        (timedelta(), True),
        (HOUR - 2 * MINUTE - SECOND, True),
        (HOUR - 2 * MINUTE, False),
    ],
)
def test_times_of_check_in(after: timedelta, is_due: bool) -> None:
    """A store is checked in from the first moment until two minutes before the last."""
    assert checkin_due(ASKED, NOW + after) == (TIMES if is_due else None)


def test_checked_in_once_a_day() -> None:
    """The next check-in is at least twelve hours after the last one."""
    assert checkin_due(replace(ASKED, checked_in_for=NOW - 12 * HOUR), NOW) == TIMES
    assert checkin_due(replace(ASKED, checked_in_for=NOW - 12 * HOUR + SECOND), NOW) is None


def test_closed_store_is_not_checked_in() -> None:
    """Neither while it is wished closed, nor where the platform shows a closing or the check-in."""
    assert checkin_due(replace(ASKED, wish=CLOSING, outcome=Outcome.REFUSED), NOW) is None
    assert checkin_due(replace(ASKED, wish=replace(CLOSING, until=NOW), outcome=Outcome.ENDED), NOW) == TIMES
    opening = replace(CLOSING, kind=Kind.OPEN)
    assert checkin_due(replace(ASKED, wish=opening, outcome=Outcome.WAITING), NOW) is None
    assert checkin_due(replace(ASKED, wish=opening, outcome=Outcome.DONE), NOW) == TIMES
    for status in ("CLOSED_TODAY", "CLOSED_UNTIL", "CHECKIN"):
        assert checkin_due(replace(ASKED, shown=Shown(Reading(status, checkin=TIMES), NOW, NOW)), NOW) is None
    assert checkin_due(replace(ASKED, shown=Shown(Reading("OPEN"), NOW, NOW)), NOW) is None
    assert checkin_due(StoreStatus("s0"), NOW) is None
