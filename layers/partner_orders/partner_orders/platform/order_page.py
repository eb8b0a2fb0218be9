"""A page of the platform's orders (docs/platform.md 4.2): its orders, each by itself, and how many pages there are."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property

from partner_orders.exact_json import Json, MalformedJsonError, number_by_value, parse
from partner_orders.platform.failures import Failure, PartnerApiError

DEFAULT_PAGE_SIZE = 20
# The first element of a list that has the text of an order that is JSON, but cannot be stored exactly.
UNREADABLE = "unreadable"


@dataclass(frozen=True)
class OrderPage:
    """``is_full``: as many orders as a page of some size has. ``may_continue``: it is full, and its number of pages
    cannot be relied on."""

    orders: list[Json] = field(repr=False)
    total_pages: int
    is_full: bool
    may_continue: bool

    @property
    def contradicts_itself(self) -> bool:
        """Whether it shows nothing, and counts itself: where there is nothing, there are no pages (docs/platform.md
        4.2). Seen of one brand only, so it is held against short windows only where they should have orders."""
        return not self.orders and self.total_pages == 1

    @cached_property
    def identities(self) -> set[str]:
        return {identity(order) for order in self.orders}


def page_from(body: Json, page_size: int) -> OrderPage:
    """The page that a response holds, requested with ``page_size``. Raises PartnerApiError."""
    match body:
        case {"orders": list(orders), **rest}:
            total, size = rest.get("total_pages"), rest.get("page_size")
            pages = total if isinstance(total, int) else 0
            # A page of another size than requested may have a wrong number of pages as well.
            sizes = {DEFAULT_PAGE_SIZE, size if isinstance(size, int) else DEFAULT_PAGE_SIZE}
            unreliable = sizes - {page_size} if pages > 0 else sizes | {page_size}
            return OrderPage(orders, pages, len(orders) in sizes | {page_size}, len(orders) in unreliable)
        case _:
            raise PartnerApiError(Failure.NOT_A_PAGE)


def parse_page(content: bytes) -> Json:
    """The JSON of a page; an order that cannot be stored exactly does not take the others with it: it stays the text
    that it is, in a list of its own. Raises PartnerApiError."""
    try:
        return parse(content)
    except MalformedJsonError:
        return _parse_one_by_one(content)


def _parse_one_by_one(content: bytes) -> Json:
    decoder = json.JSONDecoder()
    try:
        text = content.decode("utf-8-sig")
        page = decoder.decode(text)
        array = re.search(r'"orders"\s*:\s*\[\s*', text)
        if not isinstance(page, dict) or not isinstance(page.get("orders"), list) or array is None:
            raise PartnerApiError(Failure.NOT_JSON, retry_after=0.0)
        at, orders = array.end(), []
        for _ in page["orders"]:
            _, end = decoder.raw_decode(text, at)
            orders.append(_parse_order(text[at:end]))
            at = end + len(text[end:]) - len(text[end:].lstrip(" \t\r\n,"))
    except (ValueError, RecursionError):
        raise PartnerApiError(Failure.NOT_JSON, retry_after=0.0) from None
    rest: dict[str, Json] = {
        name: page[name] for name in ("total_pages", "page_size") if isinstance(page.get(name), int)
    }
    return {"orders": orders, **rest}


def _parse_order(text: str) -> Json:
    try:
        return parse(text.encode("utf-8", "surrogatepass"))
    except MalformedJsonError:
        return [UNREADABLE, text]


def unreadable(order: Json) -> bytes | None:
    """The text of an order that cannot be stored exactly; None for any other."""
    match order:
        case [str(mark), str(text)] if mark == UNREADABLE:
            return text.encode("utf-8", "surrogatepass")
        case _:
            return None


def identity(order: Json) -> str:
    """What makes an order of a page the same as one of another page: its id, or all of it where it has none."""
    match order:
        case {"order_id": str(order_id)}:
            return order_id
        case {"order_id": (int() | Decimal()) as number}:
            return number_by_value(number)
        case _:
            return repr(order)


def take_unseen(orders: Sequence[Json], seen: set[str]) -> list[Json]:
    """The orders whose identities are not among ``seen``, which has them from then on."""
    unseen: list[Json] = []
    for order in orders:
        if (name := identity(order)) not in seen:
            seen.add(name)
            unseen.append(order)
    return unseen
