"""What the chain wants of a store's status, and what became of it (docs/platform.md 9)."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

# The platform's reasons of a closing. One that is read may be another.
REASONS = (
    *("TOO_BUSY_NO_DRIVERS", "TOO_BUSY_KITCHEN", "UPDATES_IN_MENU", "TECHNICAL_PROBLEM"),
    *("CLOSED", "OTHER", "BAD_WEATHER", "HOLIDAY_SPECIAL_DAY"),
)
# A longer closing is most likely a mistyped year.
LONGEST_CLOSING = timedelta(days=366)
# An opening that does not succeed is not tried for longer: the store might open at a time that nobody meant.
OPENING_TRIED_FOR = timedelta(hours=3)


class Kind(StrEnum):
    """The statuses that can be sent."""

    OPEN = "OPEN"
    CLOSED_TODAY = "CLOSED_TODAY"
    CLOSED_UNTIL = "CLOSED_UNTIL"
    CHECKIN = "CHECKIN"

    @property
    def closes(self) -> bool:
        return self in {Kind.CLOSED_TODAY, Kind.CLOSED_UNTIL}


class Outcome(StrEnum):
    """What became of a wish. The first two are of one that is still looked after; ``shown`` is of a closing that the
    platform shows, ``done`` of an opening that it showed once, and ``ended`` of a closing whose time is over."""

    WAITING = "waiting"
    SHOWN = "shown"
    DONE = "done"
    ENDED = "ended"
    REFUSED = "refused"
    GIVEN_UP = "given_up"
    OVERTAKEN = "overtaken"

    @property
    def is_active(self) -> bool:
        return self in {Outcome.WAITING, Outcome.SHOWN}


@dataclass(frozen=True, slots=True)
class Wish:
    """``number`` counts the wishes of a store: the highest is the newest. ``until`` is the end of a closing; of any
    other wish, how long it is tried. Times are whole seconds, except for ``at``, when it was wished. ``reason`` is one
    of REASONS for a closing, else empty. ``by`` and ``why`` tell who wished it and their words."""

    number: int
    kind: Kind
    until: datetime
    reason: str
    by: str
    why: str
    at: datetime
