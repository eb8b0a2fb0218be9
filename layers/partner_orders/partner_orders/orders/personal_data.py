"""What of an order is about a person, and the order without it.

What is left is a list of what we know and is not about a customer: a field that the platform adds may be anybody's
name, so it goes too. So does text where an object, a number, a time, a flag or a code should be: it could say anything.
"""

import re
from collections.abc import Mapping
from decimal import Decimal

from partner_orders.exact_json import Json, MalformedJsonError, bounded_decimal, number_by_value, parse, write
from partner_orders.orders.fields import Kind, UnreadableError, read_value
from partner_orders.orders.reading import Field, known_fields

# By path, without list positions. What staff and customers write freely counts as theirs.
PERSONAL = frozenset(
    {
        *("customer", "comment", "items.instructions", "items.promotion.name"),
        *("payment.vouchers", "payment.discounts.name"),
        *("sys.created_by", "sys.updated_by", "sys.webhook_status"),
    }
)
# Names of fees, each with an amount (docs/platform.md 3.5). A name of words may be a person's, one of digits a number.
AMOUNTS = "payment.additional_fees"
_NAME_OF_A_FEE = re.compile(r"(?=[0-9_]*[A-Za-z])[A-Za-z0-9_]{1,64}")
# A code is words in capitals, joined by underscores. A single word in capitals may be somebody's name, so of those only
# the ones that the platform is known to send (docs/platform.md 3).
_CODE = "[A-Z]+(?:_[A-Z]+)+"
_FORMS = {
    path: re.compile(f"{_CODE}|{words}")
    for path, words in {
        "order_type": "DELIVERY|PICKUP",
        "transport_type": "DELIVERY|PICKUP",
        "promotion_status": "AVAILABLE|UNAVAILABLE",
        "items.status": "ADDITION|REPLACED|PICKED|CONFIRMED",
        "items.pricing.pricing_type": "KG|UNIT|WEIGHT",
        "items.original_pricing.pricing_type": "KG|UNIT|WEIGHT",
        "items.promotion.sponsorships.sponsor": "VENDOR|PLATFORM|PARTNER|SUPPLIER",
        "payment.type": "PAID|UNPAID|CASH|CARD|ONLINE|CREDIT|WALLET|POSTPAID|PREPAID",
        # A reason is free text for some who cancel, and a code for others (docs/platform.md 3.6).
        "cancellation.reason": "CLOSED|OTHER|MISTAKE",
    }.items()
} | {"cancellation.cancelled_by": re.compile("CUSTOMER|VENDOR|LOGISTICS|PLATFORM")}


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


def _fields(value: dict[str, Json], known: Mapping[str, Field], prefix: str) -> dict[str, Json]:
    return {
        name: _kept(item, known[name])
        for name, item in value.items()
        if name in known and f"{prefix}{name}" not in PERSONAL
    }


def _kept(value: Json, described: Field) -> Json:
    """What is left of a known field; null where it is not what it should be."""
    if value is None:
        return None
    if described.path == AMOUNTS:
        return _amounts(value)
    if isinstance(value, dict) and described.fields is not None:
        return _fields(value, described.fields, f"{described.path}.")
    if isinstance(value, list) and described.element is not None:
        return [_kept(item, described.element) for item in value]
    if isinstance(value, list | dict):
        return None
    kind = (described.element or described).kind
    # As a text, a part that should be an object is what somebody wrote.
    if kind is None or described.fields is not None:
        return None
    return value if _is_impersonal(value, kind, described.path) else None


def _amounts(value: Json) -> Json:
    """The figures of the fees, however the platform groups them."""
    match value:
        case dict():
            return {name: _amounts(item) for name, item in value.items() if _NAME_OF_A_FEE.fullmatch(name)}
        case list():
            return [_amounts(item) for item in value]
        case str():
            return value if _is_amount(value) else None
        case _:
            return value


def _is_amount(text: str) -> bool:
    try:
        bounded_decimal(text.strip())
    except MalformedJsonError:
        return False
    return True


def _is_impersonal(value: str | int | Decimal, kind: Kind, path: str) -> bool:
    """Whether a value is of the kind that belongs there; a code only where it looks like one."""
    try:
        read_value(kind, value)
    except UnreadableError:
        return False
    form = _FORMS.get(path)
    if form is None or isinstance(value, bool):
        return True
    return form.fullmatch(value if isinstance(value, str) else number_by_value(value)) is not None
