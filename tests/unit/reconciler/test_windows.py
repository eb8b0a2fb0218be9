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
    LeftOut,
    Part,
    Parts,
    Position,
    Window,
    is_daily_check_due,
    is_older_look_due,
    latest_window,
    newest_part,
    not_shown,
    oldest_readable,
    window_of,
    without,
)
from tests.support.reconciler_parts import take

NOW = datetime(2026, 10, 14, 12, 0, tzinfo=UTC)
SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


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


@pytest.mark.parametrize("ago", [5 * MINUTE, 3 * HOUR, 2 * DAY, 20 * DAY, 59 * DAY])
def test_window_overlaps_the_last_one(ago: timedelta) -> None:
    """A window begins a quarter of an hour before the last one ended, however long ago that was."""
    assert start(position(checked=ago)) == ago + 15 * MINUTE


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
    assert before.read_until(NOW, "v", NOW - 2 * HOUR).older_look_at == NOW
    assert before.read_until(NOW, "v", NOW - 2 * HOUR + SECOND).older_look_at is None
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


def test_visit_counts_until_it_ends() -> None:
    """A visit that ends leaves the position as it was; those that do not end are counted."""
    assert position().begun(NOW) == Position("s", begun_at=NOW, unended_visits=1)
    assert position().begun(NOW).begun(NOW + HOUR) == Position("s", begun_at=NOW + HOUR, unended_visits=2)
    assert position().begun(NOW).ended() == position()


@pytest.mark.parametrize(("visits", "hours"), [(3, 1), (4, 2), (5, 4), (6, 8), (7, 16), (8, 24), (13, 24), (9_999, 24)])
def test_store_is_given_up_for_longer(visits: int, hours: int) -> None:
    """A store that ends runs is tried again after an hour, two, four, and so on, up to a day."""
    ending_runs = Position("s", begun_at=NOW, unended_visits=visits)
    assert ending_runs.ends_runs
    assert ending_runs.is_given_up(NOW + hours * HOUR - SECOND)
    assert not ending_runs.is_given_up(NOW + hours * HOUR)


@pytest.mark.parametrize("tried", [position(), Position("s", begun_at=NOW, unended_visits=2)])
def test_store_is_not_given_up_at_first(tried: Position) -> None:
    """A store is given up only once three visits did not end."""
    assert not tried.ends_runs
    assert not tried.is_given_up(NOW)


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


def test_minute_left_out_is_due_daily() -> None:
    """A minute that was left out is tried again after a day, a longer time at each visit."""
    minute = LeftOut(NOW - MINUTE, NOW, "refused:400", NOW)
    assert (minute.is_narrow, minute.is_due(NOW + DAY - SECOND), minute.is_due(NOW + DAY)) == (True, False, True)
    longer = minute._replace(start=NOW - MINUTE - SECOND)
    assert (longer.is_narrow, longer.is_due(NOW)) == (False, True)


def test_newest_part_is_the_last_minute() -> None:
    """The newest minute of a window is a part of its own; a window of no more has none."""
    assert newest_part(Window(NOW - HOUR, NOW)) == Part(NOW - MINUTE, NOW, PAGES_AT_ONCE)
    assert newest_part(Window(NOW - MINUTE, NOW)) is None
    assert newest_part(Window(NOW - SECOND, NOW)) is None


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
    """A part of more than 20 pages is shortened in proportion to them."""
    parts.has_pages(take(parts), 40)
    assert take(parts) == part(timedelta(0), DAY / 2.4)


def test_parts_cover_the_window(parts: Parts) -> None:
    """The parts cover the window, and each overlaps the one before by a second."""
    parts.has_pages(take(parts), 5 * PAGES_AT_ONCE)
    read = []
    for _ in range(7):
        read.append(take(parts))
        parts.was_read(read[-1])
    assert parts.next() is None
    assert (read[0].start, read[-1].end) == (NOW - DAY, NOW)
    assert all(later.start == earlier.end - SECOND for earlier, later in pairwise(read))


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


def test_first_part_is_as_long_as_allowed() -> None:
    """The first part may be shorter than the window, and is never longer."""
    shorter = Parts(Window(NOW - DAY, NOW), length=HOUR)
    assert (shorter.length, shorter.next()) == (HOUR, part(timedelta(0), HOUR))
    longer = Parts(Window(NOW - MINUTE, NOW), length=HOUR)
    assert (longer.length, longer.next()) == (MINUTE, Part(NOW - MINUTE, NOW, None))


# -- around what was left out -----------------------------------------------------------------------------------


def left_out(begin: timedelta, end: timedelta) -> LeftOut:
    """A time of the day before NOW that could not be read."""
    return LeftOut(NOW - DAY + begin, NOW - DAY + end, "refused:400", NOW)


def test_time_left_out_is_a_part_of_its_own() -> None:
    """What was left out is read apart from what is before it and after it."""
    known = left_out(6 * HOUR, 7 * HOUR)
    parts = Parts(Window(NOW - DAY, NOW), [known])
    before = take(parts)
    assert before == part(timedelta(0), 6 * HOUR)
    parts.was_read(before)
    own = take(parts)
    assert own == part(6 * HOUR, 7 * HOUR)._replace(left_out=known)
    parts.leave_out(own)
    rest = take(parts)
    assert rest == part(7 * HOUR - SECOND, DAY)
    parts.leave_out(rest)
    assert parts.next() is None


def test_skipped_time_lengthens_the_next_part(parts: Parts) -> None:
    """After a time that is skipped, the next part is as long as the window was ever read."""
    for _ in range(3):
        parts.halve(take(parts))
    parts.leave_out(take(parts))
    assert (parts.length, take(parts).end) == (DAY, NOW)


def test_window_begins_with_its_first_second() -> None:
    """A part from the beginning of a window skips nothing, however soon a time that was left out begins."""
    known = left_out(SECOND / 2, HOUR)
    assert take(Parts(Window(NOW - DAY, NOW), [known])) == part(timedelta(0), HOUR)._replace(left_out=known)


def test_time_left_out_after_a_window_is_not_of_it() -> None:
    """What begins where a window ends is not read with it, however short the window is."""
    end = NOW - DAY + HOUR
    assert Parts(Window(end - SECOND / 2, end), [left_out(HOUR, 2 * HOUR)]).next() == Part(end - SECOND / 2, end, None)


@pytest.mark.parametrize(
    ("known", "rest"),
    [
        ((HOUR, 2 * HOUR), [(HOUR, 2 * HOUR)]),
        ((HOUR, 6 * HOUR), [(HOUR, 6 * HOUR)]),
        ((HOUR, 6 * HOUR + SECOND), [(HOUR, 6 * HOUR + SECOND)]),
        ((6 * HOUR - SECOND, 6 * HOUR + SECOND), [(6 * HOUR - SECOND, 6 * HOUR + SECOND)]),
        ((6 * HOUR, 6 * HOUR + SECOND), []),
        ((6 * HOUR - SECOND, 6 * HOUR + MINUTE), []),
        ((HOUR, 6 * HOUR + MINUTE), [(HOUR, 6 * HOUR + SECOND)]),
        ((6 * HOUR, 7 * HOUR), []),
        ((6 * HOUR + MINUTE, 7 * HOUR + MINUTE), [(7 * HOUR - SECOND, 7 * HOUR + MINUTE)]),
        ((7 * HOUR, 8 * HOUR), [(7 * HOUR, 8 * HOUR)]),
        ((HOUR, 9 * HOUR), [(HOUR, 6 * HOUR + SECOND), (7 * HOUR - SECOND, 9 * HOUR)]),
    ],
)
def test_part_that_was_read_is_not_left_out(
    known: tuple[timedelta, timedelta], rest: list[tuple[timedelta, timedelta]]
) -> None:
    """Of what was left out, reading from six to seven leaves what is before and after, and a second where they meet."""
    apart = left_out(20 * HOUR, 21 * HOUR)
    assert without([left_out(*known), apart], part(6 * HOUR, 7 * HOUR)) == [*(left_out(*it) for it in rest), apart]
