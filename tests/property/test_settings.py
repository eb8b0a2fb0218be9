"""The law of the numbers that an operator sets: whatever they are, times stay within the calendar."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from partner_orders.settings import LONGEST_RETENTION_DAYS, retention_of

# What an event's clock can be (orders/model.py).
TIMES = st.datetimes(datetime(2010, 1, 1), datetime(2099, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001 (as asked)


@given(st.integers(0, 10**18), TIMES)
def test_any_retention_ends_in_the_calendar(days: int, created_at: datetime) -> None:
    """An order expires at a time that exists, however many days are set, and never later than the template allows."""
    kept = retention_of(days)
    assert created_at + kept <= created_at + timedelta(days=LONGEST_RETENTION_DAYS)
    assert kept == timedelta(days=min(days, LONGEST_RETENTION_DAYS))
