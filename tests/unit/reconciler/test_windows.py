"""Windows: from where to where a store is checked, and in which parts."""

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
    """How long before now the window of a position begins."""
    window = window_of(of, [NOW - age for age in open_orders], daily_check, NOW, history)
    assert window.end == NOW
    return NOW - window.start


# -- the window of a check --------------------------------------------------------------------------------------


def test_first_window_has_all_history() -> None:
    assert start(position(), history=30 * DAY) == 30 * DAY


def test_window_overlaps_the_last_one() -> None:
    assert start(position(checked=5 * MINUTE)) == 5 * MINUTE + OVERLAP


def test_window_reaches_back_to_the_oldest_open_order() -> None:
    assert start(position(checked=MINUTE), HOUR, 2 * DAY) == 2 * DAY + OVERLAP


@pytest.mark.parametrize(("age", "reaches"), [(3 * DAY, True), (3 * DAY + MINUTE, False)])
def test_regular_window_ignores_open_orders_of_before_three_days(age: timedelta, reaches: bool) -> None:
    assert (start(position(checked=MINUTE), age) == age + OVERLAP) is reaches


def test_daily_check_reaches_back_a_week_from_when_it_was_due() -> None:
    assert start(position(MINUTE, daily=DAY), daily_check=True) == 7 * DAY
    assert start(position(MINUTE, daily=4 * DAY), daily_check=True) == 10 * DAY
    assert start(position(MINUTE), daily_check=True) == 7 * DAY


def test_daily_check_ahead_of_the_clock_reaches_back_a_week() -> None:
    assert start(position(MINUTE, daily=-DAY), daily_check=True) == 7 * DAY


def test_daily_check_reaches_back_to_the_oldest_open_order_of_all() -> None:
    assert start(position(MINUTE, daily=DAY), 20 * DAY, daily_check=True) == 20 * DAY + OVERLAP


def test_window_is_at_most_the_history() -> None:
    assert start(position(checked=50 * DAY), history=30 * DAY) == 30 * DAY
    assert start(position(MINUTE, daily=DAY), 40 * DAY, daily_check=True, history=30 * DAY) == 30 * DAY


@pytest.mark.parametrize(("ago", "due"), [(None, True), (DAY, True), (DAY - MINUTE, False), (-HOUR, False)])
def test_daily_check_is_due_after_a_day(ago: timedelta | None, due: bool) -> None:
    assert is_daily_check_due(position(daily=ago), NOW) is due


# -- positions --------------------------------------------------------------------------------------------------


def test_position_ahead_of_the_clock_is_taken_back() -> None:
    assert position(checked=-HOUR).no_later_than(NOW) == position(checked=timedelta(0))
    assert position(checked=HOUR).no_later_than(NOW) == position(checked=HOUR)
    assert position().no_later_than(NOW) == position()


def test_position_never_goes_back() -> None:
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
def test_latest_window_is_not_worth_a_request_in_a_short_window(length: timedelta, worth: bool) -> None:
    assert (latest_window(position(), Window(NOW - length, NOW)) is not None) is worth


def test_backfill_reads_what_stays_readable_while_it_waits() -> None:
    assert oldest_readable(NOW, 30 * DAY) == NOW - 30 * DAY - 20 * MINUTE
    assert NOW - oldest_readable(NOW, PLATFORM_HISTORY) < 60 * DAY


def test_not_shown_are_settled_open_orders_of_the_window() -> None:
    """Left out: what was shown, what is too new to be shown, and what is at or before the start."""
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
    whole = take(parts)
    assert whole == part(timedelta(0), DAY)
    parts.was_read(whole)
    assert parts.next() is None


@pytest.mark.parametrize("length", [timedelta(0), -HOUR])
def test_empty_window_has_no_parts(length: timedelta) -> None:
    assert Parts(Window(NOW, NOW + length)).next() is None


def test_part_of_too_many_pages_is_shortened_in_proportion(parts: Parts) -> None:
    parts.has_pages(take(parts), 2 * PAGES_AT_ONCE)
    assert take(parts) == part(timedelta(0), DAY / 2.4)


def test_parts_cover_the_window_and_overlap_by_a_second(parts: Parts) -> None:
    """Ends may be exclusive."""
    parts.has_pages(take(parts), 5 * PAGES_AT_ONCE)
    read = []
    while following := parts.next():
        read.append(following)
        parts.was_read(following)
    assert (read[0].start, read[-1].end) == (NOW - DAY, NOW)
    assert all(later.start == earlier.end - timedelta(seconds=1) for earlier, later in pairwise(read))
    assert len(read) == 7


def test_shortest_part_may_have_any_number_of_pages(parts: Parts) -> None:
    parts.has_pages(take(parts), 1_000_000)
    shortest = take(parts)
    assert shortest == part(timedelta(0), SHORTEST_PART, at_most_pages=None)
    assert shortest.is_shortest


def test_unsteady_part_is_halved(parts: Parts) -> None:
    parts.was_unsteady(take(parts))
    assert take(parts) == part(timedelta(0), DAY / 2)
    for _ in range(20):
        parts.was_unsteady(take(parts))
    assert take(parts).is_shortest


def test_parts_grow_again_after_unsteady_ones(parts: Parts) -> None:
    """Up to the length that the number of pages allows."""
    parts.was_unsteady(take(parts))
    parts.was_unsteady(take(parts))
    first = take(parts)
    parts.was_read(first)
    second = take(parts)
    assert (first.end - first.start, second.end - second.start) == (DAY / 4, DAY / 2)


def test_parts_do_not_grow_beyond_the_allowed_pages(parts: Parts) -> None:
    parts.has_pages(take(parts), 10 * PAGES_AT_ONCE)
    first = take(parts)
    parts.was_read(first)
    assert take(parts).end - take(parts).start == first.end - first.start == DAY / 12
