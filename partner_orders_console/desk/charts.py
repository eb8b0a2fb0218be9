"""Series as charts: the points that are drawn, and the same as rows for who cannot see them."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from partner_orders_console.operations.metric_series import Series
from partner_orders_console.operations.words import at

_MOST_ROWS = 48


@dataclass(frozen=True)
class Chart:
    """``data`` is what static/desk.js draws; ``rows`` are the newest points that say something, newest first.
    ``is_measured`` tells a time of zeros from one without values."""

    title: str
    data: str
    labels: tuple[str, ...]
    rows: list[tuple[str, list[str]]]
    is_measured: bool = True


def chart(
    title: str,
    lines: Mapping[str, Series],
    start: datetime,
    end: datetime,
    step: timedelta,
    unit: str = "",
    nothing: float | None = 0.0,
) -> Chart:
    """A chart of some series between two times. ``nothing`` is what a period without a value means: 0 for a count, no
    point for a length of time."""
    seconds = step.total_seconds()
    first = int(start.timestamp() // seconds * seconds)
    times = [first + int(number * seconds) for number in range(int((end.timestamp() - first) // seconds) + 1)]
    values = {label: _values(series, times, seconds, nothing) for label, series in lines.items()}
    data = {"times": times, "unit": unit, "lines": [{"label": label, "values": line} for label, line in values.items()]}
    rows: list[tuple[str, list[str]]] = []
    for number in range(len(times) - 1, -1, -1):
        points = [line[number] for line in values.values()]
        if any(points) and len(rows) < _MOST_ROWS:
            rows.append((at(datetime.fromtimestamp(times[number], UTC)), [_shown(point, unit) for point in points]))
    is_measured = any(value is not None for line in values.values() for value in line)
    return Chart(title, json.dumps(data, separators=(",", ":")), tuple(lines), rows, is_measured)


def _values(series: Series, times: list[int], seconds: float, nothing: float | None) -> list[float | None]:
    by_time: dict[int, float] = {}
    for when, value in series.items():
        begin = int(when.timestamp() // seconds * seconds)
        by_time[begin] = by_time.get(begin, 0.0) + value if nothing == 0.0 else max(by_time.get(begin, value), value)
    return [round(by_time[time], 3) if time in by_time else nothing for time in times]


def _shown(value: float | None, unit: str) -> str:
    return "-" if value is None else f"{value:,.10g} {unit}".strip()


def scaled(series: Series, change: Callable[[float], float]) -> Series:
    """The series with each value changed."""
    return {when: change(value) for when, value in series.items()}
