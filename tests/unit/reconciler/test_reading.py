"""A reading of a window: what it remembers of the times that were left out."""

from datetime import UTC, datetime, timedelta
from typing import Any

from partner_orders.reconciler.reading import Reading
from partner_orders.reconciler.windows import LeftOut, Part, Window

NOW = datetime(2026, 10, 14, 12, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


def test_newest_times_left_out_are_remembered() -> None:
    """Of more than a hundred times that were left out, the oldest are forgotten."""
    scope: Any = None
    reading = Reading(scope, Window(NOW - 102 * HOUR, NOW), None)
    times = [
        LeftOut(NOW - hours * HOUR, NOW - hours * HOUR + MINUTE, "refused:400", NOW) for hours in range(101, 0, -1)
    ]
    for time in reversed(times):
        reading.leave_out(time, Part(time.start, time.end, None))
    assert reading.left_out == (*times[1:],)
