"""When a promotion starts and ends, as a document says it."""

import re
from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
# Other forms of ISO 8601, such as 20260506, are read as a moment by some and as a day by others.
_TIME = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:\d\d)?)?", re.ASCII)
_LAST_MOMENT = time(23, 59, 59)
EARLIEST, LATEST = datetime(2010, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)


def time_of(text: str, zone: ZoneInfo | str, is_end: bool = False) -> datetime:
    """A time in UTC. Without an offset it is in ``zone``; where that is a text, it says why there is none. A date alone
    is its first moment, or with ``is_end`` its last second. Raises ValueError with a sentence for a person."""
    if not text:
        raise ValueError("say when, e.g. 2026-05-06T10:00:00Z, or 2026-05-06 for a whole day")
    try:
        if not _TIME.fullmatch(text):
            raise ValueError(text)
        given = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError("use e.g. 2026-05-06T10:00:00Z, or 2026-05-06 for a whole day") from None
    if is_end and _DATE.fullmatch(text):
        given = datetime.combine(given.date(), _LAST_MOMENT)
    if given.tzinfo is None:
        given = _in_zone(given, zone)
    try:
        found = given.astimezone(UTC)
    except OverflowError:
        raise ValueError("is the year right?") from None
    if not EARLIEST <= found <= LATEST:
        raise ValueError("is the year right?")
    return found.replace(microsecond=found.microsecond // 1_000 * 1_000)


def _in_zone(given: datetime, zone: ZoneInfo | str) -> datetime:
    if isinstance(zone, str):
        raise ValueError(zone)
    at = given.replace(tzinfo=zone)
    later = at.replace(fold=1)
    if at.utcoffset() == later.utcoffset():
        return at
    if at.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != given:
        raise ValueError(f"the clocks in {zone.key} skip this time; use another one")
    raise ValueError(f"the clocks in {zone.key} show this time twice; add an offset, such as {_offset(at)} or Z")


def _offset(at: datetime) -> str:
    return at.isoformat()[-6:]
