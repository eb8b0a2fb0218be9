"""Times as an operator types them: an age or a time."""

import re
from datetime import UTC, datetime, timedelta

from partner_orders.clock import now
from partner_orders_console.operations.errors import OperatorError

_AGE = re.compile(r"(\d{1,6})\s*([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def moment(text: str) -> datetime:
    """The time (UTC) that an age such as ``90s``, ``30m``, ``2h`` or ``3d`` ago, or a time such as
    ``2026-03-14T08:00:00Z``, means. A time without an offset is in UTC. Raises OperatorError."""
    if age := _AGE.fullmatch(text.strip().lower()):
        return now() - timedelta(**{_UNITS[age[2]]: int(age[1])})
    try:
        found = datetime.fromisoformat(text.strip())
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):
        raise OperatorError(
            f"{text!r} is neither an age nor a time", "Use e.g. 30m, 2h, 3d, or 2026-03-14T08:00:00Z."
        ) from None
