"""What environments and calls to AWS need of the world that they are in."""

import random
from collections import Counter
from typing import Any, Protocol

from tools.simulation.faults import Faults
from tools.simulation.kernel import Kernel


class Surroundings(Protocol):
    """A world: of orders, or of a catalogue. ``clients`` are those of AWS's services, ``deaths`` counts environments by
    what they died of, and in a ``loud`` world the functions log and measure as they do in Lambda."""

    kernel: Kernel
    faults: Faults
    chance: random.Random
    clients: dict[str, Any]
    environments: int
    recorders: list[Any]
    deaths: Counter[str]
    is_loud: bool

    def dies_or_hangs(self, where: str) -> None:
        """Kill or delay the process that is running, if it is its turn. Raises Killed."""
