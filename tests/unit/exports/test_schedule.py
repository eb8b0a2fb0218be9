"""When exports are asked for."""

from collections import Counter
from datetime import timedelta

import pytest

from partner_orders.exports.schedule import LOOK_AFTER, TRY_AGAIN_AFTER, ExportNote, next_due
from tests.support.fixed_clock import NOW

DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)


def test_first_export_is_due_at_once() -> None:
    """A store without an export is due at once, unless another store's is under way."""
    assert next_due({}, ["b", "a"], DAY, NOW) == ExportNote("a")
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
