"""DynamoDB's attribute values, to and from plain values."""

import base64
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

# A row in plain values: text, whole numbers, Decimal, bytes, flags, lists and maps of these.
type Row = dict[str, Any]
type _Decoders = Mapping[str, Callable[[Any], Any]]


def to_attribute(value: Any) -> dict[str, Any]:
    """A plain value as DynamoDB takes it. Raises TypeError for a kind that it does not store."""
    encode = _ENCODERS.get(type(value))
    if encode is None:
        encode = next((known for kind, known in _ENCODERS.items() if isinstance(value, kind)), None)
    if encode is None:
        raise TypeError(f"DynamoDB stores no {type(value).__name__}")
    return encode(value)


def to_attributes(row: Mapping[str, Any]) -> dict[str, Any]:
    # Most values are text: spared the two calls, a row takes half the time.
    return {name: {"S": value} if type(value) is str else to_attribute(value) for name, value in row.items()}


def from_attribute(attribute: Mapping[str, Any]) -> Any:
    """The plain value of what DynamoDB returned. A set becomes a list. Raises ValueError if it has no known type."""
    return _decoded(attribute, _DECODERS)


def from_attributes(item: Mapping[str, Any]) -> Row:
    return _decoded_map(item, _DECODERS, _UNCHANGED)


def from_stream_image(image: Mapping[str, Any]) -> Row:
    """A row of the table's stream as Lambda delivers it: bytes are base64 text. Raises ValueError."""
    return _decoded_map(image, _STREAM_DECODERS, _UNCHANGED_IN_STREAM)


def _decoded_map(item: Mapping[str, Any], decoders: _Decoders, unchanged: frozenset[str]) -> Row:
    row: Row = {}
    for name, attribute in item.items():
        for kind in attribute:
            row[name] = attribute[kind] if kind in unchanged else _decoded(attribute, decoders)
            break
        else:
            raise ValueError("an attribute value without a type")
    return row


def _decoded(attribute: Mapping[str, Any], decoders: _Decoders) -> Any:
    for kind, value in attribute.items():
        if kind not in decoders:
            raise ValueError(f"an attribute value of the unknown type {kind}")
        return decoders[kind](value)
    raise ValueError("an attribute value without a type")


def _number(text: str) -> int | Decimal:
    """A number as DynamoDB returns it. Raises ValueError."""
    try:
        return int(text)
    except ValueError:
        pass
    try:
        return Decimal(text)
    except ArithmeticError:
        raise ValueError("an attribute value that is not a number") from None


def _unchanged(value: Any) -> Any:
    return value


def _from_base64(text: str) -> bytes:
    return base64.b64decode(text, validate=True)


_ENCODERS: dict[type, Callable[[Any], dict[str, Any]]] = {
    str: lambda value: {"S": value},
    bool: lambda value: {"BOOL": value},
    int: lambda value: {"N": str(value)},
    bytes: lambda value: {"B": value},
    Decimal: lambda value: {"N": str(value)},
    dict: lambda value: {"M": to_attributes(value)},
    list: lambda value: {"L": [to_attribute(entry) for entry in value]},
    tuple: lambda value: {"L": [to_attribute(entry) for entry in value]},
    type(None): lambda _: {"NULL": True},
}
_DECODERS: dict[str, Callable[[Any], Any]] = {
    "S": _unchanged,
    "BOOL": _unchanged,
    "B": _unchanged,
    "N": _number,
    "M": from_attributes,
    "L": lambda value: [from_attribute(entry) for entry in value],
    "NULL": lambda _: None,
    "SS": list,
    "NS": lambda value: [_number(text) for text in value],
    "BS": list,
}
_STREAM_DECODERS: dict[str, Callable[[Any], Any]] = {
    **_DECODERS,
    "B": _from_base64,
    "M": from_stream_image,
    "L": lambda value: [_decoded(entry, _STREAM_DECODERS) for entry in value],
    "BS": lambda value: [_from_base64(text) for text in value],
}
# Types whose values are plain as they are.
_UNCHANGED_IN_STREAM = frozenset({"S", "BOOL"})
_UNCHANGED = _UNCHANGED_IN_STREAM | {"B"}
