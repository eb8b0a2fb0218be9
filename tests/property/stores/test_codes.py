"""Which store a code is of follows from what the stores say now, whatever the order in which that arrives."""

from datetime import timedelta
from itertools import count
from typing import Any

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from partner_orders.orders.event import Arrival, parse_event
from partner_orders.orders.model import Client
from partner_orders.orders.table import OrdersTable
from partner_orders.stores.store import AmbiguousCodeError
from partner_orders.stores.table import StoresTable
from tests.support.examples import examples
from tests.support.fixed_clock import NOW, clock
from tests.support.orders import CHAIN_ID, as_bytes, order
from tests.support.orders_table import RETENTION, TABLE

STORES, CODES = ("s1", "s2", "s3"), ("A", "B")
# What does not change is not written again, but found in the newest orders, which there are none of here.
SAYINGS = st.lists(st.tuples(st.sampled_from(STORES), st.sampled_from(CODES)), min_size=1, max_size=5, unique=True)
NUMBERS = count()


def owners(sayings: list[tuple[str, str]]) -> dict[str, str]:
    """The store that each code is of, by what the stores said one after the other: of those that last said they have
    it, the latest."""
    latest = {store_id: (at, code) for at, (store_id, code) in enumerate(sayings)}
    return {code: store_id for store_id, (_, code) in sorted(latest.items(), key=lambda each: each[1])}


@settings(max_examples=examples(30), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(SAYINGS, st.permutations(range(5)), st.booleans())
@example([("s1", "A"), ("s2", "A"), ("s2", "B")], [0, 1, 2], True)
@example([("s2", "A"), ("s1", "A"), ("s1", "B")], [1, 2, 0], False)
def test_code_is_of_who_says_so_last(
    dynamodb: Any, sayings: list[tuple[str, str]], places: list[int], is_warm: bool
) -> None:
    """An event by the code alone is of the store that says last that it has the code, and no longer of one that has
    moved on to another."""
    suffix = f"-{next(NUMBERS)}"
    warm = StoresTable(dynamodb, TABLE, CHAIN_ID, clock)

    def say(at: int, **fields: Any) -> None:
        stores = warm if is_warm else StoresTable(dynamodb, TABLE, CHAIN_ID, clock)
        stores.register(Client.model_validate({"chain_id": CHAIN_ID} | fields), NOW + timedelta(minutes=at))

    for at in (place for place in places if place < len(sayings)):
        store_id, code = sayings[at]
        say(at, store_id=store_id + suffix, external_partner_config_id=code + suffix)
    for code, owner in owners(sayings).items():
        say(len(sayings), external_partner_config_id=code + suffix, name=f"by {code}")
        stores = {store.store_id.removesuffix(suffix): store.name for store in warm.all() if suffix in store.store_id}
        assert [store_id for store_id, name in stores.items() if name == f"by {code}"] == [owner]
    for store in warm.all():
        warm.remove(store)


@settings(max_examples=examples(20), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.tuples(st.sampled_from(STORES), st.sampled_from(CODES)), min_size=1, max_size=5),
    st.permutations(range(5)),
)
@example([("s2", "A"), ("s1", "A"), ("s2", "A")], [0, 2, 1])
def test_code_said_again_is_found_in_orders(dynamodb: Any, sayings: list[tuple[str, str]], places: list[int]) -> None:
    """What a store said again, unchanged, counts by its newest orders: an older claim that arrives later loses."""
    suffix, orders = f"-{next(NUMBERS)}", OrdersTable(dynamodb, TABLE, RETENTION)
    for at in (place for place in places if place < len(sayings)):
        store_id, code = (name + suffix for name in sayings[at])
        body = order(at, order_id=f"o{at}{suffix}")
        body["sys"]["created_at"] = body["sys"]["updated_at"]
        body["client"] |= {"store_id": store_id, "external_partner_config_id": code}
        event = parse_event(as_bytes(body))
        orders.write([(event, Arrival("webhook", NOW, "c"))])
        StoresTable(dynamodb, TABLE, CHAIN_ID, clock).register(event.order.client, event.occurred_at)
    stores = StoresTable(dynamodb, TABLE, CHAIN_ID, clock)
    for code, owner in owners(sayings).items():
        found = stores.find(code + suffix)
        assert found is not None
        assert found.store_id == owner + suffix
    for store in stores.all():
        stores.remove(store)


@settings(max_examples=examples(20), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.integers(0, 1), min_size=1, max_size=3))
@example([1, 1])
def test_code_at_one_time_is_ambiguous(dynamodb: Any, minutes: list[int]) -> None:
    """A code that several stores say they have, at the same time and last, finds none of them."""
    suffix = f"-{next(NUMBERS)}"
    for number, minute in enumerate(minutes):
        client = {"chain_id": CHAIN_ID, "store_id": f"s{number}{suffix}", "external_partner_config_id": f"A{suffix}"}
        table = StoresTable(dynamodb, TABLE, CHAIN_ID, clock)
        table.register(Client.model_validate(client), NOW + timedelta(minutes=minute))
    stores = StoresTable(dynamodb, TABLE, CHAIN_ID, clock)
    holders = [number for number, minute in enumerate(minutes) if minute == max(minutes)]
    try:
        found = stores.find(f"A{suffix}")
    except AmbiguousCodeError:
        found = None
    assert (found and found.store_id) == (f"s{holders[0]}{suffix}" if len(holders) == 1 else None)
    for store in stores.all():
        stores.remove(store)


@settings(max_examples=examples(20), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.booleans(), min_size=1, max_size=4))
@example([True, False])
def test_store_by_its_code_becomes_the_store(dynamodb: Any, by_code_alone: list[bool]) -> None:
    """A store that was known by its code alone is one with the store that says it has the code."""
    suffix = f"-{next(NUMBERS)}"
    code, store_id = f"A{suffix}", f"s{suffix}"
    for minute, is_code_alone in enumerate(by_code_alone):
        client = {"chain_id": CHAIN_ID, "external_partner_config_id": code}
        client |= {} if is_code_alone else {"store_id": store_id}
        table = StoresTable(dynamodb, TABLE, CHAIN_ID, clock)
        table.register(Client.model_validate(client), NOW + timedelta(minutes=minute))
    stores = StoresTable(dynamodb, TABLE, CHAIN_ID, clock)
    assert [store.store_id for store in stores.all()] == [code if all(by_code_alone) else store_id]
    for store in stores.all():
        stores.remove(store)
