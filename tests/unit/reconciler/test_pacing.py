"""Pacing: when a run waits for the queue, and that it renews its lease."""

from typing import Any

import pytest

from partner_orders.order_events.queue import Backlog
from partner_orders.reconciler.pacing import Pacing
from partner_orders.reconciler.stop_reason import RunEndedError
from tests.support.platform import VirtualTime

IN_TIME, BEHIND, UNRECEIVED = Backlog(0, 0), Backlog(0, 201), Backlog(21, 0)


class Run:
    """A run with so many seconds left, before a queue that shows one backlog after the other, and then none."""

    def __init__(self, *backlogs: Backlog, seconds: float = 900.0) -> None:
        self.time = VirtualTime()
        self.renewed_at: list[float] = []
        self._backlogs = [*backlogs]
        self._seconds = seconds
        parts: Any = self
        self.pacing = Pacing(parts, parts, self._remaining, self.time.now, self.time.sleep)

    def renew(self) -> None:
        self.renewed_at.append(self.time.seconds)

    def backlog(self) -> Backlog:
        return self._backlogs.pop(0) if self._backlogs else IN_TIME

    def _remaining(self) -> float:
        return self._seconds - self.time.seconds


def test_run_that_is_in_time_renews_its_lease() -> None:
    """A request before an empty queue waits for nothing, and renews the lease."""
    run = Run()
    run.pacing.before_request()
    assert (run.renewed_at, run.time.slept) == ([0.0], [])


@pytest.mark.parametrize(
    ("backlog", "waits"),
    [(BEHIND, True), (Backlog(0, 200), False), (Backlog(100, 101), True), (Backlog(201, 0), True)],
)
def test_run_waits_behind_many_messages(backlog: Backlog, waits: bool) -> None:
    """A run waits while there are over 200 messages, whether or not somebody has them."""
    run = Run(backlog)
    run.pacing.before_request()
    assert run.time.slept == [1.0] * waits


def test_waiting_run_renews_its_lease() -> None:
    """A run that waits looks each second, and renews its lease as often."""
    run = Run(BEHIND, BEHIND)
    run.pacing.before_request()
    assert (run.time.slept, run.renewed_at) == ([1.0, 1.0], [0.0, 1.0, 2.0])


def test_run_waits_for_unreceived_messages() -> None:
    """Over 20 messages that nobody receives for five seconds make a run wait until there are fewer."""
    run = Run(*[UNRECEIVED] * 4)
    for seconds in (0.0, 4.0, 1.0, 1.0):
        run.time.seconds += seconds
        run.pacing.before_request()
        assert run.time.slept == ([] if run.time.seconds < 5.0 else [1.0, 1.0])


def test_few_unreceived_messages_end_the_wait() -> None:
    """Where 20 messages or fewer wait in between, the five seconds begin anew."""
    run = Run(UNRECEIVED, Backlog(20, 0), UNRECEIVED, UNRECEIVED)
    for _ in range(4):
        run.pacing.before_request()
        run.time.seconds += 4.0
    assert run.time.slept == []
    run = Run(*[Backlog(20, 0)] * 2)
    run.pacing.before_request()
    run.time.seconds += 60.0
    run.pacing.before_request()
    assert run.time.slept == []


@pytest.mark.parametrize(("seconds", "slept"), [(41.0, [1.0, 1.0]), (40.5, [1.0]), (39.0, [])])
def test_run_ends_behind_the_queue(seconds: float, slept: list[float]) -> None:
    """A run that has to wait ends once less than 40 seconds are left of it."""
    run = Run(*[BEHIND] * 9, seconds=seconds)
    with pytest.raises(RunEndedError, match="the_queue_is_behind"):
        run.pacing.before_request()
    assert run.time.slept == slept
