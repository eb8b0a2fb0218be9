"""Promotions as bars over some weeks, a row each."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from partner_orders_console.operations.promotions.viewing import PromotionView

WIDTH = 700
WEEKS = 5
_DAYS = 7 * WEEKS
_NARROWEST = 4.0  # so that a promotion of an hour is seen
_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Bar:
    """A promotion, and its bar on a line of ``WIDTH``; ``begins_before`` and ``ends_after`` tell of what lies beyond
    the weeks that are shown."""

    view: PromotionView
    left: float
    width: float
    begins_before: bool
    ends_after: bool


@dataclass(frozen=True)
class Calendar:
    """``first`` is a Monday (UTC). ``weeks`` are the Mondays with their places; ``today`` is the place of the present
    time, None where it is not among these weeks."""

    first: date
    weeks: tuple[tuple[date, float], ...]
    today: float | None
    bars: tuple[Bar, ...]

    @property
    def before(self) -> date:
        return self.first - WEEKS * timedelta(days=7)

    @property
    def after(self) -> date:
        return self.first + WEEKS * timedelta(days=7)


def calendar(views: Sequence[PromotionView], first: date, now: datetime) -> Calendar:
    """The promotions that run within some weeks from the Monday of a day on, in the order in which they come."""
    monday = first - timedelta(days=first.weekday())
    begin = datetime.combine(monday, time(0), UTC)
    end = begin + _DAYS * _DAY
    within = (view for view in views if view.runs_from < end and begin <= view.runs_until)
    weeks = tuple((monday + timedelta(days=7 * number), WIDTH * number / WEEKS) for number in range(WEEKS))
    today = _place(now, begin) if begin <= now < end else None
    return Calendar(monday, weeks, today, tuple(_bar(view, begin, end) for view in within))


def _bar(view: PromotionView, begin: datetime, end: datetime) -> Bar:
    left = _place(max(view.runs_from, begin), begin)
    right = _place(min(view.runs_until, end), begin)
    width = max(_NARROWEST, right - left)
    return Bar(view, min(left, WIDTH - width), round(width, 1), view.runs_from < begin, view.runs_until > end)


def _place(at: datetime, begin: datetime) -> float:
    return round(WIDTH * ((at - begin) / (_DAYS * _DAY)), 1)
