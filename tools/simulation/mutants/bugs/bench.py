"""Planted bugs in the benchmark."""

from tools.simulation.mutants.planting import Mutant, one_edit

_SPEED = "tools/bench/speed.py"

MUTANTS: list[Mutant] = [
    one_edit(
        "money-of-this-machine",
        "CPU time is put into the cost model as this machine took it.",
        _SPEED,
        "_calibrated",
        "/ floor_now * floor_reference",
        "* 1.0",
    ),
    one_edit(
        "a-slow-machine-counts-twice",
        "CPU time is calibrated in the wrong direction.",
        _SPEED,
        "_calibrated",
        "/ floor_now * floor_reference",
        "* floor_now / floor_reference",
    ),
]
