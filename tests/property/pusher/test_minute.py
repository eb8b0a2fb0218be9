"""Whatever is killed, lost, late or doubled: the newest values end up on the platform, and every line has an outcome
(rules W1, W3, W4, W5, W6 and W8), by the functions' own work of a minute."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from random import Random
from typing import Any

import pytest

from partner_orders.catalogue.channel import Channel
from partner_orders.catalogue.product import Values
from partner_orders.catalogue.to_send import is_waiting, to_send
from partner_orders.platform.calls import ThrottledError
from partner_orders.platform.failures import Failure, PartnerApiError
from tests.support.pusher_world import PusherWorld, new_world
from tests.support.sender_world import KilledError
from tools.local.simulated_platform.catalogue_call import RefusedCallError
from tools.local.simulated_platform.profiles import BY_NAME

FAULTS = (
    "put_error_before", "put_error_after", "put_dropped_before", "put_dropped_after", "job_fails", "job_fails_halfway",
    "job_stuck", "job_late", "jobs_swapped", "line_fails", "callback_lost", "callback_late", "callback_doubled",
    "callback_early", "callback_without_link", "file_missing",
)  # fmt: skip


def check(world: PusherWorld) -> None:
    """Everything is on the platform, or refused; nothing waits, and nothing is unfinished."""
    assert world.is_at_rest()
    for store_id in world.sending():
        shown = world.catalogue.shown(store_id)
        for row in world.tables.products.all_of(store_id):
            wanted = to_send(row)
            assert not is_waiting(row), row
            if row.refused.are_said:
                continue
            assert wanted.price in (None, shown[row.sku].price)
            assert wanted.active in (None, shown[row.sku].active)


def story(world: PusherWorld) -> None:
    """Some minutes in a store: a job, a newer value and an urgent off while it runs, a refused product, an end."""
    [store_id] = world.stores
    first, second, third, *_ = world.skus[store_id]
    world.say(store_id, first, Values(price=Decimal(2), active=True, quantity=9))
    world.say(store_id, second, Values(price=Decimal(3), active=True, quantity=5))
    world.pass_minute()
    world.say(store_id, first, Values(price=Decimal("2.5")))
    world.say(store_id, "NOT-THERE", Values(active=True, quantity=9))
    world.send_message(store_id, second, active=False)
    world.pass_minute()
    world.send_message(store_id, third, price="1.90", active=True, quantity=7)
    world.pass_minute()


# Of a story without deaths: 165 calls begin or end.
MOMENTS = 170


@pytest.mark.slow
@pytest.mark.parametrize("part", range(5))
def test_any_death_loses_nothing(part: int) -> None:
    """Killed before or after any call of AWS or of the platform, the functions that follow do the rest."""
    for moment in range(part, MOMENTS, 5):
        world = new_world()
        world.deaths.plan(moment)
        try:
            story(world)
        except KilledError:
            # What the chain itself says is not ours to kill.
            world.deaths.plan(None)
            world.restart()
            story(world)
        world.deaths.plan(None)
        world.rest()
        check(world)
        [store_id] = world.stores
        assert world.catalogue.shown(store_id)[world.skus[store_id][1]].active is False
        refused = {(one["sku"], one["refusal"]) for one in world.bus.details}
        assert ("NOT-THERE", "product not found in catalog") in refused


def values(chance: Random) -> Values:
    price = Decimal(chance.randrange(100, 130)) / 100 if chance.random() < 0.5 else None
    quantity = chance.choice([None, 0, chance.randrange(5, 90)])
    is_active = chance.choice([None, True, False]) if price or quantity is not None else chance.choice([True, False])
    return Values(price, is_active, quantity)


@pytest.mark.parametrize("brand", sorted(BY_NAME))
@pytest.mark.parametrize("seed", range(3))
def test_newest_values_are_shown(brand: str, seed: int) -> None:
    """An hour of files and messages in two stores under every fault and with deaths: at rest all is as said last."""
    chance = Random(f"{brand}/{seed}")
    habits = replace(BY_NAME[brand].catalogue, results_at="api", true_alone_is_sold=True)
    world = new_world(2, seed=seed, habits=habits)
    stores = world.stores
    for store_id in stores:
        # Alone, an unknown product may be answered as if it were known.
        world.say(store_id, world.skus[store_id][0], Values(price=Decimal(1)))
        world.say(store_id, "NOT-THERE", Values(active=True, quantity=9))
    for _ in range(30):
        world.catalogue.faults = {chance.choice(FAULTS): 1} if chance.random() < 0.5 else {}
        world.bus.fails = chance.random() < 0.1
        store_id = chance.choice(stores)
        for _ in range(chance.randrange(3)):
            world.say(store_id, chance.choice(world.skus[store_id]), values(chance))
        if chance.random() < 0.3:
            active = chance.random() < 0.3
            world.send_message(store_id, chance.choice(world.skus[store_id]), active=active, quantity=9 * active)
        world.deaths.plan(chance.randrange(60) if chance.random() < 0.3 else None)
        world.pass_minute()
        world.deaths.plan(None)
    world.rest()
    check(world)
    for store_id in stores:
        assert world.product(store_id, "NOT-THERE").refused.are_said
        assert {one["sku"] for one in world.bus.details if one["store_id"] == store_id} >= {"NOT-THERE"}


def test_bad_lines_spoil_no_others() -> None:
    """Of a call that is refused for one line only that line is parked, and told of (W6)."""
    world = new_world(products=12)
    [store_id] = world.stores
    skus = world.skus[store_id]
    put = world.catalogue.put

    def picky(vendor: str, content: bytes, now: Any) -> Any:
        if skus[4].encode() in content:
            raise RefusedCallError(400, "BAD_REQUEST", "a bad line")
        return put(vendor, content, now)

    world.catalogue.put = picky  # type: ignore[method-assign]
    for sku in skus:
        world.say(store_id, sku, Values(price=Decimal(4), active=True, quantity=8))
    world.rest()
    check(world)
    parked = {row.sku for row in world.tables.products.all_of(store_id) if row.refused.are_said}
    assert (parked, {one["sku"] for one in world.bus.details}) == ({skus[4]}, {skus[4]})


def test_unknown_effect_is_followed_twice() -> None:
    """After a call that was cut off, whose job nobody knows, the newest values go within minutes, and once more after
    its deadline."""
    world = new_world()
    [store_id] = world.stores
    first, second, *_ = world.skus[store_id]
    for sku in (first, second):
        world.say(store_id, sku, Values(price=Decimal(2), active=True, quantity=9))
    world.rest()
    world.catalogue.faults = {"put_dropped_after": 1, "callback_lost": 1}
    before = world.puts(store_id)
    for sku in (first, second):
        world.say(store_id, sku, Values(price=Decimal("2.2")))
    world.pass_minute()
    puts = [world.puts(store_id) - before]
    for minutes in (5, 25, 10):
        for _ in range(minutes):
            world.pass_minute()
        puts.append(world.puts(store_id) - before)
    # The call itself, the values soon after it, nothing until its deadline, and the values once more.
    assert puts == [1, 2, 2, 3]
    world.rest()
    check(world)


@pytest.mark.parametrize("is_known", [True, False])
def test_nothing_is_sent_before_it_is_switched_on(is_known: bool) -> None:
    """A store that is paused, or has no settings, is not sent to, also not what is urgent; it goes once it may (W8)."""
    world = new_world(2)
    paused, other = world.stores
    settings = world.tables.settings.get(paused)
    assert settings is not None
    if is_known:
        world.tables.settings.put(replace(settings, is_sending=False))
    else:
        world.dynamodb.delete_item(
            TableName=world.table_name, Key={"pk": {"S": "STORES"}, "sk": {"S": f"SETTINGS#{paused}"}}
        )
    for store_id in world.stores:
        world.say(store_id, world.skus[store_id][0], Values(active=False))
        world.send_message(store_id, world.skus[store_id][1], active=False)
    for _ in range(3):
        world.pass_minute()
    assert world.puts(paused) == 0
    assert world.puts(other) > 0
    assert [*world.runs[-1].waiting] == []
    world.tables.settings.put(settings)
    if not is_known:
        assert [reason.partition(":")[0] for _, reason in world.refused_messages] == ["store_id"]
    world.rest()
    check(world)
    assert world.catalogue.shown(paused)[world.skus[paused][0]].active is False
    assert world.catalogue.shown(paused)[world.skus[paused][1]].active is not is_known


def test_store_of_files_is_left_alone() -> None:
    """A store that is sent by files gets nothing by API, neither from a file nor at once. What waits stays noted, with
    its wake-up, for the uploader."""
    world = new_world(2)
    by_files, by_api = world.stores
    settings = world.tables.settings.get(by_files)
    assert settings is not None
    world.tables.settings.put(replace(settings, channel=Channel.FILES))
    for store_id in world.stores:
        world.say(store_id, world.skus[store_id][0], Values(active=False))
        world.send_message(store_id, world.skus[store_id][1], active=False)
    for _ in range(3):
        world.pass_minute()
    assert world.puts(by_files) == 0
    assert world.puts(by_api) > 0
    assert [*world.runs[-1].waiting] == []
    assert set(world.tables.changes.first(by_files, 10)[-1].skus) <= set(world.skus[by_files])
    assert [one.store_id for one in world.tables.changes.stores()] == [by_files]
    assert world.product(by_files, world.skus[by_files][1]).values.active is False


@pytest.mark.parametrize("change", [{"is_sending": False}, {"channel": Channel.FILES}], ids=["paused", "files"])
def test_pause_ends_a_run(change: dict[str, Any]) -> None:
    """A pause, or a move to files, that comes while a run is under way holds for the stores that the run has yet to
    serve."""
    world = new_world(2)
    stores = world.stores
    for store_id in stores:
        world.say(store_id, world.skus[store_id][0], Values(active=False))
        world.time.sleep(1.0)
    second = world.tables.settings.get(stores[1])
    assert second is not None
    serve = world.pusher.serve

    def pausing(store_id: str) -> Any:
        world.tables.settings.put(replace(second, **change))
        return serve(store_id)

    world.pusher.serve = pausing  # type: ignore[method-assign]
    world.run()
    assert (world.puts(stores[0]), world.puts(stores[1])) == (1, 0)


def test_fault_in_one_store_costs_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever goes wrong in a store, the others are served in the same run, and it is in the next one."""
    world = new_world(2)
    broken, well = world.stores
    for store_id in world.stores:
        world.say(store_id, world.skus[store_id][0], Values(active=False))
    serve = world.pusher.serve
    with monkeypatch.context() as patched:
        patched.setattr(world.pusher, "serve", lambda name: {well: serve}[name](name))
        world.run()
    assert (world.puts(broken), world.puts(well), world.runs[-1].faults) == (0, 1, {"KeyError": 1})
    world.pass_minute()
    assert world.puts(broken) == 1


def test_platform_gets_the_pause_that_it_wants(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the platform limits our requests, no run sends anything before the time that it names."""
    world = new_world(2)
    for store_id in world.stores:
        world.say(store_id, world.skus[store_id][0], Values(active=False))
    not_before = world.time.now() + timedelta(minutes=5)

    def limited(_: str) -> Any:
        raise ThrottledError(PartnerApiError(Failure.RATE_LIMITED, retry_after=300.0), not_before)

    with monkeypatch.context() as patched:
        patched.setattr(world.pusher, "serve", limited)
        world.run()
    while world.time.now() + timedelta(minutes=1) < not_before:
        world.pass_minute()
    assert [world.puts(store_id) for store_id in world.stores] == [0, 0]
    world.pass_minute()
    assert [world.puts(store_id) for store_id in world.stores] == [1, 1]


def test_change_while_its_store_is_served() -> None:
    """A change that comes after a run has read what waits in its store goes with a later one."""
    world = new_world()
    [store_id] = world.stores
    first, second, *_ = world.skus[store_id]
    world.say(store_id, first, Values(active=False))
    serve = world.pusher.serve

    def with_another(store_id: str) -> Any:
        left_since = serve(store_id)
        world.say(store_id, second, Values(active=False))
        return left_since

    world.pusher.serve = with_another  # type: ignore[method-assign]
    world.run()
    world.pusher.serve = serve  # type: ignore[method-assign]
    # Long before the run that looks at every store.
    for _ in range(4):
        world.pass_minute()
    assert world.catalogue.shown(store_id)[second].active is False


def test_lines_of_a_job_that_is_given_up_go_again() -> None:
    """What a job without a result had goes again as soon as the job is given up, after half an hour."""
    world = new_world()
    [store_id] = world.stores
    for sku in world.skus[store_id][:2]:
        world.say(store_id, sku, Values(price=Decimal(7)))
    puts = []
    for _ in range(34):
        world.run()
        puts.append(world.puts(store_id))
        world.time.sleep(60.0)
    assert (puts[0], puts[28], puts[-1]) == (1, 1, 2)


def test_one_unfinished_job_of_a_store() -> None:
    """A store whose job has no result yet gets no further one, however long the result takes, until it is given up."""
    world = new_world()
    [store_id] = world.stores
    for sku in world.skus[store_id][:2]:
        world.say(store_id, sku, Values(price=Decimal(7)))
    world.run()
    for minute in range(29):
        world.say(store_id, world.skus[store_id][minute % 2], Values(price=Decimal(minute + 8)))
        world.time.sleep(60.0)
        world.run()
        assert (world.puts(store_id), len(world.unfinished(store_id))) == (1, 1)
    world.rest()
    assert world.catalogue.shown(store_id)[world.skus[store_id][0]].price == Decimal(36)
