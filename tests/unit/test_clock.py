"""The clock by which a worker measures how old a permit is."""

from partner_orders.clock import PassedSeconds


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
