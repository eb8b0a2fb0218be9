"""The planted bugs, a module for each part of the package. The links lead to people who have had them."""

from tools.simulation.mutants.bugs import (
    alarms,
    answers,
    bench,
    catalogue,
    comparison,
    consumer,
    exact_json,
    hostile,
    order_events,
    orders,
    platform,
    promotions,
    publisher,
    reconciler,
    request_budget,
    schedule,
    stores,
    uploader,
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
    *hostile.MUTANTS,
    *stores.MUTANTS,
    *platform.MUTANTS,
    *request_budget.MUTANTS,
    *answers.MUTANTS,
    *reconciler.MUTANTS,
    *comparison.MUTANTS,
    *schedule.MUTANTS,
    *publisher.MUTANTS,
    *catalogue.MUTANTS,
    *promotions.MUTANTS,
    *uploader.MUTANTS,
    *alarms.MUTANTS,
    *bench.MUTANTS,
]
