"""Drains the queue of files: one store's file after the other, until the queue is empty or the function's time is."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from partner_orders.catalogue.files import FileRow, FileState
from partner_orders.catalogue.loading_lease import LeaseLostError, StoreIsLoadingError
from partner_orders.clock import Clock
from partner_orders.loader.file_event import FileEvent, UnreadableMessageError, file_events
from partner_orders.loader.file_loading import FileLoading, NotReleasedError
from partner_orders.loader.files_bucket import FileGoneError
from partner_orders.loader.files_queue import VISIBILITY_SECONDS, FilesMessage, FilesQueue
from partner_orders.loader.turn import Limits, OutOfTimeError

# No file is begun with less time than this; a run that ends sooner is followed by one with all of the function's time.
START_SECONDS = 300.0
# A message that failed so often is for a person; with these waits it is tried for some six hours.
MOST_RECEIVES = 30
FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS = 15.0, 900.0

_REASONS = {
    FileGoneError: "this version of the file is not in the bucket any more",
    NotReleasedError: "a release of a file that is not held, or of which nobody decided",
}


@dataclass
class Drained:
    """What a run did. ``ended``: files, as they ended. ``failed``: keys of files that come again, each with the name of
    its failure. ``rejected``: reasons of messages that went to the dead letters."""

    ended: list[FileRow] = field(default_factory=list)
    ignored: int = 0
    repeated: int = 0
    failed: list[tuple[str, str]] = field(default_factory=list)
    rejected: list[str] = field(default_factory=list)

    @property
    def metrics(self) -> dict[str, int]:
        """What is counted, by metric."""
        states = Counter(row.state for row in self.ended)
        loaded = [row for row in self.ended if row.state is FileState.LOADED]
        return {
            "FilesLoaded": states[FileState.LOADED],
            "FilesRefused": states[FileState.REFUSED],
            "FilesHeld": states[FileState.HELD],
            "FilesIgnored": self.ignored,
            "FilesFailed": len(self.failed),
            "FileMessagesRejected": len(self.rejected),
            "LinesGood": sum(row.good for row in self.ended),
            "LinesBad": sum(row.bad for row in self.ended),
            "ProductsChanged": sum(row.changed for row in loaded),
            "PricesHeld": sum(row.held_prices for row in loaded),
        }


@dataclass
class _Handled:
    """What became of one message: the reasons for which it is rejected, and the seconds after which it comes again."""

    reasons: list[str] = field(default_factory=list)
    comes_again_after: float | None = None
    is_out_of_time: bool = False

    def come_again(self, seconds: float) -> None:
        self.comes_again_after = max(seconds, self.comes_again_after or 0.0)


class Draining:
    """``passed``: seconds since some moment. ``tell`` is told of each file that ended."""

    def __init__(
        self,
        queue: FilesQueue,
        loading: FileLoading,
        bucket_name: str,
        clock: Clock,
        passed: Callable[[], float],
        tell: Callable[[FileRow], None] = lambda _: None,
    ) -> None:
        self._queue = queue
        self._loading = loading
        self._bucket_name = bucket_name
        self._clock = clock
        self._passed = passed
        self._tell = tell

    def run(self, seconds_left: Callable[[], float], drained: Drained) -> None:
        """Work on messages while there is time for another file. Raises botocore's errors where the queue cannot be
        reached; ``drained`` holds what was done until then."""
        while seconds_left() > START_SECONDS:
            message = self._queue.receive()
            if message is None or self._take(message, seconds_left, drained):
                return

    def _take(self, message: FilesMessage, seconds_left: Callable[[], float], drained: Drained) -> bool:
        """Work on a message; whether the time is over. The message is deleted once all that it says is done."""
        try:
            events = file_events(message.text, self._bucket_name)
        except UnreadableMessageError as error:
            self._reject(message, str(error), drained)
            return False
        if message.receives > MOST_RECEIVES:
            self._reject(message, f"it failed {MOST_RECEIVES} times; see the loader's log", drained)
            return False
        limits = Limits(seconds_left, lambda: self._queue.put_off(message, VISIBILITY_SECONDS), self._passed)
        handled = _Handled(reasons=events.problems)
        for event in events.files:
            self._load(event, limits, message.receives, handled, drained)
        if handled.comes_again_after is not None:
            self._queue.put_off(message, handled.comes_again_after)
        elif handled.reasons:
            self._reject(message, "; ".join(handled.reasons), drained)
        else:
            self._queue.delete(message)
            drained.ignored += events.ignored
        return handled.is_out_of_time

    def _load(self, event: FileEvent, limits: Limits, receives: int, handled: _Handled, drained: Drained) -> None:
        try:
            ended = self._loading.load(event, limits)
        except OutOfTimeError:
            handled.come_again(0.0)
            handled.is_out_of_time = True
        except StoreIsLoadingError as error:
            handled.come_again((error.until - self._clock()).total_seconds() + 1.0)
        except (FileGoneError, NotReleasedError) as error:
            handled.reasons.append(_REASONS[type(error)])
        except Exception as error:
            if not isinstance(error, LeaseLostError):
                drained.failed.append((event.key, type(error).__name__))
            handled.come_again(min(FIRST_WAIT_SECONDS * 2 ** min(receives - 1, 10), LONGEST_WAIT_SECONDS))
        else:
            if ended is None:
                drained.repeated += 1
            else:
                drained.ended.append(ended)
                self._tell(ended)

    def _reject(self, message: FilesMessage, reason: str, drained: Drained) -> None:
        self._queue.reject(message, reason)
        drained.rejected.append(reason)
