"""Parts of a window around what was left out: nothing is skipped, and the reading ends."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from partner_orders.reconciler.windows import BOUNDARY, LeftOut, Part, Parts, Window, without

START = datetime(2026, 10, 14, tzinfo=UTC)
HOURS = 12.0
moments = st.floats(0.0, HOURS).map(lambda hours: START + timedelta(hours=hours))


@st.composite
def times_left_out(draw: st.DrawFn) -> list[LeftOut]:
    starts = draw(st.lists(moments, max_size=6, unique=True))
    lengths = st.floats(0.1, 200.0).map(lambda minutes: timedelta(minutes=minutes))
    return [LeftOut(start, start + draw(lengths), "server_error:500", START) for start in starts]


def is_bad(part: Part, bad: list[datetime]) -> bool:
    return any(part.start <= at <= part.end for at in bad)


@given(times_left_out(), st.lists(moments, max_size=4))
def test_parts_skip_nothing_but_bad_minutes(known: list[LeftOut], bad: list[datetime]) -> None:
    """Whatever was left out before, every moment is read but the minutes that cannot be, and the reading ends."""
    parts, left_out, read = Parts(Window(START, START + timedelta(hours=HOURS)), known), known, list[Part]()
    done_until = START
    for _ in range(2_000):
        part = parts.next()
        if part is None:
            break
        assert part.start <= done_until
        if not is_bad(part, bad):
            parts.was_read(part)
            read.append(part)
            left_out = without(left_out, part)
        elif part.is_shortest:
            parts.was_read(part)
            left_out = [*without(left_out, part), LeftOut(part.start, part.end, "server_error:500", START)]
        else:
            parts.halve(part)
            continue
        done_until = part.end
    else:
        raise AssertionError("the reading does not end")
    assert done_until == START + timedelta(hours=HOURS)
    for time in left_out:
        if time.end <= START + timedelta(hours=HOURS):
            assert any(time.start - BOUNDARY <= at <= time.end + BOUNDARY for at in bad)
    for at in bad:
        assert any(time.start <= at <= time.end for time in left_out)
