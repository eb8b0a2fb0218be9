"""DynamoDB's attribute values, to and from plain values."""

import base64
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

# A row in plain values: text, whole numbers, Decimal, bytes, flags, lists and maps of these.
type Row = dict[str, Any]


def to_attribute(value: Any) -> dict[str, Any]:
    """A plain value as DynamoDB takes it. Raises TypeError for a kind that it does not store."""
    encode = _ENCODERS.get(type(value))
    if encode is None:
        encode = next((known for kind, known in _ENCODERS.items() if isinstance(value, kind)), None)
    if encode is None:
        raise TypeError(f"DynamoDB stores no {type(value).__name__}")
    return encode(value)


def to_attributes(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: to_attribute(value) for name, value in row.items()}


def from_attribute(attribute: Mapping[str, Any]) -> Any:
    """The plain value of what DynamoDB returned. A set becomes a list."""
    for kind, value in attribute.items():
        return _DECODERS[kind](value)
    raise ValueError("an attribute value without a type")


def from_attributes(item: Mapping[str, Any]) -> Row:
    return {name: from_attribute(attribute) for name, attribute in item.items()}


def from_stream_image(image: Mapping[str, Any]) -> Row:
    """A row of the table's stream as Lambda delivers it: bytes are base64 text. Raises ValueError."""
    return {name: _from_stream(attribute) for name, attribute in image.items()}


def _from_stream(attribute: Mapping[str, Any]) -> Any:
    match attribute:
        case {"B": str(text)}:
            return base64.b64decode(text, validate=True)
        case {"M": dict(entries)}:
            return from_stream_image(entries)
        case {"L": list(entries)}:
            return [_from_stream(entry) for entry in entries]
        case _:
            return from_attribute(attribute)


def _number(text: str) -> int | Decimal:
    try:
        return int(text)
    except ValueError:
        return Decimal(text)


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
    "S": lambda value: value,
    "BOOL": lambda value: value,
    "N": _number,
    "B": bytes,
    "M": from_attributes,
    "L": lambda value: [from_attribute(entry) for entry in value],
    "NULL": lambda _: None,
    "SS": list,
    "NS": lambda value: [_number(text) for text in value],
    "BS": list,
}
