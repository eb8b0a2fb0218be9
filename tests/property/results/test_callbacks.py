"""Callbacks doubled, late, lost, early, unknown or unreadable, and links that are refused (rules W4 and W10)."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from partner_orders.catalogue.product import Values
from tests.support.pusher_world import PusherWorld, new_world


@pytest.fixture
def world() -> PusherWorld:
    return new_world()


def send(world: PusherWorld, price: int = 2) -> str:
    """Have a job of three products sent; its id of the platform."""
    [store_id] = world.stores
    for sku in world.skus[store_id][:3]:
        world.say(store_id, sku, Values(price=Decimal(price), active=True, quantity=9))
    world.run()
    return [*world.catalogue.jobs][-1]


def confirmed(world: PusherWorld) -> Decimal | None:
    [store_id] = world.stores
    return world.product(store_id, world.skus[store_id][0]).confirmed.price


def end_job(world: PusherWorld) -> None:
    """The platform works a job off, and posts nothing yet."""
    for _ in range(2):
        world.time.sleep(30.0)
        world.catalogue.work(world.time.now())


def test_doubled_callback_changes_nothing(world: PusherWorld) -> None:
    """A callback that comes again, after newer values were sent, does not bring back the older ones."""
    job_id = send(world)
    end_job(world)
    body = world.catalogue.take_callbacks(world.time.now())[0].body
    world.post(body)
    world.run()
    assert confirmed(world) == Decimal(2)
    send(world, price=3)
    world.rest()
    world.post(body)
    world.run()
    assert (confirmed(world), world.waits(world.stores[0]), world.queue.waiting) == (Decimal(3), False, [])
    assert world.kept(job_id) == ""


def test_late_callback_of_a_job_that_was_given_up(world: PusherWorld) -> None:
    """After half an hour a job's lines go again; its result is taken all the same when it comes."""
    world.catalogue.habits = type(world.catalogue.habits)(shows_jobs=False)
    send(world)
    end_job(world)
    late = world.catalogue.take_callbacks(world.time.now())
    world.time.sleep(31 * 60)
    world.run()
    assert (world.counts["JobsGivenUp"], world.counts["LinesUnknown"], confirmed(world)) == (1, 3, None)
    world.post(late[0].body)
    world.run()
    assert confirmed(world) == Decimal(2)


def test_lost_callback_is_asked_for(world: PusherWorld) -> None:
    """Ten minutes after a job without a callback the platform is asked for it, and not before."""
    send(world)
    end_job(world)
    world.catalogue.take_callbacks(world.time.now())
    asked = len(world.session.asked)
    for _ in range(8):
        world.pass_minute()
    assert (len(world.session.asked), confirmed(world)) == (asked, None)
    for _ in range(3):
        world.pass_minute()
    assert confirmed(world) == Decimal(2)
    # The job, and its file.
    assert len(world.session.asked) == asked + 2


def test_callback_before_the_response_of_the_call(world: PusherWorld) -> None:
    """A callback that is taken before the job's id is noted comes again, and settles the job then."""
    handle, seen = world.api.handle, []

    def early(request: Any, now: Any) -> Any:
        response = handle(request, now)
        if request.method == "PUT":
            world.catalogue.work(now)
            for callback in world.catalogue.take_callbacks(now, early=True):
                world.post(callback.body)
            world.callbacks.drain(lambda: True)
            seen.extend(world.queue.waiting)
        return response

    world.api.handle = early  # type: ignore[method-assign]
    world.catalogue.faults = {"callback_early": 1}
    send(world)
    assert len(seen) == 1
    world.time.sleep(60.0)
    world.run()
    assert (confirmed(world), world.counts["CallbacksUnknown"], world.queue.waiting) == (Decimal(2), 0, [])


def test_callback_of_an_unknown_job(world: PusherWorld) -> None:
    """It is left for later for five minutes, then kept and counted."""
    world.post({"job_id": "nobody", "status": "COMPLETED", "download_url": "https://example.com/?secret"})
    for _ in range(5):
        world.time.sleep(58.0)
        world.run()
    assert (len(world.queue.waiting), world.counts["CallbacksUnknown"]) == (1, 0)
    world.time.sleep(60.0)
    world.run()
    assert (world.queue.waiting, world.counts["CallbacksUnknown"], world.kept("nobody")) == ([], 1, "unknown_job")


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"status": "COMPLETED"}', b'{"job_id": "1"}', b"x" * 70_000])
def test_unreadable_callback(world: PusherWorld, body: bytes) -> None:
    """It goes to the dead letters with a reason that quotes nothing, and holds up no other."""
    send(world)
    world.post(body)
    for _ in range(2):
        world.pass_minute()
    assert (len(world.queue.dead), world.counts["CallbacksUnreadable"]) == (1, 1)
    assert world.queue.dead[0][1]
    assert confirmed(world) == Decimal(2)


@pytest.mark.parametrize(
    "url", ["http://files.example.com/1.csv", "https://169.254.169.254/latest/meta-data", "https://10.0.0.7/1.csv"]
)
def test_refused_link(world: PusherWorld, url: str) -> None:
    """Nothing is fetched from a link that is not allowed; the callback is kept, counted, and its job asked for."""
    job_id = send(world)
    end_job(world)
    world.catalogue.take_callbacks(world.time.now())
    asked = len(world.session.asked)
    world.post({"job_id": job_id, "status": "COMPLETED", "download_url": url})
    world.run()
    assert (len(world.session.asked), world.counts["ResultsRefused"], world.kept(job_id)) == (asked, 1, "url_refused")
    assert (confirmed(world), world.queue.waiting) == (None, [])
    world.rest()
    assert confirmed(world) == Decimal(2)


def test_job_without_a_result(world: PusherWorld) -> None:
    """That a job was worked off is no outcome of its lines: without its result it is given up, and they go again."""
    job_id = send(world)
    world.catalogue.habits = type(world.catalogue.habits)(shows_jobs=False)
    end_job(world)
    world.catalogue.take_callbacks(world.time.now())
    world.post({"job_id": job_id, "status": "COMPLETED"})
    world.run()
    assert (confirmed(world), len(world.unfinished(world.stores[0])), world.queue.waiting) == (None, 1, [])
    world.time.sleep(31 * 60)
    world.run()
    assert (world.counts["JobsGivenUp"], world.counts["LinesUnknown"]) == (1, 3)
    world.rest()
    assert confirmed(world) == Decimal(2)


@pytest.mark.parametrize("status", ["IN_PROGRESS", "QUEUED", "a word of tomorrow"])
def test_callback_of_a_job_that_goes_on(world: PusherWorld, status: str) -> None:
    """A callback that says anything but an end is no outcome of a line; the end that follows is."""
    world.post({"job_id": send(world), "status": status})
    world.run()
    [store_id] = world.stores
    assert (confirmed(world), len(world.tables.states.get(store_id).unfinished)) == (None, 1)
    world.rest()
    assert confirmed(world) == Decimal(2)


def test_job_that_is_asked_for_and_goes_on(world: PusherWorld) -> None:
    """A job that the platform shows as not ended is no outcome either, whatever was asked for."""
    world.catalogue.faults = {"job_stuck": 1}
    send(world)
    [store_id] = world.stores
    asked, unfinished = len(world.session.asked), {*world.tables.states.get(store_id).unfinished}
    for _ in range(12):
        world.pass_minute()
    assert len(world.session.asked) > asked
    assert (confirmed(world), {*world.tables.states.get(store_id).unfinished}) == (None, unfinished)


def test_failed_job_without_a_result(world: PusherWorld) -> None:
    """A job that the platform gave up and tells nothing of has no outcome in any line: they go again."""
    world.catalogue.habits = type(world.catalogue.habits)(shows_jobs=False)
    world.post({"job_id": send(world), "status": "FAILED"})
    world.run()
    counts = {name: world.counts[name] for name in ("JobsFailed", "LinesUnknown", "LinesProcessed")}
    assert (counts, confirmed(world)) == ({"JobsFailed": 1, "LinesUnknown": 3, "LinesProcessed": 0}, None)
    world.rest()
    assert confirmed(world) == Decimal(2)


def test_missing_file_of_a_result(world: PusherWorld) -> None:
    """A result that cannot be fetched for five minutes is kept and counted; its job is asked for."""
    job_id = send(world)
    end_job(world)
    world.catalogue.faults = {"file_missing": 1_000}
    for callback in world.catalogue.take_callbacks(world.time.now()):
        world.post(callback.body)
    for _ in range(7):
        world.pass_minute()
    assert (world.kept(job_id), world.counts["ResultsUnreadable"], confirmed(world)) == ("unreadable_result", 1, None)
    world.rest()
    assert confirmed(world) == Decimal(2)


def test_failing_bus_has_the_job_settled_again(world: PusherWorld) -> None:
    """A refused line is told before its job counts as ended, however often the bus fails."""
    [store_id] = world.stores
    world.say(store_id, "NOT-THERE", Values(active=True, quantity=9))
    world.say(store_id, world.skus[store_id][0], Values(price=Decimal(2)))
    world.bus.fails = 3
    for _ in range(8):
        world.pass_minute()
        if world.bus.fails:
            assert world.unfinished(store_id)
            assert not world.product(store_id, "NOT-THERE").refused.are_said
    assert [one["sku"] for one in world.bus.details] == ["NOT-THERE"]
    assert world.unfinished(store_id) == []


def test_event_that_the_bus_never_takes(world: PusherWorld) -> None:
    """It is counted, and holds up nothing: the product's row keeps the refusal."""
    [store_id] = world.stores
    world.say(store_id, "NOT-THERE", Values(active=True, quantity=9))
    world.say(store_id, world.skus[store_id][0], Values(price=Decimal(2)))
    world.bus.fails, world.bus.code = 1_000, "NotAuthorizedForSourceException"
    for _ in range(3):
        world.pass_minute()
    assert (world.unfinished(store_id), world.counts["RefusalsNotPublished"]) == ([], 1)
    assert world.product(store_id, "NOT-THERE").refusal


def test_rejected_credentials_end_the_run(world: PusherWorld) -> None:
    """No further request is made in a run once the credentials are rejected, and it is counted."""
    job_id = send(world)
    end_job(world)
    for callback in world.catalogue.take_callbacks(world.time.now()):
        world.post(callback.body)
    world.say(world.stores[0], world.skus[world.stores[0]][4], Values(price=Decimal(8)))
    world.api.token = "another"
    asked = len(world.session.asked)
    world.run()
    # The same request once more, with the token read anew.
    assert len(world.session.asked) == asked + 2
    assert (world.counts["PlatformRefusals"], len(world.queue.waiting), world.kept(job_id)) == (1, 1, "")


def test_platform_down_for_a_day(world: PusherWorld) -> None:
    """The newest values go out when it is back, in one call of the store."""
    [store_id] = world.stores
    world.catalogue.faults = {"put_error_before": 1_000_000}
    for hour in range(24):
        for sku in world.skus[store_id]:
            world.say(store_id, sku, Values(price=Decimal(10 + hour)))
        world.run()
        world.time.sleep(timedelta(minutes=59).total_seconds())
    world.catalogue.faults = {}
    puts = world.puts(store_id)
    world.rest()
    shown = world.catalogue.shown(store_id)
    assert {shown[sku].price for sku in world.skus[store_id]} == {Decimal(33)}
    assert world.puts(store_id) == puts + 1
