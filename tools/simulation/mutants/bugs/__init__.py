"""The planted bugs, a module for each part of the package. The links lead to people who have had them."""

from tools.simulation.mutants.bugs import (
    consumer,
    exact_json,
    order_events,
    orders,
    platform,
    publisher,
    reconciler,
    stores,
    webhook,
)
from tools.simulation.mutants.planting import Mutant

# In the order of the flow.
MUTANTS: list[Mutant] = [
    *webhook.MUTANTS,
    *order_events.MUTANTS,
    *consumer.MUTANTS,
    *exact_json.MUTANTS,
    *orders.MUTANTS,
    *stores.MUTANTS,
    *platform.MUTANTS,
    *reconciler.MUTANTS,
    *publisher.MUTANTS,
]
