"""Charts and timelines: what is drawn, and the same for who cannot see it."""

import json
from datetime import UTC, datetime, timedelta

from partner_orders_console.desk.charts import chart
from partner_orders_console.desk.kept import Kept
from partner_orders_console.desk.rendering import cut, seconds, status_kind
from partner_orders_console.desk.timeline import WIDTH, timeline
from partner_orders_console.operations.order_life import LifeStep

START = datetime(2026, 3, 14, 8, tzinfo=UTC)
MINUTES = timedelta(minutes=5)


def test_chart_has_every_period() -> None:
    """A period without a value is 0 for counts and empty for lengths of time; rows name only what was measured."""
    values = {START + MINUTES: 3.0}
    counts = chart("Events", {"stored": values}, START, START + 2 * MINUTES, MINUTES)
    lags = chart("Lag", {"p50": values}, START, START + 2 * MINUTES, MINUTES, "s", nothing=None)
    assert json.loads(counts.data)["lines"] == [{"label": "stored", "values": [0.0, 3.0, 0.0]}]
    assert json.loads(lags.data)["lines"][0]["values"] == [None, 3.0, None]
    assert lags.rows == [("2026-03-14 08:05:00", ["3 s"])]
    assert json.loads(counts.data)["times"][0] == START.timestamp()


def test_timeline_keeps_the_order_of_times() -> None:
    """Steps stand in the order of their times within the drawing, each with the shape of where it came from."""
    steps = [
        LifeStep("RECEIVED", "webhook", START + MINUTES, START, is_present=False),
        LifeStep("CANCELLED", "reconciliation", START + timedelta(days=3), START + 2 * MINUTES, is_present=True),
        LifeStep("ready accepted", "answer till-1", START + MINUTES, START + MINUTES),
        LifeStep("READY", "webhook", START + 3 * MINUTES, None),
    ]
    drawn = timeline(steps)
    places = sorted((mark.arrived, mark.number) for mark in drawn.marks)
    assert [number for _, number in places] == [1, 3, 4, 2]
    assert all(0 <= place <= WIDTH for mark in drawn.marks for place in (mark.arrived, mark.happened or 0))
    assert (drawn.first, drawn.last) == (START, START + timedelta(days=3))
    # An answer of ours has no entry, as these steps have none; its place by the platform's clock is not drawn.
    assert [mark.shape for mark in drawn.marks] == ["answer"] * 4


def test_nothing_has_no_timeline() -> None:
    """Without steps nothing is drawn."""
    assert timeline([]).marks == []


def test_value_is_kept_for_its_time() -> None:
    """A value is made once for its time, anew after it, and after a change; an error is not kept."""
    clock, made = [0.0], []
    kept = Kept(lambda: clock[0])

    def make() -> int:
        made.append(1)
        if len(made) == 1:
            raise OSError
        return len(made)

    try:
        kept.get("a", 10, make)
    except OSError:
        made.append(0)
    assert [kept.get("a", 10, make), kept.get("a", 10, make)] == [3, 3]
    clock[0] = 10.0
    assert kept.get("a", 10, make) == 4
    kept.forget()
    assert kept.get("a", 10, make) == 5


def test_words_of_values() -> None:
    """Lengths of time, long texts and states are said in a few words."""
    assert [seconds(value) for value in (None, 0.042, 7, 42, 600, 8_000, 400_000)] == [
        "-", "0.04 s", "7.0 s", "42 s", "10 min", "2 h", "5 days",
    ]  # fmt: skip
    assert cut("x" * 400) == "x" * 300 + "… (400 characters)"
    states = ("DELIVERED", "CANCELLED", "RECEIVED", "RIDER_NEAR_STORE")
    assert [status_kind(state) for state in states] == ["good", "bad", "open", "unknown"]
