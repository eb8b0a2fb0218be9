"""The version of a value: the time at which the chain's system said it. The newest version wins (rule W3).

A line may state it in its column ``version``; else the file's name does; else the time at which the file was stored.
"""

import re
from datetime import UTC, datetime, timedelta

# A version that is further ahead is refused: until that time, nothing newer could win.
MOST_AHEAD = timedelta(minutes=10)
_EARLIEST = datetime(2010, 1, 1, tzinfo=UTC)
# A time in a file's name, in UTC: 20261014T081500Z, 2026-10-14T08-15-00, 20261014-081500, 20261014_0815.
_IN_A_NAME = re.compile(
    r"(?<![0-9])(20[0-9]{2})-?([01][0-9])-?([0-3][0-9])[T_ -]?"
    r"([0-2][0-9])[-:]?([0-5][0-9])(?:[-:]?([0-5][0-9]))?Z?(?![0-9])"
)

_READ_AS_UTC = "The time in a file's name is read as UTC: name the file with its time in UTC, or without a time."


class VersionError(ValueError):
    """A version that cannot be taken; the message says why and what to use."""


def stated_version(text: str, now: datetime) -> datetime:
    """The version that a column states: an ISO time with its offset, to the millisecond. Raises VersionError."""
    try:
        version = datetime.fromisoformat(text)
    except ValueError:
        version = None
    if version is None or version.tzinfo is None:
        raise VersionError("use a time with its offset, such as 2026-10-14T08:15:00Z")
    return checked(version, now)


def version_of_file(name: str, stored_at: datetime, now: datetime) -> datetime:
    """The version of a file's lines: the time in its name (UTC), else the time at which it was stored. A name with
    several times is read by its last. Raises VersionError, for a time in the name with how it was read."""
    found = _IN_A_NAME.findall(name.rpartition("/")[2])
    if not found:
        return checked(stored_at, now)
    try:
        year, month, day, hour, minute, second = (int(part or 0) for part in found[-1])
        version = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    except ValueError:
        return checked(stored_at, now)
    try:
        return checked(version, now)
    except VersionError as error:
        raise VersionError(f"{error}. {_READ_AS_UTC}") from None


def checked(version: datetime, now: datetime) -> datetime:
    """The version, to the millisecond. Raises VersionError for one that is too far ahead or no time of a product."""
    if version > now + MOST_AHEAD:
        minutes = int(MOST_AHEAD.total_seconds()) // 60
        raise VersionError(f"{version.isoformat()} is more than {minutes} minutes ahead; check the clock that wrote it")
    if version < _EARLIEST:
        raise VersionError(f"{version.isoformat()} is before 2010; check the clock that wrote it")
    return version.astimezone(UTC).replace(microsecond=version.microsecond // 1000 * 1000)
