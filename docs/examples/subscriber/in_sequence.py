"""A subscriber's memory: which changes of which order it has had, so that each counts once and the newest wins."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

# The sequence of an order leaps by so much when the table is restored to an earlier time.
RESTORED = 1_000_000


@dataclass
class _Seen:
    newest: int = 0
    missing: set[int] = field(default_factory=set)


class InSequence:
    """Takes the details of change events in any order, with repetitions; keep what it remembers in a table."""

    def __init__(self) -> None:
        self._orders: dict[str, _Seen] = {}

    def take(self, detail: Mapping[str, Any]) -> bool:
        """Whether the event is the newest of its order so far, and so the state to act on."""
        seen = self._orders.setdefault(detail["order_id"], _Seen())
        sequence: int = detail["sequence"]
        if sequence <= seen.newest:
            seen.missing.discard(sequence)
            return False
        if sequence // RESTORED == seen.newest // RESTORED:
            seen.missing |= {*range(seen.newest + 1, sequence)}
        seen.newest = sequence
        return True

    def gaps(self) -> dict[str, list[int]]:
        """Of each order, the changes that have not come although a later one has."""
        return {order_id: sorted(seen.missing) for order_id, seen in self._orders.items() if seen.missing}
