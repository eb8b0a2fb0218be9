"""Keeps a run from delaying live orders, and its lease renewed."""

from collections.abc import Callable
from datetime import datetime, timedelta

from partner_orders.clock import Clock
from partner_orders.reconciler.lease import Lease
from partner_orders.reconciler.ports import EventsQueue
from partner_orders.reconciler.run_state import LAST_START_SECONDS
from partner_orders.reconciler.stop_reason import RunEndedError, StopReason

# The consumer takes some hundred messages a second: behind more than these, a live order would wait for seconds.
PAUSE_ABOVE_MESSAGES = 200
# So it does where more than these wait to be received whenever one looks, for so long.
PAUSE_ABOVE_UNRECEIVED = 20
UNRECEIVED_FOR = timedelta(seconds=5)


class Pacing:
    """The pace of one run. ``remaining_seconds`` is how long it may still take."""

    def __init__(
        self,
        queue: EventsQueue,
        lease: Lease,
        remaining_seconds: Callable[[], float],
        clock: Clock,
        sleep: Callable[[float], None],
    ) -> None:
        self._queue = queue
        self._lease = lease
        self._remaining_seconds = remaining_seconds
        self._clock = clock
        self._sleep = sleep
        self._unreceived_since: datetime | None = None

    def before_request(self) -> None:
        """Renew the lease, and wait while live orders would wait behind what the run has enqueued. Raises
        RunEndedError, and botocore's errors."""
        self._lease.renew()
        while self._is_behind():
            if self._remaining_seconds() < LAST_START_SECONDS:
                raise RunEndedError(StopReason.QUEUE_BEHIND)
            self._sleep(1.0)
            self._lease.renew()

    def _is_behind(self) -> bool:
        """Whether live orders may wait for seconds. SQS tells how many messages there are, and of no message how old it
        is; those that nobody receives for a while have waited for as long, or others as many before them."""
        backlog = self._queue.backlog()
        if backlog.unreceived <= PAUSE_ABOVE_UNRECEIVED:
            self._unreceived_since = None
        elif self._unreceived_since is None:
            self._unreceived_since = self._clock()
        unreceived_for = self._clock() - self._unreceived_since if self._unreceived_since else timedelta(0)
        return unreceived_for >= UNRECEIVED_FOR or sum(backlog) > PAUSE_ABOVE_MESSAGES
