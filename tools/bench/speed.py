"""CPU time as the reference machine takes it: the money of the cost model is of our code, not of the machine it ran on.

Beside each of our functions its floor is measured, in turns. What the floor took on the reference machine is kept in
reference.json; the ratio of the two is how fast this machine is, for this kind of work and at this moment.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tools.bench.artefacts import FLOOR

REFERENCE_FILE = Path(__file__).with_name("reference.json")
# CPU seconds of the floor: by function for cold starts and warm invocations, and of the two that are measured alone.
REFERENCE: dict[str, Any] = json.loads(REFERENCE_FILE.read_text())["floor_seconds"]
BY_FUNCTION = ("cold_start", "warm")
ALONE = ("consumer_cpu", "comparison_cpu")


def on_reference_machine(found: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The CPU seconds of the results that the cost model takes, by way, as they would be on the reference machine: by
    function in BY_FUNCTION, and those of ALONE as they are."""
    seconds: dict[str, dict[str, Any]] = {
        kind: {
            function: _calibrated(measured["values"], REFERENCE[kind][function])
            for function, measured in found[kind].items()
        }
        for kind in BY_FUNCTION
    }
    return seconds | {kind: _calibrated(found[kind]["values"], REFERENCE[kind]) for kind in ALONE}


def _calibrated(values: Mapping[str, Mapping[str, float]], floor_reference: float) -> dict[str, float]:
    """The medians, by way. ``floor_reference`` is what the floor among them takes on the reference machine."""
    floor_now = values[FLOOR]["median"]
    return {way: summary["median"] / floor_now * floor_reference for way, summary in values.items()}
