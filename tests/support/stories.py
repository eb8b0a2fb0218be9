"""What a story of the simulator told."""

import hashlib

from tools.simulation.story import Told


def fingerprint(told: Told) -> str:
    """All of a story that can be seen."""
    seen = [told.violation, told.events, sorted(told.faults.items()), sorted(told.account.items()), told.story]
    return hashlib.sha256(repr(seen).encode()).hexdigest()
