"""Which window of a store is checked, and the parts in which it is read. Pure: no AWS, no HTTP, no clock.

Times are the platform's, in UTC.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import NamedTuple

# What the platform returns at most (docs/platform.md 4.2), less a margin for the time that a run takes.
PLATFORM_HISTORY = timedelta(days=60) - timedelta(minutes=30)
# Each window begins this long before the last one ended: longer than an order takes to show.
OVERLAP = timedelta(minutes=15)
# Orders change late (a cancellation after pick-up), so every store's last week is checked once a day.
DAILY_CHECK_REACH = timedelta(days=7)
DAILY_CHECK_EVERY = timedelta(days=1)
# An open order is checked where it was created, this far back; the daily check goes further.
OPEN_ORDERS_REACH = timedelta(days=3)
# A window that begins so long before the last try is worth a request of its own for what came since.
FAR_BACK = timedelta(days=1)
# The window's ends may be exclusive.
BOUNDARY = timedelta(seconds=1)
# A window of more pages is read in parts, so that no stop costs more than a part.
PAGES_AT_ONCE = 20
SHORTEST_PART = timedelta(minutes=1)
# A part that holds too many pages is shortened by this much more, as orders are not spread evenly.
MARGIN = 1.2
# So long a backfill may wait for its turn before the oldest of it is past; the platform's 60 days leave it more.
BACKFILL_WAIT = timedelta(minutes=20)


@dataclass(frozen=True)
class Position:
    """How far a store is checked. All of it was read to the last page and enqueued up to ``checked_until``;
    ``daily_check_at`` is when its further past was last checked, ``vendor_id`` which of its ids the API accepts, and
    ``tried_at`` when it last failed."""

    store_id: str
    checked_until: datetime | None = None
    daily_check_at: datetime | None = None
    vendor_id: str | None = None
    tried_at: datetime | None = None

    def no_later_than(self, now: datetime) -> "Position":
        """The position without a lead over the platform's clock."""
        is_ahead = self.checked_until is not None and self.checked_until > now
        return replace(self, checked_until=now) if is_ahead else self

    def read_until(self, until: datetime, vendor_id: str) -> "Position":
        """The position after all up to ``until`` was read and enqueued."""
        return replace(self, checked_until=max(self.checked_until or until, until), vendor_id=vendor_id)


class Window(NamedTuple):
    start: datetime
    end: datetime


def is_daily_check_due(position: Position, now: datetime) -> bool:
    return position.daily_check_at is None or now - position.daily_check_at >= DAILY_CHECK_EVERY


def window_of(
    position: Position, open_orders: Collection[datetime], daily_check: bool, now: datetime, history: timedelta
) -> Window:
    """The window of a store's regular check, until now and at most ``history`` long.

    The first time it has everything. Then it overlaps the last window, and reaches back to the oldest of
    ``open_orders`` (when they were created) of the last days. The daily check reaches back to the oldest of all.
    """
    oldest = now - history
    if position.checked_until is None:
        return Window(oldest, now)
    start = position.checked_until - OVERLAP
    reach = timedelta.max if daily_check else OPEN_ORDERS_REACH
    start = min([start, *(created_at - OVERLAP for created_at in open_orders if now - created_at <= reach)])
    if daily_check:
        # From when it was due: what changed while nobody looked was older by as long.
        due_at = now if position.daily_check_at is None else min(now, position.daily_check_at + DAILY_CHECK_EVERY)
        start = min(start, due_at - DAILY_CHECK_REACH)
    return Window(max(start, oldest), now)


def latest_window(position: Position, window: Window) -> Window | None:
    """The end of a window that could not be read: what is newer than the last try. None if that is most of it."""
    since = max(filter(None, (position.checked_until, position.tried_at)), default=window.end) - OVERLAP
    return Window(since, window.end) if since - window.start >= FAR_BACK else None


def oldest_readable(now: datetime, history: timedelta) -> datetime:
    """Before this, a backfill reads nothing any more: it would be past before the backfill has its turn."""
    return now - history - BACKFILL_WAIT


def not_shown(open_orders: Mapping[str, datetime], shown: Collection[str], start: datetime, now: datetime) -> list[str]:
    """The open orders, each with when it was created, that a window from ``start`` to ``now`` should have shown."""
    settled = now - OVERLAP
    return sorted(
        order_id
        for order_id, created_at in open_orders.items()
        if start < created_at < settled and order_id not in shown
    )


class Part(NamedTuple):
    """A part of a window. ``at_most_pages`` is None for one that is not to be divided for its pages."""

    start: datetime
    end: datetime
    at_most_pages: int | None

    @property
    def is_shortest(self) -> bool:
        return self.end - self.start <= SHORTEST_PART


class Parts:
    """The parts of a window, oldest first: the whole window at first, then as long as the last readings allow."""

    def __init__(self, window: Window) -> None:
        self._start = window.start
        self._end = window.end
        self._length = self._longest = window.end - window.start

    def next(self) -> Part | None:
        """The part to read next; None once all are read."""
        if self._start >= self._end:
            return None
        at_most_pages = PAGES_AT_ONCE if self._length > SHORTEST_PART else None
        return Part(self._start, min(self._start + self._length, self._end), at_most_pages)

    def was_read(self, part: Part) -> None:
        """Continue after a part, with one twice as long if the window was ever read at that length."""
        self._length = min(2 * self._length, self._longest)
        self._start = part.end - BOUNDARY if part.end < self._end else self._end

    def has_pages(self, part: Part, pages: int) -> None:
        """Read a part that has more pages than allowed in parts that have not."""
        shorter = (part.end - part.start) / (MARGIN * pages / PAGES_AT_ONCE)
        self._length = self._longest = max(shorter, SHORTEST_PART)

    def was_unsteady(self, part: Part) -> None:
        """Read a part whose pages contradicted each other in halves. In the end it has one page, which is of one
        moment, whatever moves or is missing from the other pages."""
        self._length = max((part.end - part.start) / 2, SHORTEST_PART)
