"""Reads a window of a store in parts, and has each page of orders compared with ours."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from partner_orders.clock import Clock
from partner_orders.platform.failures import (
    Failure,
    OutOfTimeError,
    PartnerApiError,
    PlatformUnavailableError,
    TooManyPagesError,
    UnsteadyWindowError,
)
from partner_orders.platform.http import PartnerApiClient
from partner_orders.platform.orders import MAX_PAGES, SETTLED, PlatformOrders
from partner_orders.reconciler.comparison import Comparison, ComparisonScope
from partner_orders.reconciler.narrowing import Narrowing, may_be_narrowed
from partner_orders.reconciler.windows import (
    MAX_LEFT_OUT,
    LeftOut,
    Part,
    Parts,
    Window,
    newest_part,
    without,
)
from partner_orders.stores.store import Store


class ReadPart(NamedTuple):
    """A part that was read to its last page and enqueued, or left out: the time up to which the window is done, by the
    platform's clock; the id of the store that the API accepted, None if there was none yet; and whether the window ends
    with it."""

    until: datetime
    vendor_id: str | None
    is_last: bool


@dataclass
class Reading:
    """One reading of a window. ``vendor_id`` is the id of the store that the API accepted last.

    ``left_out`` is what could not be read before, and then, what still cannot be; ``tries_left_out`` has it tried again
    whether or not it is due. ``has_many_pages`` says that the window is read in parts for its pages, ``is_narrowing``
    that a failure is being narrowed down, ``newest_failed`` that not even the newest minute could be read.
    ``part_length`` is how long the next part may be; None for all of the window.
    ``orders_expected`` says that we have orders of the window, ``tries_both_ids`` that a store which shows none of them
    is then requested by its other id. ``shown`` are the ids of the orders that the platform showed.
    """

    scope: ComparisonScope
    window: Window
    vendor_id: str | None
    orders_expected: bool = False
    tries_both_ids: bool = False
    left_out: tuple[LeftOut, ...] = ()
    tries_left_out: bool = False
    has_many_pages: bool = False
    is_narrowing: bool = False
    newest_failed: bool = False
    part_length: timedelta | None = None
    shown: set[str] = field(default_factory=set)

    def leave_out(self, left_out: LeftOut, part: Part) -> None:
        """Remember that a part was left out. Of more than MAX_LEFT_OUT, the oldest are forgotten."""
        self.left_out = tuple(sorted([*without(self.left_out, part), left_out])[-MAX_LEFT_OUT:])


class WindowReader:
    def __init__(self, api: PartnerApiClient, orders: PlatformOrders, comparison: Comparison, clock: Clock) -> None:
        self._api = api
        self._orders = orders
        self._comparison = comparison
        self._clock = clock

    def read(self, reading: Reading) -> Iterator[ReadPart]:
        """Read a window in parts, oldest first. A failure that one order or one minute may cause is narrowed down to
        that minute, which is left out. Raises PartnerApiError, and the errors of Comparison.compare()."""
        # What is newer may still find its place; twice, since the platform's clock may not be known yet.
        window = Window(reading.window.start, min(reading.window.end, self._api.now() - 2 * SETTLED))
        parts = Parts(window, reading.left_out, reading.part_length)
        narrowing = Narrowing(self._clock)
        vendor_id = reading.vendor_id
        while part := parts.next():
            if part.left_out is not None and narrowing.skips(part.left_out, reading.tries_left_out):
                parts.leave_out(part)
                continue
            requested_at = self._clock()
            try:
                vendor_id = self._read_part(reading, vendor_id, part)
            except PartnerApiError as error:
                if not self._is_read_in_parts(error, part, parts, reading, narrowing):
                    self._begin_narrowing(narrowing, error, part, window, reading)
                    left_out = narrowing.after_failure(part, parts, error)
                    reading.is_narrowing = narrowing.is_under_way
                    if left_out is not None:
                        reading.leave_out(left_out, part)
                        yield ReadPart(part.end, vendor_id, parts.next() is None)
            else:
                parts.was_read(part)
                reading.part_length = parts.length
                narrowing.after_reading(part)
                reading.is_narrowing = narrowing.is_under_way
                reading.left_out = tuple(without(reading.left_out, part))
                until = min(part.end, requested_at + self._api.clock_offset - SETTLED)
                yield ReadPart(until, vendor_id, parts.next() is None)

    def _is_read_in_parts(
        self, error: PartnerApiError, part: Part, parts: Parts, reading: Reading, narrowing: Narrowing
    ) -> bool:
        """Whether a part is to be read in shorter ones for its many pages, or because they contradict each other."""
        if isinstance(error, TooManyPagesError) and part.at_most_pages is not None:
            parts.has_pages(part, error.pages)
            reading.has_many_pages = True
            return True
        if isinstance(error, UnsteadyWindowError) and not part.is_shortest:
            self._api.errors[error.failure] += 1
            reading.orders_expected = reading.orders_expected or error.failure is Failure.EMPTY_PAGE
            narrowing.halve(part, parts)
            return True
        return False

    def _begin_narrowing(
        self, narrowing: Narrowing, error: PartnerApiError, part: Part, window: Window, reading: Reading
    ) -> None:
        """Begin to narrow an error down, unless that has begun. Raises the error if it is not to be: where the newest
        minute cannot be read either, it is the store, or the platform, that fails."""
        newest = newest_part(window)
        if not may_be_narrowed(error, part) or newest is None:
            raise error
        if not narrowing.has_begun:
            narrowing.begin()
            try:
                self._read_part(reading, reading.vendor_id, newest)
            except PlatformUnavailableError:
                raise
            except (PartnerApiError, OutOfTimeError):
                reading.newest_failed = True
                raise error from None

    def _read_part(self, reading: Reading, vendor_id: str | None, part: Part) -> str:
        """Read a part by either id of the store; the id that worked.

        Both are said to work in a path (docs/platform.md 1), so the other is tried where one is not found or refused,
        shows nothing of what we have, or is another store's now.
        """
        failure, silent_name = PartnerApiError(Failure.NOT_FOUND), ""
        for name in _names(reading.scope.store, vendor_id):
            try:
                is_another_store = self._read_by(name, reading, part)
            except PartnerApiError as error:
                of_every_store = isinstance(error, PlatformUnavailableError)
                if not error.may_be_of_the_id and (of_every_store or not silent_name):
                    raise
                failure = failure if error.failure is Failure.NOT_FOUND else error
                continue
            if is_another_store:
                failure = PartnerApiError(Failure.ANOTHER_STORE)
            elif reading.shown or not reading.orders_expected or not reading.tries_both_ids:
                return name
            else:
                silent_name = silent_name or name
        if not silent_name:
            raise failure
        return silent_name

    def _read_by(self, name: str, reading: Reading, part: Part) -> bool:
        """Read a part by one id of the store; whether the platform shows another store by it."""
        own = of_others = 0
        at_most_pages = MAX_PAGES if part.at_most_pages is None else part.at_most_pages
        for page in self._orders.between(name, part.start, part.end, at_most_pages, reading.orders_expected):
            shown = self._comparison.compare(reading.scope, page, self._api.now)
            reading.shown |= shown.order_ids
            own, of_others = own + shown.own, of_others + shown.of_others
        return of_others > 0 and own == 0 and name != reading.scope.store.store_id


def _names(store: Store, vendor_id: str | None) -> list[str]:
    """The ids of a store. The one that worked last comes first, while it is this store's."""
    names = dict.fromkeys(name for name in (store.store_id, store.external_partner_config_id) if name)
    return sorted(names, key=lambda name: name != vendor_id)
