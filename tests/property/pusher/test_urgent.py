"""Urgent messages: off at once, also against a running job; other values at once where they may; guards, and messages
that can never be taken (rules W1, W3 and W9)."""

import json
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from partner_orders.catalogue.channel import Channel
from partner_orders.catalogue.guards import Limits, Reason
from partner_orders.catalogue.product import Values
from partner_orders.catalogue.store_state import StoreStates
from tests.support.pusher_world import PusherWorld, new_world
from tests.support.sender_world import KilledError


@pytest.fixture
def world() -> PusherWorld:
    made = new_world(limits=Limits(few=2))
    [store_id] = made.stores
    for sku in made.skus[store_id]:
        made.say(store_id, sku, Values(price=Decimal(10), active=True, quantity=20))
    made.rest()
    return made


def shown(world: PusherWorld, number: int) -> Any:
    [store_id] = world.stores
    return world.catalogue.shown(store_id)[world.skus[store_id][number]]


def send(world: PusherWorld, number: int, **columns: Any) -> None:
    """A message that is taken at once."""
    [store_id] = world.stores
    world.send_message(store_id, world.skus[store_id][number], **columns)
    world.take_messages()


def held(world: PusherWorld) -> list[tuple[Reason, Values]]:
    [store_id] = world.stores
    return [(one.reason, values) for one in world.tables.held.of_store(store_id) for values in one.lines.values()]


def test_off_goes_at_once(world: PusherWorld) -> None:
    """The product is off before the message is done, by one request, and its quantity follows."""
    asked = len(world.session.asked)
    send(world, 0, active="false", quantity=0)
    assert (shown(world, 0).active, len(world.session.asked)) == (False, asked + 1)
    world.rest()
    assert world.product(world.stores[0], world.skus[world.stores[0]][0]).confirmed.quantity == 0


def test_pause_holds_for_the_next_message(world: PusherWorld) -> None:
    """The first message after a pause is noted and not sent, though the function sent one of the store before."""
    send(world, 0, active=False)
    settings = world.tables.settings.get(world.stores[0])
    assert settings is not None
    world.tables.settings.put(replace(settings, is_sending=False))
    send(world, 1, active=False)
    assert [shown(world, number).active for number in (0, 1)] == [False, True]


def test_off_against_a_running_job(world: PusherWorld) -> None:
    """A job under way that carries the product as active does not leave it on sale."""
    [store_id] = world.stores
    for sku in world.skus[store_id][:2]:
        world.say(store_id, sku, Values(price=Decimal(11), active=True, quantity=5))
    world.run()
    assert world.unfinished(store_id)
    send(world, 0, active=False)
    assert shown(world, 0).active is False
    for _ in range(2):
        world.time.sleep(30.0)
        world.catalogue.work(world.time.now())
    assert shown(world, 0).active is True
    world.rest()
    assert (shown(world, 0).active, shown(world, 1).active) == (False, True)


def test_on_again_after_an_off_against_a_running_job(world: PusherWorld) -> None:
    """The platform may have applied the off or the job last. So what is wanted goes again, also if the job said it."""
    [store_id] = world.stores
    for sku in world.skus[store_id][:2]:
        world.say(store_id, sku, Values(price=Decimal(11), active=True, quantity=5))
    world.run()
    for _ in range(2):
        world.time.sleep(30.0)
        world.catalogue.work(world.time.now())
    send(world, 0, active=False)
    world.time.sleep(1.0)
    send(world, 0, active=True, quantity=5)
    assert shown(world, 0).active is False
    world.rest()
    assert (shown(world, 0).active, shown(world, 1).active) == (True, True)


def test_other_values_go_at_once(world: PusherWorld) -> None:
    """Where no job is unfinished, the values go in a job at once, with what else waits; nothing is left to do."""
    [store_id] = world.stores
    world.say(store_id, world.skus[store_id][1], Values(price=Decimal(12)))
    send(world, 0, price="9.50", quantity=7)
    [job] = world.unfinished(store_id)
    assert not world.waits(store_id)
    world.rest()
    assert (shown(world, 0).price, shown(world, 1).price, job) == (Decimal("9.5"), Decimal(12), 2)


def test_price_goes_alone(world: PusherWorld) -> None:
    """A new price needs no job: its only request takes effect at once, and its outcome is known with the response."""
    [store_id] = world.stores
    puts = world.puts(store_id)
    send(world, 0, price=11)
    row = world.product(store_id, world.skus[store_id][0])
    assert (shown(world, 0).price, row.confirmed.price, world.puts(store_id)) == (Decimal(11), Decimal(11), puts + 1)
    assert (world.unfinished(store_id), world.waits(store_id)) == ([], False)


def test_writes_of_a_price_alone(world: PusherWorld) -> None:
    """The row, the budget's permit, the claim and the job before the call; the outcome, the job's end and the store's
    state after it. The message stands for the change."""
    send(world, 1, price=11)
    world.calls.clear()
    send(world, 0, price=11)
    writes = {"UpdateItem", "PutItem", "DeleteItem", "BatchWriteItem"}
    assert {name: number for name, number in world.calls.items() if name in writes} == {"UpdateItem": 5, "PutItem": 1}


def test_price_that_could_not_go_is_noted(world: PusherWorld) -> None:
    """Whatever keeps a price from the platform, its change is noted, and goes out without the message."""
    [store_id] = world.stores
    world.catalogue.faults = {"put_error_before": 1}
    send(world, 0, price=11)
    assert world.waits(store_id)
    world.urgent_messages.clear()
    world.rest()
    assert shown(world, 0).price == Decimal(11)


def test_price_that_kills_is_noted(world: PusherWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """A message that comes again is noted before what may kill the function each time."""
    killed = []

    def kill(*_: Any, **__: Any) -> None:
        killed.append(world.time.now())
        world.deaths.is_dead = True
        raise KilledError

    with monkeypatch.context() as patched:
        patched.setattr(StoreStates, "claim_for_job", kill)
        send(world, 0, price=11)
        world.time.sleep(300.0)
        world.take_messages()
        assert len(killed) == 2
    world.deaths.plan(None)
    world.urgent_messages.clear()
    world.rest()
    assert shown(world, 0).price == Decimal(11)


def test_price_goes_out_though_its_function_dies(world: PusherWorld) -> None:
    """At whatever call the function is killed, the message comes again, and then the price reaches the platform."""
    [store_id] = world.stores
    for moment in range(30):
        price = Decimal(10) + Decimal(moment + 1) / 100
        world.deaths.plan(moment)
        send(world, 0, price=price)
        survived = not world.urgent_messages
        world.deaths.plan(None)
        if survived:
            break
        world.rest()
        assert (shown(world, 0).price, world.product(store_id, world.skus[store_id][0]).confirmed.price) == (
            price,
            price,
        )
    else:
        raise AssertionError("more than thirty moments")
    assert moment > 5


def test_other_values_wait_for_a_running_job(world: PusherWorld) -> None:
    """One unfinished job a store: the values wait for its result."""
    [store_id] = world.stores
    send(world, 0, price=11, quantity=7)
    puts = world.puts(store_id)
    send(world, 1, price=11)
    assert (world.puts(store_id), len(world.unfinished(store_id)), world.waits(store_id)) == (puts, 1, True)
    world.rest()
    assert shown(world, 1).price == Decimal(11)


def test_time_of_calls(world: PusherWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the message to the PUT of an off at most six calls of AWS, of which those that are read together count as
    one; the request budget's two come on top, while the row is written."""
    request = world.session.request

    def asked(method: str, *arguments: Any, **options: Any) -> Any:
        at_the_put.append(Counter(world.calls))
        return request(method, *arguments, **options)

    at_the_put: list[Counter[str]] = []
    monkeypatch.setattr(world.session, "request", asked)

    world.calls.clear()
    send(world, 0, active=False)
    # Settings, state, changes and product together; then the row, beside the count of offs; then the change.
    assert at_the_put == [{"GetItem": 2, "Query": 1, "BatchGetItem": 1, "UpdateItem": 2, "PutItem": 1}]


def test_on_again_after_an_off_without_a_word(world: PusherWorld) -> None:
    """An off may have taken effect though its response was lost: that the product is on sale again is sent."""
    [store_id] = world.stores
    world.catalogue.faults = {"put_error_after": 1}
    send(world, 0, active=False)
    world.urgent_messages.clear()
    assert shown(world, 0).active is False
    world.time.sleep(1.0)
    world.say(store_id, world.skus[store_id][0], Values(active=True, quantity=20))
    world.rest()
    assert shown(world, 0).active is True


def test_older_message_loses(world: PusherWorld) -> None:
    """The newest version wins, however late an older message comes."""
    now = world.time.now()
    send(world, 0, price=11, version=now.isoformat())
    send(world, 0, price=12, version=(now - timedelta(minutes=1)).isoformat())
    world.rest()
    assert shown(world, 0).price == Decimal(11)


def test_older_message_loses_to_a_list(world: PusherWorld) -> None:
    """A whole list that came since wins over an older message, also of products that it left as they were."""
    [store_id] = world.stores
    world.time.sleep(3600)
    now = world.time.now()
    world.tables.states.raise_list_versions(store_id, ["price"], now - timedelta(minutes=1), "list.csv")
    send(world, 0, price=11, version=(now - timedelta(minutes=2)).isoformat())
    send(world, 1, price=11, version=now.isoformat())
    world.rest()
    assert [shown(world, number).price for number in range(2)] == [Decimal(10), Decimal(11)]


def test_price_step_is_held_by_files(world: PusherWorld) -> None:
    """In a store that is sent by files a price is measured against the one that was said before."""
    [store_id] = world.stores
    settings = world.tables.settings.get(store_id)
    assert settings is not None
    world.tables.settings.put(replace(settings, channel=Channel.FILES))
    for price in (10, 100):
        world.send_message(store_id, "KW-NEW", price=price)
        world.take_messages()
    assert world.product(store_id, "KW-NEW").values.price == Decimal(10)
    assert held(world) == [(Reason.PRICE_STEP, Values(price=Decimal(100)))]


def test_price_step_is_held(world: PusherWorld) -> None:
    """A price that is far from the last one is held; the rest of the message is taken."""
    send(world, 0, price=100, quantity=3)
    world.rest()
    row = world.product(world.stores[0], world.skus[world.stores[0]][0])
    assert (row.values.price, row.confirmed.quantity) == (Decimal(10), 3)
    assert held(world) == [(Reason.PRICE_STEP, Values(price=Decimal(100)))]
    assert world.counts["UrgentHeld"] == 1


def test_too_many_off_in_a_day_are_held(world: PusherWorld) -> None:
    """Offs that would take more of a store off sale than may be are held; those that went count for a day."""
    for number in range(3):
        send(world, number, active=False)
    assert [shown(world, number).active for number in range(3)] == [False, False, True]
    assert held(world) == [(Reason.SWITCHED_OFF, Values(active=False))]
    world.rest()
    world.time.sleep(timedelta(hours=25).total_seconds())
    send(world, 3, active=False)
    assert shown(world, 3).active is False


@pytest.mark.parametrize(
    ("columns", "problem"),
    [
        ({"sku": "KW-1"}, "price"),
        ({"price": 1}, "sku"),
        ({"sku": "KW-1", "price": "3,50"}, "price"),
        ({"sku": "KW-1", "price": 0}, "price"),
        ({"sku": "KW-1", "quantity": 3.4}, "quantity"),
        ({"sku": "KW-1", "price": 1, "version": "2999-01-01T00:00:00Z"}, "version"),
        ({"sku": "KW-1", "price": [1]}, "list"),
        ({"barcode": "4001", "price": 1}, "no export"),
        ({"sku": "KW-1", "price": 1, "store_id": "another"}, "catalogue set"),
        ({"sku": "KW-1", "price": 1, "store_id": ""}, "store_id"),
        ({"sku": "KW-1", "price": 1, "more": "x" * 20_000}, "larger"),
    ],
)
def test_message_that_can_never_be_taken(world: PusherWorld, columns: dict[str, Any], problem: str) -> None:
    """It is refused with what is wrong, and nothing of it is taken."""
    message = {"store_id": world.stores[0]} | columns
    world.urgent_messages.append((world.time.now(), json.dumps(message)))
    world.take_messages()
    [(_, reason)] = world.refused_messages
    assert problem in reason
    assert (world.urgent_messages, world.product(world.stores[0], "KW-1").writes) == ([], 0)


def test_off_comes_again_until_the_platform_takes_it(world: PusherWorld) -> None:
    """A fault of the platform leaves the message for soon; what was noted goes out whether or not it comes again."""
    [store_id] = world.stores
    world.catalogue.faults = {"put_error_before": 1}
    send(world, 0, active=False)
    assert (len(world.urgent_messages), shown(world, 0).active) == (1, True)
    world.urgent_messages.clear()
    world.run()
    assert shown(world, 0).active is False
    assert world.puts(store_id) >= 2
