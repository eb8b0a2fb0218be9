"""JSON with exact numbers: parsing that says why it refuses, and writing that changes no number."""

import json
from collections.abc import Callable
from decimal import Context, Decimal, InvalidOperation
from json.encoder import encode_basestring
from json.encoder import encode_basestring_ascii as _quote

type Json = bool | int | Decimal | str | list["Json"] | dict[str, "Json"] | None

MAX_DEPTH = 64
MAX_DIGITS = 100
MAX_EXPONENT = 100

# Digits enough that no number parse() lets through is ever rounded.
_EXACT = Context(prec=MAX_DIGITS)


class MalformedJsonError(ValueError):
    """The text is not JSON that can be stored exactly. The message never quotes the text."""


def parse(text: bytes) -> Json:
    """Parse UTF-8 JSON. Numbers become int or Decimal, exactly.

    Raises MalformedJsonError for text that is not JSON, and for JSON that has more than one meaning or no bounds:
    duplicate keys, NaN and infinities, numbers of over 100 digits or exponents over 100, more than 64 levels.
    """
    try:
        value: Json = json.loads(
            text.decode("utf-8-sig"),
            object_pairs_hook=_object,
            parse_int=_integer,
            parse_float=_decimal,
            parse_constant=_constant,
        )
    except UnicodeDecodeError:
        raise MalformedJsonError("not valid UTF-8") from None
    except json.JSONDecodeError as error:
        raise MalformedJsonError(f"not JSON (at character {error.pos})") from None
    except RecursionError:
        raise MalformedJsonError(f"nested more than {MAX_DEPTH} levels") from None
    if _deeper_than(value, MAX_DEPTH):
        raise MalformedJsonError(f"nested more than {MAX_DEPTH} levels")
    return value


def write(value: Json) -> str:
    """Write JSON in ASCII, every number as exactly as it was parsed. Inverse of parse()."""
    return _write(value, _quote)


def write_bytes(value: Json) -> bytes:
    """Write JSON in UTF-8, as short as it came; in ASCII where the text has half a surrogate."""
    try:
        return _write(value, encode_basestring).encode("utf-8")
    except UnicodeEncodeError:
        return write(value).encode("ascii")


def _write(value: Json, quote: Callable[[str], str]) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case str():
            return quote(value)
        case int() | Decimal():
            return str(value)
        case list():
            return "[" + ",".join(_write(item, quote) for item in value) + "]"
        case _:
            return "{" + ",".join(f"{quote(key)}:{_write(item, quote)}" for key, item in value.items()) + "}"


def number_by_value(number: int | Decimal) -> str:
    """The one text of a number's value: 10, 10.0 and 1e1 are all ``10``."""
    if isinstance(number, int):
        return str(number)
    if number == number.to_integral_value():
        return str(int(number))
    return format(number.normalize(_EXACT), "f")


def bounded_decimal(text: str) -> Decimal:
    """Parse a decimal number of bounded size. Raises MalformedJsonError."""
    if len(text) > MAX_DIGITS:
        raise MalformedJsonError(f"a number of more than {MAX_DIGITS} digits")
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise MalformedJsonError("not a number") from None
    if not number.is_finite():
        raise MalformedJsonError("a number that is not finite")
    if abs(number.adjusted()) > MAX_EXPONENT:
        raise MalformedJsonError(f"a number with an exponent beyond {MAX_EXPONENT}")
    return number


def _object(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise MalformedJsonError("an object with a duplicate key")
    return value


def _integer(text: str) -> int:
    # Bounded before int() sees it: Python refuses more than 4,300 digits with an error of its own.
    if len(text) > MAX_DIGITS:
        raise MalformedJsonError(f"a number of more than {MAX_DIGITS} digits")
    return int(text)


_decimal: Callable[[str], Decimal] = bounded_decimal


def _constant(_: str) -> Json:
    raise MalformedJsonError("NaN or an infinity")


def _deeper_than(value: Json, levels: int) -> bool:
    """Whether containers nest beyond ``levels``; level by level, so that no depth can exhaust the stack."""
    level: list[Json] = [value]
    for _ in range(levels):
        level = [
            item
            for container in level
            if isinstance(container, dict | list)
            for item in (container.values() if isinstance(container, dict) else container)
            if isinstance(item, dict | list)
        ]
        if not level:
            return False
    return True
