"""Which window of a store is checked, and the parts in which it is read. Pure: no AWS, no HTTP, no clock.

Times are the platform's, in UTC.
"""

from collections.abc import Collection, Iterable, Mapping
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
# An order may appear in the list long after it was created. So a window reaches further back now and then, and a store
# without orders takes the same one request.
OLDER_LOOK_REACH = timedelta(hours=2)
OLDER_LOOK_EVERY = timedelta(minutes=30)
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
# A minute that was left out is tried again after this, a longer time at each visit.
LEFT_OUT_FOR = timedelta(days=1)
# So many are remembered of a store, the newest; what the daily check reaches of the others is found anew.
MAX_LEFT_OUT = 100
# A store whose visits so often never ended is given up, and tried again after an hour, two, four, and so on.
MAX_UNENDED_VISITS = 3
GIVEN_UP_FOR = timedelta(hours=1)
GIVEN_UP_FOR_AT_MOST = timedelta(days=1)
# So long a backfill may wait for its turn before the oldest of it is past; the platform's 60 days leave it more.
BACKFILL_WAIT = timedelta(minutes=20)


class LeftOut(NamedTuple):
    """A time of a store that nobody could read when it was last tried, with the failure."""

    start: datetime
    end: datetime
    failure: str
    tried_at: datetime

    @property
    def is_narrow(self) -> bool:
        """Whether it is not to be narrowed further."""
        return self.end - self.start <= SHORTEST_PART

    def is_due(self, now: datetime) -> bool:
        return not self.is_narrow or now - self.tried_at >= LEFT_OUT_FOR


@dataclass(frozen=True)
class Position:
    """How far a store is checked.

    All of it was read to the last page and enqueued up to ``checked_until``, but what was ``left_out``;
    ``daily_check_at`` is when its further past was last checked, ``older_look_at`` up to when a window last had some
    hours before it as well, ``vendor_id`` which of its ids the API accepts, and ``tried_at`` when it last failed. The
    last visit began at ``begun_at`` if it has not ended; ``unended_visits`` is how many began, one after the other, and
    never ended.
    """

    store_id: str
    checked_until: datetime | None = None
    daily_check_at: datetime | None = None
    vendor_id: str | None = None
    tried_at: datetime | None = None
    older_look_at: datetime | None = None
    begun_at: datetime | None = None
    unended_visits: int = 0
    left_out: tuple[LeftOut, ...] = ()

    def begun(self, now: datetime) -> "Position":
        """The position while a visit is under way, which counts as unended until it ends."""
        return replace(self, begun_at=now, unended_visits=self.unended_visits + 1)

    def ended(self) -> "Position":
        return replace(self, begun_at=None, unended_visits=0)

    @property
    def ends_runs(self) -> bool:
        """Whether the store counts as failed because its visits do not end."""
        return self.unended_visits >= MAX_UNENDED_VISITS

    def is_given_up(self, now: datetime) -> bool:
        """Whether a store that ends runs waits for its next try."""
        if not self.ends_runs or self.begun_at is None:
            return False
        doublings = min(self.unended_visits - MAX_UNENDED_VISITS, 10)
        given_up_for = min(GIVEN_UP_FOR * (1 << doublings), GIVEN_UP_FOR_AT_MOST)
        return now < self.begun_at + given_up_for

    def no_later_than(self, now: datetime) -> "Position":
        """The position without a lead over the platform's clock."""
        if self.checked_until is None:
            return self
        return replace(self, checked_until=min(self.checked_until, now))

    def read_until(self, until: datetime, vendor_id: str | None, start: datetime | None = None) -> "Position":
        """The position after all from ``start`` up to ``until`` was read and enqueued. Without a ``vendor_id``, the id
        stays."""
        checked_until = max(self.checked_until or until, until)
        has_older = start is not None and start + OLDER_LOOK_REACH <= until == checked_until
        return replace(
            self,
            checked_until=checked_until,
            older_look_at=until if has_older else self.older_look_at,
            vendor_id=vendor_id or self.vendor_id,
        )


class Window(NamedTuple):
    start: datetime
    end: datetime


def is_daily_check_due(position: Position, now: datetime) -> bool:
    return position.daily_check_at is None or now - position.daily_check_at >= DAILY_CHECK_EVERY


def is_older_look_due(position: Position, now: datetime) -> bool:
    return position.older_look_at is None or now - position.older_look_at >= OLDER_LOOK_EVERY


def window_of(
    position: Position, open_orders: Collection[datetime], daily_check: bool, now: datetime, history: timedelta
) -> Window:
    """The window of a store's regular check, until now and at most ``history`` long.

    The first time it has everything, in as many runs as that takes. Then it overlaps the last window, now and then by
    hours, and reaches back to the oldest of ``open_orders`` (when they were created) of the last days, and to what was
    left out and is to be tried again. The daily check reaches back to the oldest open order of all.
    """
    oldest = now - history
    if position.checked_until is None:
        return Window(oldest, now)
    start = position.checked_until - OVERLAP
    if position.daily_check_at is None:
        # The first look goes on: were it to reach back each time, those of many large stores would never end.
        return Window(max(start, oldest), now)
    if is_older_look_due(position, now):
        # Longer by the seconds that a reading ends before now, or it would not count as one.
        start = min(start, now - OLDER_LOOK_REACH - OVERLAP)
    reach = timedelta.max if daily_check else OPEN_ORDERS_REACH
    start = min([start, *(created_at - OVERLAP for created_at in open_orders if now - created_at <= reach)])
    start = min([start, *(left_out.start - OVERLAP for left_out in position.left_out if left_out.is_due(now))])
    if daily_check:
        # From when it was due: what changed while nobody looked was older by as long.
        due_at = min(now, position.daily_check_at + DAILY_CHECK_EVERY)
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
    """A part of a window. ``at_most_pages`` is None for one that is not to be divided for its pages; ``left_out`` is
    the time, left out before, that the part belongs to."""

    start: datetime
    end: datetime
    at_most_pages: int | None
    left_out: LeftOut | None = None

    @property
    def is_shortest(self) -> bool:
        return self.end - self.start <= SHORTEST_PART


class Parts:
    """The parts of a window, oldest first: the whole window at first, or as much as ``length``, then as long as the
    last readings allow. What was ``left_out`` is no part together with anything else."""

    def __init__(self, window: Window, left_out: Iterable[LeftOut] = (), length: timedelta | None = None) -> None:
        self._start = self._window_start = window.start
        self._end = window.end
        self._left_out = sorted(known for known in left_out if known.start < window.end)
        self._longest = window.end - window.start
        self._length = self._longest if length is None else min(length, self._longest)

    @property
    def length(self) -> timedelta:
        """How long the next part may be."""
        return self._length

    def next(self) -> Part | None:
        """The part to read next; None once all are read."""
        if self._start >= self._end:
            return None
        at_most_pages = PAGES_AT_ONCE if self._length > SHORTEST_PART else None
        start, end = self._start, min(self._start + self._length, self._end)
        ahead = next((known for known in self._left_out if known.end - BOUNDARY > start), None)
        if ahead is None:
            return Part(start, end, at_most_pages)
        if ahead.start - BOUNDARY > start:
            return Part(start, min(end, ahead.start), at_most_pages)
        if start > self._window_start:
            start = max(start, ahead.start)  # The second before was read with the part before.
        return Part(start, min(start + self._length, ahead.end, self._end), at_most_pages, ahead)

    def was_read(self, part: Part) -> None:
        """Continue after a part, with one twice as long if the window was ever read at that length."""
        self._length = min(2 * self._length, self._longest)
        self._continue_after(part)

    def leave_out(self, part: Part) -> None:
        """Continue after a part that is not read, with one as long as the window was ever read."""
        self._length = self._longest
        self._continue_after(part)

    def _continue_after(self, part: Part) -> None:
        self._start = part.end - BOUNDARY if part.end < self._end else self._end

    def has_pages(self, part: Part, pages: int) -> None:
        """Read a part that has more pages than allowed in parts that have not."""
        shorter = (part.end - part.start) / (MARGIN * pages / PAGES_AT_ONCE)
        self._length = self._longest = max(shorter, SHORTEST_PART)

    def halve(self, part: Part) -> None:
        """Read a part that could not be read in halves. If its pages contradicted each other, it has one page in the
        end, which is of one moment; if one order breaks it, the others are read."""
        self._length = max((part.end - part.start) / 2, SHORTEST_PART)


def without(left_out: Iterable[LeftOut], part: Part) -> list[LeftOut]:
    """What is still left out once a part was read. Where parts meet they share a second (BOUNDARY), which takes
    nothing from what was left out before the part."""
    rest = []
    for known in left_out:
        is_before = known.start < part.start and known.end <= part.start + BOUNDARY
        if is_before or known.start >= part.end:
            rest.append(known)
            continue
        if known.start < part.start - BOUNDARY:
            rest.append(known._replace(end=part.start + BOUNDARY))
        if known.end > part.end:
            rest.append(known._replace(start=part.end - BOUNDARY))
    return rest


def newest_part(window: Window) -> Part | None:
    """The newest minute of a window; None if the window has no more than that."""
    start = window.end - SHORTEST_PART
    return Part(start, window.end, PAGES_AT_ONCE) if start > window.start else None
