"""Narrowing: how a failure is narrowed down to a minute, and what a visit spends on it."""

from datetime import UTC, datetime, timedelta

import pytest

from partner_orders.platform.failures import (
    Failure,
    PartnerApiError,
    PlatformUnavailableError,
    TooManyPagesError,
    UnsteadyWindowError,
)
from partner_orders.reconciler.narrowing import Narrowing, may_be_narrowed
from partner_orders.reconciler.windows import SHORTEST_PART, LeftOut, Part, Parts, Window
from tests.support.platform import VirtualTime
from tests.support.reconciler_parts import take

NOW = datetime(2026, 10, 14, 12, tzinfo=UTC)
SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
ERROR = PartnerApiError(Failure.SERVER_ERROR, "500")


@pytest.fixture
def time() -> VirtualTime:
    return VirtualTime(NOW)


@pytest.fixture
def narrowing(time: VirtualTime) -> Narrowing:
    return Narrowing(time.now)


@pytest.fixture
def parts() -> Parts:
    return Parts(Window(NOW - DAY, NOW))


def spend(narrowing: Narrowing, times: int = 20) -> None:
    """Let so many parts fail."""
    for _ in range(times):
        other = Parts(Window(NOW - DAY, NOW))
        narrowing.after_failure(take(other), other, ERROR)


def test_narrowing_begins_when_it_is_told(narrowing: Narrowing) -> None:
    """Narrowing has not begun before a part fails."""
    assert narrowing.has_begun is False
    narrowing.begin()
    assert narrowing.has_begun is True


@pytest.mark.parametrize(("failed", "is_spent"), [(0, False), (19, False), (20, True)])
def test_narrowing_is_spent_after_parts(narrowing: Narrowing, failed: int, is_spent: bool) -> None:
    """Of a visit, 20 parts may fail."""
    narrowing.begin()
    spend(narrowing, failed)
    assert narrowing.is_spent is is_spent


def test_narrowing_is_spent_after_minutes(narrowing: Narrowing, time: VirtualTime) -> None:
    """Narrowing takes two minutes of a visit from its beginning, however few parts have failed."""
    time.sleep(3_600)
    narrowing.begin()
    spent = []
    for seconds in (0, 119, 1):
        time.sleep(seconds)
        spent.append(narrowing.is_spent)
    assert spent == [False, False, True]


def test_failed_part_is_halved(narrowing: Narrowing, parts: Parts) -> None:
    """A part that failed is read in halves, and narrowing is under way until both were read."""
    under_way = [narrowing.is_under_way]
    assert narrowing.after_failure(take(parts), parts, ERROR) is None
    for end in (NOW - DAY / 2, NOW):
        under_way.append(narrowing.is_under_way)
        half = take(parts)
        assert half.end == end
        parts.was_read(half)
        narrowing.after_reading(half)
    assert [*under_way, narrowing.is_under_way] == [False, True, True, False]
    assert parts.next() is None


def test_failed_minute_is_left_out(narrowing: Narrowing, time: VirtualTime) -> None:
    """A minute that failed is left out with the failure and the time, and reading goes on after it."""
    parts = Parts(Window(NOW - HOUR, NOW), length=SHORTEST_PART)
    minute = take(parts)
    time.sleep(30)
    expected = LeftOut(NOW - HOUR, NOW - HOUR + MINUTE, "server_error:500", NOW + 30 * SECOND)
    assert narrowing.after_failure(minute, parts, ERROR) == expected
    assert narrowing.is_under_way is False
    following = take(parts)
    assert (following.start, following.end) == (NOW - HOUR + MINUTE - SECOND, NOW - HOUR + 3 * MINUTE - SECOND)


def test_spent_narrowing_leaves_out_one_part(narrowing: Narrowing, parts: Parts) -> None:
    """Once it is spent, one more part is left out as it is; the next failure ends the visit."""
    spend(narrowing)
    parts.halve(take(parts))
    half = take(parts)
    assert narrowing.after_failure(half, parts, ERROR) == LeftOut(NOW - DAY, NOW - DAY / 2, "server_error:500", NOW)
    assert narrowing.is_under_way is True
    rest = take(parts)
    assert (rest.start, rest.end, parts.length) == (NOW - DAY / 2 - SECOND, NOW, DAY)
    with pytest.raises(PartnerApiError) as raised:
        narrowing.after_failure(rest, parts, ERROR)
    assert raised.value is ERROR


@pytest.mark.parametrize(
    ("length", "tried_ago", "tries_all", "skips", "skips_when_spent"),
    [
        (MINUTE, HOUR, False, True, True),
        (MINUTE, HOUR, True, False, True),
        (MINUTE, DAY, False, False, True),
        (HOUR, HOUR, False, False, False),
        (HOUR, HOUR, True, False, False),
    ],
)
def test_minute_that_is_not_due_is_skipped(
    narrowing: Narrowing, length: timedelta, tried_ago: timedelta, tries_all: bool, skips: bool, skips_when_spent: bool
) -> None:
    """Only minutes are skipped: those that are not due, and all of them once the narrowing is spent."""
    left_out = LeftOut(NOW - DAY, NOW - DAY + length, "server_error:500", NOW - tried_ago)
    assert narrowing.skips(left_out, tries_all) is skips
    spend(narrowing)
    assert narrowing.skips(left_out, tries_all) is skips_when_spent


@pytest.mark.parametrize(
    ("error", "of_an_hour", "of_a_minute"),
    [
        (ERROR, True, True),
        (UnsteadyWindowError(Failure.MOVED_PAGES), False, True),
        (TooManyPagesError(30), False, True),
        (PartnerApiError(Failure.NOT_FOUND), False, False),
        (PlatformUnavailableError(Failure.SERVER_ERROR), False, False),
    ],
)
def test_failures_of_one_order_are_narrowed(error: PartnerApiError, of_an_hour: bool, of_a_minute: bool) -> None:
    """What one order may cause is narrowed; what contradicts itself, once it is of a minute."""
    assert may_be_narrowed(error, Part(NOW - HOUR, NOW, None)) is of_an_hour
    assert may_be_narrowed(error, Part(NOW - MINUTE, NOW, None)) is of_a_minute
