"""What is posted in a load test, and when: whole lives of orders, some events twice or swapped, and some garbage."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from partner_orders.orders.event import parse_event
from partner_orders.orders.rejected import digest_of
from tools.local.simulated_platform.courier import IGNORED_GARBAGE, rubbish
from tools.local.simulated_platform.lives import Life, to_text, trading_hour, webhook_events

DUPLICATES, SWAPPED, GARBAGE = 0.05, 0.05, 0.01  # shares of the requests
# Each half minute begins with a burst; the rest of it is quieter, so that the average is the rate.
PERIOD_SECONDS, BURST_SECONDS = 30.0, 2.0
STORES = 40
_EVENTS_OF_A_LIFE = 2.3  # on average, and rather less than that


@dataclass(frozen=True)
class Body:
    """What a request posts. Without an ``order_id`` it is garbage; ``is_latest`` is the last state of its order.
    ``digest`` is the one under which it is stored."""

    content: bytes = field(repr=False)
    digest: str
    order_id: str = ""
    is_latest: bool = False


@dataclass(frozen=True)
class Request:
    """``due`` in seconds from the start. ``is_again``: the body was posted before."""

    due: float
    body: Body
    is_again: bool = False


def timetable(
    seed: int, rate: float, seconds: float, burst: float, chain_id: str, start: datetime
) -> tuple[Request, ...]:
    """``rate`` requests a second on average, for ``seconds``; in a burst they come ``burst`` times as fast. The orders
    date from the hour after ``start`` (UTC). The last requests are cut off, so some orders stay open."""
    chance = random.Random(f"load/{seed}")
    slots = [*times(rate, seconds, burst)]
    events = int(len(slots) * (1 - DUPLICATES - GARBAGE))
    lives = trading_hour(seed, max(1, int(events / _EVENTS_OF_A_LIFE)), STORES, start, chain_id, timedelta(hours=1))
    bodies: list[tuple[Body, bool]] = [(body, False) for body in _bodies(lives, events)]
    bodies = _swapped(chance, bodies)
    for _ in range(int(len(slots) * GARBAGE)):
        kind, content = "empty", b""
        while kind in IGNORED_GARBAGE:
            kind, content = rubbish(chance, bodies[0][0].content.decode())
        bodies.insert(chance.randrange(len(bodies) + 1), (Body(content, digest_of(content)), False))
    for _ in range(len(slots) - len(bodies)):
        place = chance.randrange(len(bodies))
        bodies.insert(min(len(bodies), place + chance.randrange(1, 200)), (bodies[place][0], True))
    return tuple(Request(due, body, again) for due, (body, again) in zip(slots, bodies, strict=False))


def times(rate: float, seconds: float, burst: float) -> Iterator[float]:
    """When requests are due, in seconds from the start: evenly within a burst, and evenly between two. ``burst`` is at
    most PERIOD_SECONDS / BURST_SECONDS, so that the quiet part has a rate of 0 or more."""
    quiet = (PERIOD_SECONDS - burst * BURST_SECONDS) / (PERIOD_SECONDS - BURST_SECONDS)
    due, passed = 0.0, 0.0
    # Requests that are due so far are rate x the area under the pace; each whole one is a request.
    step = 1 / (20 * rate)
    while passed < seconds:
        pace = burst if passed % PERIOD_SECONDS < BURST_SECONDS else quiet
        due += pace * rate * step
        if due >= 1:
            due -= 1
            yield passed
        passed += step


def _bodies(lives: list[Life], most: int) -> list[Body]:
    """The first ``most`` events by their times; of each order the last one among them is its latest."""
    events = [*webhook_events(lives)][:most]
    last = {life.order_id: step for life, step in events}
    return [
        Body(content, parse_event(content).digest, life.order_id, last[life.order_id] is step)
        for life, step in events
        for content in (to_text(step.body).encode(),)
    ]


def _swapped(chance: random.Random, bodies: list[tuple[Body, bool]]) -> list[tuple[Body, bool]]:
    """Some events come after the next one of their order."""
    places: dict[str, list[int]] = {}
    for place, (body, _) in enumerate(bodies):
        places.setdefault(body.order_id, []).append(place)
    changed = [*bodies]
    for of_order in places.values():
        if len(of_order) > 1 and chance.random() < SWAPPED * len(of_order):
            first, second = of_order[-2:]
            changed[first], changed[second] = changed[second], changed[first]
    return changed
