"""Laws of a page that is read by its structure: like JSON where it is JSON, and no order costs another."""

import json
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from partner_orders.exact_json import Json, MalformedJsonError, parse, write_bytes
from partner_orders.platform.failures import PartnerApiError
from partner_orders.platform.json_scanner import BrokenStructureError, JsonScanner
from partner_orders.platform.order_page import identity, parse_page, unreadable, unseen

TEXT = st.text(alphabet=st.sampled_from('ab"\\[]{},: \n\u0000é\u20ac😀'), max_size=8)
SCALARS = st.none() | st.booleans() | st.integers(-(10**20), 10**20) | TEXT
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4), max_leaves=12
)
ORDERS = st.lists(st.dictionaries(st.sampled_from(["order_id", "status", "orders", "items"]) | TEXT, VALUES) | VALUES)
COUNTS = st.integers(0, 99)
ENVELOPES = st.dictionaries(st.sampled_from(["filters", "page_number", "orders "]) | TEXT, VALUES, max_size=4)
INDENTS = st.sampled_from([None, 0, 2])

# Orders that are brackets and strings, and cannot be stored exactly.
STRANGE = st.sampled_from([
    b'{"order_id":"s","name":"two\nlines"}',
    b'{"order_id":"s","name":"a\ttab"}',
    b'{"order_id":"s","name":"half \xc3"}',
    b'{"order_id":"s","name":"\\ud83d\xff"}',
    b'{"order_id":"s","total":' + b"7" * 5_000 + b"}",
    b'{"order_id":"s","total":NaN,"lines":[1,]}',
    b'{"order_id":"s","order_id":"s"}',
    b'{"order_id":"s","deep":' + b"[" * 3_000 + b"]" * 3_000 + b"}",
    b"[{]}",
    b"-",
])  # fmt: skip


def read(content: bytes) -> tuple[list[Any], int | None]:
    page = parse_page(content, 500)
    return [order.parse() for order in page.orders], page.total_pages


@given(st.data())
def test_page_equals_json(data: st.DataObject) -> None:
    """A page that is JSON has the orders and the count that any JSON parser finds, however it is written."""
    members = data.draw(ENVELOPES) | {"orders": data.draw(ORDERS), "total_pages": data.draw(COUNTS)}
    members = dict(data.draw(st.permutations([*members.items()])))
    text = json.dumps(members, ensure_ascii=data.draw(st.booleans()), indent=data.draw(INDENTS))
    expected = json.loads(text)
    assert read(data.draw(st.sampled_from([b"", b"\xef\xbb\xbf", b" \n"])) + text.encode()) == (
        expected["orders"],
        expected["total_pages"],
    )


@given(ORDERS, STRANGE, st.integers(0, 9), INDENTS)
def test_strange_order_costs_no_other(orders: list[Any], strange: bytes, at: int, indent: int | None) -> None:
    """An order that cannot be parsed stays the bytes that came, and the others of its page are read."""
    texts = [json.dumps(order, indent=indent).encode() for order in orders]
    texts.insert(at, strange)
    page = parse_page(b'{"filters":{"orders":[1]},"orders":[' + b" , ".join(texts) + b'],"total_pages":"3"}', 500)
    listed = [order.parse() for order in page.orders]
    place = min(at, len(orders))
    assert (page.total_pages, unreadable(listed[place])) == (3, strange)
    assert [unreadable(order) for order in listed[:place] + listed[place + 1 :]] == [None] * len(orders)
    assert listed[:place] + listed[place + 1 :] == orders


@example(b'{"orders": [{"order_id": "a"}]}')
@example(b'{"orders": null}')
@given(st.binary(max_size=60) | st.text('{}[]",:\\ \n1norders', max_size=40).map(str.encode))
def test_any_bytes_are_a_page_or_an_error(content: bytes) -> None:
    """Any bytes are a page or a PartnerApiError; what is a page shows every order of what is JSON."""
    try:
        orders, _ = read(content)
    except PartnerApiError:
        return
    try:
        expected = parse(content)
    except MalformedJsonError:
        return
    assert orders == (expected.get("orders") if isinstance(expected, dict) else None) or orders == []


@given(VALUES, st.binary(max_size=9))
def test_value_ends_where_json_ends(value: Any, after: bytes) -> None:
    """A value ends where it ends as JSON, whatever comes after it."""
    text = json.dumps(value).encode()
    assert JsonScanner(text + b"," + after).value() == text


@given(VALUES, st.integers(1, 30))
def test_cut_container_is_an_error(value: Any, missing: int) -> None:
    """A list that is cut anywhere does not end."""
    text = json.dumps([value]).encode()
    try:
        found = JsonScanner(text[: max(1, len(text) - missing)]).value()
    except BrokenStructureError:
        return
    raise AssertionError(found)


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 2)), max_size=30))
def test_each_state_comes_once(states: list[tuple[str, int]]) -> None:
    """Of orders listed again and again each state comes once, and no list has an order twice."""
    orders: list[dict[str, Json]] = [{"order_id": order_id, "state": state} for order_id, state in states]
    page = parse_page(b'{"orders":[' + b",".join(write_bytes({**order}) for order in orders) + b"]}", 500)
    seen: dict[bytes, str] = {}
    lists = [*unseen(page.orders, seen), *unseen(page.orders, seen)]
    assert [order for listed in lists for order in listed] == [
        *map(dict, dict.fromkeys(tuple(o.items()) for o in orders))
    ]
    assert all(len({identity(order) for order in listed}) == len(listed) for listed in lists)
    assert {*seen.values()} == {order_id for order_id, _ in states}
