"""A store's trading hours, as an operator writes them: ``mon-fri 08:00-22:00, sat 10:00-02:00``, in its own zone."""

import re
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_PART = re.compile(r"([a-z]{3})(?:-([a-z]{3}))?\s+(\d{1,2}:\d{2})-(\d{1,2}:\d{2})")


class BadTradingHoursError(ValueError):
    """Says which part cannot be read, and how it should look."""


@dataclass(frozen=True)
class TradingHours:
    """``spans`` are (weekday from Monday as 0, opening, closing); one that closes at or before it opens goes on into
    the next day."""

    zone: ZoneInfo
    spans: tuple[tuple[int, time, time], ...]

    @classmethod
    def from_text(cls, text: str, time_zone: str) -> "TradingHours":
        """Raises BadTradingHoursError."""
        try:
            zone = ZoneInfo(time_zone)
        except (KeyError, ValueError, OSError):
            raise BadTradingHoursError(f"{time_zone!r} is not a time zone; use e.g. Asia/Karachi") from None
        spans: list[tuple[int, time, time]] = []
        for part in filter(None, map(str.strip, text.lower().split(","))):
            found = _PART.fullmatch(part)
            if found is None or not {found[1], found[2] or found[1]} <= {*DAYS}:
                raise BadTradingHoursError(f"{part!r} should look like mon-fri 08:00-22:00")
            first, last = DAYS.index(found[1]), DAYS.index(found[2] or found[1])
            days = range(first, last + 1) if first <= last else [*range(first, 7), *range(last + 1)]
            try:
                opens, closes = (time.fromisoformat(hour.zfill(5)) for hour in (found[3], found[4]))
            except ValueError:
                raise BadTradingHoursError(f"{part!r} has a time that is none; midnight is 00:00") from None
            spans += [(day, opens, closes) for day in days]
        return cls(zone, tuple(spans))

    def is_open(self, instant: datetime) -> bool:
        """Whether the store trades at a time."""
        local = instant.astimezone(self.zone).replace(tzinfo=None)
        for day, opens, closes in self.spans:
            for date in (local.date(), local.date() - timedelta(days=1)):
                opening = datetime.combine(date, opens)
                closing = datetime.combine(date + timedelta(days=closes <= opens), closes)
                if date.weekday() == day and opening <= local < closing:
                    return True
        return False
