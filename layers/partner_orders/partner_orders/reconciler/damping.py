"""Damping: which differences wait, of an order that the platform shows differently at each look.

A signed link or an unstable order of lines makes each look a new event, although nothing happened. So the next state of
the same status and clock waits, longer each time. Only enqueueing is delayed: what is shown when the pause ends is
enqueued then. A change of status or clock never waits. Pure: the pauses follow from the times that the order's history
holds, so a new worker keeps to them.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from partner_orders.orders.event import OrderEvent
from partner_orders.orders.stored import Showing, showing

# So many states of one status and clock are enqueued at once.
FREE_STATES = 3
SHORTEST_PAUSE = timedelta(hours=1)
# Each pause is so many times as long as the last one: 1 h, 6 h, and then the longest.
GROWTH = 6
LONGEST_PAUSE = timedelta(hours=22)


def is_damped(event: OrderEvent, showings: Iterable[Showing], now: datetime) -> bool:
    """Whether an event that the platform shows now (UTC, the platform's clock) waits before it is enqueued.
    ``showings`` are the states of its order that it has shown, and we have noted."""
    shown = showing(event, now)
    same = [each for each in showings if (each.status, each.occurred_at) == (shown.status, shown.occurred_at)]
    is_back = any(each.digest == event.digest for each in same)
    if len(same) < FREE_STATES and not is_back:
        return False
    times = sorted(each.shown_at for each in same)[-2:]
    last_pause = times[-1] - times[0]
    return now - times[-1] < min(max(GROWTH * last_pause, SHORTEST_PAUSE), LONGEST_PAUSE)
