"""A page of the platform's orders (docs/platform.md 4.2): its orders, each by itself, and how many pages there are.

An order stays the text that came until it is used. So one that cannot be parsed costs no other.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from hashlib import sha256
from itertools import islice

from partner_orders.exact_json import Json, MalformedJsonError, number_by_value, parse
from partner_orders.platform.failures import Failure, PartnerApiError
from partner_orders.platform.json_scanner import BrokenStructureError, JsonScanner

# Sizes that a platform may have in place of the requested one, without saying so; 20 is the documented default.
USUAL_PAGE_SIZES = frozenset({20, 25, 50, 100, 200})
# Orders are parsed in lists of so many, or of so many bytes, so that few are in memory as objects.
LIST_ORDERS = 100
LIST_BYTES = 1_048_576
# No page has more orders, and no envelope more members.
MAX_ORDERS = 5_000
MAX_MEMBERS = 1_000
# A number with more digits counts nothing.
LONGEST_COUNT = 9
_COUNTS = frozenset({"total_pages", "page_size", "page_number"})
# An object with one of these is an error, whatever its status says (docs/platform.md 4.5).
_ERRORS = frozenset({"code", "error", "error_description", "errors", "message"})
_BOM = b"\xef\xbb\xbf"


class UnreadableOrder(list[Json]):
    """Stands among a page's orders for one that cannot be parsed, or not stored exactly: ``text`` is what came."""

    def __init__(self, text: bytes) -> None:
        super().__init__()
        self.text = text


@dataclass(frozen=True)
class ListedOrder:
    """An order in the state in which a page shows it. Two with the same ``state`` are equal, byte for byte."""

    text: bytes = field(repr=False)
    state: bytes

    def parse(self) -> Json:
        """The order; an UnreadableOrder where it cannot be stored exactly."""
        try:
            return parse(self.text)
        except MalformedJsonError:
            return UnreadableOrder(self.text)


@dataclass(frozen=True)
class OrderPage:
    """A page requested with ``requested_size``. ``total_pages`` and ``page_size`` are what it says, None where it says
    nothing that is a number."""

    orders: list[ListedOrder] = field(repr=False)
    total_pages: int | None
    page_size: int | None
    requested_size: int

    @property
    def counted_pages(self) -> int:
        return self.total_pages or 0

    @property
    def contradicts_itself(self) -> bool:
        """Whether it shows nothing, and counts itself: where there is nothing, there are no pages (docs/platform.md
        4.2). Seen of one brand only, so it is held against short windows only where they should have orders."""
        return not self.orders and self.total_pages == 1

    @property
    def is_full(self) -> bool:
        """Whether it has as many orders as a page of some size."""
        return len(self.orders) in {*USUAL_PAGE_SIZES, self.page_size, self.requested_size}

    @property
    def is_short(self) -> bool:
        """Whether it has fewer orders than it says that a page has."""
        return len(self.orders) < (self.page_size or 0)

    def is_as_long_as(self, known_length: int | None) -> bool:
        """Whether it may be full in another size than it was requested with; then its count of pages may be of the
        requested size. ``known_length`` is that of the platform's pages, if it was seen."""
        sizes = {*USUAL_PAGE_SIZES, self.page_size, known_length}
        return len(self.orders) in sizes - {self.requested_size}

    @cached_property
    def order_ids(self) -> set[str]:
        return {identity(order.parse()) for order in self.orders}

    @cached_property
    def states(self) -> frozenset[bytes]:
        return frozenset(order.state for order in self.orders)


def parse_page(content: bytes, requested_size: int) -> OrderPage:
    """The page that a response holds. A response without a body, or without orders and anything else, is an empty page.
    Raises PartnerApiError for one that ends too early, and for anything but a page."""
    scanner = JsonScanner(content.removeprefix(_BOM))
    if scanner.is_at_end():
        return OrderPage([], None, None, requested_size)
    if scanner.next_byte() != b"{":
        raise _no_page(content)
    orders: list[ListedOrder] | None = None
    rest: dict[str, bytes] = {}
    try:
        for number, key in enumerate(scanner.members()):
            if number == MAX_MEMBERS:
                raise PartnerApiError(Failure.NOT_A_PAGE)
            # Of two values of one key the last one counts, as in any other JSON.
            if key == "orders" and scanner.next_byte() == b"[":
                orders = _orders(scanner)
            elif key == "orders":
                orders, rest[key] = None, scanner.value()
            else:
                rest[key] = scanner.value()
    except BrokenStructureError:
        raise PartnerApiError(Failure.NOT_JSON, retry_after=0.0) from None
    if not scanner.is_at_end():
        raise PartnerApiError(Failure.NOT_JSON, retry_after=0.0)
    if orders is None and not _is_empty_page(rest):
        raise PartnerApiError(Failure.NOT_A_PAGE)
    return OrderPage(orders or [], _count(rest, "total_pages"), _count(rest, "page_size"), requested_size)


def _orders(scanner: JsonScanner) -> list[ListedOrder]:
    texts = [*islice(scanner.elements(), MAX_ORDERS + 1)]
    if len(texts) > MAX_ORDERS:
        raise PartnerApiError(Failure.TOO_LARGE)
    return [ListedOrder(text, sha256(text).digest()) for text in texts]


def _no_page(content: bytes) -> PartnerApiError:
    """The error of a response that is no object: whether it is JSON at all."""
    try:
        parse(content)
    except MalformedJsonError:
        return PartnerApiError(Failure.NOT_JSON, retry_after=0.0)
    return PartnerApiError(Failure.NOT_A_PAGE)


def _is_empty_page(rest: dict[str, bytes]) -> bool:
    """Whether an envelope without a list of orders says that there are none, and not that something went wrong."""
    if "orders" not in rest:
        return all(key in _COUNTS or _is_nothing(value) for key, value in rest.items())
    says_an_error = any(key in _ERRORS and not _is_nothing(value) for key, value in rest.items())
    return _is_nothing(rest["orders"]) and not says_an_error


def _is_nothing(text: bytes) -> bool:
    return text.translate(None, b" \t\r\n") in {b"null", b'""', b"[]", b"{}"}


def _count(rest: dict[str, bytes], key: str) -> int | None:
    """A number of an envelope, also where it is written as text; None for anything else."""
    text = rest.get(key, b"").strip(b'"').strip()
    return int(text) if text.isdigit() and len(text) <= LONGEST_COUNT else None


def unreadable(order: Json) -> bytes | None:
    """The text of an order that cannot be stored exactly, as it came; None for any other."""
    return order.text if isinstance(order, UnreadableOrder) else None


def identity(order: Json) -> str:
    """What makes an order of a page the same as one of another page, in whatever state: its id, or all of it where it
    has none."""
    match order:
        case {"order_id": str(order_id)}:
            return order_id
        case {"order_id": (int() | Decimal()) as number}:
            return number_by_value(number)
        case UnreadableOrder(text=text):
            return _id_of_unreadable(text)
        case _:
            return repr(order)


def _id_of_unreadable(text: bytes) -> str:
    """The id of an order that cannot be parsed, if the id can be; else a digest of all of it."""
    scanner, order_id = JsonScanner(text), b""
    try:
        for key in scanner.members():
            value = scanner.value()
            order_id = value if key == "order_id" else order_id
        parsed = parse(order_id)
    except (BrokenStructureError, MalformedJsonError):
        parsed = None
    return identity({"order_id": parsed}) if parsed else sha256(text).hexdigest()


def unseen(orders: Iterable[ListedOrder], seen: dict[bytes, str]) -> Iterator[list[Json]]:
    """The orders whose states are not among those ``seen``, which has them, each with the order's id, from then on. In
    lists of bounded size; none twice in one list, in whatever states."""
    values: list[Json] = []
    order_ids: set[str] = set()
    size = 0
    for order in orders:
        if order.state in seen:
            continue
        value = order.parse()
        order_id = seen[order.state] = identity(value)
        if values and (order_id in order_ids or len(values) == LIST_ORDERS or size + len(order.text) > LIST_BYTES):
            yield values
            values, order_ids, size = [], set(), 0
        values.append(value)
        order_ids.add(order_id)
        size += len(order.text)
    if values:
        yield values
