"""The chain's newest values reach the simulated platform of each brand, and each line's outcome is known."""

from dataclasses import replace
from decimal import Decimal
from itertools import count
from random import Random
from typing import Any

import pytest

from partner_orders.catalogue.product import Values
from partner_orders.catalogue.to_send import is_waiting, to_send
from tests.support.catalogue_on_platform import StoreOnPlatform
from tools.local.simulated_platform.profiles import BY_NAME
from tools.simulation.catalogue.simulated_dynamodb import SimulatedDynamoDB

TABLE = "catalogue"
NUMBERS = count()
FAULTS = (
    "put_error_before", "put_error_after", "put_dropped_before", "put_dropped_after", "job_fails", "job_stuck",
    "job_late", "jobs_swapped", "line_fails", "callback_lost", "callback_late", "callback_doubled",
    "callback_without_link",
)  # fmt: skip


@pytest.fixture(scope="module")
def dynamodb() -> Any:
    simulated = SimulatedDynamoDB()
    simulated.tables[TABLE] = {}
    return simulated.client


def values(chance: Random) -> Values:
    price = Decimal(chance.randrange(100, 130)) / 100 if chance.random() < 0.5 else None
    quantity = chance.choice([None, 0, chance.randrange(5, 90)])
    is_active = chance.choice([None, True, False]) if price or quantity is not None else chance.choice([True, False])
    return Values(price, is_active, quantity)


@pytest.mark.slow
@pytest.mark.parametrize("brand", sorted(BY_NAME))
@pytest.mark.parametrize("seed", range(2))
def test_newest_values_are_shown(dynamodb: Any, brand: str, seed: int) -> None:
    """An hour of changes under every fault: at rest the platform shows what the chain said last, or refused it."""
    chance = Random(f"{brand}/{seed}")
    # A storage host is tried by test_job_files, over TLS.
    habits = replace(BY_NAME[brand].catalogue, results_at="api")
    store = StoreOnPlatform(dynamodb, TABLE, f"s{next(NUMBERS)}", 12, seed, habits)
    # Alone, an unknown product may be answered as if it were known.
    store.say(store.skus[0], Values(price=Decimal(1)))
    store.say("NOT-THERE", Values(active=True, quantity=9))
    for _ in range(40):
        store.catalogue.faults = {chance.choice(FAULTS): 1} if chance.random() < 0.5 else {}
        for _ in range(chance.randrange(3)):
            store.say(chance.choice(store.skus), values(chance), is_urgent=chance.random() < 0.2)
        store.pass_minute()
    store.catalogue.faults = {}
    store.rest()
    shown = store.catalogue.shown(store.store_id)
    assert store.unfinished() == []
    for row in store.tables.products.all_of(store.store_id):
        wanted = to_send(row)
        assert not is_waiting(row)
        if row.refused.are_said:
            continue
        assert wanted.price in (None, shown[row.sku].price)
        # The platform's own buffer may hide few pieces.
        is_hidden = wanted.quantity is not None and 0 < wanted.quantity <= 1
        assert is_hidden or wanted.active in (None, shown[row.sku].active)
    assert "NOT-THERE" in {row.sku for row in store.tables.products.all_of(store.store_id) if row.refused.are_said}
