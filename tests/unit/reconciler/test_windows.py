"""Windows: from where to where a store is checked, and in which parts."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from partner_orders.reconciler.windows import (
    OVERLAP,
    PAGES_AT_ONCE,
    PLATFORM_HISTORY,
    SHORTEST_PART,
    Part,
    Parts,
    Position,
    Window,
    is_daily_check_due,
    is_older_look_due,
    latest_window,
    not_shown,
    oldest_readable,
    window_of,
)

NOW = datetime(2026, 10, 14, 12, 0, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def position(
    checked: timedelta | None = None, daily: timedelta | None = None, tried: timedelta | None = None
) -> Position:
    """The position of a store, by how long ago things were."""
    times = [None if ago is None else NOW - ago for ago in (checked, daily, tried)]
    return Position("s", times[0], times[1], tried_at=times[2])


def start(of: Position, *open_orders: timedelta, daily_check: bool = False, history: timedelta = 60 * DAY) -> timedelta:
    """How long before now the window of a position begins, where the first look is over and no older look is due."""
    of = replace(of, older_look_at=of.older_look_at or NOW, daily_check_at=of.daily_check_at or NOW)
    window = window_of(of, [NOW - age for age in open_orders], daily_check, NOW, history)
    assert window.end == NOW
    return NOW - window.start


# -- the window of a check --------------------------------------------------------------------------------------


def test_first_window_has_all_history() -> None:
    """A store that was never checked is read as far back as the platform shows."""
    assert start(position(), history=30 * DAY) == 30 * DAY


@pytest.mark.parametrize("read_until", [20 * DAY, 5 * MINUTE])
def test_first_look_goes_on_where_it_was(read_until: timedelta) -> None:
    """A first look that has not ended goes on from where it is, or those of many large stores would never end."""
    window = window_of(position(read_until), [NOW - 30 * DAY], daily_check=True, now=NOW, history=60 * DAY)
    assert window == Window(NOW - read_until - OVERLAP, NOW)


def test_window_overlaps_the_last_one() -> None:
    """A window begins a little before the last one ended."""
    assert start(position(checked=5 * MINUTE)) == 5 * MINUTE + OVERLAP


def test_window_reaches_oldest_open_order() -> None:
    """A window reaches back to the oldest open order of the last days."""
    assert start(position(checked=MINUTE), HOUR, 2 * DAY) == 2 * DAY + OVERLAP


@pytest.mark.parametrize(("age", "reaches"), [(3 * DAY, True), (3 * DAY + MINUTE, False)])
def test_window_ignores_long_open_orders(age: timedelta, reaches: bool) -> None:
    """A regular window does not reach back to an order that has been open for over three days."""
    assert (start(position(checked=MINUTE), age) == age + OVERLAP) is reaches


def test_daily_check_reaches_a_week_back() -> None:
    """The daily check reaches back a week from when it was due."""
    assert start(position(MINUTE, daily=DAY), daily_check=True) == 7 * DAY
    assert start(position(MINUTE, daily=4 * DAY), daily_check=True) == 10 * DAY


def test_daily_check_of_a_clock_ahead() -> None:
    """A daily check that a clock ahead of ours noted reaches back a week from now."""
    assert start(position(MINUTE, daily=-DAY), daily_check=True) == 7 * DAY


def test_daily_check_reaches_all_open_orders() -> None:
    """The daily check reaches back to the oldest open order of all."""
    assert start(position(MINUTE, daily=DAY), 20 * DAY, daily_check=True) == 20 * DAY + OVERLAP


def test_window_is_at_most_the_history() -> None:
    """No window is longer than the history that is checked."""
    assert start(position(checked=50 * DAY), history=30 * DAY) == 30 * DAY
    assert start(position(MINUTE, daily=DAY), 40 * DAY, daily_check=True, history=30 * DAY) == 30 * DAY


@pytest.mark.parametrize(("ago", "due"), [(None, True), (30 * MINUTE, True), (29 * MINUTE, False)])
def test_older_look_is_due_twice_an_hour(ago: timedelta | None, due: bool) -> None:
    """A window of hours is due half an hour after the last one."""
    older = replace(position(), older_look_at=None if ago is None else NOW - ago)
    assert is_older_look_due(older, NOW) is due


def test_older_look_reaches_hours_back() -> None:
    """An older look reaches two hours back, and no less far than the window would without it."""
    due = replace(position(checked=5 * MINUTE), older_look_at=NOW - HOUR)
    assert start(due) == 2 * HOUR + OVERLAP
    assert start(due, DAY) == DAY + OVERLAP
    assert start(replace(due, checked_until=NOW - 5 * HOUR)) == 5 * HOUR + OVERLAP


def test_window_of_hours_is_an_older_look() -> None:
    """Whatever window was read for hours up to its end counts as an older look; one that was read in part does not."""
    before = position(checked=5 * MINUTE)
    whole = before.read_until(NOW, "v", NOW - 2 * HOUR - OVERLAP)
    assert whole == Position("s", NOW, vendor_id="v", older_look_at=NOW)
    assert before.read_until(NOW, "v", NOW - HOUR).older_look_at is None
    assert before.read_until(NOW - HOUR, "v", NOW - DAY).older_look_at is None


@pytest.mark.parametrize(("ago", "due"), [(None, True), (DAY, True), (DAY - MINUTE, False), (-HOUR, False)])
def test_daily_check_is_due_after_a_day(ago: timedelta | None, due: bool) -> None:
    """The daily check is due a day after the last one, and at once where there was none."""
    assert is_daily_check_due(position(daily=ago), NOW) is due


# -- positions --------------------------------------------------------------------------------------------------


def test_position_ahead_is_taken_back() -> None:
    """A position ahead of the platform's clock is taken back to it."""
    assert position(checked=-HOUR).no_later_than(NOW) == position(checked=timedelta(0))
    assert position(checked=HOUR).no_later_than(NOW) == position(checked=HOUR)
    assert position().no_later_than(NOW) == position()


def test_position_never_goes_back() -> None:
    """Reading an older part does not move a position back."""
    assert position().read_until(NOW - HOUR, "v") == Position("s", NOW - HOUR, vendor_id="v")
    assert position(checked=HOUR).read_until(NOW - 2 * HOUR, "v") == Position("s", NOW - HOUR, vendor_id="v")
    assert position(checked=2 * HOUR).read_until(NOW - HOUR, "v") == Position("s", NOW - HOUR, vendor_id="v")


# -- what is left where a window fails --------------------------------------------------------------------------


def test_latest_window_overlaps_the_last_try() -> None:
    """Of the last check and the last try, the later one counts."""
    long = Window(NOW - 5 * DAY, NOW)
    assert latest_window(position(checked=5 * DAY, tried=HOUR), long) == Window(NOW - HOUR - OVERLAP, NOW)
    assert latest_window(position(checked=HOUR, tried=5 * DAY), long) == Window(NOW - HOUR - OVERLAP, NOW)
    assert latest_window(position(), long) == Window(NOW - OVERLAP, NOW)


@pytest.mark.parametrize(("length", "worth"), [(DAY + OVERLAP, True), (DAY + OVERLAP - MINUTE, False)])
def test_short_window_has_no_latest_part(length: timedelta, worth: bool) -> None:
    """The end of a short window is not worth a request of its own."""
    assert (latest_window(position(), Window(NOW - length, NOW)) is not None) is worth


def test_backfill_start_stays_readable() -> None:
    """A backfill begins where the platform still shows orders when its turn comes."""
    assert oldest_readable(NOW, 30 * DAY) == NOW - 30 * DAY - 20 * MINUTE
    assert NOW - oldest_readable(NOW, PLATFORM_HISTORY) < 60 * DAY


def test_not_shown_are_settled_open_orders() -> None:
    """An open order of the window counts as not shown once it is old enough to be shown."""
    ages = {"b": HOUR, "a": 2 * HOUR, "shown": HOUR, "new": OVERLAP, "start": 3 * HOUR, "before": 4 * HOUR}
    open_orders = {order_id: NOW - age for order_id, age in ages.items()}
    assert not_shown(open_orders, {"shown"}, NOW - 3 * HOUR, NOW) == ["a", "b"]


# -- parts ------------------------------------------------------------------------------------------------------


def part(begin: timedelta, end: timedelta, at_most_pages: int | None = PAGES_AT_ONCE) -> Part:
    """A part of the day before NOW, by its distances from the beginning of that day."""
    return Part(NOW - DAY + begin, NOW - DAY + end, at_most_pages)


@pytest.fixture
def parts() -> Parts:
    return Parts(Window(NOW - DAY, NOW))


def take(parts: Parts) -> Part:
    following = parts.next()
    assert following is not None
    return following


def test_window_is_one_part_at_first(parts: Parts) -> None:
    """A window is read in one part at first."""
    whole = take(parts)
    assert whole == part(timedelta(0), DAY)
    parts.was_read(whole)
    assert parts.next() is None


@pytest.mark.parametrize("length", [timedelta(0), -HOUR])
def test_empty_window_has_no_parts(length: timedelta) -> None:
    """An empty window has no parts."""
    assert Parts(Window(NOW, NOW + length)).next() is None


def test_part_shrinks_with_its_pages(parts: Parts) -> None:
    """A part of too many pages is shortened in proportion to them."""
    parts.has_pages(take(parts), 2 * PAGES_AT_ONCE)
    assert take(parts) == part(timedelta(0), DAY / 2.4)


def test_parts_cover_the_window(parts: Parts) -> None:
    """The parts cover the window, and each overlaps the one before by a second."""
    parts.has_pages(take(parts), 5 * PAGES_AT_ONCE)
    read = []
    while following := parts.next():
        read.append(following)
        parts.was_read(following)
    assert (read[0].start, read[-1].end) == (NOW - DAY, NOW)
    assert all(later.start == earlier.end - timedelta(seconds=1) for earlier, later in pairwise(read))
    assert len(read) == 7


def test_shortest_part_has_no_page_limit(parts: Parts) -> None:
    """The shortest part may have any number of pages."""
    parts.has_pages(take(parts), 1_000_000)
    shortest = take(parts)
    assert shortest == part(timedelta(0), SHORTEST_PART, at_most_pages=None)
    assert shortest.is_shortest


def test_unsteady_part_is_halved(parts: Parts) -> None:
    """A part whose pages contradict each other is read in halves."""
    parts.halve(take(parts))
    assert take(parts) == part(timedelta(0), DAY / 2)
    for _ in range(20):
        parts.halve(take(parts))
    assert take(parts).is_shortest


def test_parts_grow_again_after_unsteady_ones(parts: Parts) -> None:
    """Up to the length that the number of pages allows."""
    parts.halve(take(parts))
    parts.halve(take(parts))
    first = take(parts)
    parts.was_read(first)
    second = take(parts)
    assert (first.end - first.start, second.end - second.start) == (DAY / 4, DAY / 2)


def test_parts_keep_to_the_allowed_pages(parts: Parts) -> None:
    """Parts do not grow beyond a length that had too many pages."""
    parts.has_pages(take(parts), 10 * PAGES_AT_ONCE)
    first = take(parts)
    parts.was_read(first)
    assert take(parts).end - take(parts).start == first.end - first.start == DAY / 12
