"""What events tell of a store, and which store a code was last said to be of."""

import pytest

from partner_orders.orders.model import Client
from partner_orders.stores.facts import MAX_ID_BYTES, Fact, Holding, Told, told_by
from tests.support.fixed_clock import NOW

SAID_AT = "2026-10-14T09:00:00.000000Z"
ONE, OTHER = ("s1",), ("s2",)


def test_event_tells_of_its_store() -> None:
    """An event tells both ids of its store and each fact that it says, with its time; without a time there is none."""
    client = Client(store_id="q7xk", external_partner_config_id="GB-1", name="Clifton")
    facts = {"name": "Clifton", "external_partner_config_id": "GB-1"}
    assert told_by(client, NOW) == Told("q7xk", "GB-1", SAID_AT, {name: Fact(SAID_AT, facts[name]) for name in facts})
    assert told_by(Client(external_partner_config_id="GB-1"), None) == Told(
        None, "GB-1", "", {"external_partner_config_id": Fact("", "GB-1")}
    )


@pytest.mark.parametrize(("length", "is_told"), [(MAX_ID_BYTES, True), (MAX_ID_BYTES + 1, False)])
def test_id_that_a_key_can_hold(length: int, is_told: bool) -> None:
    """An id of the most bytes that a key can hold is one of a store, and a longer one is not."""
    assert (told_by(Client(store_id="x" * length), NOW) is not None) is is_told


def test_long_name_is_cut() -> None:
    """Of a name that no store has, 200 characters are kept: a row has a size."""
    told = told_by(Client(store_id="q7xk", name="n" * 201), NOW)
    assert told is not None
    assert told.facts == {"name": Fact(SAID_AT, "n" * 200)}


@pytest.mark.parametrize(
    ("one", "other", "merged"),
    [
        (Holding("1", ONE), Holding("2", OTHER), Holding("2", OTHER)),
        (Holding("1", OTHER), Holding("1", ONE), Holding("1", ("s1", "s2"))),
        (Holding("1", (*ONE, "s3")), Holding("1", OTHER), Holding("1", ("s1", "s2", "s3"))),
        (Holding("1", ONE), Holding("1", ONE), Holding("1", ONE)),
        # That no store has it says nothing.
        (Holding("1", ONE), Holding("2"), Holding("1", ONE)),
        (Holding("1"), Holding("2"), Holding("2")),
        (Holding("1"), Holding("1", ONE), Holding("1", ONE)),
        (Holding("", ONE), Holding(), Holding("", ONE)),
    ],
)
def test_holdings_of_a_code(one: Holding, other: Holding, merged: Holding) -> None:
    """A code is of the store that was named last, and of all that were named at one time, in whatever order."""
    assert one.merged(other) == merged
    assert other.merged(one) == merged
