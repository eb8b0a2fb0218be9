"""At most so many requests in any 60 seconds: above that the platform blocks the address (docs/platform.md 4.5)."""

from collections import deque
from collections.abc import Callable
from typing import Protocol

WINDOW_SECONDS = 60.0


def nothing() -> None:
    """Keep nothing alive."""


class RequestLimit(Protocol):
    """Bounds the requests of one worker, ``per_minute`` of them at most. One request is made at a time: ``wait``
    directly before it, as often as is convenient, and ``record`` after it."""

    per_minute: int

    def wait(self, remaining_seconds: float, keep_alive: Callable[[], None] = nothing) -> bool:
        """Wait until one request may be sent. False, at once, if that is after ``remaining_seconds``. ``keep_alive`` is
        called in waits of over a minute, and may raise to end them."""

    def record(self) -> None:
        """Count a request: its response came, or it was given up."""

    def assume(self, requests: int, seconds_ago: float) -> None:
        """Count requests of another worker, the last of them this long ago."""

    def recent(self) -> int:
        """How many requests the next worker has to count."""

    def hand_back(self) -> None:
        """End the work: what was not used is for others."""


class RateLimit:
    """``seconds`` is a monotonic clock, ``sleep`` waits by it.

    A request counts from when its response came, since the platform may have seen it as late as that.
    """

    def __init__(self, per_minute: int, seconds: Callable[[], float], sleep: Callable[[float], None]) -> None:
        self.per_minute = per_minute
        self._ended: deque[float] = deque(maxlen=per_minute)
        self._seconds = seconds
        self._sleep = sleep

    def wait(self, remaining_seconds: float, keep_alive: Callable[[], None] = nothing) -> bool:  # noqa: ARG002
        """Wait until one request may be sent, for a minute at most. False, at once, if that is after
        ``remaining_seconds``."""
        if len(self._ended) == self.per_minute:
            wait = self._ended[0] + WINDOW_SECONDS - self._seconds()
            if wait > remaining_seconds:
                return False
            while wait > 0:
                self._sleep(wait)
                wait = self._ended[0] + WINDOW_SECONDS - self._seconds()
        return True

    def assume(self, requests: int, seconds_ago: float) -> None:
        """Count requests of another worker, the last of them this long ago: the limit is on the address."""
        self._ended.extend([self._seconds() - seconds_ago] * min(requests, self.per_minute))

    def recent(self) -> int:
        """How many requests count now."""
        return sum(ended > self._seconds() - WINDOW_SECONDS for ended in self._ended)

    def record(self) -> None:
        """Count a request: its response came, or it was given up."""
        self._ended.append(self._seconds())

    def hand_back(self) -> None:
        """Hand back nothing: only requests that were made count."""


def workers_share(limit_per_minute: int) -> int:
    """What the reconciler takes of the platform's limit; the rest is for the operator's own calls."""
    return max(1, limit_per_minute * 9 // 10)
