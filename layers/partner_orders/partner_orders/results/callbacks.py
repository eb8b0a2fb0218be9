"""Takes the callbacks off their queue, and settles what they are about: jobs of ours, and exports."""

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from enum import Enum, auto
from typing import Protocol

from partner_orders.aws.error_codes import code_of
from partner_orders.catalogue.result_rows import UnreadableResultError
from partner_orders.clock import Clock
from partner_orders.order_events.message import OrderEventMessage, UnreadableMessageError
from partner_orders.platform.calls import is_of_every_store
from partner_orders.platform.failures import OutOfTimeError, PartnerApiError
from partner_orders.platform.job_files import UrlRefusedError
from partner_orders.results.callback import Callback, NoCallbackError, parse_callback
from partner_orders.results.callbacks_queue import CallbacksQueue, Delivered
from partner_orders.results.kept_callbacks import UNKNOWN_JOB, UNREADABLE_RESULT, URL_REFUSED, KeptCallbacks
from partner_orders.results.settling import UnknownJobError

# A callback may come before the response of the call is noted, and a file may be cut once.
PATIENCE = timedelta(minutes=5)


class TakesCallbacks(Protocol):
    """What settles a callback: False where there is nothing to settle."""

    def take(self, callback: Callback) -> bool: ...


class _Next(Enum):
    """What becomes of a message: it is DONE, comes LATER, or ends the run's work on the platform, too."""

    DONE = auto()
    LATER = auto()
    STOP = auto()


class Callbacks:
    """``settling`` takes the callbacks of jobs, ``exports`` those of exports. ``counts``: what happened, by the names
    of metrics. ``faults``: how often what failed, by kind."""

    def __init__(
        self,
        queue: CallbacksQueue,
        settling: TakesCallbacks,
        exports: TakesCallbacks,
        kept: KeptCallbacks,
        clock: Clock,
    ) -> None:
        self._queue = queue
        self._settling = settling
        self._exports = exports
        self._kept = kept
        self._clock = clock
        self.counts: Counter[str] = Counter()
        self.faults: Counter[str] = Counter()
        self.error: PartnerApiError | None = None

    def drain(self, may_start: Callable[[], bool]) -> bool:
        """Take callbacks until none is left, or no more may be started; False if nothing more may be asked of the
        platform in this run: ``error`` then says why, if the platform does. Raises botocore's errors."""
        self.error = None
        while may_start() and (messages := self._queue.receive()):
            later: list[Delivered] = []
            is_stopped = False
            for message in messages:
                step = self._take(message) if not is_stopped and may_start() else _Next.LATER
                is_stopped = is_stopped or step is _Next.STOP
                if step is not _Next.DONE:
                    later.append(message)
            if later:
                self._queue.later(later)
            if is_stopped:
                return False
        return True

    def _take(self, message: Delivered) -> _Next:
        try:
            delivered = OrderEventMessage.from_text(message.text)
            callback = parse_callback(delivered.body)
        except (UnreadableMessageError, NoCallbackError) as error:
            self.counts["CallbacksUnreadable"] += 1
            self._queue.dead_letter(message, str(error))
            return _Next.DONE
        step = self._settle(delivered, callback)
        if step is _Next.DONE:
            self._queue.done(message)
        return step

    def _settle(self, delivered: OrderEventMessage, callback: Callback) -> _Next:
        is_old = self._clock() - delivered.received_at >= PATIENCE
        try:
            try:
                self._settling.take(callback)
            except UnknownJobError:
                if not self._exports.take(callback):
                    return self._left(delivered, callback, UNKNOWN_JOB) if is_old else _Next.LATER
        except UrlRefusedError as error:
            return self._left(delivered, callback, URL_REFUSED, str(error))
        except OutOfTimeError:
            return _Next.STOP
        except PartnerApiError as error:
            self.faults[error.failure] += 1
            if is_of_every_store(error):
                self.error = error
                return _Next.STOP
            if error.retry_after is None and is_old:
                return self._left(delivered, callback, UNREADABLE_RESULT, str(error))
            return _Next.LATER
        except UnreadableResultError as error:
            return self._left(delivered, callback, UNREADABLE_RESULT, str(error)) if is_old else _Next.LATER
        except Exception as error:  # Never the next one's fault.
            self.faults[code_of(error)] += 1
            return _Next.LATER
        return _Next.DONE

    def _left(self, delivered: OrderEventMessage, callback: Callback, reason: str, detail: str = "") -> _Next:
        """Keep a callback that leads to nothing. Its job is asked for later, and given up in the end."""
        self._kept.keep(callback, delivered.received_at, self._clock(), reason, detail)
        self.counts[_COUNTED[reason]] += 1
        return _Next.DONE


_COUNTED = {
    UNKNOWN_JOB: "CallbacksUnknown",
    URL_REFUSED: "ResultsRefused",
    UNREADABLE_RESULT: "ResultsUnreadable",
}
