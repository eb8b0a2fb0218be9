"""The orders of a day, or the open ones, a page at a time: of a busy day only those that are shown are read."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from itertools import batched, islice, repeat
from typing import NamedTuple

from partner_orders.aws import keys
from partner_orders.aws.dynamodb import BY_TIME, Range
from partner_orders.clock import INSTANT, from_text, to_text
from partner_orders.orders import lifecycle
from partner_orders.orders.fields import MAX_IDENTIFIER
from partner_orders.orders.stored import LISTED_UNDER, StoredOrder
from partner_orders.stores.store import Store
from partner_orders_console.operations.errors import OperatorError
from partner_orders_console.operations.open_orders import open_orders
from partner_orders_console.operations.orders import day_in, read_in_order, statuses_of, store_of, zone_of
from partner_orders_console.operations.stack import DeployedStack

PAGE = 50
# Orders whose status is read for a page, at first and at most: rare statuses are looked for page by page.
_LOOKED_AT_MOST = (500, 1_000)
_LOOKED_AT = 200  # of them at a time
_SIDE_BY_SIDE = 8
_FEWEST = 5  # places of a listing that are read at once, beside twice its store's share of those that are wanted


class Place(NamedTuple):
    """Where an order stands: by its time of creation (UTC), and its id."""

    created_at: str
    order_id: str

    def __str__(self) -> str:
        return f"{self.created_at}~{self.order_id}"

    @classmethod
    def from_text(cls, text: str) -> "Place | None":
        """Inverse of str(); None for an empty text. Raises OperatorError."""
        created_at, _, order_id = text.partition("~")
        if not text:
            return None
        try:
            return cls(to_text(from_text(created_at)), order_id)
        except ValueError:
            raise OperatorError(f"{text[:80]} is no place in a list of orders", "Begin at its first page.") from None


# As many of the first places of a choice as are asked for, in its order.
type _FirstPlaces = Callable[[int], list[Place]]


@dataclass(frozen=True)
class Choice:
    """Which orders: of these stores, of a day in each store's own time zone (today without), with one of these
    statuses; or those that are open, of these stores or ``of_any_store``, registered or not. They begin ``after`` a
    place, the newest first or the oldest."""

    stores: Sequence[Store]
    day: str | None = None
    statuses: Sequence[str] = ()
    open_only: bool = False
    of_any_store: bool = False
    newest_first: bool = True
    after: Place | None = None


@dataclass(frozen=True)
class Page:
    """Orders in their order; ``next`` is the place after which the next page begins, None at the end. ``is_cut`` says
    that the page has fewer orders than it may have, since so many had to be looked at."""

    orders: list[StoredOrder]
    next: Place | None
    is_cut: bool = False


@dataclass(frozen=True)
class _Found:
    """The places of a page's orders, and the place after which the next page begins, None at the end."""

    places: list[Place]
    next: Place | None


def page_of_orders(stack: DeployedStack, choice: Choice) -> Page:
    """A page of the orders of a choice: a query for each store, and a request for the page's orders. For a choice of
    statuses also a request for each hundred orders that are looked at. Raises OperatorError for a day that is none,
    and botocore's errors."""
    wanted = {lifecycle.normalise(status) for status in choice.statuses}
    first_places = _places_of(stack, choice)
    found = _with_status(stack, first_places, wanted) if wanted else _next_page(first_places)
    listings = {listing for store in choice.stores for listing in store.listings}
    # The statuses that were looked at may be a moment old. These are not.
    orders = read_in_order(stack, [place.order_id for place in found.places])
    shown = [order for order in orders if _is_wanted(order, choice, wanted, listings)]
    return Page(shown, found.next, is_cut=found.next is not None and len(found.places) < PAGE)


def page_of_ids(stack: DeployedStack, choice: Choice) -> tuple[list[str], Place | None]:
    """The ids of a page of the orders of a choice, and the place after which the next page begins; no order is read,
    and so no status looked at. A query for each store. Raises as ``page_of_orders`` does."""
    found = _next_page(_places_of(stack, choice))
    return [place.order_id for place in found.places], found.next


def newest_places(
    stack: DeployedStack, stores: Sequence[Store], time: tuple[datetime, datetime], number: int
) -> list[Place]:
    """The places of the newest orders of these stores, newest first: as many as are asked for, created within a time
    of which the end is not part. No order is read. Raises botocore's errors."""
    listings = [_Listing(stack, (listing, *time), True, None) for store in stores for listing in store.listings]
    return _first_of_all(listings, number, len(stores))


def _next_page(first_places: _FirstPlaces) -> _Found:
    """The places of the next page."""
    places = first_places(PAGE + 1)  # The last one only tells whether there are further ones.
    return _Found(places[:PAGE], places[PAGE - 1] if len(places) > PAGE else None)


def _with_status(stack: DeployedStack, first_places: _FirstPlaces, statuses: set[str]) -> _Found:
    """The next places of orders with one of these statuses: a page of them, or those among so many orders that were
    looked at."""
    found: list[Place] = []
    looked_at = 0
    for most in _LOOKED_AT_MOST:
        places = first_places(most + 1)
        for some in batched(places[looked_at:most], _LOOKED_AT, strict=False):
            status_by_id = statuses_of(stack, [place.order_id for place in some])
            for place in some:
                looked_at += 1
                if status_by_id.get(place.order_id) in statuses:
                    found.append(place)
                if len(found) == PAGE or looked_at == _LOOKED_AT_MOST[-1]:
                    return _Found(found, place if looked_at < len(places) else None)
        if len(places) <= most:
            break
    return _Found(found, None)


def _is_wanted(order: StoredOrder, choice: Choice, statuses: set[str], listings: set[str]) -> bool:
    if choice.open_only and not lifecycle.is_open(order.status):
        return False
    # A store that merged with another may be listed under both of its ids.
    return (not statuses or order.status in statuses) and (choice.open_only or store_of(order) in listings)


def _places_of(stack: DeployedStack, choice: Choice) -> _FirstPlaces:
    """The first places of a choice in its order, as many as are asked for; more of them are read on, not anew."""
    if choice.open_only:
        places = _open_places(stack, choice, choice.after)
        return lambda number: places[:number]
    spans = [(listing, *day_in(zone_of(store), choice.day)) for store in choice.stores for listing in store.listings]
    listings = [_Listing(stack, span, choice.newest_first, choice.after) for span in spans]
    return lambda number: _first_of_all(listings, number, len(choice.stores))


def _first_of_all(listings: Sequence["_Listing"], number: int, stores: int) -> list[Place]:
    """The first places of several listings together. Of each listing only some are read, and more of those whose
    places come so early that one which was not read could be among the first."""
    # Shared by the stores and not by the listings: a store's other listings hold hardly any order.
    some = min(number, _FEWEST + 2 * number // max(stores, 1))
    with ThreadPoolExecutor(_SIDE_BY_SIDE) as executor:
        while True:
            places = _together(listings)[:number]
            unread = _to_be_read(listings, places, number)
            if not unread:
                return places
            list(executor.map(_Listing.read, unread, repeat(some)))
            some = min(2 * some, number)


def _together(listings: Sequence["_Listing"]) -> list[Place]:
    """What was read of several listings, each place once and in order."""
    newest_first = any(one.newest_first for one in listings)
    return sorted({place for one in listings for place in one.places}, reverse=newest_first)


def _to_be_read(listings: Sequence["_Listing"], places: list[Place], number: int) -> list["_Listing"]:
    """The listings of which more must be read to be sure of the first places."""
    last = places[-1] if len(places) == number else None
    return [one for one in listings if one.may_hold_before(last)]


class _Listing:
    """The places of one listing within a time, read a part at a time. ``span``: the listing, when the time begins, and
    its end, which is not part of it."""

    def __init__(
        self, stack: DeployedStack, span: tuple[str, datetime, datetime], newest_first: bool, after: Place | None
    ) -> None:
        self.newest_first = newest_first
        self.places: list[Place] = []
        self._stack, self._span, self._after = stack, span, after
        self._is_read = False

    def read(self, number: int) -> None:
        """Read the next places."""
        after = self.places[-1] if self.places else self._after
        found = _places(self._stack, self._span, self.newest_first, after, number)
        self.places += found
        self._is_read = len(found) < number

    def may_hold_before(self, last: Place | None) -> bool:
        """Whether a place that was not read may come before a place, or anywhere."""
        if self._is_read or last is None or not self.places:
            return not self._is_read
        return _is_beyond(last, self.places[-1], self.newest_first)


def _open_places(stack: DeployedStack, choice: Choice, after: Place | None) -> list[Place]:
    stores = {listing for store in choice.stores for listing in store.listings}
    places = sorted(
        (
            Place(to_text(one.created_at), one.order_id)
            for one in open_orders(stack)
            if choice.of_any_store or one.store_id in stores
        ),
        reverse=choice.newest_first,
    )
    return [place for place in places if after is None or _is_beyond(place, after, choice.newest_first)]


def _places(
    stack: DeployedStack,
    span: tuple[str, datetime, datetime],
    newest_first: bool,
    after: Place | None,
    number: int,
) -> list[Place]:
    """The next places of one listing within a time, of which the end is not part."""
    listing, start, end = span
    first, last = to_text(start), to_text(end - INSTANT)
    if after is not None:
        first, last = (first, min(last, after.created_at)) if newest_first else (max(first, after.created_at), last)
    if first > last:
        return []
    limit = number + (after is not None)
    while True:
        rows = stack.table.listed(f"{LISTED_UNDER}{listing}", BY_TIME, limit, Range(first, last), newest_first)
        places = [*map(_place, rows)]
        beyond = [place for place in places if after is None or _is_beyond(place, after, newest_first)]
        # Many orders of one instant may all stand before the place: then more are needed.
        if len(beyond) >= number or len(places) < limit:
            return beyond[:number]
        limit *= 2


def _place(row: dict[str, object]) -> Place:
    return Place(str(row["listed_at"]), keys.order_id_of(str(row["pk"])))


def _is_beyond(place: Place, after: Place, newest_first: bool) -> bool:
    return place < after if newest_first else place > after


# -- finding -----------------------------------------------------------------------------------------------------------


def find_anywhere(stack: DeployedStack, name: str, stores: Sequence[Store], most: int = PAGE) -> list[StoredOrder]:
    """The orders of this order_id or external_order_id, and those of these stores with this order_code, newest first
    and ``most`` at most. For each store a query. Raises botocore's errors."""
    if not name or len(name) > MAX_IDENTIFIER:  # Nor would DynamoDB take it as a key.
        return []
    listings = [listing for store in stores for listing in store.listings]
    with ThreadPoolExecutor(_SIDE_BY_SIDE) as executor:
        by_code = executor.map(lambda listing: stack.orders.by_order_code(listing, name), listings)
        ids = [name.lower(), name, *stack.orders.by_external_order_id(name), *_flat(by_code)]
    orders = sorted(read_in_order(stack, ids), key=lambda order: order.attributes["listed_at"], reverse=True)
    return [*islice(orders, most)]


def _flat(lists: Iterator[list[str]]) -> Iterator[str]:
    return (item for some in lists for item in some)
