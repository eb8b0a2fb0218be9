"""Reads a window of a store in parts, and has each page of orders compared with ours."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from partner_orders.clock import Clock
from partner_orders.platform.failures import (
    Failure,
    PartnerApiError,
    PlatformUnavailableError,
    TooManyPagesError,
    UnsteadyWindowError,
)
from partner_orders.platform.http import PartnerApiClient
from partner_orders.platform.orders import MAX_PAGES, SETTLED, PlatformOrders
from partner_orders.reconciler.comparison import Comparison, ComparisonScope
from partner_orders.reconciler.windows import Part, Parts, Window
from partner_orders.stores.store import Store


@dataclass
class Reading:
    """One reading of a window. ``vendor_id`` is the id of the store that the API accepted last.

    ``orders_expected`` says that we have orders of the window, ``tries_both_ids`` that a store which shows none of them
    is then requested by its other id. ``shown`` are the ids of the orders that the platform showed.
    """

    scope: ComparisonScope
    window: Window
    vendor_id: str | None
    orders_expected: bool = False
    tries_both_ids: bool = False
    shown: set[str] = field(default_factory=set)


class WindowReader:
    def __init__(self, api: PartnerApiClient, orders: PlatformOrders, comparison: Comparison, clock: Clock) -> None:
        self._api = api
        self._orders = orders
        self._comparison = comparison
        self._clock = clock

    def read(self, reading: Reading) -> Iterator[tuple[datetime, str]]:
        """Read a window in parts, oldest first. After each part that was read to its last page and enqueued: the time
        up to which the window is read, by the platform's clock, and the id of the store that the API accepted. Raises
        PartnerApiError, and the errors of Comparison.compare()."""
        # What is newer may still find its place; twice, since the platform's clock may not be known yet.
        end = min(reading.window.end, self._api.now() - 2 * SETTLED)
        parts, vendor_id = Parts(Window(reading.window.start, end)), reading.vendor_id
        while part := parts.next():
            requested_at = self._clock()
            try:
                vendor_id = self._read_part(reading, vendor_id, part)
            except TooManyPagesError as error:
                if part.at_most_pages is None:
                    raise  # A minute of a store's orders on so many pages is no truth.
                parts.has_pages(part, error.pages)
            except UnsteadyWindowError as error:
                if part.is_shortest:
                    raise
                self._api.errors[error.failure] += 1
                reading.orders_expected = reading.orders_expected or error.failure is Failure.EMPTY_PAGE
                parts.was_unsteady(part)
            else:
                parts.was_read(part)
                yield min(part.end, requested_at + self._api.clock_offset - SETTLED), vendor_id

    def _read_part(self, reading: Reading, vendor_id: str | None, part: Part) -> str:
        """Read a part by either id of the store; the id that worked.

        Both are said to work in a path (docs/platform.md 1), so the other is tried where one is not found, shows
        nothing of what we have, or is another store's now.
        """
        failure, silent_name = Failure.NOT_FOUND, ""
        for name in _names(reading.scope.store, vendor_id):
            try:
                is_another_store = self._read_by(name, reading, part)
            except PartnerApiError as error:
                of_every_store = isinstance(error, PlatformUnavailableError)
                if error.failure is not Failure.NOT_FOUND and (of_every_store or not silent_name):
                    raise
                continue
            if is_another_store:
                failure = Failure.ANOTHER_STORE
            elif reading.shown or not reading.orders_expected or not reading.tries_both_ids:
                return name
            else:
                silent_name = silent_name or name
        if not silent_name:
            raise PartnerApiError(failure)
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
    usable = [name for name in names if name not in {".", ".."}]  # which would lead elsewhere in a path
    return sorted(usable, key=lambda name: name != vendor_id)
