"""What a single field of an order holds, and how its value is read.

A kind reads a JSON value into the value that the model takes and the text that the digest hashes, so both read alike.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from json.encoder import encode_basestring_ascii as quote
from typing import Any

from partner_orders.exact_json import Json, MalformedJsonError, bounded_decimal, number_by_value
from partner_orders.orders import lifecycle

# Identifiers become keys of the table, which have a size: two of them and a prefix within 2,048 bytes.
MAX_IDENTIFIER = 200
# A time of an order lies between these; programs write 1 or 1970 for "no time", and a slip of the year gives 2126.
FIRST_TIME = datetime(2010, 1, 1, tzinfo=UTC)
END_OF_TIME = datetime(2100, 1, 1, tzinfo=UTC)

_UUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")
# Java writes the zone's name after the offset.
_ZONE_NAME = re.compile(r"\[[^\]]*\]$")
# What parse_instant() would cut off, so that two different times would be one.
_FINER_THAN_A_MICROSECOND = re.compile(r"[.,]\d{6}\d*[1-9]")
# Programs write the year 1 for "no time"; with an offset it may be before the first time that Python has.
_NO_YEAR = "0001-01-01T"
_TRUE = frozenset({"true", "yes", "on", "t", "y", "1"})
_FALSE = frozenset({"false", "no", "off", "f", "n", "0"})


class Kind(StrEnum):
    """What a field holds. Objects and lists are described by the model. ``CONTAINER`` is an object or a list whose
    content is not read, and ``ANY`` is whatever comes."""

    TEXT = "text"
    IDENTIFIER = "identifier"
    STATUS = "status"
    NUMBER = "number"
    INSTANT = "time"
    FLAG = "flag"
    CONTAINER = "container"
    ANY = "anything"


class UnreadableError(ValueError):
    """A value that is not of its field's kind. The message says what should be there and quotes nothing."""


# A value as the model takes it, and its canonical text. None for both where the value means that there is none.
type Read = tuple[Any, str | None]


def read_value(kind: Kind, value: Json) -> Read:
    """Read a value that is not null. Raises UnreadableError."""
    return _READERS[kind](value)


def parse_instant(text: str) -> datetime:
    """Parse ISO 8601 into UTC; a time without a zone is UTC (docs/platform.md 4.2). Raises ValueError."""
    try:
        instant = datetime.fromisoformat(_ZONE_NAME.sub("", text.strip()))
        return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)
    except OverflowError:
        raise ValueError("a time out of range") from None


def _plain_text(value: Json) -> str:
    match value:
        case str():
            text = value
        case bool() | None | list() | dict():
            raise UnreadableError("Input should be a valid string")
        case _:
            return number_by_value(value)
    return text


def _text(value: Json) -> Read:
    text = _plain_text(value)
    return text, quote(text)


def _identifier(value: Json) -> Read:
    text = _plain_text(value).strip()
    if not text.isascii():
        try:
            text.encode("utf-8")
        except UnicodeEncodeError:
            raise UnreadableError("Input should be a valid string, without half a surrogate pair") from None
    if len(text) > MAX_IDENTIFIER:
        raise UnreadableError(f"String should have at most {MAX_IDENTIFIER} characters")
    if len(text) == 36 and _UUID.fullmatch(text):
        text = text.lower()
    return text, quote(text)


def _status(value: Json) -> Read:
    text, _ = _identifier(value)
    status = lifecycle.normalise(text)
    return status, quote(status)


def _number(value: Json) -> Read:
    if isinstance(value, bool) or not isinstance(value, int | Decimal | str):
        raise UnreadableError("should be a number")
    try:
        number = bounded_decimal(value.strip()) if isinstance(value, str) else Decimal(value)
    except MalformedJsonError:
        raise UnreadableError("should be a finite number of bounded size") from None
    return number, number_by_value(number)


def _instant(value: Json) -> Read:
    if not isinstance(value, str):
        raise UnreadableError("should be a time in ISO 8601")
    if not value.strip():
        return None, None
    if value.startswith(_NO_YEAR):
        return None, quote(value)
    try:
        instant = parse_instant(value)
    except ValueError:
        raise UnreadableError("should be a time in ISO 8601") from None
    if _FINER_THAN_A_MICROSECOND.search(value):
        canonical = quote(value)
    else:
        canonical = quote(instant.isoformat(timespec="microseconds"))
    return (instant if FIRST_TIME <= instant < END_OF_TIME else None), canonical


def _flag(value: Json) -> Read:
    if isinstance(value, bool):
        return value, "true" if value else "false"
    match value:
        case str():
            word = value.strip().lower()
        case int() | Decimal():
            word = number_by_value(value)
        case _:
            word = ""
    if word in _TRUE:
        return True, "true"
    if word in _FALSE:
        return False, "false"
    raise UnreadableError("Input should be a valid boolean")


_READERS: dict[Kind, Callable[[Any], Read]] = {
    Kind.TEXT: _text,
    Kind.IDENTIFIER: _identifier,
    Kind.STATUS: _status,
    Kind.NUMBER: _number,
    Kind.INSTANT: _instant,
    Kind.FLAG: _flag,
}
