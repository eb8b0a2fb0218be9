"""Plain values to DynamoDB's attribute values and back."""

import base64
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from partner_orders.aws.attribute_values import (
    from_attribute,
    from_attributes,
    from_stream_image,
    to_attribute,
    to_attributes,
)

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.decimals(allow_nan=False, allow_infinity=False),
    st.text(),
    st.binary(),
)
NAMES = st.text(max_size=5)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3), max_leaves=8
)
ROWS = st.dictionaries(NAMES, VALUES, max_size=5)


class Status(StrEnum):
    RECEIVED = "RECEIVED"


def with_types(value: Any) -> Any:
    """A value in which 1 differs from True, and an int does not differ from a Decimal of the same number."""
    match value:
        case dict():
            return {name: with_types(entry) for name, entry in value.items()}
        case list():
            return [with_types(entry) for entry in value]
        case bool():
            return ("bool", value)
        case int() | Decimal():
            return ("number", value)
        case _:
            return value


def streamed(attribute: dict[str, Any]) -> dict[str, Any]:
    """An attribute value as Lambda delivers it."""
    match attribute:
        case {"B": bytes(value)}:
            return {"B": base64.b64encode(value).decode()}
        case {"M": dict(entries)}:
            return {"M": {name: streamed(entry) for name, entry in entries.items()}}
        case {"L": list(entries)}:
            return {"L": [streamed(entry) for entry in entries]}
        case _:
            return attribute


@given(ROWS)
def test_row_round_trip(row: dict[str, Any]) -> None:
    """A row comes back from its attribute values as it went."""
    assert with_types(from_attributes(to_attributes(row))) == with_types(row)


@given(ROWS)
def test_stream_image_is_the_same_row(row: dict[str, Any]) -> None:
    """A stream image, in which bytes are text, is the same row."""
    image = {name: streamed(attribute) for name, attribute in to_attributes(row).items()}
    assert with_types(from_stream_image(image)) == with_types(row)


@pytest.mark.parametrize(
    ("value", "attribute"),
    [
        ("", {"S": ""}),
        ("0", {"S": "0"}),
        (0, {"N": "0"}),
        (1, {"N": "1"}),
        (True, {"BOOL": True}),
        (False, {"BOOL": False}),
        (b"", {"B": b""}),
        (Decimal("669.00"), {"N": "669.00"}),
        (None, {"NULL": True}),
        ([], {"L": []}),
        ({}, {"M": {}}),
        ({"problems": ["a", 0, None]}, {"M": {"problems": {"L": [{"S": "a"}, {"N": "0"}, {"NULL": True}]}}}),
    ],
)
def test_each_kind_has_its_type(value: Any, attribute: dict[str, Any]) -> None:
    """Each kind of plain value has its attribute type."""
    assert to_attribute(value) == attribute
    back = from_attribute(attribute)
    assert (type(back), back) == (type(value), value)


def test_tuple_is_a_list() -> None:
    """A tuple is stored as a list."""
    assert to_attribute(("a", 1)) == {"L": [{"S": "a"}, {"N": "1"}]}


def test_enum_is_its_text() -> None:
    """A text enum is stored as its text."""
    assert to_attribute(Status.RECEIVED) == {"S": "RECEIVED"}


@pytest.mark.parametrize("value", [1.5, {"a", "b"}, datetime(2026, 10, 14, tzinfo=UTC), object()])
def test_other_kinds_are_refused(value: Any) -> None:
    """A float least of all: money is Decimal."""
    with pytest.raises(TypeError, match=f"DynamoDB stores no {type(value).__name__}"):
        to_attributes({"value": {"inside": [value]}})


@pytest.mark.parametrize(
    ("text", "number"), [("0", 0), ("-12", -12), ("12.50", Decimal("12.50")), ("1E+3", Decimal(1000))]
)
def test_number_is_int_or_decimal(text: str, number: int | Decimal) -> None:
    """A number is read as an int where it is whole, else as a Decimal."""
    back = from_attribute({"N": text})
    assert (type(back), back) == (type(number), number)


@pytest.mark.parametrize(
    ("attribute", "values"),
    [
        ({"SS": ["a", "b"]}, ["a", "b"]),
        ({"NS": ["0", "1.5"]}, [0, Decimal("1.5")]),
        ({"BS": [b"a"]}, [b"a"]),
    ],
)
def test_set_is_a_list(attribute: dict[str, Any], values: list[Any]) -> None:
    """A set is read as a list."""
    assert from_attribute(attribute) == values
    assert from_attributes({"values": attribute}) == {"values": values}


def test_byte_set_of_stream_is_decoded() -> None:
    """The bytes of a set in a stream image are decoded."""
    assert from_stream_image({"values": {"BS": ["YQ==", ""]}}) == {"values": [b"a", b""]}


@pytest.mark.parametrize("decode", [from_attributes, from_stream_image])
@pytest.mark.parametrize("attribute", [{}, {"X": "a"}, {"N": "twelve"}, {"M": {"a": {}}}, {"L": [{"X": 1}]}])
def test_invalid_attribute_value_is_an_error(
    decode: Callable[[dict[str, Any]], Any], attribute: dict[str, Any]
) -> None:
    """Anything else than an attribute value is a ValueError."""
    with pytest.raises(ValueError, match="an attribute value"):
        decode({"value": attribute})


@pytest.mark.parametrize("text", ["a", "not base64!", "YQ"])
def test_invalid_base64_of_stream_is_an_error(text: str) -> None:
    """Bytes of a stream image that are not base64 are a ValueError."""
    with pytest.raises(ValueError, match=r"base64|padding|[Ii]nvalid"):
        from_stream_image({"body": {"B": text}})
