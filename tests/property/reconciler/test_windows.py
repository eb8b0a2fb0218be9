"""Windows leave no time of the last hours unread for long, whenever a store is visited and wherever a reading stops."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from partner_orders.reconciler.windows import Parts, Position, Window, window_of

START = datetime(2026, 10, 14, 12, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def visit(position: Position, now: datetime, parts: int) -> tuple[Position, Window]:
    """Read a window of up to so many parts; the position after it, and what was read."""
    window = window_of(position, [], False, now, 60 * DAY)
    reading = Parts(window)
    for _ in range(6 - parts):
        if part := reading.next():
            reading.halve(part)
    read_until = window.start
    for _ in range(parts):
        if (part := reading.next()) is None:
            break
        reading.was_read(part)
        read_until = part.end
        position = position.read_until(read_until, "v", window.start)
    return position, Window(window.start, read_until)


@given(
    st.lists(st.tuples(st.integers(1, 12), st.integers(1, 6)), min_size=30, max_size=60),
    st.integers(60, 90),
    st.integers(0, 75),
)
def test_late_order_is_read_within_the_hour(visits: list[tuple[int, int]], made: int, late: int) -> None:
    """An order that the list shows up to 75 minutes after it was made is read within an hour of that, as long as the
    store's windows are read to their ends."""
    created_at, shown_at = START + made * MINUTE, START + (made + late) * MINUTE
    now, position, found = START, Position("s", START, START, older_look_at=START), False
    for minutes, parts in visits:
        now += minutes * MINUTE
        whole = now > shown_at
        position, read = visit(position, now, 6 if whole else parts)
        found = found or (whole and read.start <= created_at <= read.end)
        if now > shown_at + HOUR:
            assert found
            return


@given(st.lists(st.tuples(st.integers(1, 12), st.integers(1, 6)), max_size=60))
def test_older_look_counts_when_it_is_done(visits: list[tuple[int, int]]) -> None:
    """A position says that the last hours were read only where they were, to their end."""
    now, position = START, Position("s", START, START)
    for minutes, parts in visits:
        now += minutes * MINUTE
        before = position
        position, read = visit(position, now, parts)
        if position.older_look_at != before.older_look_at:
            assert position.older_look_at == read.end == position.checked_until
            assert read.end - read.start >= 2 * HOUR
