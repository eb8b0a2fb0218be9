"""What is to be done next for a store's status, and when. Pure: the same status and time give the same step.

A wish is sent once whatever the platform shows. From then on it is read first and sent again only where the platform
differs: a closing until its time ends, an opening until it was shown once (rules W4 and W5).
"""

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from partner_orders.store_status.shown import CheckinTimes
from partner_orders.store_status.status import StoreStatus
from partner_orders.store_status.wish import Kind, Outcome, Wish

# How often a store is read of which nothing is wished, and one that was closed by a wish.
READ_EVERY = timedelta(hours=1)
CLOSING_READ_EVERY = timedelta(minutes=5)
LONGEST_BACKOFF = timedelta(minutes=15)
# What was read is taken for the present state for so long, before a wish is sent again.
FRESH = timedelta(seconds=30)
# A request takes its time: sent later, it might close the day after.
LAST_PUT_BEFORE_END = timedelta(minutes=2)
LOOK_AFTER_END = timedelta(minutes=1)
# Between two check-ins of a store, whose times may move a little from day to day.
CHECKINS_APART = timedelta(hours=12)
_MINUTE = timedelta(minutes=1)
_NO_CHECKIN = frozenset({Kind.CLOSED_TODAY.value, Kind.CLOSED_UNTIL.value, Kind.CHECKIN.value})
_MOST_DOUBLINGS = 10
# A store that was never read has waited for longest.
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


class Act(StrEnum):
    READ = "read"
    PUT = "put"
    END = "end"  # of the wish, without a request


class Step(NamedTuple):
    """What to do, and not before when. Until then there is nothing to do."""

    act: Act
    at: datetime


def next_step(status: StoreStatus, now: datetime) -> Step:
    wish = status.active_wish
    if wish is None:
        return Step(Act.READ, _usual_look(status))
    if status.claimed_until is not None and now < status.claimed_until:
        # Somebody sends something now, or died over it.
        return Step(Act.READ, status.claimed_until)
    if now >= wish.until:
        return Step(Act.END, wish.until)
    step = _of_wish(status, wish, now)
    return min(step, Step(Act.END, wish.until), key=lambda one: one.at)


def _of_wish(status: StoreStatus, wish: Wish, now: datetime) -> Step:
    can_be_sent = now < wish.until - LAST_PUT_BEFORE_END
    if status.put_at is None:
        return Step(Act.PUT, min(wish.at, now)) if can_be_sent else Step(Act.END, wish.until)
    if status.awaits_reading or status.shown is None:
        return Step(Act.READ, _after_failures(status, status.put_at, LONGEST_BACKOFF))
    if status.outcome is Outcome.SHOWN:
        return Step(Act.READ, _after_failures(status, status.shown.read_at + CLOSING_READ_EVERY, LONGEST_BACKOFF))
    if not can_be_sent:
        return Step(Act.END, wish.until)
    due = status.put_at + _back_off(status.puts, LONGEST_BACKOFF)
    is_fresh = abs(now - status.shown.read_at) <= FRESH  # Another function's clock may be ahead.
    return Step(Act.PUT, due) if is_fresh else Step(Act.READ, _after_failures(status, due, LONGEST_BACKOFF))


def _usual_look(status: StoreStatus) -> datetime:
    """When a store is read of which nothing is wished."""
    if status.looked_at is None:
        return _LONG_AGO
    if status.failures:
        return status.looked_at + (READ_EVERY if status.is_lasting else _back_off(status.failures, READ_EVERY))
    due = status.looked_at + READ_EVERY
    after_end = None if status.wish is None else status.wish.until + LOOK_AFTER_END
    if after_end is not None and status.outcome is Outcome.ENDED and status.looked_at < after_end:
        due = min(due, after_end)
    return due


def _after_failures(status: StoreStatus, due: datetime, longest: timedelta) -> datetime:
    """When to read what was due at a time, with a back-off where that failed."""
    if not status.failures or status.looked_at is None:
        return due
    return max(due, status.looked_at + _back_off(status.failures, longest))


def _back_off(times: int, longest: timedelta) -> timedelta:
    """1, 2, 4, ... minutes after 1, 2, 3, ... times."""
    return min(longest, _MINUTE * (1 << min(max(times - 1, 0), _MOST_DOUBLINGS)))


def checkin_due(status: StoreStatus, now: datetime) -> CheckinTimes | None:
    """The times of check-in that are to be used now: not while the store is wished closed, nor where the platform shows
    a closing or the check-in, and once a day."""
    shown, wish = status.shown, status.wish
    times = None if shown is None else shown.reading.checkin
    if shown is None or times is None or not times.begins <= now < times.ends - LAST_PUT_BEFORE_END:
        return None
    is_wished_closed = wish is not None and wish.kind.closes and now < wish.until
    if is_wished_closed or status.active_wish is not None or shown.reading.status in _NO_CHECKIN:
        return None
    last = status.checked_in_for
    return times if last is None or times.begins >= last + CHECKINS_APART else None
