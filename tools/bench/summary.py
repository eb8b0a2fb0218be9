"""Many samples in a few numbers: the median, and the quartiles as its spread."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Summary:
    median: float
    low: float
    high: float
    samples: int

    def text(self, factor: float = 1.0, digits: int = 0) -> str:
        return f"{self.median * factor:.{digits}f} ({self.low * factor:.{digits}f} to {self.high * factor:.{digits}f})"


def summary(values: Sequence[float]) -> Summary:
    low, median, high = statistics.quantiles(values, n=4, method="inclusive")
    return Summary(round(median, 6), round(low, 6), round(high, 6), len(values))


def ratio(ones: Sequence[float], others: Sequence[float]) -> Summary:
    """Of what was measured side by side, round by round: so what slows both does not count."""
    return summary([one / other for one, other in zip(ones, others, strict=True)])
