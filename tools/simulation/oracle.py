"""What is true of an order, worked out from raw bodies without a line of the package: the second opinion.

It is written for the bodies that the simulation generates, and the fields whose meaning it knows.
"""

import json
import re
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

_ORDER_OF_STATUSES = ("RECEIVED", "ACCEPTED", "READY_FOR_PICKUP", "DISPATCHED", "PICKED_UP", "DELIVERED", "CANCELLED")
_FINAL = ("PICKED_UP", "DELIVERED", "CANCELLED")
_OUT_OF_THE_STORE = ("DISPATCHED", "PICKED_UP", "DELIVERED")
_TIMES = ("created_at", "updated_at", "promised_for", "accepted_for")
# Of the customer: texts of their own, and of their address texts and numbers.
_OF_THE_CUSTOMER = ("_id", "first_name", "last_name", "phone_number", "tax_id", "national_id", "loyalty_card")
_OF_THE_ADDRESS = (
    *("country", "city", "street", "number", "company", "block", "building", "apartment", "entrance", "intercom"),
    *("floor", "suburb", "zipcode", "instructions", "formattedAddress"),
)

# Programs write such times for "no time", and slips of the year.
_FIRST_TIME, _END_OF_TIME = 1_262_304_000.0, 4_102_444_800.0
_LONGEST_LIFE = 60 * 86_400.0
type Precedence = tuple[bool, float, int, int, float, int]


def load(body: bytes) -> dict[str, Any]:
    order: dict[str, Any] = json.loads(body)
    return order


@lru_cache(maxsize=512)
def identity(body: bytes) -> str:
    """Two bodies are the same event when this is the same."""
    order = load(body)
    _part(order, "sys").pop("webhook_status", None)
    return json.dumps(_by_value(order, ""), sort_keys=True)


@lru_cache(maxsize=512)
def status(body: bytes) -> str:
    return _status(load(body)["status"])


@lru_cache(maxsize=512)
def order_id(body: bytes) -> str:
    """The id that an order has, however its letters are written."""
    text: str = load(body)["order_id"]
    return text.lower()


def _status(text: str) -> str:
    words = re.sub(r"[\s_-]+", "_", text.strip().upper())
    return "CANCELLED" if words == "CANCELED" else words


def _part(order: dict[str, Any], name: str) -> dict[str, Any]:
    """A part of an order that is an object; an empty one where it is none."""
    part = order.get(name)
    return part if isinstance(part, dict) else {}


@lru_cache(maxsize=512)
def precedence(body: bytes, shown_at: float) -> Precedence:
    """The event with the greatest is the order's latest true state (up to events that are equal in all of it).
    ``shown_at`` is when a GET last showed it, in seconds since 1970; 0 if none did."""
    order = load(body)
    sys, name = _part(order, "sys"), status(body)
    rank = _ORDER_OF_STATUSES.index(name) + 1 if name in _ORDER_OF_STATUSES else 0
    sys.pop("webhook_status", None)
    return name in _FINAL, _clock(sys), rank, _unmasked(order), shown_at, _said(order)


def is_open(name: str) -> bool:
    """Whether an order of this status is still to be worked on."""
    return name not in _OUT_OF_THE_STORE and name != "CANCELLED"


def open_under(name: str, client: dict[str, Any]) -> str | None:
    """What an order of this status is found by while it is open: its store, and apart from the others if nobody knows
    whether the status is a last one."""
    store = client.get("store_id") or client.get("external_partner_config_id") or ""
    prefix = "OPEN" if name in _ORDER_OF_STATUSES else "OPEN_UNKNOWN"
    return f"{prefix}#{store}" if is_open(name) else None


def exactly(body: bytes) -> str:
    """What a body says, number by number as it was written."""
    return json.dumps(json.loads(body, parse_float=lambda text: [text], parse_int=lambda text: [text]), sort_keys=True)


def sale(snapshot: bytes, statuses: set[str]) -> tuple[str, bool]:
    """Whether the order is a sale (yes, no, not_yet_known), and whether history had to say so."""
    name = status(snapshot)
    if name in _OUT_OF_THE_STORE:
        return "yes", False
    if name != "CANCELLED":
        return "not_yet_known", False
    said = post_picked_up(snapshot)
    if said is None:
        return ("yes" if statuses & set(_OUT_OF_THE_STORE) else "no"), True
    return ("yes" if said else "no"), False


def post_picked_up(body: bytes) -> bool | None:
    """Whether a cancelled order says that it was cancelled after the rider had collected it."""
    said = _part(load(body), "cancellation").get("post_picked_up")
    return said if isinstance(said, bool) else None


def client(body: bytes) -> dict[str, Any]:
    """What an order says of its store; an identifier as text."""
    said = _part(load(body), "client")
    texts = {name: str(value) for name, value in said.items() if isinstance(value, str | int) and value is not True}
    return texts | {"chain_id": texts.get("chain_id", "").lower()}


def clock(body: bytes) -> float:
    """The platform's own time of a change, in seconds since 1970; minus infinity where it gives none."""
    return _clock(_part(load(body), "sys"))


def moment(body: bytes) -> tuple[str, float]:
    """Status and time: two events that share it are in conflict."""
    return status(body), clock(body)


def _clock(sys: dict[str, Any]) -> float:
    """The platform's own time of a change; minus infinity where it gives none that an order can have."""
    created, updated = (possible_time(sys.get(name)) for name in ("created_at", "updated_at"))
    if updated is not None and (created is None or updated - created <= _LONGEST_LIFE):
        return updated
    return float("-inf") if created is None else created


def possible_time(text: Any) -> float | None:
    """A time of an order in seconds since 1970; None for what is none."""
    try:
        seconds = _seconds(text) if text else None
    except (TypeError, ValueError):
        return None
    return seconds if seconds is not None and _FIRST_TIME <= seconds < _END_OF_TIME else None


def _unmasked(order: dict[str, Any]) -> int:
    """How many values of the customer's own can be read."""
    lines = order["items"] if isinstance(order.get("items"), list) else []
    customer = _part(order, "customer")
    address = _part(customer, "delivery_address")
    texts = [
        order.get("comment"),
        *(line.get("instructions") for line in lines if isinstance(line, dict)),
        *(customer.get(name) for name in _OF_THE_CUSTOMER),
        *(address.get(name) for name in _OF_THE_ADDRESS),
    ]
    numbers = [address.get("latitude"), address.get("longitude")]
    return _said([text for text in texts if _is_text(text)]) + sum(map(_is_number, numbers))


def _is_text(value: Any) -> bool:
    return isinstance(value, str | int | float) and not isinstance(value, bool)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _seconds(text: str) -> float:
    instant = datetime.fromisoformat(text)
    return (instant if instant.tzinfo else instant.replace(tzinfo=UTC)).timestamp()


def _any_time(text: str) -> float | None:
    """A time in seconds since 1970, be it possible or not; None for what is none, and for the year 1."""
    try:
        return None if text.startswith("0001-") else _seconds(text)
    except ValueError:
        return None


def _by_value(value: Any, name: str) -> Any:
    match value:
        case dict():
            return {key: _by_value(item, key) for key, item in value.items() if item is not None}
        case list():
            return [_by_value(item, name) for item in value]
        case bool():
            return value
        case int() | float() if name == "store_id":
            return str(value)
        case int() | float():
            return float(value)
        case str() if name in _TIMES and (seconds := _any_time(value)) is not None:
            return seconds
        case str() if name == "status":
            return _status(value)
        case str() if name == "order_id":
            return value.lower()
        case _:
            return value


def _said(value: Any) -> int:
    """How many values say something: neither null, nor empty, nor masked."""
    match value:
        case dict():
            return sum(map(_said, value.values()))
        case list():
            return sum(map(_said, value))
        case str():
            return int(bool(value) and "*" not in value)
        case _:
            return int(value is not None)
