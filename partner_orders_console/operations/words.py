"""Words that results, errors and outputs share."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any


def counted(number: int, one: str, many: str = "") -> str:
    """``1 order``, ``2 orders``; ``many`` where it is not the one with an s."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def words(code: object) -> str:
    """A code such as ``not_found`` in words: ``not found``."""
    return str(code).replace("_", " ")


def at(when: datetime | str | None, zone: tzinfo = UTC) -> str:
    """A time for a person, in a zone: ``2026-03-14 08:15:02``; empty without one. ``when`` may be a time of the
    table."""
    moment = _moment(when)
    return "" if moment is None else f"{moment.astimezone(zone):%Y-%m-%d %H:%M:%S}"


def ago(when: datetime | str | None, now: datetime) -> str:
    """How long ago a time is: ``4 min ago``, ``3 h ago``, ``12 days ago``; ``now`` for less than a minute, and
    ``in 5 min`` for a time to come."""
    moment = _moment(when)
    if moment is None:
        return ""
    age = now - moment
    if abs(age) < timedelta(minutes=1):
        return "now"
    length = _length(abs(age))
    return f"{length} ago" if age > timedelta() else f"in {length}"


def values_shown(values: Mapping[str, Any] | None) -> str:
    """Values in a line: ``price 3.50, on sale, quantity 7``; empty without any."""
    return ", ".join(_value_shown(name, value) for name, value in (values or {}).items() if value is not None)


def _value_shown(name: str, value: Any) -> str:
    match name:
        case "active":
            return "on sale" if value else "off sale"
        case "price":
            return f"price {value:f}"
        case _:
            return f"{name} {value}"


def _length(age: timedelta) -> str:
    if age < timedelta(hours=1):
        return f"{age // timedelta(minutes=1)} min"
    if age < timedelta(days=2):
        return f"{age // timedelta(hours=1)} h"
    return f"{age.days} days"


def _moment(when: datetime | str | None) -> datetime | None:
    if isinstance(when, str):
        return datetime.fromisoformat(when) if when else None
    return when
