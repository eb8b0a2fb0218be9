"""Times as an operator types them: an age or a time."""

import re
from datetime import UTC, datetime, timedelta

from partner_orders.clock import now
from partner_orders_console.operations.errors import OperatorError

_AGE = re.compile(r"(\d{1,6})\s*([smhd])")
EARLIEST = datetime(2010, 1, 1, tzinfo=UTC)
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def instant(text: str) -> datetime:
    """The time (UTC) of a text in ISO 8601; without an offset it is in UTC. Raises ValueError and OverflowError."""
    found = datetime.fromisoformat(text.strip())
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def moment(text: str) -> datetime:
    """The time (UTC) that an age such as ``90s``, ``30m``, ``2h`` or ``3d`` ago, or a time such as
    ``2026-03-14T08:00:00Z``, means. A time without an offset is in UTC. Raises OperatorError."""
    try:
        if age := _AGE.fullmatch(text.strip().lower()):
            found = now() - timedelta(**{_UNITS[age[2]]: int(age[1])})
        else:
            found = instant(text)
        if found < EARLIEST:
            raise ValueError("before there was anything to find")
    except (ValueError, OverflowError):
        raise OperatorError(
            f"{text!r} is neither an age nor a time since 2010", "Use e.g. 30m, 2h, 3d, or 2026-03-14T08:00:00Z."
        ) from None
    return found


def moment_if_given(text: str) -> datetime | None:
    """As ``moment``; None for an empty text. Raises OperatorError."""
    return moment(text) if text else None
