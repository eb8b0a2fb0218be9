"""What of an order is about a person, and the order without it.

What is left is a list of what we know and is not about a customer: a field that the platform adds may be anybody's
name, so it goes too. So does text where an object, a number, a time, a flag or a code should be: it could say anything.
"""

import re
from decimal import Decimal
from typing import Any

from partner_orders.exact_json import Json, MalformedJsonError, bounded_decimal, number_by_value, parse, write
from partner_orders.orders.digest import INSTANT, NUMBER, known_fields
from partner_orders.orders.model import parse_instant

# By path, without list positions. What staff and customers write freely counts as theirs.
PERSONAL = frozenset(
    {
        *("customer", "comment", "items.instructions", "payment.vouchers", "payment.discounts.name"),
        *("sys.created_by", "sys.updated_by", "sys.webhook_status"),
    }
)
# Names of fees, each with an amount (docs/platform.md 3.5). A name of words may be a person's, one of digits a number.
AMOUNTS = "payment.additional_fees"
_NAME_OF_A_FEE = re.compile(r"(?=[0-9_]*[A-Za-z])[A-Za-z0-9_]{1,64}")
# A reason is free text for some who cancel, and a code for others (docs/platform.md 3.6): codes are kept. A single word
# in capitals may be somebody's name, so of those only the ones that the platform is known to send.
_REASON = re.compile(r"[A-Z]+(?:_[A-Z]+)+|CLOSED|OTHER|MISTAKE")
_WHO = re.compile(r"CUSTOMER|VENDOR|LOGISTICS|PLATFORM")
_FLAG = re.compile(r"true|false|yes|no|on|off|[tfyn01]", re.IGNORECASE)
_FORMS = {
    "cancellation.reason": _REASON,
    "cancellation.cancelled_by": _WHO,
    "cancellation.post_picked_up": _FLAG,
    "isPreorder": _FLAG,
}


def without_personal_data(order: dict[str, Json]) -> dict[str, Json]:
    """The order with the fields that we know and that are not about a person; null for what is not as it should be."""
    return _fields(order, known_fields(), "")


def redacted(body: bytes) -> bytes:
    """The body of an order event without personal data. Raises MalformedJsonError; nothing at all is left of a body
    that is no object."""
    value = parse(body)
    return write(without_personal_data(value) if isinstance(value, dict) else {}).encode("ascii")


def personal_part(order: dict[str, Json]) -> Json:
    """What ``without_personal_data`` takes away, under the names of the fields that it is in."""
    return _taken(order, without_personal_data(order))


def _taken(value: Json, left: Json) -> Json:
    if isinstance(value, dict) and isinstance(left, dict):
        changed = {name: item for name, item in value.items() if name not in left or item != left[name]}
        return {name: _taken(item, left[name]) if name in left else item for name, item in changed.items()}
    if isinstance(value, list) and isinstance(left, list):
        return [_taken(item, kept) for item, kept in zip(value, left, strict=True) if item != kept]
    return value


def _fields(value: dict[str, Json], known: dict[str, Any], prefix: str) -> dict[str, Json]:
    return {
        name: _kept(item, known[name], f"{prefix}{name}")
        for name, item in value.items()
        if name in known and f"{prefix}{name}" not in PERSONAL
    }


def _kept(value: Json, meaning: Any, path: str) -> Json:
    if path == AMOUNTS:
        return _amounts(value)
    match value:
        case list():
            return [_kept(item, meaning, path) for item in value]
        case dict() if isinstance(meaning, dict):
            return _fields(value, meaning, f"{path}.")
        case dict():
            return {}
        case None | bool():
            return value
        case _:
            return value if _is_impersonal(value, meaning, path) else None


def _amounts(value: Json) -> Json:
    """The figures of the fees, however the platform groups them."""
    match value:
        case dict():
            return {name: _amounts(item) for name, item in value.items() if _NAME_OF_A_FEE.fullmatch(name)}
        case list():
            return [_amounts(item) for item in value]
        case str():
            return value if _is_impersonal(value, NUMBER, AMOUNTS) else None
        case _:
            return value


def _is_impersonal(value: str | int | Decimal, meaning: Any, path: str) -> bool:
    """Whether a text, or a number, is of the kind that belongs there."""
    if isinstance(meaning, dict):
        return False
    if form := _FORMS.get(path):
        return form.fullmatch(value if isinstance(value, str) else number_by_value(value)) is not None
    if not isinstance(value, str):
        return True
    try:
        if meaning == NUMBER:
            bounded_decimal(value.strip())
        elif meaning == INSTANT:
            parse_instant(value)
    except (ValueError, MalformedJsonError):
        return False
    return True
