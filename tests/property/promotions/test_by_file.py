"""What the pusher does for promotions that the uploader sends by file: it tells, counts and ends them in time."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from partner_orders.promotions import state as after
from partner_orders.promotions.state import PromotionState
from partner_orders.promotions.wish import Channel, Outcome
from tests.support.promotion_world import PromotionWorld

FILES = Channel.FILES


def test_nothing_is_sent_and_all_is_told() -> None:
    """No request is made of it, and the bus gets what became of it, from what was untold."""
    world = PromotionWorld()
    promoted = world.promotion(days=0.1)
    world.table.write(after.submitted(world.put(promoted, channel=FILES), "", world.time.now()))
    told = len(world.bus.details)
    world.runs(90)
    state = world.state(promoted)
    assert (world.asked(), state.outcome, state.untold) == (0, Outcome.SUBMITTED, ())
    assert len(world.bus.details) == told + 1
    assert world.counts["PromotionsUnanswered"] == 0
    world.runs(60)
    assert world.outcome(promoted) is Outcome.OVER


def test_planned_end_comes_due() -> None:
    """An end for later is the wish once its time has come, and is late until a file has it."""
    world = PromotionWorld()
    promoted = world.promotion()
    world.table.write(after.submitted(world.put(promoted, channel=FILES), "", world.time.now()))
    world.end(promoted, world.time.now() + timedelta(minutes=10), FILES)
    world.runs(9)
    assert not world.state(promoted).wish.is_end
    world.runs(3)
    state = world.state(promoted)
    assert (state.wish.is_end, state.has_ended, world.counts["PromotionEndsLate"]) == (True, False, 0)
    world.runs(15)
    assert world.counts["PromotionEndsLate"] == 1
    world.table.write(after.submitted(world.state(promoted), "", world.time.now()))
    world.run()
    assert (world.counts["PromotionEndsLate"], world.state(promoted).has_ended) == (0, True)


def test_promotion_in_no_file_is_counted() -> None:
    """One that should run and is in no file for a quarter of an hour counts as not sent."""
    world = PromotionWorld()
    world.put(world.promotion(), channel=FILES)
    world.runs(14)
    assert world.counts["PromotionsNotSent"] == 0
    world.runs(3)
    assert world.counts["PromotionsNotSent"] > 0


@pytest.mark.parametrize(
    ("happens", "metric"), [(after.refused, "PromotionsRefused"), (after.unreadable, "PromotionsFailed")]
)
def test_what_no_file_can_have_is_counted_once(
    happens: Callable[[PromotionState, str, datetime], PromotionState], metric: str
) -> None:
    """One that the uploader could not put into a file is counted once, when it is told."""
    world = PromotionWorld()
    world.table.write(happens(world.put(world.promotion(), channel=FILES), "no", world.time.now()))
    world.runs(30)
    assert (world.counts[metric], world.asked()) == (1, 0)
