"""The law of the cost model: the same code costs the same money, however fast the machine is that measured it."""

import copy
import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tools.bench import speed
from tools.bench.__main__ import RESULTS, cost_model

FACTORS = st.floats(0.2, 20)


def _slower(found: dict[str, Any], factor: float) -> dict[str, Any]:
    """The results of a part on a machine that takes so many times as long for everything."""
    slower = copy.deepcopy(found)
    for summary in slower["values"].values():
        for name in ("median", "low", "high"):
            summary[name] *= factor
    return slower


@given(st.data())
def test_slower_machine_gives_the_same_money(data: st.DataObject) -> None:
    """A machine that is slower, or slower for a while, gives the same USD."""
    stored = json.loads(RESULTS.read_text())
    machine = dict(stored)
    for kind in speed.BY_FUNCTION:
        machine[kind] = {name: _slower(measured, data.draw(FACTORS)) for name, measured in stored[kind].items()}
    for kind in speed.ALONE:
        machine[kind] = _slower(stored[kind], data.draw(FACTORS))
    assert cost_model(machine) == cost_model(stored)


@given(st.floats(1.2, 3))
def test_slower_code_costs_more(factor: float) -> None:
    """Where our code alone takes longer, beside the same floor, it costs more."""
    stored = json.loads(RESULTS.read_text())
    slower = copy.deepcopy(stored)
    slower["warm"]["webhook"]["values"]["ours"]["median"] *= factor
    assert cost_model(slower)["totals"]["ours"] > cost_model(stored)["totals"]["ours"]
