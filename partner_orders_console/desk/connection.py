"""The stack that the desk shows, which may be updated, removed or made anew while the desk is open."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock

from botocore.exceptions import ClientError, EndpointConnectionError

from partner_orders_console.operations.errors import NotFoundError
from partner_orders_console.operations.explanation import EXPIRED, explained
from partner_orders_console.operations.stack import NOT_SIGNED_IN, DeployedStack

# Seconds for which what a stack is made of is remembered.
REMEMBERED = 60.0


@dataclass(frozen=True)
class Fault:
    """Why a part of a page cannot be shown, and what to do about it; ``is_missing`` where there is no such thing.
    Neither text holds anybody's data."""

    what: str
    advice: str
    is_missing: bool = False

    is_fault = True


class Connection:
    """``find`` finds the stack, with the credentials of that moment. Raises what it raises."""

    def __init__(self, find: Callable[[], DeployedStack], clock: Callable[[], float] = time.monotonic) -> None:
        self._find = find
        self._clock = clock
        self._lock = Lock()
        self._stack: DeployedStack | None = None
        self._looked_at = 0.0

    def stack(self) -> DeployedStack:
        """The stack; what is remembered of it is at most a minute old."""
        with self._lock:
            if self._stack is None:
                self._stack, self._looked_at = self._find(), self._clock()
            elif self._clock() - self._looked_at >= REMEMBERED:
                self._stack, self._looked_at = self._stack.looked_at_anew(), self._clock()
            return self._stack

    def lost(self, error: Exception) -> None:
        """After an error that a new look at credentials and addresses may mend, the stack is found anew."""
        code = error.response["Error"]["Code"] if isinstance(error, ClientError) else ""
        if code in EXPIRED or isinstance(error, (*NOT_SIGNED_IN, EndpointConnectionError)):
            with self._lock:
                self._stack = None

    def attempt[T](self, make: Callable[[DeployedStack], T]) -> T | Fault:
        """What ``make`` gives of the stack, or why that failed: a part that fails takes no other with it."""
        try:
            return make(self.stack())
        except Exception as error:
            self.lost(error)
            return Fault(*explained(error), is_missing=isinstance(error, NotFoundError))
