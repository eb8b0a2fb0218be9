"""What an urgent message does and what it answers, case by case (rules W1 and W9)."""

import json
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from partner_orders.catalogue.channel import Channel
from partner_orders.catalogue.guards import Limits, Reason
from partner_orders.catalogue.product import Values
from partner_orders.pusher.urgent_message import UrgentRefusedError, urgent_change
from tests.support.pusher_world import PusherWorld, new_world

STORE = "s0"


@pytest.fixture
def world() -> PusherWorld:
    made = new_world(limits=Limits(few=2))
    for sku in made.skus[STORE]:
        made.say(STORE, sku, Values(price=Decimal(10), active=True, quantity=20))
    made.rest()
    return made


def take(world: PusherWorld, number: int = 0, **columns: Any) -> bool:
    """Take a message of a product; whether it was sent."""
    world.time.sleep(1.0)
    now = world.time.now()
    named = {"store_id": STORE} | ({} if "barcode" in columns else {"sku": world.skus[STORE][number]})
    return world.urgent.take(urgent_change(json.dumps(named | columns, default=str), now, now))


def counts(world: PusherWorld) -> dict[str, int]:
    """What was counted of messages since the last look."""
    found = {name: number for name, number in world.urgent.counts.items() if number}
    world.urgent.counts.clear()
    return found


def held(world: PusherWorld) -> dict[tuple[str, str], Values]:
    """What is held: by reason and SKU."""
    return {
        (one.reason.value, sku): values
        for one in world.tables.held.of_store(STORE)
        for sku, values in one.lines.items()
    }


def test_messages_are_counted(world: PusherWorld) -> None:
    """Each message that is taken is one, also where it changes nothing, and each value that is held is one."""
    now = world.time.now()
    change = urgent_change(json.dumps({"store_id": STORE, "sku": world.skus[STORE][0], "price": 11}), now, now)
    assert [world.urgent.take(change) for _ in range(3)] == [True, False, False]
    assert counts(world) == {"UrgentTaken": 3}
    assert [take(world, number, price=99) for number in (1, 2)] == [False, False]
    assert counts(world) == {"UrgentTaken": 2, "UrgentHeld": 2}


@pytest.mark.parametrize("columns", [{"active": False}, {"price": 11}, {"active": False, "quantity": 0}])
def test_message_is_noted_where_nothing_may_be_sent(world: PusherWorld, columns: dict[str, Any]) -> None:
    """In a store that is paused nothing is sent or asked for; what was said waits, once, and goes out afterwards."""
    settings = world.tables.settings.get(STORE)
    assert settings is not None
    world.tables.settings.put(replace(settings, is_sending=False))
    asked = len(world.session.asked)
    for _ in range(2):
        assert not take(world, **columns)
    assert len(world.session.asked) == asked
    assert {sku for change in world.tables.changes.first(STORE, 9) for sku in change.skus} == {world.skus[STORE][0]}
    world.tables.settings.put(replace(settings, is_sending=True))
    world.rest()
    product = world.catalogue.shown(STORE)[world.skus[STORE][0]]
    assert (product.price, product.active) == ((Decimal(11), True) if "price" in columns else (Decimal(10), False))


@pytest.mark.parametrize(
    ("columns", "off"),
    [
        ({"active": False}, Values(active=False)),
        ({"quantity": 0}, Values(quantity=0)),
        ({"active": False, "quantity": 0}, Values(active=False, quantity=0)),
        ({"active": False, "quantity": 7}, Values(active=False)),
        ({"active": True, "quantity": 0}, Values(quantity=0)),
    ],
)
def test_only_the_off_of_a_message_is_held(world: PusherWorld, columns: dict[str, Any], off: Values) -> None:
    """What takes one product too many off sale is held; the price and whatever else the message says are taken."""
    for number in (1, 2):
        take(world, number, active=False)
    assert take(world, 0, price=11, **columns)
    sku = world.skus[STORE][0]
    assert held(world) == {(Reason.SWITCHED_OFF.value, sku): off}
    said = world.product(STORE, sku).values
    assert (said.price, said.active) == (Decimal(11), True)
    assert said.quantity == (7 if columns.get("quantity") == 7 else 20)
    world.rest()
    assert world.catalogue.shown(STORE)[sku].active is True


def test_off_that_is_held_does_not_count_as_off(world: PusherWorld) -> None:
    """What is held took nothing off sale: only those that went count."""
    for number in range(5):
        take(world, number, active=False)
    state = world.tables.states.get(STORE)
    assert state.figures(world.time.now()).switched_off == 2


# -- barcodes ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("skus", "words"),
    [
        (None, "name the product by its sku; there is no export of the store yet"),
        ((), "the store's last export has no product of it; name the product by its sku"),
        (("KW-1", "KW-2"), "the store's last export has several products of it; name the product by its sku"),
    ],
)
def test_barcode_that_names_no_product(world: PusherWorld, skus: tuple[str, ...] | None, words: str) -> None:
    """A barcode that does not name one product is refused with what to do, and nothing is taken."""
    world.urgent._skus_of_barcode = lambda *_: skus
    with pytest.raises(UrgentRefusedError) as refused:
        take(world, barcode="4012345678901", price=11)
    assert str(refused.value) == f"barcode: {words}"
    assert (counts(world), world.waits(STORE)) == ({}, False)


def test_barcode_of_one_product(world: PusherWorld) -> None:
    """A barcode of one product of the store's last export is that product."""
    asked = []

    def found(*given: str) -> tuple[str, ...]:
        asked.append(given)
        return (world.skus[STORE][3],)

    world.urgent._skus_of_barcode = found
    assert take(world, barcode="4012345678901", price=11)
    assert asked == [(STORE, "4012345678901")]
    assert world.catalogue.shown(STORE)[world.skus[STORE][3]].price == Decimal(11)


# -- what goes along ---------------------------------------------------------------------------------------------------


def test_what_waits_goes_along(world: PusherWorld) -> None:
    """What waits in the store goes in the same call; an off goes alone."""
    for number in (1, 2, 3):
        world.say(STORE, world.skus[STORE][number], Values(price=Decimal(12)))
    puts = world.puts(STORE)
    assert take(world, 4, active=False)
    assert world.puts(STORE) == puts + 1
    assert take(world, 5, price=11)
    assert world.puts(STORE) == puts + 2
    world.rest()
    prices = [world.catalogue.shown(STORE)[sku].price for sku in world.skus[STORE]]
    assert prices == [Decimal(price) for price in (10, 12, 12, 12, 10, 11)]


@pytest.mark.parametrize(("waiting", "is_left"), [(100, False), (101, True)])
def test_too_much_for_one_message_waits(waiting: int, is_left: bool) -> None:
    """A message takes a hundred products along at most; where more wait, it goes alone, and they are left to the
    pusher, which is woken."""
    world = new_world(products=waiting + 1)
    for sku in world.skus[STORE]:
        world.say(STORE, sku, Values(price=Decimal(10), active=True, quantity=20))
    world.rest()
    world.pusher.job_lines = 500
    for sku in world.skus[STORE][1:]:
        world.say(STORE, sku, Values(price=Decimal("10.50")))
    assert take(world, 0, price=11)
    assert world.waits(STORE) is is_left
    if is_left:
        assert [wake_up.store_id for wake_up in world.tables.changes.stores()] == [STORE]
    world.rest()
    assert {product.price for product in world.catalogue.shown(STORE).values()} == {Decimal(11), Decimal("10.50")}


# -- by files ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("channel", [Channel.API, Channel.FILES])
def test_price_of_a_message_is_measured_later(world: PusherWorld, channel: Channel) -> None:
    """By files nothing confirms a price, so the one that a message replaces counts as one that was in force."""
    settings = world.tables.settings.get(STORE)
    assert settings is not None
    world.tables.settings.put(replace(settings, channel=channel))
    take(world, price=11)
    past = [one.price for one in world.product(STORE, world.skus[STORE][0]).past_prices]
    assert past[-1:] == [Decimal(10)]
    take(world, price="12.50")
    past = [one.price for one in world.product(STORE, world.skus[STORE][0]).past_prices]
    assert past[-1:] == [Decimal(11)]
