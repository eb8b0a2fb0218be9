"""The reader of the platform's pages, with its laws: it equals json.loads where the page is JSON, and one broken order
costs no other."""

import json
from decimal import Decimal
from typing import Any

from partner_orders.exact_json import Json, MalformedJsonError, parse
from partner_orders.platform.failures import PartnerApiError
from partner_orders.platform.order_page import parse_page, unreadable
from tools.fuzz import inputs
from tools.fuzz.laws import Violation

PAGE_SIZE = 500
# No page has more orders, and no envelope more members: a reader may refuse those.
MOST_ORDERS, MOST_MEMBERS = 1_000, 100


def read_page(content: bytes) -> list[Json | bytes]:
    """The orders that our reader finds in a page: each parsed, or as bytes where it cannot be. Raises
    PartnerApiError."""
    orders = [order.parse() for order in parse_page(content, PAGE_SIZE).orders]
    return [order if (text := unreadable(order)) is None else text for order in orders]


class PageTarget:
    cpu_seconds = 2.0
    mebibytes = 64

    def close(self) -> None:
        """Nothing is open."""

    def __call__(self, data: bytes) -> None:
        page = inputs.page(data)
        try:
            orders = read_page(page.content)
        except PartnerApiError as error:
            if page.is_whole or _is_page(page.content):
                raise Violation(f"a page is refused for one order: {error.failure}") from None
            return
        except Exception as error:
            raise Violation(f"{type(error).__name__} from the reader of pages") from error
        if page.is_whole:
            _has_every_order(page, orders)
        elif _is_page(page.content) and (exact := _exactly(page.content)) is not None and orders != exact:
            raise Violation("other orders than JSON has")


def _has_every_order(page: inputs.Page, orders: list[Json | bytes]) -> None:
    """Hold what was read to the page's orders, one by one, as each would be read by itself. Raises Violation."""
    if len(orders) != len(page.orders):
        raise Violation(f"{len(page.orders)} orders in a page, and {len(orders)} are read")
    for text, order in zip(page.orders, orders, strict=True):
        try:
            expected: Json | bytes = parse(text)
        except MalformedJsonError:
            expected = text
        if order != expected and not (isinstance(expected, bytes) and isinstance(order, bytes)):
            raise Violation("an order of a page is read in another way than by itself")


def _is_page(content: bytes) -> bool:
    page = _loaded(content)
    orders = page.get("orders") if isinstance(page, dict) and len(page) <= MOST_MEMBERS else None
    return isinstance(orders, list) and len(orders) <= MOST_ORDERS


def _loaded(content: bytes) -> Any:
    try:
        return json.loads(content.decode("utf-8-sig"), parse_float=Decimal)
    except (ValueError, RecursionError, ArithmeticError):
        return None


def _exactly(content: bytes) -> list[Json] | None:
    """The orders of a page that can be read exactly as a whole."""
    try:
        page = parse(content)
    except MalformedJsonError:
        return None
    orders = page.get("orders") if isinstance(page, dict) else None
    return orders if isinstance(orders, list) else None
