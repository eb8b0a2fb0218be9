"""The request that an answer means for the newest order."""

from typing import Any

import pytest

from partner_orders.answers.answer import AnswerProblemsError
from partner_orders.answers.cart import cart_of, named_lines
from partner_orders.answers.put_body import check_unchanged, put_body, target_of
from partner_orders.answers.rules import Brand
from partner_orders.exact_json import parse, write
from partner_orders.orders.event import parse_event
from partner_orders.orders.model import Order
from tests.support.answers import ORDER_ID, lines, read
from tests.support.orders import as_bytes, order


def made(items: list[dict[str, Any]] | None = None, **fields: Any) -> Order:
    return parse_event(as_bytes(order(items=lines() if items is None else items, **fields))).order


def body(transport: str = "LOGISTICS_DELIVERY", **content: Any) -> dict[str, Any]:
    answer = read(**content)
    sent = put_body(answer, ORDER_ID, target_of(answer, made(transport_type=transport), Brand("glovo")))
    assert parse(write(sent).encode()) == sent
    return sent


@pytest.mark.parametrize(
    ("content", "transport", "status"),
    [
        ({}, "LOGISTICS_DELIVERY", "READY_FOR_PICKUP"),
        ({}, "VENDOR_DELIVERY", "DISPATCHED"),
        ({"kind": "update"}, "VENDOR_DELIVERY", "UPDATE_CART"),
        ({"kind": "accept", "ready_at": "2026-10-14T09:30:00Z"}, "VENDOR_DELIVERY", "ACCEPTED"),
        ({"kind": "cancel", "reason": "CLOSED"}, "LOGISTICS_DELIVERY", "CANCELLED"),
    ],
)
def test_body_has_status_and_all_lines(content: dict[str, Any], transport: str, status: str) -> None:
    """Each request has the order's id, the status of its kind, and every line."""
    sent = body(transport, **content)
    assert (sent["order_id"], sent["status"]) == (ORDER_ID, status)
    assert [line["_id"] for line in sent["items"]] == [f"ln-{number}" for number in range(1, 6)]


def test_reason_and_time_are_sent() -> None:
    """Only a cancel has a reason, and only an accept a time."""
    assert body(kind="cancel", reason="CLOSED")["cancellation"] == {"reason": "CLOSED"}
    accept = body("VENDOR_DELIVERY", kind="accept", ready_at="2026-10-14T14:30:00+05:00")
    assert accept["accepted_for"] == "2026-10-14T09:30:00.000000Z"
    assert not {"cancellation", "accepted_for"} & {*body()}


def test_new_line_has_no_id() -> None:
    """A replacement is sent without an id, and names the line that it replaces."""
    new = {"sku": "KW-221", "quantity": 2, "unit_price": 1.25, "name": "Rye bread"}
    sent = body(lines=[{"id": "ln-2", "replaced_by": [new]}])["items"]
    assert (sent[1]["status"], sent[2]["replaced_id"], "_id" in sent[2]) == ("REPLACED", "ln-2", False)


def test_changed_lines_are_named() -> None:
    """Lines that came or went since the answer are named, each once; a changed line is none of them."""
    answered = [*named_lines(cart_of(made().items)).elements()]
    check_unchanged(answered, cart_of(made([line | {"status": "IN_CART"} for line in lines()]).items))
    other = [*lines()[1:], lines()[1] | {"_id": "ln-6"}]
    with pytest.raises(AnswerProblemsError) as error:
        check_unchanged(answered, cart_of(made(other).items))
    assert [str(problem) for problem in error.value.problems] == [
        *("line ln-6: it came after the answer", "line ln-1: the order has it no longer"),
    ]


def test_lines_without_ids_are_counted() -> None:
    """Of lines that only their SKU names, one more or less is noticed."""
    items = [{name: value for name, value in line.items() if name != "_id"} for line in lines()]
    answered = [*named_lines(cart_of(made(items).items)).elements()]
    check_unchanged(answered, cart_of(made(items).items))
    with pytest.raises(AnswerProblemsError, match="line sku:KW-310: the order has it no longer"):
        check_unchanged(answered, cart_of(made(items[:4]).items))
