"""Times as the project keeps them: UTC, and as text in microseconds with ``Z``, which sorts as the times do."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

type Clock = Callable[[], datetime]

# The least by which two times differ, also as text.
INSTANT = timedelta(microseconds=1)


def now() -> datetime:
    return datetime.now(UTC)


class PassedSeconds:
    """A clock that goes on while a sandbox is frozen or a laptop sleeps. The monotonic clock may stand still meanwhile;
    the calendar's does not, and may be set. The longer time counts."""

    def __init__(
        self, monotonic: Callable[[], float] = time.monotonic, calendar: Callable[[], float] = time.time
    ) -> None:
        self._clocks = monotonic, calendar
        self._last = monotonic(), calendar()
        self._passed = 0.0

    def __call__(self) -> float:
        """Seconds since this clock was made."""
        last, self._last = self._last, (self._clocks[0](), self._clocks[1]())
        self._passed += max(present - before for present, before in zip(self._last, last, strict=True))
        return self._passed


def to_text(instant: datetime) -> str:
    return instant.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def from_text(text: str) -> datetime:
    """Inverse of to_text(). Raises ValueError."""
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except OverflowError:
        raise ValueError("a time out of range") from None
