"""``python -m tools.bench.lag``: how long events take from the webhook to the table, on the local stack.

The simulated platform plays a busy hour. Measured are the values of ``Lag`` that the consumer emits meanwhile. They go
into results/lag.json and into a table of docs/performance.md. Nothing else of the benchmark runs.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console

from tools.bench.percentiles import Latency, percentile
from tools.bench.report import put
from tools.local.flood import flooded
from tools.local.hour import HOUR, Hour
from tools.local.process import ProcessFailedError, end_on_signals
from tools.local.screen import Screen
from tools.local.stack import Stack, switch_schedules
from tools.local.up import running_stack

RESULTS = Path(__file__).with_name("results") / "lag.json"
FLOOD_RESULTS = RESULTS.with_name("flood.json")
WALL_SECONDS = 60  # in which the measured hour is played
PERCENTILES = (50, 95, 99, 100)
TARGET_SECONDS = {95: 5.0}
CONSUMER_LOGS = "ConsumerLogGroup"
# How many times as long it may take while the catalogue is flooded. Generous: here both stacks are one emulator on one
# machine's processors. A lag of less than LEAST_SECONDS counts as so much.
FLOOD_TARGETS = {50: 20.0, 95: 20.0}
LEAST_SECONDS = 0.05
WARM_SECONDS = 20.0


def lag_seconds(stack: Stack, since: float = 0.0) -> list[float]:
    """The values of ``Lag`` in the consumer's log, from ``since`` on (seconds since 1970)."""
    return [seconds for _, seconds in lags(stack.client, stack.stack_name, since)]


def lags(client: Callable[[str], Any], stack_name: str, since: float) -> list[Latency]:
    """The values of ``Lag`` in the log of a stack's consumer, with the times at which they were logged. Raises
    botocore's errors."""
    resource = client("cloudformation").describe_stack_resource(StackName=stack_name, LogicalResourceId=CONSUMER_LOGS)
    group = resource["StackResourceDetail"]["PhysicalResourceId"]
    log = client("logs").get_paginator("filter_log_events")
    pages = log.paginate(logGroupName=group, startTime=int(since * 1000))
    logged = ((event["timestamp"], event["message"]) for page in pages for event in page["events"])
    found = ((at, json.loads(line)) for at, line in logged if line.startswith("{") and '"Lag"' in line)
    return [
        (datetime.fromtimestamp(at / 1000, UTC), float(seconds)) for at, content in found for seconds in content["Lag"]
    ]


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


def measured_with_flood() -> dict[str, Any]:
    """Play an hour, and another one while the catalogue beside the stack is flooded: the lag of both, and what was sent
    meanwhile. Raises ProcessFailedError."""
    with running_stack(Console(stderr=True), {"ReconciliationState": "DISABLED"}) as stack:
        switch_schedules(stack, "DISABLED", stack.catalogue_name)
        _play(stack, HOUR)
        with flooded(stack):  # The functions of the catalogue start, too.
            time.sleep(WARM_SECONDS)
        begun = time.time()
        _play(stack, {**HOUR, "seed": HOUR["seed"] + 1, "wall_seconds": WALL_SECONDS})
        quiet, begun = lag_seconds(stack, begun), time.time()
        with flooded(stack) as flood:
            _play(stack, {**HOUR, "seed": HOUR["seed"] + 2, "wall_seconds": WALL_SECONDS})
            sent = dict(flood.sent)
        during = lag_seconds(stack, begun)
    return {"quiet": summarised(quiet), "flooded": summarised(during), "sent": sent}


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


def flood_table(found: dict[str, Any]) -> str:
    """The table of docs/performance.md with the lag beside a flooded catalogue."""
    quiet, during, sent = found["quiet"], found["flooded"], found["sent"]
    rows = ["| from the webhook to the table | quiet, s | flooded, s | ratio | target | met |"]
    rows.append(f"| {' | '.join(['---'] * 6)} |")
    for percent, target in FLOOD_TARGETS.items():
        before, after = quiet[f"p{percent}"], during[f"p{percent}"]
        ratio = after / max(before, LEAST_SECONDS)
        met = "yes" if ratio <= target else "**no**"
        rows.append(f"| p{percent} | {before:.2f} | {after:.2f} | {ratio:.1f} | ≤ {target:g} | {met} |")
    rows += ["", f"Meanwhile the catalogue got {', '.join(f'{number} {kind}' for kind, number in sent.items())}."]
    return "\n".join(rows)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.bench.lag", description=__doc__)
    parser.add_argument("--with-flood", action="store_true", help="measure the lag while the catalogue is flooded")
    parser.add_argument("--report-only", action="store_true", help="write the document anew from the last result")
    end_on_signals()
    arguments = parser.parse_args()
    measure, results, shown = (
        (measured_with_flood, FLOOD_RESULTS, flood_table) if arguments.with_flood else (measured, RESULTS, table)
    )
    if not arguments.report_only:
        try:
            results.write_text(json.dumps(measure(), indent=1) + "\n")
        except (ProcessFailedError, ValueError) as error:
            print(f"lag: {error}", file=sys.stderr)
            return 1
    text = shown(json.loads(results.read_text()))
    put({"flood" if arguments.with_flood else "lag": text})
    print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
