"""What is true of an order, worked out from raw bodies without a line of the package: the second opinion.

It is written for the bodies that the simulation generates, and the fields whose meaning it knows.
"""

import json
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

_ORDER_OF_STATUSES = ("RECEIVED", "ACCEPTED", "READY_FOR_PICKUP", "DISPATCHED", "PICKED_UP", "DELIVERED", "CANCELLED")
_FINAL = ("PICKED_UP", "DELIVERED", "CANCELLED")
_OUT_OF_THE_STORE = ("DISPATCHED", "PICKED_UP", "DELIVERED")
_TIMES = ("created_at", "updated_at", "promised_for", "accepted_for")

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
    order.get("sys", {}).pop("webhook_status", None)
    return json.dumps(_by_value(order, ""), sort_keys=True)


@lru_cache(maxsize=512)
def status(body: bytes) -> str:
    text: str = load(body)["status"]
    return text.strip().upper()


@lru_cache(maxsize=512)
def precedence(body: bytes, shown_at: float) -> Precedence:
    """The event with the greatest is the order's latest true state (up to events that are equal in all of it).
    ``shown_at`` is when a GET last showed it, in seconds since 1970; 0 if none did."""
    order = load(body)
    sys, name = order.get("sys") or {}, status(body)
    rank = _ORDER_OF_STATUSES.index(name) + 1 if name in _ORDER_OF_STATUSES else 0
    sys.pop("webhook_status", None)
    return name in _FINAL, _clock(sys), rank, _unmasked(order), shown_at, _said(order)


def is_open(name: str) -> bool:
    """Whether an order of this status is still to be worked on."""
    return name not in _OUT_OF_THE_STORE and name != "CANCELLED"


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
    said = (load(snapshot).get("cancellation") or {}).get("post_picked_up")
    if said is None:
        return ("yes" if statuses & set(_OUT_OF_THE_STORE) else "no"), True
    return ("yes" if said else "no"), False


def moment(body: bytes) -> tuple[str, float]:
    """Status and time: two events that share it are in conflict."""
    return status(body), _clock(load(body).get("sys") or {})


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
    instructions = [line.get("instructions") for line in lines if isinstance(line, dict)]
    customer = {name: item for name, item in (order.get("customer") or {}).items() if not isinstance(item, list)}
    return _said([customer, order.get("comment"), instructions])


def _seconds(text: str) -> float:
    instant = datetime.fromisoformat(text)
    return (instant if instant.tzinfo else instant.replace(tzinfo=UTC)).timestamp()


def _by_value(value: Any, name: str) -> Any:
    match value:
        case dict():
            return {key: _by_value(item, key) for key, item in value.items() if item is not None}
        case list():
            return [_by_value(item, name) for item in value]
        case bool():
            return value
        case int() | float():
            return float(value)
        case str() if name in _TIMES and possible_time(value) is not None:
            return _seconds(value)
        case str() if name == "status":
            return value.strip().upper()
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
