"""Ticks: which stores are served when, from where to where, by whom, and within what limits."""

import contextlib
import itertools
from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from partner_orders.order_events.message import WEBHOOK, OrderEventMessage
from partner_orders.order_events.queue import Backlog, OrderEventsQueue
from partner_orders.platform import orders as partner_api
from partner_orders.platform.http import Handover
from partner_orders.reconciler.lease import DURATION, Lease, LeaseLostError
from partner_orders.reconciler.table import ReconciliationTable
from partner_orders.reconciler.windows import Position
from tests.support.orders_table import TABLE, Calls
from tests.support.platform import START, VirtualTime, lives
from tests.support.quick_table import on_moto
from tests.support.reconciler_faults import set_store
from tests.support.reconciler_world import Killed, World
from tests.support.sampling import every
from tools.local.simulated_platform.lives import Life, Step
from tools.local.simulated_platform.partner_api import Response

AFTER = START + timedelta(hours=2)


@pytest.fixture
def world(dynamodb: Any) -> World:
    return World(dynamodb, lives(), VirtualTime(AFTER))


@pytest.fixture
def crowded(dynamodb: Any, monkeypatch: pytest.MonkeyPatch) -> World:
    """Many requests' worth of orders."""
    monkeypatch.setattr(partner_api, "PAGE_SIZE", 1)
    return World(dynamodb, lives(orders=100, stores=3), VirtualTime(AFTER))


def windows(world: World) -> list[tuple[str, str, str]]:
    """Store, start and end of every first page asked for, in order."""
    return [
        (asked.url.split("/vendors/")[1].split("/")[0], asked.query["start_time"], asked.query["end_time"])
        for session in world.sessions
        for asked in session.asked
        if asked.query.get("page") == "1"
    ]


# -- windows and positions --------------------------------------------------------------------------------------------


def test_each_run_visits_every_store(dynamodb: Any) -> None:
    """Each run visits every store, as long as its minutes have requests for them."""
    world = World(dynamodb, lives(orders=60, stores=30), VirtualTime(AFTER))
    stores = {life.shop.store_id for life in world.lives}
    assert len(stores) > 20
    for _ in range(3):
        assert world.run().counts["stores_checked"] == len(stores)
        world.drain()
        world.time.sleep(300)


def test_new_chain_is_read_sixty_days_back(world: World) -> None:
    """A chain that starts today is read sixty days back."""
    world.run()
    start = min(start for _, start, _ in windows(world))
    assert start.startswith((AFTER - timedelta(days=60)).strftime("%Y-%m-%d"))


def test_next_window_overlaps_the_last(world: World) -> None:
    """The next window overlaps the last one, and reaches no further if no order is open."""
    world.run()
    world.drain()
    asked = len(windows(world))
    world.time.sleep(600)
    world.run()
    for _, start, end in windows(world)[asked:]:
        length = datetime.fromisoformat(end) - datetime.fromisoformat(start)
        assert timedelta(minutes=24) < length < timedelta(minutes=27)


def test_open_order_is_followed_until_closed(dynamodb: Any) -> None:
    """An open order is looked for at its creation time until the platform closes it."""
    time = VirtualTime(START + timedelta(minutes=30))
    world = World(dynamodb, lives(), time)
    for life in world.lives:
        if life.created_at < time.now():
            world.receive(life, step=0)
    while time.now() < START + timedelta(hours=3):
        world.run()
        world.drain()
        time.sleep(1_500)
    assert world.orders.open_since(START - timedelta(days=1)) == []


def test_daily_check_covers_a_week(world: World) -> None:
    """The daily check reads a week of each store."""
    world.run()
    world.drain()
    lengths = Counter[str]()
    for _ in range(2 * 24):
        asked = len(windows(world))
        world.time.sleep(3_600)
        world.run()
        for store, start, end in windows(world)[asked:]:
            span = datetime.fromisoformat(end) - datetime.fromisoformat(start)
            lengths[store] += span > timedelta(days=6)
    assert set(lengths.values()) <= {1, 2}


@pytest.mark.slow
def test_late_cancellation_is_found(dynamodb: Any) -> None:
    """A cancellation days after pick-up is found."""
    time = VirtualTime(AFTER)
    world = World(dynamodb, lives(), time)
    world.run()
    world.drain()
    late = world.lives[2]
    steps = late.steps[-1:]
    step = type(steps[0])(AFTER + timedelta(days=2), {**steps[0].body, "status": "CANCELLED"}, False)
    world.lives[2] = Life(late.order_id, late.shop, (*late.steps, step), late.masked)
    world.api.show(world.lives)
    for _ in range(4 * 24):
        time.sleep(3_600)
        world.run()
        world.drain()
    assert world.not_in_sync() == []


def changed_later(world: World, status: str, at: datetime) -> Life:
    """Make the platform change one order that was picked up; gives it as it was."""
    number, life = next((n, life) for n, life in enumerate(world.lives) if life.steps[-1].status == "PICKED_UP")
    step = Step(at, {**life.steps[-1].body, "status": status}, False)
    world.lives[number] = Life(life.order_id, life.shop, (*life.steps, step), life.masked)
    world.api.show(world.lives)
    return life


def test_changes_during_an_outage_are_found(dynamodb: Any) -> None:
    """Changes are found after an outage of webhooks and reconciler, however long it was."""
    world = World(dynamodb, lives(), VirtualTime(AFTER))
    world.run()
    world.drain()
    world.time.sleep(24 * 3_600)
    world.run()
    changed_later(world, "CANCELLED", world.time.now() + timedelta(days=1))
    world.time.sleep(10 * 24 * 3_600)
    assert world.not_in_sync() != []
    world.run()
    world.drain()
    assert world.not_in_sync() == []


def test_old_open_order_is_closed_in_a_day(dynamodb: Any) -> None:
    """An open order older than a week is closed within a day of its end."""
    world = World(dynamodb, lives(), VirtualTime(AFTER))
    number, life = next((n, life) for n, life in enumerate(world.lives) if len(life.steps) > 2)
    world.lives[number] = replace(life, steps=(life.steps[0], replace(life.steps[-1], at=AFTER + timedelta(days=20))))
    world.api.show(world.lives)
    for _ in range(22):
        world.run()
        world.drain()
        world.time.sleep(24 * 3_600)
    assert world.orders.open_since(START - timedelta(days=1)) == []
    assert world.not_in_sync() == []


def test_stuck_open_order_keeps_checks_short(dynamodb: Any) -> None:
    """An order that stays open for ever does not make every check a long one."""
    world = World(dynamodb, lives(), VirtualTime(AFTER))
    for number, life in enumerate(world.lives):
        world.lives[number] = replace(life, steps=life.steps[:1])
    world.api.show(world.lives)
    world.run()
    world.drain()
    world.time.sleep(10 * 24 * 3_600)
    world.run()  # the daily look
    asked = len(windows(world))
    world.time.sleep(300)
    world.run()
    for _, start, end in windows(world)[asked:]:
        assert datetime.fromisoformat(end) - datetime.fromisoformat(start) < timedelta(hours=1)


def test_checks_follow_the_platforms_clock(dynamodb: Any) -> None:
    """A store is checked up to the platform's time, however wrong our clock is."""
    for minutes in (-10, 10):
        world = World(dynamodb, lives(), VirtualTime(AFTER + timedelta(days=minutes)))
        world.new_worker(clock_off_by=timedelta(minutes=minutes))
        world.run()
        for position in world.table.positions().values():
            assert position.checked_until is not None
            assert position.checked_until <= world.time.now()
            assert world.time.now() - position.checked_until < timedelta(minutes=11)


@pytest.mark.parametrize(("seed", "minutes"), every(2, [(1, -4), (2, 4)]))
def test_wrong_clock_misses_nothing(dynamodb: Any, seed: int, minutes: int) -> None:
    """A worker whose clock is minutes off misses nothing."""
    time = VirtualTime(START)
    world = World(dynamodb, lives(seed=seed), time)
    world.new_worker(clock_off_by=timedelta(minutes=minutes))
    while time.now() < AFTER:
        world.run()
        world.drain()
        time.sleep(300)
    assert world.not_in_sync() == []


# -- which store first ------------------------------------------------------------------------------------------------


def order_of_stores(world: World) -> list[str]:
    return list(dict.fromkeys(store for store, _, _ in windows(world)))


def test_most_overdue_store_is_first(dynamodb: Any) -> None:
    """The most overdue store is checked first."""
    world = World(dynamodb, lives(stores=4), VirtualTime(AFTER))
    names = sorted({life.shop.store_id for life in world.lives})
    for hours, name in enumerate(names, start=1):
        world.table.move(Position(name, AFTER - timedelta(hours=hours), AFTER), fencing_token=0)
    world.run()
    assert order_of_stores(world) == names[::-1]


def test_store_with_open_orders_comes_first(dynamodb: Any) -> None:
    """A store with open orders comes before one that is more overdue but has none."""
    world = World(dynamodb, lives(stores=4), VirtualTime(AFTER))
    names = sorted({life.shop.store_id for life in world.lives})
    for name in names:
        ago = timedelta(minutes=5 if name == names[2] else 25)
        world.table.move(Position(name, AFTER - ago, AFTER), fencing_token=0)
    open_life = next(
        life for life in world.lives if life.shop.store_id == names[2] and life.steps[0].status == "RECEIVED"
    )
    world.receive(open_life, step=0)
    world.run()
    assert order_of_stores(world)[0] == names[2]


def test_silent_store_is_reported_and_first(dynamodb: Any) -> None:
    """A store silent during its trading hours is reported and checked first."""
    world = World(dynamodb, lives(stores=4), VirtualTime(AFTER + timedelta(hours=3)))
    names = sorted({life.shop.store_id for life in world.lives})
    for name in names:
        ago = timedelta(minutes=5 if name == names[1] else 25)
        world.table.move(Position(name, world.time.now() - ago, world.time.now()), fencing_token=0)
    set_store(world, names[1], trading_hours="mon-sun 00:00-00:00", time_zone="Asia/Karachi")
    set_store(world, names[2], trading_hours="mon-sun 03:00-04:00", time_zone="Asia/Karachi")
    report = world.run()
    assert report.silent_stores == [names[1]]
    assert order_of_stores(world)[0] == names[1]


def test_most_overdue_is_first_in_each_group(dynamodb: Any) -> None:
    """The most overdue store is first among the urgent ones, and among the rest."""
    world = World(dynamodb, lives(stores=4), VirtualTime(AFTER))
    names = sorted({life.shop.store_id for life in world.lives})
    for name, minutes in zip(names, (25, 5, 55, 9), strict=True):
        world.table.move(Position(name, AFTER - timedelta(minutes=minutes), AFTER), fencing_token=0)
    for name in (names[1], names[3]):
        set_store(world, name, trading_hours="mon-sun 00:00-00:00", time_zone="Asia/Karachi")
    world.run()
    assert order_of_stores(world) == [names[3], names[1], names[2], names[0]]


def test_long_overdue_store_comes_first(dynamodb: Any) -> None:
    """A long overdue store comes before urgent ones that were just checked."""
    world = World(dynamodb, lives(stores=4), VirtualTime(AFTER))
    names = sorted({life.shop.store_id for life in world.lives})
    for name in names:
        set_store(world, name, trading_hours="mon-sun 00:00-00:00", time_zone="Asia/Karachi")
        world.table.move(Position(name, AFTER - timedelta(minutes=20), AFTER), fencing_token=0)
    set_store(world, names[3], trading_hours="")
    world.table.move(Position(names[3], AFTER - timedelta(minutes=61), AFTER), fencing_token=0)
    world.run()
    assert order_of_stores(world)[0] == names[3]


@pytest.mark.slow
def test_urgent_stores_starve_no_other(dynamodb: Any) -> None:
    """Urgent stores that fill every run do not starve the rest."""
    world = World(dynamodb, lives(stores=4), VirtualTime(AFTER), limit=2)  # nine tenths of it are one a minute
    names = sorted({life.shop.store_id for life in world.lives})
    for name in names[:3]:
        set_store(world, name, trading_hours="mon-sun 00:00-00:00", time_zone="Asia/Karachi")
    for name in names:
        world.table.move(Position(name, AFTER, AFTER), fencing_token=0)
    for _ in range(40):
        world.time.sleep(60)
        world.run(seconds=160)  # two stores
    assert set(order_of_stores(world)) == {*names}


def test_round_time_is_reported(dynamodb: Any) -> None:
    """The report holds the time that a round of all stores takes under the limit."""
    world = World(dynamodb, lives(orders=40, stores=9), VirtualTime(AFTER))
    assert world.run().round_seconds == round(9 * 60 / 54)


# -- the budget -------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_limit_holds_in_every_minute(crowded: World) -> None:
    """No minute has more requests than our part of the limit."""
    for _ in range(6):
        crowded.new_worker()
        crowded.worker.add_backfill({})
        crowded.run(seconds=300)
        crowded.time.sleep(1)
    assert len(crowded.api.requests) > 150
    assert crowded.most_requests_in_a_minute() <= 54


@pytest.mark.slow
def test_minute_of_a_killed_worker_counts(crowded: World) -> None:
    """The last minute of a killed worker counts toward the limit of the next one."""
    crowded.worker.add_backfill({})
    crowded.kill_after = 100
    with pytest.raises(Killed):
        crowded.run()
    for _ in range(30):
        crowded.new_worker()
        crowded.run(seconds=300)
        crowded.time.sleep(10)
    assert crowded.most_requests_in_a_minute() <= 54


def test_run_stops_before_its_deadline(crowded: World) -> None:
    """A run stops before its deadline, and the next one continues."""
    began = crowded.time.seconds
    report = crowded.run(seconds=100)
    assert report.stopped == "out_of_time"
    assert crowded.time.seconds - began < 100
    for _ in range(10):
        crowded.time.sleep(200)
        crowded.run()
        crowded.drain()
    assert crowded.not_in_sync() == []


def test_token_request_respects_the_deadline(crowded: World) -> None:
    """A token due in a full minute does not make the run miss its deadline."""
    crowded.secret = '{"client_id": "client", "client_secret": "its-secret"}'
    for seconds in range(45, 120, 15):
        crowded.worker.add_backfill({})
        crowded.new_worker()
        began = crowded.time.seconds
        crowded.run(seconds=seconds)
        assert crowded.time.seconds - began < seconds


def test_run_pauses_for_unreceived_messages(crowded: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run pauses while even a few messages wait for seconds without being received."""
    monkeypatch.setattr(crowded.queue, "backlog", lambda: Backlog(30 if crowded.time.seconds < 60 else 0, 0))
    crowded.run()
    seconds = [(at - AFTER).total_seconds() for at in crowded.api.requests]
    assert not any(6 < second < 60 for second in seconds)
    assert any(second >= 60 for second in seconds)


def test_busy_hour_does_not_pause_the_run(crowded: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Many messages at consumers, and a few that wait for a moment, do not pause the run."""
    looks = itertools.cycle([Backlog(60, 90), Backlog(60, 90), Backlog(3, 150)])
    monkeypatch.setattr(crowded.queue, "backlog", lambda: next(looks))
    crowded.run(seconds=60)
    assert len(crowded.api.requests) == 54


def test_few_delayed_messages_pause_no_run(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A few messages that a consumer delays repeatedly do not pause the run."""
    monkeypatch.setattr(world.queue, "backlog", lambda: Backlog(0, 150))
    assert world.run().stopped == ""


def test_run_pauses_for_a_backlog(world: World) -> None:
    """A run pauses while live orders would wait behind the backlog."""
    world.queue.backlog_until = 120.0
    world.run()
    assert world.time.seconds > 120
    assert world.api.requests[0] >= AFTER + timedelta(seconds=120)


def test_delayed_messages_are_in_the_backlog(queue: OrderEventsQueue, sqs: Any, queue_url: str) -> None:
    """Messages that a consumer has delayed are part of the backlog."""
    for _ in range(3):
        queue.send(OrderEventMessage(WEBHOOK, AFTER, "c", b"{}"))
    sqs.receive_message(QueueUrl=queue_url, VisibilityTimeout=900, MaxNumberOfMessages=10)
    queue.send(OrderEventMessage(WEBHOOK, AFTER, "c", b"{}"))
    assert queue.backlog() == Backlog(unreceived=1, received=3)


def test_run_gives_up_on_a_slow_queue(world: World) -> None:
    """A run stops waiting for the queue before its deadline."""
    world.queue.backlog_until = 10_000.0
    assert world.run().stopped == "the_queue_is_behind"
    assert world.api.requests == []


def test_orders_in_sync_cost_little(world: World) -> None:
    """Stores in sync cost one request each, and their orders one read each."""
    world.run()
    world.drain()
    asked, read = len(world.api.requests), world.orders.read_orders
    again = world.backfill()
    stores = len({life.shop.store_id for life in world.lives})
    assert len(world.api.requests) - asked == 2 * stores  # those of the tick are one each, too
    assert world.orders.read_orders - read == again["orders_checked"]


# -- one worker -------------------------------------------------------------------------------------------------------


def test_second_worker_does_nothing(world: World, dynamodb: Any) -> None:
    """While one worker runs, another does nothing."""
    other = Lease(dynamodb, TABLE, world.time.now)
    assert other.acquire()
    assert world.run().stopped == "another_worker_holds_the_lease"
    assert world.api.requests == []


def test_lease_ends_by_release_or_expiry(dynamodb: Any) -> None:
    """A released lease can be acquired at once, and an expired one after its duration."""
    time = VirtualTime()
    first, second = Lease(dynamodb, TABLE, time.now), Lease(dynamodb, TABLE, time.now)
    assert first.acquire()
    first.release(Handover(recent_requests=0))
    assert second.acquire()
    assert not first.acquire()
    time.sleep(DURATION.total_seconds() + 1)
    assert first.acquire()
    assert first.fencing_token == second.fencing_token + 1


def test_lost_lease_is_noticed(dynamodb: Any) -> None:
    """A lost lease cannot be renewed, and releasing it does not affect its new holder."""
    time = VirtualTime()
    slow, next_one = Lease(dynamodb, TABLE, time.now), Lease(dynamodb, TABLE, time.now)
    assert slow.acquire()
    time.sleep(DURATION.total_seconds() + 1)
    with pytest.raises(LeaseLostError):
        slow.renew()
    assert next_one.acquire()
    with pytest.raises(LeaseLostError):
        slow.renew()
    slow.release(Handover(recent_requests=0))
    next_one.renew()


def test_renewed_lease_outlives_its_duration(dynamodb: Any) -> None:
    """A renewed lease outlives its first duration."""
    time = VirtualTime()
    worker, other = Lease(dynamodb, TABLE, time.now), Lease(dynamodb, TABLE, time.now)
    assert worker.acquire()
    for _ in range(20):
        time.sleep(30)
        worker.renew()
        assert not other.acquire()


def test_lost_lease_moves_no_position(world: World) -> None:
    """A worker that has lost its lease cannot move a position."""
    world.table.move(Position("a", AFTER), fencing_token=7)
    with pytest.raises(LeaseLostError):
        world.table.move(Position("a", AFTER + timedelta(hours=1)), fencing_token=6)
    assert world.table.positions()["a"].checked_until == AFTER


def test_frozen_worker_stops_when_it_thaws(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker frozen in the middle of a run stops when it thaws."""
    send_all = world.queue.send_all

    def freeze(messages: Any) -> None:
        send_all(messages)
        world.time.sleep(400)
        assert Lease(world.dynamodb, TABLE, world.time.now).acquire()

    monkeypatch.setattr(world.queue, "send_all", freeze)
    report = world.run()
    assert report.stopped == "lease_lost"
    [position] = world.table.positions().values()
    assert (position.checked_until, position.unended_visits) == (None, 0)


@pytest.mark.parametrize("after", every(4, range(10)))
def test_next_worker_heals_after_a_kill(dynamodb: Any, monkeypatch: pytest.MonkeyPatch, after: int) -> None:
    """The next worker brings all in sync, whichever request the last one was killed at."""
    monkeypatch.setattr(partner_api, "PAGE_SIZE", 3)
    world = World(dynamodb, lives(), VirtualTime(AFTER))
    world.kill_after = after
    with pytest.raises(Killed):
        world.run()
    world.drain()
    world.new_worker()
    world.time.sleep(300)
    world.run()
    world.drain()
    assert world.not_in_sync() == []


# -- the report -------------------------------------------------------------------------------------------------------


def test_every_run_leaves_a_report(world: World) -> None:
    """Every run leaves a report that can be read back."""
    first = world.run()
    world.time.sleep(300)
    second = world.run()
    reports = world.table.reports(AFTER - timedelta(hours=1), AFTER + timedelta(hours=1))
    assert reports == [first.to_json(), second.to_json()]
    assert sum(counts["missing"] for counts in reports[0]["stores"].values()) == len(world.lives)


def kept(world: World) -> list[dict[str, Any]]:
    return world.table.reports(AFTER - timedelta(hours=1), AFTER + timedelta(hours=9))


def throttled(*_: Any) -> None:
    raise ClientError({"Error": {"Code": "ProvisionedThroughputExceededException", "Message": ""}}, "PutItem")


def test_failed_run_reports_what_it_found(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that ends with an error leaves what it found in its report."""
    with monkeypatch.context() as patched:
        patched.setattr(ReconciliationTable, "move", lambda *_: throttled() if world.queue.messages else None)
        with pytest.raises(ClientError):
            world.run()
    queued = len(world.queue.messages)
    [report] = kept(world)
    assert report["stopped"] == "error:ClientError"
    assert report["missing"] == report["webhooks_missed"] == report["enqueued"] == queued > 0
    assert report["requests"] == len(world.api.requests)
    world.drain()
    world.time.sleep(300)
    world.run()
    assert sum(report["webhooks_missed"] for report in kept(world)) == len(world.lives)


def test_run_failing_at_start_is_reported(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that cannot read what is due leaves a report and releases the lease."""
    with monkeypatch.context() as patched:
        patched.setattr(world.orders, "has_open", throttled)
        with pytest.raises(ClientError):
            world.run()
    assert [report["stopped"] for report in kept(world)] == ["error:ClientError"]
    world.time.sleep(1)
    assert world.run().stopped == ""


def test_unsaved_report_is_still_passed_on(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A report that cannot be saved is passed on all the same."""
    monkeypatch.setattr(ReconciliationTable, "save_report", throttled)
    told: list[Any] = []
    with pytest.raises(ClientError):
        world.worker.run("run", lambda: 900.0, tell=told.append)
    [report] = told
    assert report.counts["enqueued"] == len(world.queue.messages) > 0


def test_idle_run_hands_over_last_requests(world: World, dynamodb: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run without requests hands over those of the worker before it."""
    first = world.worker
    world.run()
    world.time.sleep(300)
    world.new_worker()
    world.run()
    last_request_at = world.api.requests[-1]
    with monkeypatch.context() as patched:
        patched.setattr(world.orders, "has_open", throttled)
        with pytest.raises(ClientError):
            first.run("run", lambda: 900.0)
    handover = Lease(dynamodb, TABLE, world.time.now).acquire()
    assert handover is not None
    assert handover.last_request_at is not None
    assert handover.last_request_at >= last_request_at


@pytest.mark.parametrize("after", every(4, range(1, 12)))
def test_kill_keeps_counts_of_checked_stores(dynamodb: Any, after: int) -> None:
    """A killed run loses the counts of no store that was already checked."""
    world = World(dynamodb, lives(orders=20, stores=4), VirtualTime(AFTER))
    world.kill_after = after
    with contextlib.suppress(Killed):
        world.run()
    orders = Counter(life.shop.store_id for life in world.lives)
    counted = Counter[str]()
    for report in kept(world):
        assert report["stopped"] in {"", "under_way_or_killed"}
        counted.update({store: counts["webhooks_missed"] for store, counts in report["stores"].items()})
    done = {store for store, position in world.table.positions().items() if position.checked_until}
    assert {store: counted[store] for store in done} == {store: orders[store] for store in done}


def test_killed_backfill_keeps_its_counts(dynamodb: Any) -> None:
    """A killed backfill loses the counts of no store that was already done."""
    world = World(dynamodb, lives(orders=20, stores=4), VirtualTime(AFTER))
    backfill_id = world.worker.add_backfill({})
    world.kill_after = 5
    with pytest.raises(Killed):
        world.worker.run("run", lambda: 900.0, only_backfills=True)
    progress = world.worker.backfill(backfill_id)
    assert progress["missing"] > 0
    assert sum(report["missing"] for report in kept(world)) == progress["missing"]


@on_moto
def test_idle_run_writes_its_report_once(world: World) -> None:
    """A run that finds nothing writes its report once, and each position when a visit begins and ends."""
    world.run()
    world.drain()
    world.time.sleep(300)
    calls = Calls(world.dynamodb)
    world.run()
    assert calls.made.count("PutItem") == 2 * len(world.table.positions()) + 1


def test_report_of_many_stores_fits_a_row(world: World) -> None:
    """A report on thousands of stores fits a row."""
    report = world.run()
    for number in range(5_000):
        report.failed_stores[f"a-store-{number:08}"] = "server_error:503"
        report.stores[f"a-store-{number:08}"] = Counter(missing=number, different=7, webhooks_missed=number)
    world.table.save_report(report.started_at, report.to_json())
    start, end = AFTER - timedelta(hours=1), AFTER + timedelta(hours=1)
    assert world.table.reports(start, end)[-1] == report.to_json()


def test_handwritten_store_row_stops_nothing(world: World) -> None:
    """A store's row that an operator wrote by hand stops nothing."""
    set_store(world, "by-hand", time_zone="Nowhere/Atall", trading_hours="whenever")
    set_store(world, "paused-by-hand", is_paused="true")
    report = world.run()
    assert report.failed_stores == {"by-hand": "not_found"}
    assert world.drain()
    assert world.not_in_sync() == []


def test_report_names_few_repairs(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A report names only so many repairs but counts all of them."""
    monkeypatch.setattr("partner_orders.reconciler.report.MAX_NAMED", 5)
    report = world.run()
    assert len(report.repairs) == 5
    assert report.counts["missing"] == len(world.lives)


def test_code_that_works_is_used_again(world: World) -> None:
    """A store that the API knows by its code is asked for by that code from then on."""
    shop = world.lives[0].shop
    world.api._shops.pop(shop.store_id)
    assert world.run().failed_stores == {}
    assert world.table.positions()[shop.store_id].vendor_id == shop.external_partner_config_id
    asked = len(windows(world))
    world.time.sleep(300)
    world.run()
    assert shop.store_id not in {store for store, _, _ in windows(world)[asked:]}


# -- while the consumer stands still ----------------------------------------------------------------------------------


def test_waiting_order_is_missed_once(dynamodb: Any) -> None:
    """An order that waits for the consumer is found, enqueued and counted as missed once."""
    world = World(dynamodb, lives(), VirtualTime(START + timedelta(minutes=20)))
    missed = world.run().counts["webhooks_missed"]
    for _ in range(5):
        world.time.sleep(60)
        report = world.run()
        assert report.counts["waiting"] > 0
        missed += report.counts["webhooks_missed"]
    bodies = [message.body for message in world.queue.messages]
    assert len(bodies) == len({*bodies}) == missed
    world.drain()
    world.time.sleep(60)
    assert world.run().counts["waiting"] == 0
    world.drain()
    assert world.not_in_sync() == []


def test_lost_message_is_enqueued_again(world: World) -> None:
    """An order whose message was lost is enqueued again, and is still one missed webhook."""
    reports = [world.run()]
    world.queue.messages.clear()
    world.time.sleep(25 * 3_600)
    reports.append(world.run())
    assert [report.counts["missing"] for report in reports] == [len(world.lives)] * 2
    assert [report.counts["webhooks_missed"] for report in reports] == [len(world.lives), 0]
    world.drain()
    assert world.not_in_sync() == []


def test_unparsable_body_waits_like_an_order(dynamodb: Any) -> None:
    """A body that cannot be parsed waits like an order."""
    world = World(dynamodb, lives(), VirtualTime(START + timedelta(minutes=20)))
    handle = world.api.handle

    def without_a_status(request: Any, now: Any) -> Response:
        answer = handle(request, now)
        return Response(answer.status, answer.headers, answer.body.replace(b'"status":', b'"state":'))

    world.api.handle = without_a_status  # type: ignore[method-assign]
    asked = [world.run() for _ in range(2)]
    assert [report.counts["not_understood"] > 0 for report in asked] == [True, False]
    assert [report.counts["waiting"] > 0 for report in asked] == [False, True]
    world.drain()
    assert world.run().counts["waiting"] == 0


def test_preview_shows_waiting_orders(world: World) -> None:
    """A preview shows waiting orders as missing."""
    missing = world.run().counts["missing"]
    backfill_id = world.worker.add_backfill({"preview": True})
    world.worker.run("run", lambda: 900.0, only_backfills=True)
    assert world.worker.backfill(backfill_id)["missing"] == missing
