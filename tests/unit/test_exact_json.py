"""What of JSON is taken and what is refused, at its bounds. The reasons are shown with rejected events."""

from decimal import Decimal

import pytest

from partner_orders.exact_json import (
    Json,
    MalformedJsonError,
    bounded_decimal,
    number_by_value,
    parse,
    write,
    write_bytes,
)


def nested(levels: int) -> bytes:
    return b"[" * levels + b"]" * levels


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"\xff", "not valid UTF-8"),
        (b'{"a":}', "not JSON (at character 5)"),
        (nested(65), "nested more than 64 levels"),
        (nested(100_000), "nested more than 64 levels"),
        (b'{"a":1,"a":2}', "an object with a duplicate key"),
        (b"NaN", "NaN or an infinity"),
        (b"-Infinity", "NaN or an infinity"),
        (b"1" * 101, "a number of more than 100 digits"),
        (b"0." + b"1" * 99, "a number of more than 100 digits"),
        (b"1e101", "a number with an exponent beyond 100"),
        (b"1e-101", "a number with an exponent beyond 100"),
    ],
)
def test_refused_with_a_reason(text: bytes, reason: str) -> None:
    """The reason says what is wrong, and quotes nothing."""
    with pytest.raises(MalformedJsonError) as error:
        parse(text)
    assert str(error.value) == reason


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (b"1" * 100, int("1" * 100)),
        (b"0." + b"1" * 98, Decimal("0." + "1" * 98)),
        (b"1e100", Decimal("1e100")),
        (b"1e-100", Decimal("1e-100")),
        (b"\xef\xbb\xbf[true,false,null]", [True, False, None]),
    ],
)
def test_taken_up_to_the_bounds(text: bytes, value: Json) -> None:
    """Numbers at their bounds are taken exactly, and a byte order mark is skipped."""
    assert parse(text) == value


def test_nested_up_to_the_bound() -> None:
    """64 levels are taken."""
    assert write(parse(nested(64))) == nested(64).decode()


@pytest.mark.parametrize(
    ("text", "reason"),
    [("ten", "not a number"), ("Infinity", "a number that is not finite"), ("NaN", "a number that is not finite")],
)
def test_text_without_a_number(text: str, reason: str) -> None:
    """A text that holds no number is refused with the reason."""
    with pytest.raises(MalformedJsonError) as error:
        bounded_decimal(text)
    assert str(error.value) == reason


@pytest.mark.parametrize(
    ("number", "text"),
    [
        ("10.0", "10"),
        ("1e100", f"1{'0' * 100}"),
        ("0.50", "0.5"),
        (f"-0.{'1' * 97}", f"-0.{'1' * 97}"),
        (f".{'1' * 99}", f"0.{'1' * 99}"),
        ("1e-100", f"0.{'0' * 99}1"),
    ],
)
def test_number_by_value(number: str, text: str) -> None:
    """A number of any size has one text, with every digit that makes a difference."""
    assert number_by_value(bounded_decimal(number)) == text


def test_written_as_ascii() -> None:
    """Every kind of value is written, other letters as escapes."""
    value: Json = {"name": "Öl", "on": True, "off": False, "none": None, "list": [1, Decimal("2.50")]}
    assert write(value) == '{"name":"\\u00d6l","on":true,"off":false,"none":null,"list":[1,2.50]}'
    assert parse(write(value).encode()) == value


def test_written_as_bytes() -> None:
    """Bytes are UTF-8, and ASCII where the text has half a surrogate."""
    assert write_bytes({"name": "Öl"}) == '{"name":"Öl"}'.encode()
    assert write_bytes(["Ö\ud800"]) == b'["\\u00d6\\ud800"]'
