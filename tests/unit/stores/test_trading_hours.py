"""Trading hours as an operator writes them."""

from datetime import UTC, datetime

import pytest

from partner_orders.stores.trading_hours import BadTradingHoursError, TradingHours

KARACHI = "Asia/Karachi"  # UTC+5, no summer time
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("instant", "is_open"),
    [
        ("2026-03-13 02:59", False),  # Friday, 07:59 there
        ("2026-03-13 03:00", True),
        ("2026-03-13 16:59", True),
        ("2026-03-13 17:00", False),  # closing time is outside
        ("2026-03-14 04:00", False),  # Saturday opens later
        ("2026-03-14 05:00", True),
        ("2026-03-14 20:59", True),  # Sunday, 01:59 there: Saturday's night
        ("2026-03-14 21:00", False),
        ("2026-03-15 06:00", False),  # Sunday is not named
    ],
)
def test_hours_use_zone_and_cross_midnight(instant: str, is_open: bool) -> None:
    """A store is open by its own time zone, also across midnight."""
    hours = TradingHours.from_text("mon-fri 08:00-22:00, sat 10:00-02:00", KARACHI)
    assert hours.is_open(at(instant)) is is_open


def test_days_may_span_the_weekend() -> None:
    """A range of days may span the weekend."""
    hours = TradingHours.from_text("sat-mon 9:00-10:00", "UTC")
    days = [day for day in range(9, 16) if hours.is_open(at(f"2026-03-{day:02} 09:30"))]
    assert days == [9, 14, 15]  # Monday; Saturday and Sunday


def test_never_closing_store_is_always_open() -> None:
    """A store that never closes is open at any time, also at midnight."""
    hours = TradingHours.from_text("mon-sun 00:00-00:00", "UTC")
    assert all(hours.is_open(at(f"2026-03-14 {time}")) for time in ("00:00", "11:59", "23:59"))


def test_hours_follow_daylight_saving_time() -> None:
    """Trading hours follow local time through a change to daylight saving time."""
    hours = TradingHours.from_text("mon-sun 08:00-09:00", "Europe/Athens")
    assert hours.is_open(at("2026-03-28 06:30"))
    assert hours.is_open(at("2026-03-29 05:30"))
    assert not hours.is_open(at("2026-03-29 06:30"))


@pytest.mark.parametrize(
    ("text", "zone", "said"),
    [
        ("mon-fri 8-22", KARACHI, "mon-fri 8-22"),
        ("mo-fr 08:00-22:00", KARACHI, "should look like"),
        ("xyz 08:00-22:00", KARACHI, "should look like"),
        ("mon 08:00-24:00", KARACHI, "midnight is 00:00"),
        ("mon 08:00-22:00", "Asia/Nowhere", "not a time zone"),
        ("mon 08:00-22:00", "../etc/passwd", "not a time zone"),
        ("mon 08:00-22:00", "", "not a time zone"),
    ],
)
def test_invalid_hours_are_named(text: str, zone: str, said: str) -> None:
    """Invalid trading hours, or an invalid time zone, are named in the error."""
    with pytest.raises(BadTradingHoursError, match=said):
        TradingHours.from_text(text, zone)


@pytest.mark.parametrize(
    ("text", "zone", "problem"),
    [
        ("mon 08:00-22:00", "Mars/Base", "'Mars/Base' is not a time zone; use e.g. Asia/Karachi"),
        ("mon 08:00-22:00", "../etc", "'../etc' is not a time zone; use e.g. Asia/Karachi"),
        ("mon 08:00-22:00", "Asia", "'Asia' is not a time zone; use e.g. Asia/Karachi"),
        ("mom-fri 08:00-22:00", "UTC", "'mom-fri 08:00-22:00' should look like mon-fri 08:00-22:00"),
        ("mon 8-22", "UTC", "'mon 8-22' should look like mon-fri 08:00-22:00"),
        ("tue 09:00-10:00, mom 08:00-22:00", "UTC", "'mom 08:00-22:00' should look like mon-fri 08:00-22:00"),
        ("mon-fry 08:00-22:00", "UTC", "'mon-fry 08:00-22:00' should look like mon-fri 08:00-22:00"),
        ("mon 08:00-24:30", "UTC", "'mon 08:00-24:30' has a time that is none; midnight is 00:00"),
        ("mon 08:60-22:00", "UTC", "'mon 08:60-22:00' has a time that is none; midnight is 00:00"),
    ],
)
def test_bad_hours_say_how_they_look(text: str, zone: str, problem: str) -> None:
    """An operator reads which part is wrong, and how it should look."""
    with pytest.raises(BadTradingHoursError) as error:
        TradingHours.from_text(text, zone)
    assert str(error.value) == problem


def test_spans_of_days() -> None:
    """Days are counted from Monday; a range may go over the weekend, and empty parts mean nothing."""
    hours = TradingHours.from_text(" SAT-mon 9:00-10:00 ,, wed  08:30-08:00", "UTC")
    assert [(day, f"{opens:%H:%M}", f"{closes:%H:%M}") for day, opens, closes in hours.spans] == [
        *((day, "09:00", "10:00") for day in (5, 6, 0)),
        (2, "08:30", "08:00"),
    ]
    assert hours.is_open(at("2026-03-12 07:59"))  # Thursday, until the time at which Wednesday began
    assert not hours.is_open(at("2026-03-12 08:00"))
    assert not hours.is_open(at("2026-03-11 08:29"))
    assert TradingHours.from_text("", "UTC").spans == ()
    every = TradingHours.from_text(", ".join(f"{day} 09:00-10:00" for day in DAYS), "UTC")
    assert [day for day, _, _ in every.spans] == [*range(7)]
