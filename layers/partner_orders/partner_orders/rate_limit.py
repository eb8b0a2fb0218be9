"""Never more than so many requests in any 60 seconds: over its limit the platform blocks the address (contract 4.5)."""

from collections import deque
from collections.abc import Callable

WINDOW_SECONDS = 60.0


class RateLimit:
    """``seconds`` is a monotonic clock, ``sleep`` waits by it."""

    def __init__(self, per_minute: int, seconds: Callable[[], float], sleep: Callable[[float], None]) -> None:
        self._taken: deque[float] = deque(maxlen=per_minute)
        self._seconds = seconds
        self._sleep = sleep

    def take(self, remaining_seconds: float) -> bool:
        """Wait for leave to send one request. False, at once, if it would come after ``remaining_seconds``."""
        now = self._seconds()
        if len(self._taken) == self._taken.maxlen:
            wait = self._taken[0] + WINDOW_SECONDS - now
            if wait > remaining_seconds:
                return False
            if wait > 0:
                self._sleep(wait)
        self._taken.append(self._seconds())
        return True
