"""What the platform shows of a store's status, and whether that is what was wished (docs/platform.md 9)."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from partner_orders.store_status.wish import Kind, Wish

# Closed without an end. It can only be read.
CLOSED = "CLOSED"
# The platform may cut seconds, and end a day a second early.
SAME_END = timedelta(minutes=1)
_CLOSED = frozenset({CLOSED, Kind.CLOSED_TODAY.value, Kind.CLOSED_UNTIL.value})


class CheckinTimes(NamedTuple):
    """Between which times (UTC) the platform wants the store's check-in."""

    begins: datetime
    ends: datetime


class Reading(NamedTuple):
    """A status as the platform shows it. ``status`` may be one that nobody knows; what it does not show is empty or
    None. ``until`` is in UTC."""

    status: str
    reason: str = ""
    until: datetime | None = None
    checkin: CheckinTimes | None = None

    @property
    def is_closed(self) -> bool:
        return self.status in _CLOSED

    @property
    def what_counts(self) -> tuple[str, str, datetime | None]:
        """What a change is a change of."""
        return self.status, self.reason, self.until


@dataclass(frozen=True, slots=True)
class Shown:
    """A reading, the time at which it was asked for, and since when the platform has shown the same."""

    reading: Reading
    read_at: datetime
    since: datetime


def shows(reading: Reading, wish: Wish, is_acknowledged: bool) -> bool:
    """Whether a reading is what was wished. ``is_acknowledged``: whether the platform accepted the wish with a 2xx, or
    showed it before; its word then stands for an end that it does not show, as that of a store that it closed without
    one, which may only be the night."""
    match wish.kind:
        case Kind.OPEN:
            return reading.status == Kind.OPEN
        case Kind.CHECKIN:
            return reading.status in {Kind.CHECKIN, Kind.OPEN}
    if reading.status == CLOSED:
        return is_acknowledged
    if wish.kind is Kind.CLOSED_TODAY and reading.status == Kind.CLOSED_TODAY:
        return True
    if reading.status != Kind.CLOSED_UNTIL:
        return False
    return is_acknowledged if reading.until is None else abs(reading.until - wish.until) <= SAME_END
