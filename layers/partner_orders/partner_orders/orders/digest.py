"""When two bodies are the same event: equal digests of their canonical form.

Canonical: keys sorted, numbers and instants by value, the status in upper case, null the same as absent for the
fields we know, and no volatile fields. What we do not know is compared as it stands.
"""

import hashlib
import re
from datetime import datetime
from functools import cache
from json.encoder import encode_basestring_ascii as _quote
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel

from partner_orders.exact_json import Json, MalformedJsonError, bounded_decimal, number_by_value
from partner_orders.orders import lifecycle
from partner_orders.orders.model import Instant, Number, Order, parse_instant

# Fields that change without the order changing, by path. GET shows them, the webhook does not (docs/platform.md 3.7).
VOLATILE = frozenset({"sys.webhook_status"})

# What parse_instant() would cut off, and two different times would be one.
_FINER_THAN_A_MICROSECOND = re.compile(r"[.,]\d{6}\d*[1-9]")

type _Shape = dict[str, Any]
INSTANT, NUMBER, _STATUS, _OPAQUE, _VOLATILE = "instant", "number", "status", "opaque", "volatile"


def digest_and_richness(order: dict[str, Json]) -> tuple[str, int]:
    """The digest of an order object (32 hexadecimal digits), and how much its body says.

    Richness counts the values that are neither null nor empty nor masked with ``*``; of two copies of one state, the
    richer is the one to show. It depends on the canonical form alone, as the digest does.
    """
    parts: list[str] = []
    richness = _canonical(order, known_fields(), parts)
    return hashlib.sha256("".join(parts).encode("ascii")).hexdigest()[:32], richness


def changed_fields(one: Json, other: Json) -> list[str]:
    """The fields in which two order objects differ, as paths without list positions (``items.status``), sorted.

    Of fields we do not know only the place is named: their own names could be anybody's.
    """
    changed: set[str] = set()
    _compare(one, other, known_fields(), (), changed)
    return sorted(changed)


def _compare(one: Json, other: Json, shape: Any, path: tuple[str, ...], changed: set[str]) -> None:
    texts: list[list[str]] = [[], []]
    _canonical(one, shape, texts[0])
    _canonical(other, shape, texts[1])
    if texts[0] == texts[1]:
        return
    if isinstance(one, dict) and isinstance(other, dict) and isinstance(shape, dict):
        for name in one.keys() | other.keys():
            meaning = shape.get(name)
            if meaning != _VOLATILE:
                _compare(one.get(name), other.get(name), meaning, (*path, name if meaning else "(unknown)"), changed)
    elif isinstance(one, list) and isinstance(other, list) and isinstance(shape, dict) and len(one) == len(other):
        for first, second in zip(one, other, strict=True):
            _compare(first, second, shape, path, changed)
    else:
        changed.add(".".join(path))


def _canonical(value: Json, shape: Any, out: list[str]) -> int:
    match value:
        case dict():
            fields: _Shape = shape if isinstance(shape, dict) else {}
            richness, separator = 0, "{"
            for key in sorted(value):
                item, expected = value[key], fields.get(key)
                if expected is not None and (item is None or expected == _VOLATILE):
                    continue
                out.append(f"{separator}{_quote(key)}:")
                separator = ","
                richness += _canonical(item, expected, out)
            out.append("{}" if separator == "{" else "}")
            return richness
        case list():
            richness = 0
            out.append("[")
            for item in value:
                richness += _canonical(item, shape, out)
                out.append(",")
            out.append("]")
            return richness
        case str():
            out.append(_text(value, shape))
            return 1 if value and "*" not in value else 0
        case None:
            out.append("null")
            return 0
        case bool():
            out.append("true" if value else "false")
            return 1
        case _:
            out.append(number_by_value(value))
            return 1


def _text(text: str, shape: Any) -> str:
    """A string by what it means where the field says what that is; as it stands otherwise."""
    try:
        if shape == INSTANT and not _FINER_THAN_A_MICROSECOND.search(text):
            return _quote(_instant_by_value(parse_instant(text)))
        if shape == NUMBER:
            return number_by_value(bounded_decimal(text.strip()))
    except (ValueError, MalformedJsonError):
        return _quote(text)
    return _quote(lifecycle.normalise(text) if shape == _STATUS else text)


def _instant_by_value(instant: datetime) -> str:
    return instant.isoformat(timespec="microseconds")


@cache
def known_fields() -> _Shape:
    """The fields we know, as nested mappings from name to meaning, read off the models."""
    shape = _fields(Order)
    shape["status"] = _STATUS
    for path in VOLATILE:
        *parents, name = path.split(".")
        fields = shape
        for parent in parents:
            fields = fields[parent]
        fields[name] = _VOLATILE
    return shape


def _fields(model: type[BaseModel]) -> _Shape:
    fields = {}
    for name, field in model.model_fields.items():
        whole = Annotated[field.annotation, *field.metadata] if field.metadata else field.annotation
        fields[field.alias or name] = _meaning(whole)
    return fields


def _meaning(annotation: Any) -> Any:
    if annotation == Instant:
        return INSTANT
    if annotation == Number:
        return NUMBER
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return _fields(annotation)
    origin = get_origin(annotation)
    if origin is Annotated:
        return _meaning(get_args(annotation)[0])
    if origin in (Union, UnionType, list):
        meanings = [_meaning(argument) for argument in get_args(annotation) if argument is not NoneType]
        return next((meaning for meaning in meanings if meaning != _OPAQUE), _OPAQUE)
    return _OPAQUE
