"""Whether a fault happens: by its number of times, or by its probability."""

import random


def strikes(faults: dict[str, float], fault: str, chance: random.Random) -> bool:
    """Whether a fault happens now. A value below 1 is a probability, any other the number of times that it still
    happens, which this counts down."""
    left = faults.get(fault, 0)
    if not left:
        return False
    if left < 1:
        return chance.random() < left
    faults[fault] = left - 1
    return True
