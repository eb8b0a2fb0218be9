"""What was read a moment ago, for every page that shows it: ten open pages cost what one does."""

import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

_MOST = 200  # kept values; the oldest are let go


@dataclass
class _Kept:
    lock: Lock = field(default_factory=Lock)
    value: Any = None
    made_at: float | None = None


class Kept:
    """Values by key, each made once for some seconds, also if several ask for it at once. Errors are not kept."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = Lock()
        self._values: dict[Hashable, _Kept] = {}

    def get[T](self, key: Hashable, seconds: float, make: Callable[[], T]) -> T:
        """The value of a key, at most so many seconds old. Raises what ``make`` raises."""
        with self._lock:
            kept = self._values.pop(key, None) or _Kept()
            self._values[key] = kept
            while len(self._values) > _MOST:
                del self._values[next(iter(self._values))]
        with kept.lock:
            if kept.made_at is None or self._clock() - kept.made_at >= seconds:
                kept.value, kept.made_at = make(), self._clock()
            value: T = kept.value
            return value

    def forget(self) -> None:
        """Have everything read anew, after a change."""
        with self._lock:
            self._values.clear()
