"""Which store a code is of follows from what the stores say now, whatever the order in which that arrives."""

from datetime import timedelta
from itertools import count
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from partner_orders.orders.model import Client
from partner_orders.stores.table import StoresTable
from tests.support.examples import examples
from tests.support.fixed_clock import NOW, clock
from tests.support.orders import CHAIN_ID
from tests.support.orders_table import TABLE

STORES, CODES = ("s1", "s2", "s3"), ("A", "B")
# What does not change is not written again, but found in the newest orders, which there are none of here.
SAYINGS = st.lists(st.tuples(st.sampled_from(STORES), st.sampled_from(CODES)), min_size=1, max_size=5, unique=True)
NUMBERS = count()


def owners(sayings: list[tuple[str, str]]) -> dict[str, str]:
    """The store that each code is of, by what the stores said one after the other: of those that last said they have
    it, the latest."""
    latest = {store_id: (at, code) for at, (store_id, code) in enumerate(sayings)}
    return {code: store_id for store_id, (_, code) in sorted(latest.items(), key=lambda each: each[1])}


@settings(max_examples=examples(60), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(SAYINGS, st.data(), st.booleans())
def test_code_is_of_who_says_so_last(
    dynamodb: Any, sayings: list[tuple[str, str]], data: st.DataObject, is_warm: bool
) -> None:
    """An event by the code alone is of the store that says last that it has the code, and no longer of one that has
    moved on to another."""
    suffix = f"-{next(NUMBERS)}"
    warm = StoresTable(dynamodb, TABLE, CHAIN_ID, clock)

    def say(at: int, **fields: Any) -> None:
        stores = warm if is_warm else StoresTable(dynamodb, TABLE, CHAIN_ID, clock)
        stores.register(Client.model_validate({"chain_id": CHAIN_ID} | fields), NOW + timedelta(minutes=at))

    for at, (store_id, code) in data.draw(st.permutations([*enumerate(sayings)])):
        say(at, store_id=store_id + suffix, external_partner_config_id=code + suffix)
    for code, owner in owners(sayings).items():
        say(len(sayings), external_partner_config_id=code + suffix, name=f"by {code}")
        stores = {store.store_id.removesuffix(suffix): store.name for store in warm.all() if suffix in store.store_id}
        assert [store_id for store_id, name in stores.items() if name == f"by {code}"] == [owner]
    for store in warm.all():
        warm.remove(store)
