"""The orders of a store in a window, as the platform's pages show them (docs/platform.md 4.2)."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from urllib.parse import quote

from partner_orders.exact_json import Json
from partner_orders.platform.failures import Failure, PartnerApiError, TooManyPagesError, UnsteadyWindowError
from partner_orders.platform.http import PartnerApiClient
from partner_orders.platform.order_page import OrderPage, page_from, parse_page, take_unseen

PAGE_SIZE = 500
MAX_PAGES = 2_000
# How often a window is read whose orders move between its pages meanwhile, before it counts as not read.
READINGS = 3
# How long stores may be without an order.
QUIET = timedelta(days=1)
# An order has its place among the pages this long after it was made: clocks differ, ``Date`` has whole seconds.
SETTLED = timedelta(seconds=3)
# The documentation prints times without a zone, clients send them with one; all in UTC (docs/platform.md 4.2).
TIME_FORMATS = ("%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%M:%S")


class _Window(NamedTuple):
    vendor_id: str
    start: datetime
    end: datetime


@dataclass
class _Backwards:
    """What the pages of a window showed that are read from the last to the first. ``previous`` are the identities of
    the page read before; ``first_empty`` is the first of the empty pages at the end; ``hides_orders`` says whether a
    page before them leaves room for more orders than were seen."""

    last: int
    previous: set[str]
    first_empty: int
    hides_orders: bool = True

    def add(self, number: int, page: OrderPage) -> None:
        """Note a page. Raises PartnerApiError if it contradicts those after it."""
        if page.orders and page.identities == self.previous:
            raise PartnerApiError(Failure.REPEATED_PAGE)
        if not page.orders:
            if self.first_empty != number + 1:
                raise UnsteadyWindowError(Failure.EMPTY_PAGE)  # Pages after it have orders.
            self.first_empty = number
        elif number == self.first_empty - 1:
            # After a page that is not full there is none: it may have been counted once too often.
            self.hides_orders = page.is_full or self.first_empty < self.last
        self.previous = page.identities

    def check_against(self, first: OrderPage) -> None:
        """Raises PartnerApiError if the first page, read again, still counts one that was empty."""
        if self.first_empty <= min(self.last, first.total_pages):
            raise (UnsteadyWindowError if self.hides_orders else PartnerApiError)(Failure.EMPTY_PAGE)

    @property
    def has_no_empty_page(self) -> bool:
        return self.first_empty > self.last


class PlatformOrders:
    """Reads the orders of a chain's stores. Until the platform was seen to parse one of TIME_FORMATS, an empty page is
    requested again in the other."""

    def __init__(self, api: PartnerApiClient, chain_id: str) -> None:
        self._api = api
        self._chain_id = chain_id

    def between(
        self,
        vendor_id: str,
        start: datetime,
        end: datetime,
        at_most_pages: int = MAX_PAGES,
        orders_expected: bool = False,
    ) -> Iterator[list[Json]]:
        """The store's orders between two times, in lists, each order once; the last seconds of a window that ends now
        may be missing. ``orders_expected`` has an empty page requested again in the other time format. Raises
        PartnerApiError and OutOfTimeError.

        What is relied on: in a window that ends in the past no order appears, and one that does not change keeps its
        place among the others. Where the API filters by change, orders can only leave, and later ones then move up: so
        the pages are read from the last to the first, and the first, which told how many there are, once more. Where it
        filters by creation and sorts by change, orders move either way, but there stay as many: so while the pages held
        more than were seen, they are read again. A page that came back empty had no orders left only if the first, once
        more, no longer counts it.
        """
        window, first = self._first_page(_Window(vendor_id, start, end), orders_expected)
        if first.total_pages > at_most_pages:
            raise TooManyPagesError(first.total_pages)
        seen: set[str] = set()
        lengths: dict[int, int] = {}
        yield take_unseen(first.orders, seen)
        for reading in range(READINGS):
            last, page = self._last_page(window, first)
            if last == 1:
                return  # One response is the list of one moment.
            lengths = {number: length for number, length in lengths.items() if number <= last}
            pages = _Backwards(last, first.identities, first_empty=last + 1)
            for number in range(last, 0, -1):
                if number < last:
                    page = self._page(window, number)
                pages.add(number, page)
                lengths[number] = len(page.identities)
                yield take_unseen(page.orders, seen)
                if number == 1:
                    pages.check_against(page)
                is_read = number == 1 or (reading > 0 and pages.has_no_empty_page)
                if is_read and len(seen) >= sum(lengths.values()):
                    return
            first = page
        raise UnsteadyWindowError(Failure.MOVED_PAGES)

    def _first_page(self, window: _Window, orders_expected: bool) -> tuple[_Window, OrderPage]:
        """The first page, and the window without the seconds in which orders may still find their place. Raises
        PartnerApiError."""
        first = self._first_page_in_either_format(window, orders_expected)
        settled = self._api.now() - SETTLED
        if first.total_pages > 1 and window.end > settled:
            window = window._replace(end=settled)
            first = self._page(window, 1)
        if first.contradicts_itself and (orders_expected or window.end - window.start > QUIET):
            first = self._page(window, 1)
            if first.contradicts_itself:
                raise PartnerApiError(Failure.EMPTY_PAGE)
        return window, first

    def _first_page_in_either_format(self, window: _Window, orders_expected: bool) -> OrderPage:
        # The platform returns an empty list, not an error, for times that it cannot parse (docs/platform.md 4.2).
        known = self._api.time_format
        used, other = sorted(TIME_FORMATS, key=lambda time_format: time_format != known)
        first = self._page(window, 1, used)
        if not first.orders and (known is None or orders_expected):
            used = other
            first = self._page(window, 1, used)
        if first.orders:
            self._api.note_time_format(used)
        return first

    def _last_page(self, window: _Window, first: OrderPage) -> tuple[int, OrderPage]:
        """The last page and its number: what the first says, and beyond that while the last is full."""
        last = max(first.total_pages, 1)
        page = first if last == 1 else self._page(window, last)
        known = first.identities | page.identities
        while page.may_continue:
            if last == MAX_PAGES:
                raise PartnerApiError(Failure.ENDLESS_PAGES)
            following = self._page(window, last + 1)
            if not following.orders:
                following = self._page(window, last + 1)  # Nothing else says that this is the end.
            if following.identities <= known:
                break  # Empty, or orders seen before, as some platforms respond beyond the end.
            known |= following.identities
            last, page = last + 1, following
        return last, page

    def _page(self, window: _Window, number: int, time_format: str | None = None) -> OrderPage:
        # Unknown parameters are ignored and wrong times give an empty list, so exactly these (docs/platform.md 4.2).
        time_format = time_format or self._api.time_format or TIME_FORMATS[0]
        end = window.end
        whole_end = end if end.microsecond == 0 else end.replace(microsecond=0) + timedelta(seconds=1)
        body = self._api.get(
            f"/v2/chains/{quote(self._chain_id, safe='')}/vendors/{quote(window.vendor_id, safe='')}/orders",
            {
                "start_time": window.start.astimezone(UTC).strftime(time_format),
                "end_time": whole_end.astimezone(UTC).strftime(time_format),
                "page": str(number),
                "page_size": str(PAGE_SIZE),
            },
            parse_page,
        )
        return page_from(body, PAGE_SIZE)
