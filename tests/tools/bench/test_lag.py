"""How soon events are stored: the target, where it is written, and what was measured."""

import json

import pytest

from tests.support.template import expanded
from tools.bench import lag
from tools.bench.percentiles import percentile
from tools.bench.report import DOCUMENT
from tools.local.emulator import ROOT
from tools.local.flood import PER_SECOND


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


@pytest.mark.parametrize("block", ["lag", "flood"])
def test_measured_times_are_put_into_the_document(block: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was measured last is put into its own block of the document, and no other."""
    blocks: list[dict[str, str]] = []
    monkeypatch.setattr(lag, "put", blocks.append)
    monkeypatch.setattr("sys.argv", ["lag", "--report-only", *(["--with-flood"] if block == "flood" else [])])
    assert lag.main() == 0
    results, table = (lag.FLOOD_RESULTS, lag.flood_table) if block == "flood" else (lag.RESULTS, lag.table)
    assert blocks == [{block: table(json.loads(results.read_text()))}]


def test_percentile_is_the_nearest_rank() -> None:
    """A percentile is the smallest value that so many percent of the values do not exceed; no values are an error."""
    values = [float(value) for value in range(100, 0, -1)]
    assert [percentile(values, percent) for percent in (1, 50, 95, 100)] == [1.0, 50.0, 95.0, 100.0]
    assert percentile([3.0], 95) == 3.0
    assert lag.summarised([1.0, 9.0])["p50"] == 1.0
    with pytest.raises(ValueError, match="nothing was stored"):
        lag.summarised([])


def test_missed_target_is_marked() -> None:
    """A result over the target is marked as missed in the table."""
    slow = lag.summarised([6.0] * 20)
    assert "| p95 | 6.00 | ≤ 5 | **no** |" in lag.table(slow)
    assert "| p95 | 0.10 | ≤ 5 | yes |" in lag.table(lag.summarised([0.1] * 20))


def test_document_shows_the_lag_beside_a_flood() -> None:
    """The document's table of the flooded catalogue is that of the stored result, which meets the targets."""
    found = json.loads(lag.FLOOD_RESULTS.read_text())
    table = lag.flood_table(found)
    assert f"<!-- measured: flood -->\n{table}\n<!-- end -->" in DOCUMENT.read_text()
    assert "**no**" not in table
    assert all(found["sent"][kind] > 0 for kind in PER_SECOND)
    assert found["flooded"]["p95"] <= lag.TARGET_SECONDS[95]


def test_missed_ratio_is_marked() -> None:
    """A lag that grows too much beside a flood is marked, and a short one counts as no shorter than the least."""
    summaries = {seconds: lag.summarised([seconds] * 20) for seconds in (0.01, 0.1, 3.0)}
    sent = {"callbacks": 3, "files": 2, "messages": 1}
    slow = lag.flood_table({"quiet": summaries[0.1], "flooded": summaries[3.0], "sent": sent})
    assert "| p95 | 0.10 | 3.00 | 30.0 | ≤ 20 | **no** |" in slow
    assert "3 callbacks, 2 files, 1 messages" in slow
    quick = lag.flood_table({"quiet": summaries[0.01], "flooded": summaries[0.1], "sent": sent})
    assert "| p95 | 0.01 | 0.10 | 2.0 | ≤ 20 | yes |" in quick
