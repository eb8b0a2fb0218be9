"""When two bodies are the same event: equal digests of their canonical text (``orders/reading.py``)."""

import hashlib

from partner_orders.exact_json import Json
from partner_orders.orders.fields import Kind
from partner_orders.orders.reading import Field, canonical_text, known_fields

# The version of the reading. A digest names it, so that code of a later version can tell an earlier one's.
VERSION = 1


def digest_of_canonical(canonical: str) -> str:
    """The digest of an order's canonical text: the version, and 32 hexadecimal digits."""
    return f"{VERSION}.{hashlib.sha256(canonical.encode('ascii')).hexdigest()[:32]}"


def changed_fields(one: Json, other: Json) -> list[str]:
    """The fields in which two order objects differ, as paths without list positions (``items.status``), sorted.

    Of fields we do not know only the place is named: their own names could be anybody's.
    """
    changed: set[str] = set()
    _compare(one, other, Field("", fields=known_fields()), changed)
    return sorted(changed)


def _compare(one: Json, other: Json, described: Field, changed: set[str]) -> None:
    if canonical_text(one, described) == canonical_text(other, described):
        return
    fields, element = described.fields, described.element
    if isinstance(one, dict) and isinstance(other, dict) and fields is not None:
        unknown = Field(f"{described.path}.(unknown)".removeprefix("."), Kind.ANY)
        for name in one.keys() | other.keys():
            field = fields.get(name, unknown)
            if not field.is_volatile:
                _compare(one.get(name), other.get(name), field, changed)
    elif isinstance(one, list) and isinstance(other, list) and element is not None and len(one) == len(other):
        for first, second in zip(one, other, strict=True):
            _compare(first, second, element, changed)
    else:
        changed.add(described.path)
