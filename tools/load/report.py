"""The report of a load test: what was posted, what became of it, and how long events took, second by second."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from tools.bench.chart import Panel, panels
from tools.bench.percentiles import Latency, percentile
from tools.load.account import Account
from tools.load.posting import Posted

PERCENTILES = (50, 95, 99)
SLOT_SECONDS = 10
CHART = "performance-load.svg"  # in docs/


@dataclass(frozen=True)
class Load:
    """What was asked for: ``rate`` in requests a second on average, and how many times as fast a burst is."""

    stack_name: str
    rate: float
    minutes: float
    burst: float
    seconds: float


def over_time(latencies: Sequence[Latency], start: datetime) -> dict[str, list[tuple[float, float]]]:
    """For each percentile a line: the seconds since the start at which a slot ends, and the percentile of the events
    of the slot. A slot without events has no point."""
    slots: dict[int, list[float]] = {}
    for when, seconds in latencies:
        slots.setdefault(max(0, int((when - start).total_seconds()) // SLOT_SECONDS), []).append(seconds)
    return {
        f"p{percent}": [
            (float((slot + 1) * SLOT_SECONDS), percentile(values, percent)) for slot, values in sorted(slots.items())
        ]
        for percent in PERCENTILES
    }


def chart(latencies: Mapping[str, Sequence[Latency]], start: datetime) -> str:
    """One panel for each way, as SVG."""
    return panels(
        [
            Panel(f"from the webhook to {where}, s", over_time(found, start), is_linear=True)
            for where, found in latencies.items()
            if found
        ]
    )


def table(latencies: Mapping[str, Sequence[Latency]]) -> str:
    """Percentiles of each way over the whole test."""
    rows = ["| from the webhook to | p50, s | p95, s | p99, s | slowest, s | measured |", f"|{' --- |' * 6}"]
    for where, found in latencies.items():
        values = [seconds for _, seconds in found]
        shown = [f"{percentile(values, percent):.2f}" for percent in (*PERCENTILES, 100)] if values else ["-"] * 4
        rows.append(f"| {where} | {' | '.join(shown)} | {len(values):,} |")
    return "\n".join(rows)


def account_table(found: Account) -> str:
    rows = (
        ("requests posted, without retries", found.requests),
        ("events and bodies of garbage", found.events),
        ("stored in their order's history, once", found.stored),
        ("stored as rejected, with the reason", found.rejected),
        ("never acknowledged, and so given up by the sender", found.given_up),
        ("**lost**", found.lost),
        ("orders", found.orders),
        ("orders whose state is not that of their latest event", found.wrong),
        ("changes that the table has", found.changes),
        ("changes that came on the bus", found.published),
        ("changes that did not come", found.unpublished),
        ("changes that came again", found.published_again),
    )
    return "\n".join(["| what | how many |", "| --- | --- |", *(f"| {what} | {number:,} |" for what, number in rows)])


def summary(load: Load, posted: Posted) -> str:
    """What was asked for, and how it went, in words."""
    responses = ", ".join(f"{count:,} x {status or 'none'}" for status, count in sorted(posted.statuses.items()))
    return (
        f"{load.rate:g} requests a second for {load.minutes:g} min on the stack {load.stack_name}, in bursts of"
        f" {load.burst:g} times the rate. All had their response after {load.seconds:.0f} s. Responses: {responses}."
        f" Retries: {posted.retries:,}. Sent more than a second late by this machine: {posted.late:,}."
    )


def write(
    folder: Path,
    load: Load,
    posted: Posted,
    found: Account,
    latencies: Mapping[str, Sequence[Latency]],
    start: datetime,
) -> Path:
    """Write the report and its chart into a folder; the report's path."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "latencies.svg").write_text(chart(latencies, start), encoding="utf-8")
    faults = "\n".join(f"- {fault}" for fault in found.faults)
    parts = [
        f"# Load test of {load.stack_name}",
        summary(load, posted),
        account_table(found),
        *([f"## What is wrong\n\n{faults}"] if faults else []),
        "## How long it took",
        table(latencies),
        f"The percentiles of each {SLOT_SECONDS} s:",
        "![Latencies](latencies.svg)",
    ]
    report = folder / "report.md"
    report.write_text("\n\n".join(parts) + "\n", encoding="utf-8")
    return report


def for_the_document(load: Load, posted: Posted, found: Account, latencies: Mapping[str, Sequence[Latency]]) -> str:
    """The part of docs/performance.md that shows a test."""
    parts = (summary(load, posted), account_table(found), table(latencies), f"![Latencies during the load]({CHART})")
    return "\n\n".join(parts)
