"""What of an order is about a person, and the order without it.

What is left is a list of what we know and is not about a customer: a field that the platform adds may be anybody's
name, so it goes too.
"""

from typing import Any

from partner_orders.digest import known_fields
from partner_orders.json_text import Json, parse, write

# By path, without list positions. What staff and customers write freely counts as theirs.
PERSONAL = frozenset(
    {
        *("customer", "comment", "items.instructions", "payment.vouchers"),
        *("sys.created_by", "sys.updated_by", "sys.webhook_status"),
    }
)


def without_personal_data(order: dict[str, Json]) -> dict[str, Json]:
    """The order with the fields that we know and that are not about a person."""
    return _fields(order, known_fields(), "")


def redacted(body: bytes) -> bytes:
    """The body of an order event without personal data. Raises MalformedJsonError; nothing at all is left of a body
    that is no object."""
    value = parse(body)
    return write(without_personal_data(value) if isinstance(value, dict) else {}).encode("ascii")


def _fields(value: dict[str, Json], known: dict[str, Any], prefix: str) -> dict[str, Json]:
    return {
        name: _kept(item, known[name], f"{prefix}{name}.")
        for name, item in value.items()
        if name in known and f"{prefix}{name}" not in PERSONAL
    }


def _kept(value: Json, meaning: Any, prefix: str) -> Json:
    match value:
        case dict() if isinstance(meaning, dict):
            return _fields(value, meaning, prefix)
        case dict():
            return {name: item for name, item in value.items() if not isinstance(item, str | dict | list)}
        case list():
            return [_kept(item, meaning, prefix) for item in value]
        case _:
            return value
