"""The orders of a store in a window, as the platform's pages show them (docs/platform.md 4.2)."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import product
from typing import NamedTuple

from partner_orders.exact_json import Json
from partner_orders.platform.failures import (
    Failure,
    PartnerApiError,
    TooManyPagesError,
    UnsteadyWindowError,
)
from partner_orders.platform.http import PartnerApiClient
from partner_orders.platform.order_page import OrderPage, parse_page, unseen
from partner_orders.platform.paths import segment

PAGE_SIZE = 500
# Requested where the platform refuses larger pages, or where these have too many bytes.
SMALLER_PAGE_SIZES = (100, 20)
MAX_PAGES = 2_000
# How often a window is read whose orders move between its pages meanwhile, before it counts as not read.
READINGS = 3
# How long stores may be without an order.
QUIET = timedelta(days=1)
# An order has its place among the pages this long after it was made: clocks differ, ``Date`` has whole seconds.
SETTLED = timedelta(seconds=3)
# The documentation prints times without a zone, clients send them with one; all in UTC (docs/platform.md 4.2).
TIME_FORMATS = ("%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%M:%S")


def orders_path(chain_id: str, vendor_id: str) -> str:
    """The path of a store's orders; ``vendor_id`` is either of the store's two ids (docs/platform.md 4.2). Raises
    PartnerApiError for an id that would lead elsewhere."""
    return f"/v2/chains/{segment(chain_id)}/vendors/{segment(vendor_id)}/orders"


class _Window(NamedTuple):
    vendor_id: str
    start: datetime
    end: datetime
    page_size: int


@dataclass
class _Backwards:
    """What the pages of a window showed that are read from the last to the first. ``previous`` are the states of the
    page read before; ``first_empty`` is the first of the empty pages at the end; ``hides_orders`` says whether a
    page before them leaves room for more orders than were seen. ``states`` are those of each page."""

    last: int
    previous: frozenset[bytes]
    first_empty: int
    hides_orders: bool = True
    states: dict[int, frozenset[bytes]] = field(default_factory=dict)

    def add(self, number: int, page: OrderPage) -> None:
        """Note a page. Raises PartnerApiError if it contradicts those after it."""
        if page.orders and page.states == self.previous:
            raise PartnerApiError(Failure.REPEATED_PAGE)
        if not page.orders:
            if self.first_empty != number + 1:
                raise UnsteadyWindowError(Failure.EMPTY_PAGE)  # Pages after it have orders.
            self.first_empty = number
        elif number == self.first_empty - 1:
            # After a page that is not full there is none: it may have been counted once too often.
            self.hides_orders = page.is_full or self.first_empty < self.last
        self.previous = self.states[number] = page.states

    def check_against(self, first: OrderPage) -> None:
        """Raises PartnerApiError if the first page, read again, still counts one that was empty."""
        if self.first_empty <= min(self.last, first.counted_pages):
            raise (UnsteadyWindowError if self.hides_orders else PartnerApiError)(Failure.EMPTY_PAGE)

    @property
    def has_no_empty_page(self) -> bool:
        return self.first_empty > self.last

    def stood_still_since(self, earlier: dict[int, frozenset[bytes]]) -> bool:
        """Whether every page shows what it showed in an ``earlier`` reading, and nothing twice. Then no order moved:
        one that is on two pages is listed twice, in two states."""
        listed = [state for states in self.states.values() for state in states]
        return self.states == earlier and len(listed) == len({*listed})


class PlatformOrders:
    """Reads the orders of a chain's stores, and finds out what the platform leaves open: the format of times and the
    largest page. Until the platform was seen to parse one of TIME_FORMATS, an empty page is requested again in the
    other."""

    def __init__(self, api: PartnerApiClient, chain_id: str) -> None:
        self._api = api
        self._chain_id = chain_id
        # Of ids whose larger pages have too many bytes.
        self._page_sizes: dict[str, int] = {}
        # The largest page that the platform accepted: that of another store may be small for its bytes.
        self._accepted_size = 0

    def between(
        self,
        vendor_id: str,
        start: datetime,
        end: datetime,
        at_most_pages: int = MAX_PAGES,
        orders_expected: bool = False,
    ) -> Iterator[list[Json]]:
        """The store's orders between two times, in lists, each state of an order once; the last seconds of a window
        that ends now may be missing. ``orders_expected`` has an empty page requested again in the other time format.
        Raises PartnerApiError and OutOfTimeError; UnsteadyWindowError where shorter windows may work.

        What is relied on: in a window that ends in the past no order appears, and one that does not change keeps its
        place among the others. Where the API filters by change, orders can only leave, and later ones then move up: so
        the pages are read from the last to the first, and the first, which told how many there are, once more. Where it
        filters by creation and sorts by change, orders move either way, but there stay as many: so while the pages held
        more than were seen, they are read again. A page that came back empty had no orders left only if the first, once
        more, no longer counts it.
        """
        seen: dict[bytes, str] = {}
        known_size = min(self._api.page_size or PAGE_SIZE, self._page_sizes.get(vendor_id, PAGE_SIZE))
        for page_size in _sizes_from(known_size):
            if page_size < known_size:
                self._page_sizes[vendor_id] = page_size
            try:
                yield from self._read(_Window(vendor_id, start, end, page_size), at_most_pages, orders_expected, seen)
            except PartnerApiError as error:
                if error.failure is not Failure.TOO_LARGE:
                    raise
            else:
                return
        raise UnsteadyWindowError(Failure.TOO_LARGE)

    def _read(
        self, window: _Window, at_most_pages: int, orders_expected: bool, seen: dict[bytes, str]
    ) -> Iterator[list[Json]]:
        """The orders of a window whose states are not among those ``seen``, as between() gives them."""
        window, first = self._first_page(window, orders_expected)
        if first.counted_pages > at_most_pages:
            raise TooManyPagesError(first.counted_pages)
        lengths: dict[int, int] = {}
        earlier: dict[int, frozenset[bytes]] = {}
        yield from unseen(first.orders, seen)
        for reading in range(READINGS):
            last, page, beyond = self._last_page(window, first, at_most_pages)
            if beyond is not None:
                yield from unseen(beyond.orders, seen)
            if last == 1:
                return  # One response is the list of one moment.
            lengths = {number: length for number, length in lengths.items() if number <= last}
            pages = _Backwards(last, first.states, first_empty=last + 1)
            for number in range(last, 0, -1):
                if number < last:
                    page = self._page(window, number)
                pages.add(number, page)
                yield from unseen(page.orders, seen)
                lengths[number] = len({seen[state] for state in page.states})
                if number == 1:
                    pages.check_against(page)
                is_read = number == 1 or (reading > 0 and pages.has_no_empty_page)
                if is_read and len({*seen.values()}) >= sum(lengths.values()):
                    return
            if pages.stood_still_since(earlier):
                return
            first, earlier = page, pages.states
        raise UnsteadyWindowError(Failure.MOVED_PAGES)

    def _first_page(self, window: _Window, orders_expected: bool) -> tuple[_Window, OrderPage]:
        """The first page, and the window without the seconds in which orders may still find their place, of pages that
        the platform accepts. Raises PartnerApiError."""
        first = self._first_page_in_either_format(window, orders_expected)
        window = window._replace(page_size=first.requested_size)
        settled = self._api.now() - SETTLED
        has_more = first.counted_pages > 1 or self._may_continue(first, 1, first)
        if has_more and window.end > settled:
            window = window._replace(end=settled)
            first = self._page(window, 1)
        if first.contradicts_itself and (orders_expected or window.end - window.start > QUIET):
            first = self._page(window, 1)
            if first.contradicts_itself:
                raise PartnerApiError(Failure.EMPTY_PAGE)
        return window, first

    def _first_page_in_either_format(self, window: _Window, orders_expected: bool) -> OrderPage:
        """The first page, in the format of times that the platform can parse: of others it shows an empty list, or
        refuses them (docs/platform.md 4.2)."""
        known = self._api.time_format
        used, refused, first = self._first_accepted_page(window)
        (other,) = {*TIME_FORMATS} - {used}
        if not first.orders and other not in refused and (known is None or orders_expected):
            try:
                in_other = self._page(window._replace(page_size=first.requested_size), 1, other)
            except PartnerApiError as error:
                if not error.may_be_of_a_guess:
                    raise
                refused.add(other)
            else:
                used, first = other, in_other
        if first.orders or other in refused:
            self._api.note(time_format=used)
        return first

    def _first_accepted_page(self, window: _Window) -> tuple[str, set[str], OrderPage]:
        """The first page, the format of times that the platform accepted, and those that it refused with pages of the
        same size. Raises PartnerApiError, the first refusal where all were refused."""
        formats = sorted(TIME_FORMATS, key=lambda time_format: time_format != self._api.time_format)
        refusals: list[PartnerApiError] = []
        refused: dict[int, set[str]] = {}
        for page_size, time_format in product(_sizes_from(window.page_size), formats):
            try:
                first = self._page(window._replace(page_size=page_size), 1, time_format)
            except PartnerApiError as error:
                # What was accepted for another store in this run is not what is refused for this one.
                is_accepted = self._api.has_worked and page_size <= self._accepted_size
                if is_accepted or not error.may_be_of_a_guess:
                    raise
                refusals.append(error)
                refused.setdefault(page_size, set()).add(time_format)
                continue
            self._accepted_size = max(self._accepted_size, page_size)
            if page_size < window.page_size:
                self._api.note(page_size=page_size)
            return time_format, refused.get(page_size, set()), first
        raise refusals[0]

    def _last_page(
        self, window: _Window, first: OrderPage, at_most_pages: int
    ) -> tuple[int, OrderPage, OrderPage | None]:
        """The last page and its number: what the first says, and beyond that until a page proves to be the last. And
        the page beyond it, if one was requested and shows known orders again."""
        last = max(first.counted_pages, 1)
        page = first if last == 1 else self._page(window, last)
        known: set[str] = set()
        while self._may_continue(page, last, first):
            if last >= MAX_PAGES:
                raise PartnerApiError(Failure.ENDLESS_PAGES)
            if last >= at_most_pages:
                raise TooManyPagesError(2 * last)
            known |= first.order_ids | page.order_ids
            following = self._page_beyond(window, last + 1, page)
            if not following.orders:
                break
            if following.order_ids <= known:
                return last, page, following  # Seen before, as some platforms respond beyond the end.
            last, page = last + 1, following
        if last > 1 and page.orders and len(first.orders) < window.page_size:
            self._api.note(page_length=len(first.orders))
        return last, page, None

    def _may_continue(self, page: OrderPage, number: int, first: OrderPage) -> bool:
        """Whether orders may follow those of a page, whatever its count of pages says: none, too few, or one that was
        made for pages of another size."""
        if not page.orders:
            return False
        is_miscounted = page.counted_pages < number or (number > 1 and first.is_short)
        return is_miscounted or page.is_as_long_as(self._api.page_length)

    def _page_beyond(self, window: _Window, number: int, page: OrderPage) -> OrderPage:
        """A page that nobody counted, after ``page``. One that is not found, or refused, is empty."""
        try:
            beyond = self._page(window, number)
            # Where the page before is full, and not the last by its own count, nothing else says that this is the end.
            if not beyond.orders and (page.is_full or page.is_as_long_as(self._api.page_length)):
                beyond = self._page(window, number)
        except PartnerApiError as error:
            if error.failure is not Failure.NOT_FOUND and not error.may_be_of_a_guess:
                raise
            return OrderPage([], None, None, window.page_size)
        return beyond

    def _page(self, window: _Window, number: int, time_format: str | None = None) -> OrderPage:
        # Unknown parameters are ignored and wrong times give an empty list, so exactly these (docs/platform.md 4.2).
        time_format = time_format or self._api.time_format or TIME_FORMATS[0]
        end = window.end
        whole_end = end if end.microsecond == 0 else end.replace(microsecond=0) + timedelta(seconds=1)
        return self._api.get(
            orders_path(self._chain_id, window.vendor_id),
            {
                "start_time": window.start.astimezone(UTC).strftime(time_format),
                "end_time": whole_end.astimezone(UTC).strftime(time_format),
                "page": str(number),
                "page_size": str(window.page_size),
            },
            partial(parse_page, requested_size=window.page_size),
        )


def _sizes_from(page_size: int) -> list[int]:
    """A page size, and the smaller ones that are requested instead of it."""
    return [page_size, *(size for size in SMALLER_PAGE_SIZES if size < page_size)]
