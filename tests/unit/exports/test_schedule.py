"""When exports are asked for."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from zlib import crc32

import pytest

from partner_orders.exports.schedule import LOOK_AFTER, TRY_AGAIN_AFTER, ExportNote, next_due
from tests.support.fixed_clock import NOW

DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)


def test_first_export_is_due_at_once() -> None:
    """A store without an export is due at once, unless another store's is under way."""
    assert next_due({}, ["b", "a"], DAY, NOW) == ExportNote("a", problem="", products=0)
    under_way = ExportNote("b", asked_at=NOW - MINUTE, job_id="job-1", is_open=True)
    assert next_due({"b": under_way}, ["b", "a"], DAY, NOW) is None


def test_missing_export_holds_no_others_up() -> None:
    """After ten minutes without a file, it is the other stores' turn."""
    missing = ExportNote("b", asked_at=NOW - LOOK_AFTER, job_id="job-1", is_open=True)
    assert next_due({"b": missing}, ["b", "a"], DAY, NOW) == ExportNote("a")
    assert missing.is_to_look_for(NOW)
    assert not missing.is_to_look_for(NOW - MINUTE)


@pytest.mark.parametrize("is_open", [True, False])
def test_failed_export_is_asked_for_again(is_open: bool) -> None:
    """An export that did not come, or failed, is asked for again after three hours."""
    note = ExportNote("a", asked_at=NOW - TRY_AGAIN_AFTER, job_id="job-1", is_open=is_open)
    assert next_due({"a": note}, ["a"], DAY, NOW) == note
    assert next_due({"a": note}, ["a"], DAY, NOW - MINUTE) is None
    assert not note.is_to_look_for(NOW)


def test_stores_are_spread_over_the_day() -> None:
    """Each store is due once a day, at its own time, and all hours have some."""
    hours: Counter[int] = Counter()
    for number in range(500):
        note = ExportNote(f"store-{number}", asked_at=NOW, shown_at=NOW)
        [due] = [hour for hour in range(24) if _becomes_due(note, hour)]
        hours[due] += 1
    assert set(hours) == {*range(24)}
    assert max(hours.values()) < 50


def _becomes_due(note: ExportNote, hour: int) -> bool:
    before, after = (NOW + timedelta(hours=passed, seconds=-1) + 3 * timedelta(hours=8) for passed in (hour, hour + 1))
    asked = ExportNote(note.store_id, asked_at=before - DAY / 2, shown_at=before)
    return asked.is_due(DAY, after)


def test_longest_waiting_store_is_first() -> None:
    """Of the stores that are due, the one that was asked for longest ago comes first; one that never was, before it."""
    notes = {
        name: ExportNote(name, asked_at=NOW - days * DAY, shown_at=NOW - days * DAY)
        for name, days in [("a", 2), ("b", 3)]
    }
    assert next_due(notes, ["a", "b"], DAY, NOW) == notes["b"]
    assert next_due(notes, ["a", "b", "c"], DAY, NOW) == ExportNote("c")


def test_wrong_clock_stops_no_exports() -> None:
    """A time that is still to come, which a wrong clock wrote, makes nobody wait for it."""
    ahead = NOW + 400 * DAY
    note = ExportNote("a", asked_at=ahead, job_id="job-1", is_open=True, shown_at=ahead)
    assert next_due({"a": note}, ["a"], DAY, NOW) == note


SECOND = timedelta(seconds=1)


def test_bounds_of_waiting() -> None:
    """Ten minutes and three hours are over when they are over, and not a second before."""
    note = ExportNote("a", asked_at=NOW, job_id="job-1", is_open=True)
    assert note.holds_others_up(NOW)
    assert note.holds_others_up(NOW + LOOK_AFTER - SECOND)
    assert not note.holds_others_up(NOW + LOOK_AFTER)
    assert not note.is_to_look_for(NOW + LOOK_AFTER - SECOND)
    assert note.is_to_look_for(NOW + LOOK_AFTER)
    assert note.is_to_look_for(NOW + TRY_AGAIN_AFTER - SECOND)
    assert not note.is_to_look_for(NOW + TRY_AGAIN_AFTER)
    assert not note.is_due(DAY, NOW + TRY_AGAIN_AFTER - SECOND)
    assert note.is_due(DAY, NOW + TRY_AGAIN_AFTER)
    assert not note.is_due(timedelta(hours=1), NOW + timedelta(hours=1) - SECOND)
    assert note.is_due(timedelta(hours=1), NOW + timedelta(hours=1))
    assert (timedelta(minutes=10), timedelta(hours=3)) == (LOOK_AFTER, TRY_AGAIN_AFTER)


def test_due_once_in_each_period() -> None:
    """A store is due at its time of the day, once; an export that was asked for at that very time is the day's."""
    times = [NOW + number * MINUTE for number in range(2 * 24 * 60)]
    asked = ExportNote("a", asked_at=NOW - 2 * DAY, shown_at=NOW)
    first = next(time for time in times if asked.is_due(DAY, time))
    slot = (
        next(time for time in (first - number * SECOND for number in range(61)) if not asked.is_due(DAY, time)) + SECOND
    )
    shown = ExportNote("a", asked_at=NOW - 2 * DAY, shown_at=slot)
    assert not shown.is_due(DAY, slot)
    assert not shown.is_due(DAY, slot + DAY - SECOND)
    assert shown.is_due(DAY, slot + DAY)


@pytest.mark.parametrize("every", [DAY, timedelta(hours=7)])
def test_slot_of_a_store_stays(every: timedelta) -> None:
    """The time of a store follows from its id and the period alone, so that an update of ours moves no export."""
    asked = ExportNote("store-1", asked_at=NOW - 2 * DAY, shown_at=NOW)
    due = next(NOW + number * SECOND for number in range(24 * 60 * 60) if asked.is_due(every, NOW + number * SECOND))
    assert (due - datetime(1970, 1, 1, tzinfo=UTC)) % every == crc32(b"store-1") * SECOND % every
