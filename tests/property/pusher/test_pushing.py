"""The newest value ends up on the platform, whatever fails, comes late or comes twice (rules W1, W3, W5 and W6)."""

from datetime import timedelta
from decimal import Decimal
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from partner_orders.catalogue.product import FIELDS, Values
from partner_orders.catalogue.to_send import is_waiting, to_send
from partner_orders.platform.failures import Failure
from tests.support.catalogue import VALUES
from tests.support.catalogue_world import CatalogueWorld
from tests.support.fixed_clock import NOW
from tools.simulation.catalogue.simulated_dynamodb import SimulatedDynamoDB

TABLE = "catalogue"
# A world takes a second: making a failing one smaller would take many minutes.
PHASES = (Phase.explicit, Phase.reuse, Phase.generate)
SKUS = ("KW-100", "KW-220", "KW-310")
STORES = count()
SAY = st.tuples(
    st.just("say"),
    st.sampled_from(SKUS),
    VALUES.filter(lambda values: values.are_said),
    st.integers(0, 30),
    st.booleans(),
)
FAIL = st.tuples(st.just("fail"), st.sampled_from(["before", "after"]))
WORK = st.tuples(st.just("work"), st.integers(0, 5), st.booleans())
STEPS = st.lists(
    st.one_of(
        SAY,
        SAY,
        st.just(("push",)),
        st.just(("push",)),
        FAIL,
        WORK,
        WORK,
        st.tuples(st.just("wait"), st.integers(1, 32)),
    ),
    max_size=14,
)


@pytest.fixture(scope="module")
def dynamodb() -> Any:
    simulated = SimulatedDynamoDB()
    simulated.tables[TABLE] = {}
    return simulated.client


def played(dynamodb: Any, steps: list[tuple[Any, ...]]) -> CatalogueWorld:
    """A world after these steps, at rest."""
    world = CatalogueWorld(dynamodb, TABLE, f"store-{next(STORES)}")
    # A lone quantity needs company: a store of one product has none to send.
    world.say("KW-900", Values(price=Decimal(1)), NOW)
    world.come_to_rest()
    for step, *given_ in steps:
        match step, given_:
            case "say", [sku, values, minute, is_urgent]:
                world.say(sku, values, NOW + timedelta(minutes=minute), is_urgent)
            case "push", _:
                world.push()
            case "fail", [how]:
                world.platform.fails = how
            case "work", [number, is_told] if world.platform.jobs:
                job_ids = sorted(world.platform.jobs)
                world.work(job_ids[number % len(job_ids)], is_told)
            case "wait", [minutes]:
                world.pass_time(minutes)
    world.platform.fails = ""
    world.come_to_rest()
    return world


@pytest.mark.slow
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=30, phases=PHASES)
@given(STEPS)
def test_newest_value_stays(dynamodb: Any, steps: list[tuple[Any, ...]]) -> None:
    """Whatever happened on the way, the platform has the newest values of every product, and all is settled."""
    world = played(dynamodb, steps)
    for sku in SKUS:
        row, shown = world.product(sku), world.platform.shown.get(sku, Values())
        wanted = to_send(row)
        assert not is_waiting(row)
        for name in FIELDS:
            # A cap alone waits for what the platform asks for beside it.
            if getattr(wanted, name) is not None and (wanted.price, wanted.active) != (None, None):
                assert (name, getattr(shown, name)) == (name, getattr(wanted, name))
    assert world.unfinished() == []
    assert world.tables.changes.first(world.store_id, 1) == []


@pytest.mark.slow
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=10, phases=PHASES)
@given(
    st.sets(st.integers(0, 19)),
    st.sets(st.integers(0, 19)),
    st.sampled_from([Failure.REFUSED, Failure.NOT_FOUND]),
)
@example({7}, {6}, Failure.NOT_FOUND)
def test_bad_lines_spoil_no_others(dynamodb: Any, bad: set[int], unknown: set[int], alone: Failure) -> None:
    """A line for which the platform refuses the whole call, or that it refuses in a job, is parked alone; also where a
    call of an unknown product alone is refused like one of an unknown store."""
    world = CatalogueWorld(dynamodb, TABLE, f"store-{next(STORES)}")
    world.platform.unknown_alone = alone
    world.platform.bad_skus = {f"sku-{number}" for number in bad}
    world.platform.unknown_skus = {f"sku-{number}" for number in unknown - bad}
    for number in range(20):
        world.say(f"sku-{number}", Values(quantity=number + 1), NOW)
    world.come_to_rest()
    for number in range(20):
        row = world.product(f"sku-{number}")
        is_refused = number in bad | unknown
        assert (row.refused.quantity is not None) == is_refused
        shown = world.platform.shown.get(f"sku-{number}", Values())
        assert (row.confirmed.quantity == shown.quantity == number + 1) == (not is_refused)
    assert world.tables.changes.first(world.store_id, 1) == []


@pytest.mark.parametrize("alone", [Failure.REFUSED, Failure.NOT_FOUND])
def test_unknown_product_alone(dynamodb: Any, alone: Failure) -> None:
    """A lone price of a product that the platform knows no more is parked with the platform's words: in company, where
    its call alone is refused like one of an unknown store."""
    world = CatalogueWorld(dynamodb, TABLE, f"store-{next(STORES)}")
    for sku in ("KW-1", "KW-2"):
        world.say(sku, Values(price=Decimal(1)), NOW)
    world.come_to_rest()
    calls = len(world.platform.calls)
    world.platform.unknown_alone, world.platform.unknown_skus = alone, {"KW-2"}
    world.say("KW-2", Values(price=Decimal(2)), NOW + timedelta(minutes=1))
    world.come_to_rest()
    assert (world.product("KW-2").refused.price, bool(world.product("KW-2").refusal)) == (Decimal(2), True)
    assert (world.unfinished(), world.tables.states.get(world.store_id).not_before) == ([], None)
    sent = [[*call] for call in world.platform.calls[calls:]]
    assert sent == ([["KW-2"]] if alone is Failure.REFUSED else [["KW-2"], ["KW-2", "KW-1"]])


def test_unknown_product_that_gets_no_word(dynamodb: Any) -> None:
    """A call for one unknown product may be answered like one that took effect: the first call of a product has
    company, and its result tells."""
    world = CatalogueWorld(dynamodb, TABLE, f"store-{next(STORES)}")
    world.say("KW-1", Values(price=Decimal(1)), NOW)
    world.come_to_rest()
    world.platform.unknown_alone, world.platform.unknown_skus = None, {"KW-2"}
    world.say("KW-2", Values(price=Decimal(2)), NOW)
    world.come_to_rest()
    assert (world.product("KW-2").refused.price, world.product("KW-2").confirmed.price) == (Decimal(2), None)


@pytest.mark.slow
def test_lost_job_goes_again(dynamodb: Any) -> None:
    """The lines of a job of which nothing is heard again are sent once more."""
    world = CatalogueWorld(dynamodb, TABLE, f"store-{next(STORES)}")
    for sku in SKUS:
        world.say(sku, Values(quantity=3), NOW)
    world.push()
    world.platform.jobs.clear()
    world.come_to_rest()
    assert {sku: world.platform.shown[sku].quantity for sku in SKUS} == dict.fromkeys(SKUS, 3)
