"""Orders of a store that picks its own: each stays in its first state until the chain answers it."""

from dataclasses import replace
from datetime import datetime

from tools.local.simulated_platform.lives import Life, Step, to_text, trading_hour
from tools.simulation.hour import CHAIN_ID, Post

# Their numbers and their store are apart from those of the other orders of an hour.
FIRST_NUMBER = 100
FIRST_STORE = 900


def picked_orders(seed: int, start: datetime, orders: int, accepts: bool, only: frozenset[int] | None) -> list[Life]:
    """The orders of a seed, by time of creation. ``accepts`` is for a brand whose stores accept orders; with ``only``,
    just these, by number."""
    kinds = {"vendor_delivery": 1} if accepts else {"platform_delivery": 3, "vendor_delivery": 1}
    made = trading_hour(seed, orders, 1, start, CHAIN_ID, kinds=kinds, first_store=FIRST_STORE)
    numbered = enumerate(made, start=FIRST_NUMBER)
    return [
        replace(life, steps=life.steps[:1], masked=False) for number, life in numbered if only is None or number in only
    ]


def numbers_of(seed: int, start: datetime, orders: int, accepts: bool) -> dict[str, int]:
    """The number of each order of a seed, by its id."""
    made = picked_orders(seed, start, orders, accepts, None)
    return {life.order_id: number for number, life in enumerate(made, start=FIRST_NUMBER)}


def post_of(life: Life, step: Step, number: int) -> Post:
    """What the platform posts of a state of an order."""
    name = f"{life.order_id[:8]} {step.status} {len(life.steps)} answered"
    return Post(name, step.at, to_text(step.body).encode(), order=number)
