"""Orders of a store that picks its own: each stays in its first state until the chain answers it."""

from datetime import datetime

from tools.local.simulated_platform.lives import Life, Step, to_text, waiting_orders
from tools.local.simulated_platform.picked_orders import FIRST_STORE
from tools.simulation.hour import CHAIN_ID, Post

# Their numbers are apart from those of the other orders of an hour.
FIRST_NUMBER = 100


def picked_orders(seed: int, start: datetime, orders: int, accepts: bool) -> dict[int, Life]:
    """The orders of a seed by number, in the order of their creation. ``accepts`` is for a brand whose stores accept
    orders."""
    return dict(enumerate(waiting_orders(seed, orders, start, CHAIN_ID, accepts, FIRST_STORE), start=FIRST_NUMBER))


def post_of(life: Life, step: Step, number: int) -> Post:
    """What the platform posts of a state of an order."""
    name = f"{life.order_id[:8]} {step.status} {len(life.steps)} answered"
    return Post(name, step.at, to_text(step.body).encode(), order=number)
