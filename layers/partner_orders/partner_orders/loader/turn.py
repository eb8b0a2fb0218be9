"""The loader's turn at a file: while the work goes on, its message stays invisible, its store is the loader's alone,
and its row says how far it is."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from partner_orders.catalogue.files import FileRow
from partner_orders.catalogue.tables import Tables
from partner_orders.clock import Clock

BEAT_SECONDS = 10.0
# What is left for the report and the row of a file that is stopped.
RESERVE_SECONDS = 20.0


class OutOfTimeError(Exception):
    """The function ends soon. What was applied of the file stays, and the next run goes on from there."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How long the work may go on. ``seconds_left``: until the function ends. ``keep_message``: called now and then, so
    that the queue gives the message to nobody else. ``passed``: seconds since some moment."""

    seconds_left: Callable[[], float]
    keep_message: Callable[[], None]
    passed: Callable[[], float]


class Turn:
    """``row`` is the file's, ``token`` the fencing token of its store's lease."""

    def __init__(self, tables: Tables, row: FileRow, token: int, clock: Clock, limits: Limits) -> None:
        self.row = row
        self.token = token
        self._tables = tables
        self._clock = clock
        self._limits = limits
        self._last = limits.passed()

    def beat(self, done: int) -> None:
        """Go on, with so much done. Raises OutOfTimeError, LeaseLostError and botocore's errors."""
        if self._limits.seconds_left() < RESERVE_SECONDS:
            raise OutOfTimeError
        now = self._limits.passed()
        if now - self._last < BEAT_SECONDS:
            return
        self._last = now
        self._limits.keep_message()
        self._tables.leases.renew(self.row.file.store_id, self.token, self._clock())
        self._tables.files.note(self.row, self.token, done, self._clock())

    def reading(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        """The chunks of a file; each moves the work on."""
        done = 0
        for chunk in chunks:
            self.beat(done)
            done += len(chunk)
            yield chunk
