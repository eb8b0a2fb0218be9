"""How soon events are stored: the target, where it is written, and what was measured."""

import json

import pytest

from tests.support.template import expanded
from tools.bench import lag
from tools.bench.report import DOCUMENT
from tools.local.emulator import ROOT


def test_lag_has_one_target() -> None:
    """The alarm, the guarantees and the measurement have one target, and the stored result meets it."""
    [(percent, seconds)] = lag.TARGET_SECONDS.items()
    alarm = expanded().properties("OrderEventsSlowAlarm")
    assert (alarm["ExtendedStatistic"], alarm["Threshold"]) == (f"p{percent}", seconds) == ("p95", 5)
    promised = (ROOT / "docs" / "guarantees.md").read_text()
    assert f"Target: {percent} of 100 events are in the table within {seconds:.0f} s" in promised
    found = json.loads(lag.RESULTS.read_text())
    assert found["events"] > 200
    assert found[f"p{percent}"] <= seconds


def test_document_shows_the_stored_lag() -> None:
    """The document's table is that of the stored result."""
    found = json.loads(lag.RESULTS.read_text())
    assert f"<!-- measured: lag -->\n{lag.table(found)}\n<!-- end -->" in DOCUMENT.read_text()


def test_percentile_is_the_nearest_rank() -> None:
    """A percentile is the smallest value that so many percent of the values do not exceed; no values are an error."""
    values = [float(value) for value in range(100, 0, -1)]
    assert [lag.percentile(values, percent) for percent in (1, 50, 95, 100)] == [1.0, 50.0, 95.0, 100.0]
    assert lag.percentile([3.0], 95) == 3.0
    assert lag.summarised([1.0, 9.0])["p50"] == 1.0
    with pytest.raises(ValueError, match="nothing was stored"):
        lag.summarised([])


def test_missed_target_is_marked() -> None:
    """A result over the target is marked as missed in the table."""
    slow = lag.summarised([6.0] * 20)
    assert "| p95 | 6.00 | ≤ 5 | **no** |" in lag.table(slow)
    assert "| p95 | 0.10 | ≤ 5 | yes |" in lag.table(lag.summarised([0.1] * 20))
