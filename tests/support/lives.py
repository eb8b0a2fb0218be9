"""Hypothesis strategies: events of an order, as lives that no example file contains."""

import json
from typing import Any

from hypothesis import strategies as st

from partner_orders.orders.event import OrderEvent, parse_event
from tests.support.orders import as_bytes, order

STATUSES = [
    "RECEIVED", "ACCEPTED", "READY_FOR_PICKUP", "DISPATCHED", "PICKED_UP", "DELIVERED", "CANCELLED", "cancelled",
    "UPDATE_CART", "HANDED_TO_DRONE",
]  # fmt: skip
LINES = [(2, "NOT_PROCESSED"), (1, "IN_CART"), (0, "NOT_FOUND")]
TIMES = st.sampled_from([None, *(f"2026-10-14T08:{minute:02d}:00.000Z" for minute in (12, 13, 14, 20))])


@st.composite
def bodies(draw: st.DrawFn) -> dict[str, Any]:
    """One order object; few times and amounts, so that equal ones with different contents are common."""
    body = order(status=draw(st.sampled_from(STATUSES)))
    updated, created = draw(TIMES), draw(TIMES)
    body["sys"] = {
        name: value
        for name, value in (("created_at", created), ("updated_at", updated))
        if value or draw(st.booleans())
    }
    if not body["sys"] and draw(st.booleans()):
        del body["sys"]
    body["order_code"] = draw(st.sampled_from(["0417", 417, 10.0]))
    line = body["items"][0]
    line["pricing"]["quantity"], line["status"] = draw(st.sampled_from(LINES))
    body["payment"]["sub_total"] = draw(st.sampled_from([690.0, 345, 0]))
    if draw(st.booleans()):
        body["customer"] |= {"phone_number": "+92*******41", "first_name": "A**", "last_name": "**"}
    if draw(st.booleans()):
        body["something_new"] = draw(st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=5)))
    if body["status"].upper() == "CANCELLED":
        cancellation: Any = {"reason": "TOO_BUSY", "cancelled_by": "VENDOR"}
        said = draw(st.sampled_from([True, False, None, "not said", "string"]))
        if said == "string":
            cancellation = "TOO_BUSY"
        elif said != "not said":
            cancellation["post_picked_up"] = said
        body["cancellation"] = cancellation
    return body


def events() -> st.SearchStrategy[OrderEvent]:
    return bodies().map(lambda body: parse_event(as_bytes(body)))


def histories(max_size: int = 8) -> st.SearchStrategy[list[OrderEvent]]:
    """Events of one order, some of them repeated, as they were or in other words."""
    return st.lists(bodies(), min_size=1, max_size=max_size).flatmap(
        lambda found: st.lists(st.tuples(st.sampled_from(found), st.booleans()), max_size=4).map(
            lambda again: [
                *(parse_event(as_bytes(body)) for body in found),
                *(parse_event(reworded(body) if is_reworded else as_bytes(body)) for body, is_reworded in again),
            ]
        )
    )


def reworded(body: dict[str, Any]) -> bytes:
    """The text of the same event in other words, and with other white space."""
    return json.dumps(rewritten(body), indent=1).encode()


def rewritten(body: dict[str, Any]) -> dict[str, Any]:
    """The same event in other words: key order, nulls for absent fields, integral floats, instants, webhook status."""
    other: dict[str, Any] = _respelled(body)
    for name in ("accepted_for", "comment", "external_order_id"):
        other.setdefault(name, None)
    if other.get("comment") is None:
        other.pop("comment")
    if "sys" in other:
        instants = {name: at.replace("Z", "+00:00") if isinstance(at, str) else at for name, at in other["sys"].items()}
        other["sys"] = instants | {"webhook_status": "SENT"}
    return other


def _respelled(value: Any) -> Any:
    """The same value, with every object's keys the other way round, and each whole number as the other type."""
    match value:
        case dict():
            return {name: _respelled(item) for name, item in reversed(value.items())}
        case list():
            return [_respelled(item) for item in value]
        case float() if value.is_integer():
            return int(value)
        case int() if not isinstance(value, bool) and abs(value) < 2**53:
            return float(value)
        case _:
            return value


@st.composite
def numbers_spelled_twice(draw: st.DrawFn) -> tuple[str, str]:
    """Two texts of one number, as large, as small and as long as a body may hold."""
    digits, zeros = draw(st.integers(-(10**20), 10**20)), draw(st.integers(0, 9))
    exponent = draw(st.one_of(st.integers(-3, 3), st.integers(-90, 80)))
    plain = str(digits) if exponent == 0 else f"{digits}e{exponent}"
    return plain, f"{digits * 10**zeros}e{exponent - zeros}"
