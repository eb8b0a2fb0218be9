"""How a field's value is read, and why it is not. The reasons are shown with rejected events and problems."""

import time
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from partner_orders.exact_json import Json
from partner_orders.orders.fields import Kind, UnreadableError, parse_instant, read_value

TIME = "should be a time in ISO 8601"


@pytest.mark.parametrize(
    ("kind", "value", "reason"),
    [
        (Kind.TEXT, True, "Input should be a valid string"),
        (Kind.IDENTIFIER, "\ud800", "Input should be a valid string, without half a surrogate pair"),
        (Kind.IDENTIFIER, "x" * 201, "String should have at most 200 characters"),
        (Kind.NUMBER, True, "should be a number"),
        (Kind.NUMBER, [1], "should be a number"),
        (Kind.NUMBER, "ten", "should be a finite number of bounded size"),
        (Kind.INSTANT, 5, TIME),
        (Kind.INSTANT, "noon", TIME),
        (Kind.INSTANT, "9999-12-31T23:59:59-14:00", TIME),
        (Kind.FLAG, "perhaps", "Input should be a valid boolean"),
        (Kind.FLAG, 2, "Input should be a valid boolean"),
        (Kind.FLAG, [], "Input should be a valid boolean"),
    ],
)
def test_unreadable_value(kind: Kind, value: Json, reason: str) -> None:
    """The reason says what should be there."""
    with pytest.raises(UnreadableError) as error:
        read_value(kind, value)
    assert str(error.value) == reason


@pytest.mark.parametrize(
    ("kind", "value", "read"),
    [
        (Kind.TEXT, 5, ("5", '"5"')),
        (Kind.TEXT, " a ", (" a ", '" a "')),
        (Kind.IDENTIFIER, " é ", ("é", '"\\u00e9"')),
        (Kind.IDENTIFIER, "X" * 36, ("X" * 36, f'"{"X" * 36}"')),
        (Kind.IDENTIFIER, "x" * 200, ("x" * 200, f'"{"x" * 200}"')),
        (Kind.STATUS, "canceled", ("CANCELLED", '"CANCELLED"')),
        (Kind.STATUS, "Dispached", ("DISPATCHED", '"DISPATCHED"')),
        (Kind.STATUS, " on its  way ", ("ON ITS  WAY", '"ON ITS  WAY"')),
        (Kind.NUMBER, " 1.50 ", (Decimal("1.50"), "1.5")),
        (Kind.NUMBER, f"{' ' * 100}1.50{' ' * 100}", (Decimal("1.50"), "1.5")),
        *((Kind.FLAG, word, (True, "true")) for word in ("true", " Yes ", "on", "t", "y", "1", 1)),
        *((Kind.FLAG, word, (False, "false")) for word in ("false", "no", " off ", "f", "n", "0", 0)),
        (Kind.FLAG, Decimal("0.0"), (False, "false")),
        (Kind.INSTANT, "  ", (None, None)),
        (Kind.INSTANT, "0001-01-01T00:00:00Z", (None, '"0001-01-01T00:00:00Z"')),
        (Kind.INSTANT, "2009-12-31T23:59:59Z", (None, '"2009-12-31T23:59:59.000000+00:00"')),
        (Kind.INSTANT, "2100-01-01T00:00:00Z", (None, '"2100-01-01T00:00:00.000000+00:00"')),
        (
            Kind.INSTANT,
            "2010-01-01T00:00:00Z",
            (datetime(2010, 1, 1, tzinfo=UTC), '"2010-01-01T00:00:00.000000+00:00"'),
        ),
    ],
)
def test_read_value(kind: Kind, value: Json, read: Any) -> None:
    """A value is read as the model takes it, with the text that its digest is made of."""
    assert read_value(kind, value) == read


@pytest.mark.parametrize(
    "text",
    [
        "2026-07-01T12:00:00",
        " 2026-07-01T12:00:00Z ",
        "2026-07-01T17:00:00+05:00",
        "2026-07-01T14:00:00+02:00[Europe/Berlin]",
    ],
)
def test_time_in_utc(text: str) -> None:
    """A time is read as UTC, with or without a zone and Java's name of it."""
    assert parse_instant(text) == datetime(2026, 7, 1, 12, tzinfo=UTC)


def test_time_without_a_zone_is_utc_anywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """A time without a zone is UTC on a computer of any zone."""
    monkeypatch.setenv("TZ", "PKT-5")
    time.tzset()
    try:
        assert parse_instant("2026-07-01T12:00:00") == datetime(2026, 7, 1, 12, tzinfo=UTC)
    finally:
        monkeypatch.undo()
        time.tzset()


def test_time_out_of_range() -> None:
    """A time that UTC cannot show is none."""
    with pytest.raises(ValueError, match=r"^a time out of range$"):
        parse_instant("9999-12-31T23:59:59-14:00")
