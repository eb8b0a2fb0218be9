"""Whatever is killed, lost or worked off late by the platform: the newest wish is what runs, or its end is on record
(rules W1 to W4 and W8)."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from random import Random

import pytest

from partner_orders.catalogue.store_settings import CatalogueSettings
from partner_orders.platform.failures import OutOfTimeError
from partner_orders.platform.promotions import PlatformPromotions
from partner_orders.promotions.bodies import BODY_GONE
from partner_orders.promotions.promotion import EVERY_STORE, Promotion, ended, without
from partner_orders.promotions.wish import Outcome
from partner_orders.pusher.promotions import MOST_REQUESTS
from tests.support.promotion_world import PRICE, SKUS, PromotionWorld
from tests.support.promotions import STORE
from tests.support.sampling import every
from tests.support.sender_world import KilledError
from tools.local.simulated_platform.promotions import FAULTS, PromotionPace

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
LOST = ("put_error_before", "put_error_after", "put_dropped_before", "put_dropped_after", "put_without_job")


def test_a_promotion_runs_and_ends() -> None:
    """A promotion is sent once, its job asked for, and it runs until its time is over."""
    world = PromotionWorld()
    promoted = world.promotion(days=0.1)
    world.put(promoted)
    world.runs(3)
    assert (world.outcome(promoted), len(world.puts())) == (Outcome.DONE, 1)
    assert world.running() == {"KW-1": "Dairy week 2.95", "KW-2": "Dairy week 2.95"}
    world.runs(150)
    assert (world.outcome(promoted), len(world.puts()), world.running()) == (Outcome.OVER, 1, {})
    [record] = world.history(promoted)
    assert (record.outcome, record.puts, record.wish.why) == (Outcome.OVER, 1, "because")


def test_a_promotion_is_shrunk_and_ended() -> None:
    """A SKU that is taken out, and then the end, reach the platform by the same promotion."""
    world = PromotionWorld()
    promoted = world.promotion()
    world.put(promoted)
    world.runs(3)
    world.put(without(promoted, {"KW-2"}))
    world.runs(3)
    assert world.running() == {"KW-1": "Dairy week 2.95"}
    world.end(promoted)
    world.runs(3)
    assert (world.running(), world.outcome(promoted), len(world.platform.promotions)) == ({}, Outcome.DONE, 1)
    outcomes = [record.outcome for record in world.history(promoted)]
    assert outcomes == [Outcome.DONE, Outcome.DONE, Outcome.DONE]


def test_what_is_left_out_is_told() -> None:
    """SKUs that a store does not have and prices that are too high are kept with the outcome, and counted."""
    world = PromotionWorld(stores=(STORE,))
    promoted = world.promotion(vendors=(STORE,), skus=("KW-1", "NONE"), price=str(PRICE))
    world.put(promoted)
    world.runs(3)
    result = world.state(promoted).result
    assert (world.outcome(promoted), world.counts["PromotionsInPart"]) == (Outcome.DONE_IN_PART, 1)
    assert (result.missing_skus, result.invalid_discounted_skus) == (((STORE, "NONE"),), ((STORE, "KW-1"),))


@pytest.mark.parametrize("fault", LOST)
def test_a_lost_response_makes_no_second_promotion(fault: str) -> None:
    """After a response that was lost the same body goes again, and is the same promotion."""
    world = PromotionWorld()
    world.platform.faults = {fault: 1}
    promoted = world.promotion()
    world.put(promoted)
    world.runs(6)
    assert (world.outcome(promoted), len(world.platform.promotions)) == (Outcome.DONE, 1)
    assert world.state(promoted).puts == 2
    assert len({job.content for job in world.platform.jobs.values()}) == 1


def test_a_refused_promotion_is_for_a_person() -> None:
    """A body that the platform refuses is not sent again, and is counted."""
    world = PromotionWorld()
    world.platform.faults = {"put_refused": 1}
    promoted = world.promotion()
    world.put(promoted)
    world.runs(60)
    state = world.state(promoted)
    assert (state.outcome, state.puts, world.counts["PromotionsRefused"]) == (Outcome.REFUSED, 1, 1)
    assert state.problem == "BAD_REQUEST: The promotion cannot be taken now"


def test_an_end_is_enforced() -> None:
    """An end that the platform refuses and whose jobs fail is sent again until it is done."""
    world = PromotionWorld()
    promoted = world.promotion()
    world.put(promoted)
    world.runs(3)
    world.platform.faults = {"put_refused": 1, "job_fails": 5}
    world.end(promoted)
    world.runs(20)
    assert (world.running() != {}, world.counts["PromotionEndsLate"]) == (True, 1)
    world.runs(500)
    assert (world.running(), world.outcome(promoted)) == ({}, Outcome.DONE)
    assert (world.counts["PromotionEndsLate"], world.counts["PromotionsFailed"]) == (0, 5)


def test_an_end_that_is_refused_for_hours_is_enforced() -> None:
    """However often the platform refuses an end, it is sent again, until it is done."""
    world = PromotionWorld()
    promoted = world.promotion()
    world.put(promoted)
    world.runs(3)
    world.platform.faults = {"put_refused": 8}
    world.end(promoted)
    world.runs(900)
    assert (world.running(), world.outcome(promoted)) == ({}, Outcome.DONE)


def test_a_job_that_fails_at_first() -> None:
    """A job that is completed after it was shown as failed is done, without a second body."""
    world = PromotionWorld()
    world.platform.faults = {"job_fails_at_first": 1}
    promoted = world.promotion()
    world.put(promoted)
    world.runs(10)
    assert (world.outcome(promoted), len(world.puts())) == (Outcome.DONE, 1)


def test_an_older_job_that_ends_late() -> None:
    """A body that the platform works off after the end is ended again (rule W3)."""
    world = PromotionWorld(pace=PromotionPace(worked=timedelta(minutes=20)))
    promoted = world.promotion()
    world.put(promoted)
    world.run()
    world.platform.pace = PromotionPace()
    world.end(promoted)
    world.runs(4)
    assert world.outcome(promoted) is Outcome.DONE
    world.runs(60)
    assert (world.running(), world.outcome(promoted)) == ({}, Outcome.DONE)
    assert [body["active"] for body in world.puts()] == [True, False, False]


def test_an_end_that_comes_while_the_promotion_is_sent() -> None:
    """The job of what was sent is known all the same: its end is waited for, and the end of the promotion follows."""
    world = PromotionWorld(pace=PromotionPace(worked=timedelta(minutes=20)))
    promoted = world.promotion()
    world.put(promoted)
    put = world.platform.put
    world.platform.put = lambda *given: (world.end(promoted), put(*given))[1]  # type: ignore[method-assign]
    world.run()
    world.platform.put = put  # type: ignore[method-assign]
    [older] = world.state(promoted).older
    assert older.job_id in world.platform.jobs
    assert world.state(promoted).claim == ""
    world.runs(60)
    assert (world.outcome(promoted), world.running()) == (Outcome.DONE, {})


def test_run_without_time_leaves_the_promotion_for_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    """A body that a run has no time left to send goes in the next minute, as if it had not been tried."""
    world = PromotionWorld()
    promoted = world.promotion()
    world.put(promoted)

    def without_time(*_: object) -> None:
        raise OutOfTimeError("no time is left")

    with monkeypatch.context() as patch:
        patch.setattr(PlatformPromotions, "put", without_time)
        world.run()
    state = world.state(promoted)
    assert (state.outcome, state.claim, state.put_at, state.older) == (Outcome.WAITING, "", None, ())
    world.run()
    assert (world.state(promoted).puts, len(world.puts())) == (1, 1)


def test_an_older_body_that_nobody_knows() -> None:
    """After a body whose job nobody knows, the newer one is sent once more when an hour has passed."""
    world = PromotionWorld(pace=PromotionPace(worked=timedelta(minutes=40)))
    world.platform.faults = {"put_dropped_after": 1}
    promoted = world.promotion()
    world.put(promoted)
    world.run()
    world.platform.pace = PromotionPace()
    world.end(promoted)
    world.runs(45)
    assert world.running() != {}
    world.runs(30)
    assert (world.running(), world.outcome(promoted)) == ({}, Outcome.DONE)


def test_an_end_for_later() -> None:
    """An end that is set for a later time leaves the promotion as it is until then, also one that was not sent yet."""
    world = PromotionWorld()
    promoted = world.promotion()
    world.put(promoted)
    world.end(promoted, not_before=world.time.now() + HOUR)
    world.runs(58)
    assert (world.outcome(promoted), len(world.running())) == (Outcome.DONE, 2)
    world.runs(5)
    assert (world.outcome(promoted), world.running()) == (Outcome.DONE, {})


def test_a_prolonged_promotion_follows_the_end() -> None:
    """A promotion that takes another's place is sent only when the platform has ended that one."""
    world = PromotionWorld()
    promoted, longer = world.promotion(), world.promotion(days=9)
    world.put(promoted)
    world.runs(3)
    world.platform.faults = {"job_fails": 1}
    world.end(promoted)
    world.put(longer, after=promoted.promotion_id)
    world.runs(8)
    assert [body["active"] for body in world.puts()] == [True, False]
    world.runs(20)
    assert (world.outcome(promoted), world.outcome(longer)) == (Outcome.DONE, Outcome.DONE)
    assert [body["active"] for body in world.puts()] == [True, False, False, True]


def test_nothing_is_sent_until_it_is_switched_on() -> None:
    """A promotion waits until each of its stores takes promotions; its end is sent in any case (rule W8)."""
    world = PromotionWorld(is_promoting=False)
    promoted = world.promotion(vendors=(EVERY_STORE,))
    world.put(promoted)
    world.settings[STORE] = CatalogueSettings(STORE, is_promoting=True)
    world.runs(10)
    assert (world.puts(), world.outcome(promoted)) == ([], Outcome.WAITING)
    world.settings["s1"] = CatalogueSettings("s1", is_promoting=True)
    world.runs(3)
    assert world.outcome(promoted) is Outcome.DONE
    world.settings.pop("s1")
    world.settings[STORE] = CatalogueSettings(STORE)
    world.end(promoted)
    world.runs(3)
    assert (world.running(), world.outcome(promoted)) == ({}, Outcome.DONE)


def test_ends_go_first() -> None:
    """A run makes a few requests at most, and the ends have them first."""
    world = PromotionWorld()
    several = [world.promotion(f"number {number}") for number in range(9)]
    for promoted in several:
        world.put(promoted)
    before = world.asked()
    world.run()
    assert world.asked() - before == MOST_REQUESTS
    for promoted in several[6:]:
        world.end(promoted)
    world.run()
    assert sum(not body["active"] for body in world.puts()) == 3


def test_a_body_that_is_gone_is_for_a_person() -> None:
    """A body that is gone from the bucket, or is another one, is not sent. It is tried again for a while, since it may
    be restored."""
    world = PromotionWorld()
    promoted = world.promotion()
    world.put(promoted)
    kept = {**world.bucket.objects}
    world.bucket.objects.clear()
    world.runs(5)
    state = world.state(promoted)
    assert (state.outcome, state.problem, state.failures, world.puts()) == (Outcome.FAILED, BODY_GONE, 1, [])
    world.bucket.objects.update(kept)
    world.runs(15)
    assert world.state(promoted).outcome is Outcome.DONE


def test_an_end_without_its_body_holds_up_no_other() -> None:
    """An end whose body is gone is tried now and then for ever, and takes no other promotion's turn."""
    world = PromotionWorld()
    promoted, other = world.promotion(), world.promotion(name="Fruit")
    world.put(promoted)
    world.runs(5)
    world.end(promoted)
    gone = [key for key in world.bucket.objects if promoted.promotion_id in key]
    for key in gone:
        del world.bucket.objects[key]
    world.runs(180)
    failures = world.state(promoted).failures
    assert 3 < failures < 10
    world.put(other)
    world.runs(5)
    assert world.state(other).outcome is Outcome.DONE


def test_a_stuck_job_is_told() -> None:
    """A job of which nothing is heard for an hour is counted each minute, and asked for on and on."""
    world = PromotionWorld()
    world.platform.faults = {"job_stuck": 1}
    promoted = world.promotion()
    world.put(promoted)
    world.runs(55)
    assert world.counts["PromotionsUnanswered"] == 0
    world.runs(30)
    assert (world.counts["PromotionsUnanswered"], world.outcome(promoted)) == (1, Outcome.SUBMITTED)


@pytest.mark.parametrize("moment", range(40))
def test_killed_at_any_moment(moment: int) -> None:
    """A function that is killed at any call leaves a promotion that reaches the platform, and an end that does."""
    world = PromotionWorld()
    promoted = world.promotion()
    world.put(promoted)
    world.deaths.plan(moment)
    world.runs(12)
    world.deaths.plan(None)
    assert (world.outcome(promoted), len(world.running())) == (Outcome.DONE, 2)
    world.end(promoted)
    world.deaths.plan(moment)
    world.runs(75)
    world.deaths.plan(None)
    assert (world.outcome(promoted), world.running()) == (Outcome.DONE, {})
    told = {record.wish.number: record.outcome for record in world.history(promoted)}
    assert told == {1: Outcome.DONE, 2: Outcome.DONE}


def at_another_price(promoted: Promotion, chance: Random) -> Promotion:
    price = Decimal(chance.randrange(100, 390)) / 100
    return replace(promoted, discounts=(replace(promoted.discounts[0], value=price),))


@pytest.mark.parametrize("seed", every(4, range(30)))
def test_the_newest_wish_runs(seed: int) -> None:
    """With every fault of the platform and kills, the newest wish is what runs in the end, or its outcome says why
    not; and nothing runs that was ended."""
    chance, world = Random(seed), PromotionWorld(pace=PromotionPace(worked=timedelta(seconds=30)))
    several = [world.promotion(name, days=2, skus=(sku,)) for name, sku in zip(("a", "b"), SKUS, strict=False)]
    wished: dict[str, Promotion] = {}
    for _ in range(90):
        world.platform.faults = {fault: 0.2 for fault in FAULTS if chance.random() < 0.3}
        if chance.random() < 0.08:
            promoted = chance.choice(several)
            wish = chance.choice([promoted, ended(promoted), at_another_price(promoted, chance)])
            try:
                world.put(wish)
            except KilledError:
                continue
            wished[promoted.promotion_id] = wish
        if chance.random() < 0.1:
            world.deaths.plan(chance.randrange(20))
        world.run()
        world.deaths.plan(None)
    world.platform.faults = {}
    world.runs(600)
    for promoted in several:
        if promoted.promotion_id not in wished:
            continue
        wish = wished[promoted.promotion_id]
        [sku] = promoted.active_skus
        state, found = world.state(promoted), world.running().get(sku)
        expected = f"{promoted.name} {wish.discounts[0].value}" if wish.is_active else None
        if not wish.is_active:
            assert found is None, state
        assert state.untold == ()
        if state.outcome.is_done:
            assert found == expected, state
        else:
            assert not state.wish.is_end or state.outcome is Outcome.DUPLICATE, state
            assert state.outcome in {Outcome.REFUSED, Outcome.DUPLICATE, Outcome.FAILED, Outcome.SUBMITTED}
