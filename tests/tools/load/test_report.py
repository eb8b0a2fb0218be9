"""The report of a load test."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from xml.etree import ElementTree

from tools.bench.percentiles import Latency, percentile
from tools.load.account import Account
from tools.load.posting import Posted
from tools.load.report import Load, over_time, table, write

START = datetime(2026, 3, 14, 12, tzinfo=UTC)


def latencies(*seconds: float, every: float = 1.0) -> list[Latency]:
    return [(START + timedelta(seconds=number * every), value) for number, value in enumerate(seconds)]


def test_percentile_is_the_nearest_rank() -> None:
    """Of a hundred values p95 is the 95th, and of one value every percentile is it."""
    values = [float(number) for number in range(1, 101)]
    assert [percentile(values, percent) for percent in (50, 95, 99, 100)] == [50.0, 95.0, 99.0, 100.0]
    assert percentile([7.0], 50) == 7.0


def test_percentiles_follow_time() -> None:
    """Each slot of ten seconds has its own percentiles, at its end; an empty one has none."""
    found = over_time([*latencies(*[1.0] * 10), (START + timedelta(seconds=25), 9.0)], START)
    assert found["p50"] == [(10.0, 1.0), (30.0, 9.0)]
    assert found.keys() == {"p50", "p95", "p99"}


def test_table_has_both_ways() -> None:
    """Each way has a row with its percentiles; one that nothing took is shown as such."""
    shown = table({"the table": latencies(0.1, 0.2, 0.4), "the bus": []})
    assert "| the table | 0.20 | 0.40 | 0.40 | 0.40 | 3 |" in shown
    assert "| the bus | - | - | - | - | 0 |" in shown


def test_report_names_what_is_lost(tmp_path: Path) -> None:
    """The report has every count, what is wrong, and a chart that a browser can read."""
    found = Account(requests=9, events=8, stored=7, lost=1, faults=["order 1: event a got a 2xx and is not stored"])
    load = Load("orders", 50.0, 3.0, 3.0, 181.0)
    ways = {"the table": latencies(0.1, 0.2), "the bus": latencies(0.3)}
    report = write(tmp_path, load, Posted(), found, ways, START).read_text()
    assert "| **lost** | 1 |" in report
    assert "- order 1: event a got a 2xx and is not stored" in report
    chart = ElementTree.parse(tmp_path / "latencies.svg")  # noqa: S314 (our own)
    assert chart.getroot().tag.endswith("svg")
