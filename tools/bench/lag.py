"""``python -m tools.bench.lag``: how long events take from the webhook to the table, on the local stack.

The simulated platform plays a busy hour. Measured are the values of ``Lag`` that the consumer emits meanwhile. They go
into results/lag.json and into a table of docs/performance.md. Nothing else of the benchmark runs.
"""

import argparse
import json
import math
import re
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from tools.bench.report import DOCUMENT
from tools.local.hour import HOUR, Hour
from tools.local.process import ProcessFailedError, end_on_signals
from tools.local.screen import Screen
from tools.local.stack import Stack
from tools.local.up import running_stack

RESULTS = Path(__file__).with_name("results") / "lag.json"
WALL_SECONDS = 60  # in which the measured hour is played
PERCENTILES = (50, 95, 99, 100)
TARGET_SECONDS = {95: 5.0}
CONSUMER_LOGS = "ConsumerLogGroup"


def percentile(values: Sequence[float], percent: int) -> float:
    """The smallest value that so many percent of the values do not exceed (the nearest rank)."""
    return sorted(values)[math.ceil(percent / 100 * len(values)) - 1]


def lag_seconds(stack: Stack, since: float = 0.0) -> list[float]:
    """The values of ``Lag`` in the consumer's log, from ``since`` on (seconds since 1970)."""
    resource = stack.client("cloudformation").describe_stack_resource(
        StackName=stack.stack_name, LogicalResourceId=CONSUMER_LOGS
    )
    group = resource["StackResourceDetail"]["PhysicalResourceId"]
    log = stack.client("logs").get_paginator("filter_log_events")
    pages = log.paginate(logGroupName=group, startTime=int(since * 1000))
    lines = (event["message"] for page in pages for event in page["events"])
    found = (json.loads(line) for line in lines if line.startswith("{") and '"Lag"' in line)
    return [float(seconds) for content in found for seconds in content["Lag"]]


def summarised(values: Sequence[float]) -> dict[str, Any]:
    """What is stored of them. Raises ValueError if there are none."""
    if not values:
        raise ValueError("the consumer's log has no Lag: nothing was stored")
    shares = {f"p{percent}": round(percentile(values, percent), 2) for percent in PERCENTILES}
    return {"orders": HOUR["orders"], "wall_seconds": WALL_SECONDS, "events": len(values), **shares}


def measured() -> dict[str, Any]:
    """Play the hour on a stack of its own. Raises ProcessFailedError."""
    # Without the reconciler, whose orders are not the webhook's.
    with running_stack(Console(stderr=True), {"ReconciliationState": "DISABLED"}) as stack:
        # MiniStack takes up to 20 s to start a second environment under load, so the first hour is not measured.
        _play(stack, HOUR)
        begun = time.time()
        _play(stack, {**HOUR, "seed": HOUR["seed"] + 1, "wall_seconds": WALL_SECONDS})
        return summarised(lag_seconds(stack, begun))


def _play(stack: Stack, played: Mapping[str, Any]) -> None:
    hour = Hour(stack, Screen(Console(quiet=True)), played)
    hour.play()
    hour.wait_until_stored()


def table(found: dict[str, Any]) -> str:
    """The table of docs/performance.md."""
    rows = ["| from the webhook to the table | seconds | target | met |", "| --- | --- | --- | --- |"]
    for percent in PERCENTILES:
        value, target = found[f"p{percent}"], TARGET_SECONDS.get(percent)
        name = "the slowest event" if percent == max(PERCENTILES) else f"p{percent}"
        verdict = "| |" if target is None else f"| ≤ {target:.0f} | {'yes' if value <= target else '**no**'} |"
        rows.append(f"| {name} | {value:.2f} {verdict}")
    rows += ["", f"{found['events']} events of {found['orders']} orders, an hour's, in {found['wall_seconds']} s."]
    return "\n".join(rows)


def write(found: dict[str, Any]) -> None:
    """Put the table into the document. Raises LookupError if it has no place for it."""
    text, places = re.subn(
        r"(<!-- measured: lag -->\n).*?(\n<!-- end -->)",
        lambda match: f"{match[1]}{table(found)}{match[2]}",
        DOCUMENT.read_text(),
        flags=re.DOTALL,
    )
    if places != 1:
        raise LookupError(f"docs/performance.md has {places} places for the table 'lag'")
    DOCUMENT.write_text(text)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.bench.lag", description=__doc__)
    parser.add_argument("--report-only", action="store_true", help="write the document anew from the last result")
    end_on_signals()
    if not parser.parse_args().report_only:
        try:
            RESULTS.write_text(json.dumps(measured(), indent=1) + "\n")
        except (ProcessFailedError, ValueError) as error:
            print(f"lag: {error}", file=sys.stderr)
            return 1
    found = json.loads(RESULTS.read_text())
    write(found)
    print(table(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
