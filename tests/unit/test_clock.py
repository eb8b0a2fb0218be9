"""The clock by which a worker measures how old a permit is, and times as text."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from partner_orders.clock import INSTANT, PassedSeconds, from_text, to_text

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)


def test_longer_time_has_passed() -> None:
    """Where one clock stands still, or is set back, the other one's time counts."""
    monotonic, calendar = [5.0], [1_000.0]
    seconds = PassedSeconds(lambda: monotonic[0], lambda: calendar[0])
    monotonic[0] += 2.0
    calendar[0] -= 500.0
    assert seconds() == 2.0
    calendar[0] += 300.0
    assert seconds() == 302.0
    assert seconds() == 302.0


@pytest.mark.parametrize(
    ("instant", "text"),
    [
        (NOON, "2026-07-01T12:00:00.000000Z"),
        (NOON.astimezone(timezone(timedelta(hours=5))), "2026-07-01T12:00:00.000000Z"),
        (NOON + timedelta(microseconds=7), "2026-07-01T12:00:00.000007Z"),
    ],
)
def test_time_as_text(instant: datetime, text: str) -> None:
    """A time is written in UTC with microseconds, whole seconds too, so that the texts sort as the times do."""
    assert to_text(instant) == text
    assert from_text(text) == instant


def test_instant_is_the_least_difference() -> None:
    """An instant later is another text, and there is no time in between."""
    assert to_text(NOON) < to_text(NOON + INSTANT)
    assert timedelta.resolution == INSTANT


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_time_out_of_range(text: str) -> None:
    """A time that UTC cannot show is refused with the reason, as any other text without a time is."""
    with pytest.raises(ValueError, match=r"^a time out of range$"):
        from_text(text)
    with pytest.raises(ValueError, match="isoformat"):
        from_text("noon")
