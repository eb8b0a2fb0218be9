"""How long events took, and the value that so many of them do not exceed."""

import math
from collections.abc import Sequence
from datetime import datetime

# When, and how many seconds it took.
type Latency = tuple[datetime, float]


def percentile(values: Sequence[float], percent: int) -> float:
    """The smallest value that so many percent of the values do not exceed (the nearest rank)."""
    return sorted(values)[math.ceil(percent / 100 * len(values)) - 1]
