"""What is a page, what is an empty one, and what is none."""

import json
import time
from decimal import Decimal
from typing import Any

import pytest

from partner_orders.exact_json import Json
from partner_orders.platform.failures import Failure, PartnerApiError
from partner_orders.platform.order_page import (
    LIST_BYTES,
    LIST_ORDERS,
    MAX_ORDERS,
    UnreadableOrder,
    identity,
    parse_page,
    unreadable,
    unseen,
)


def orders_of(content: bytes) -> list[Json]:
    return [order.parse() for order in parse_page(content, 500).orders]


def failure_of(content: bytes) -> tuple[Failure, float | None]:
    with pytest.raises(PartnerApiError) as error:
        parse_page(content, 500)
    return error.value.failure, error.value.retry_after


def test_top_level_orders_are_taken() -> None:
    """Orders are those of the envelope, not those of a list with the same name inside another part or an order."""
    page = (
        b'{"filters":{"orders":["OPEN","ALL"]},"orders":[{"order_id":"a","x":NaN},{"orders":[1]}],"meta":{"orders":[]}}'
    )
    first, second = orders_of(page)
    assert (unreadable(first), second) == (b'{"order_id":"a","x":NaN}', {"orders": [1]})
    assert identity(first) == "a"


def test_last_of_two_lists_counts() -> None:
    """Of two values for orders the last one counts, as in any other JSON."""
    assert orders_of(b'{"orders":[1],"orders":[2]}') == [2]
    assert orders_of(b'{"orders":[1],"orders":null}') == []
    assert orders_of(b'{"orders":null,"\\u006frders":[3]}') == [3]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b" \r\n",
        b"\xef\xbb\xbf",
        b"{}",
        b'{"orders":null}',
        b'{"orders":{ }}',
        b'{"orders":[]}',
        b'{"page_number":1,"page_size":500,"total_pages":0}',
        b'{"orders":null,"total_pages":0,"filters":{"status":["OPEN"]}}',
        b'{"orders":null,"message":null,"error":""}',
    ],
)
def test_nothing_is_an_empty_page(content: bytes) -> None:
    """A response that says that there is nothing, or says nothing, is an empty page."""
    assert orders_of(content) == []


@pytest.mark.parametrize(
    "content",
    [
        b'{"message":"Internal error"}',
        b'{"error":"timeout","error_description":""}',
        b'{"orders":null,"error":{"code":7}}',
        b'{"status":500,"path":"/v2"}',
        b'{"orders":"none"}',
        b'{"orders":{"a":1}}',
        b'{"data":[{"order_id":"a"}]}',
        b"[]",
        b'"maintenance"',
        b"null",
        b'{"a":1' + b',"a":1' * 2_000 + b',"orders":[]}',
    ],
)
def test_anything_else_is_no_page(content: bytes) -> None:
    """A response that says anything else is no page, never an empty one."""
    assert failure_of(content) == (Failure.NOT_A_PAGE, None)


@pytest.mark.parametrize(
    "content",
    [
        b'{"orders":[{"order_id":"a"},{"ord',
        b'{"orders":[{"order_id":"a"}]',
        b'{"orders":[]}{"orders":[1]}',
        b'{"orders":[1 2]}',
        b'{"orders":[1,]}',
        b'{"orders":[],}',
        b'{"orders" [1]}',
        b"<html>Just a moment...</html>",
        b"\x00",
    ],
)
def test_broken_envelope_is_not_json(content: bytes) -> None:
    """A response that was cut, or is something else than JSON, is requested again."""
    assert failure_of(content) == (Failure.NOT_JSON, 0.0)


@pytest.mark.parametrize(
    ("text", "pages"),
    [("3", 3), ('"3"', 3), ('" 12 "', 12), ("0", 0), ("null", None), ("true", None), ("-1", None), ('"many"', None),
     ("1e99", None), ("9" * 50, None), ("[3]", None)],
)  # fmt: skip
def test_count_may_be_text(text: str, pages: int | None) -> None:
    """A count may be a number or the text of one."""
    assert parse_page(b'{"orders":[],"total_pages":%s}' % text.encode(), 500).total_pages == pages


def test_too_many_orders_are_too_large() -> None:
    """A page of more orders than any page has is for smaller ones."""
    assert failure_of(b'{"orders":[' + b"1," * MAX_ORDERS + b"1]}") == (Failure.TOO_LARGE, None)


@pytest.mark.parametrize(
    "content",
    [
        b'{"orders":["' + b'\\"' * 500_000,
        b'{"orders":[' + b'"a' * 500_001,
        b'{"orders":' + b"[" * 1_000_000,
        b'{"orders":[' + b"{}," * 250_000,
        b'{"orders":["' + b"\\" * 1_000_000,
        b'{"orders":[' + b" " * 1_000_000,
    ],
)
def test_page_is_scanned_once(content: bytes) -> None:
    """Whatever a page is made of, reading it takes time in proportion to its length, and no stack."""
    begun = time.process_time()
    with pytest.raises(PartnerApiError):
        parse_page(content, 500)
    assert time.process_time() - begun < 10


def test_lists_are_bounded() -> None:
    """Orders come in lists of so many orders and so many bytes."""
    many: list[Any] = [{"order_id": str(number)} for number in range(250)]
    page = parse_page(json.dumps({"orders": many}).encode(), 500)
    assert [len(listed) for listed in unseen(page.orders, {})] == [LIST_ORDERS, LIST_ORDERS, 50]
    large = [{"order_id": str(number), "comment": "x" * (LIST_BYTES // 3)} for number in range(5)]
    page = parse_page(json.dumps({"orders": large}).encode(), 500)
    assert [len(listed) for listed in unseen(page.orders, {})] == [2, 2, 1]


def test_identity_of_an_unreadable_order() -> None:
    """An order that cannot be parsed is known by its id where that can be, and by its bytes elsewhere."""
    assert identity(UnreadableOrder(b'{"order_id":"a\\u0062","x":NaN}')) == "ab"
    assert identity(UnreadableOrder(b'{"order_id":10.0,"x":NaN}')) == identity({"order_id": Decimal(10)})
    nameless = [UnreadableOrder(b'{"order_id":NaN}'), UnreadableOrder(b"-"), UnreadableOrder(b"{]")]
    assert len({identity(order) for order in nameless}) == 3
    assert unreadable(["unreadable", "text"]) is None
