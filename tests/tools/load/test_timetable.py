"""What a load test posts, and when."""

from collections import Counter
from datetime import UTC, datetime

import pytest

from partner_orders.orders.event import RejectedError, parse_event
from tools.load.timetable import BURST_SECONDS, PERIOD_SECONDS, Request, times, timetable

START = datetime(2026, 3, 14, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def played() -> tuple[Request, ...]:
    return timetable(1, 20.0, 60.0, 3.0, "chain", START)


@pytest.mark.parametrize(("rate", "burst"), [(0.5, 1.0), (50.0, 3.0), (200.0, 15.0)])
def test_average_is_the_rate_asked_for(rate: float, burst: float) -> None:
    """Whatever the bursts, as many requests are due as the rate says, within one or two."""
    due = [*times(rate, 120.0, burst)]
    assert len(due) == pytest.approx(rate * 120, abs=2)
    assert due == sorted(due)
    assert 0 <= due[0] < due[-1] < 120


def test_bursts_are_as_fast_as_asked_for() -> None:
    """In the first seconds of each half minute the requests come three times as fast, and none is missing elsewhere."""
    in_bursts = [due for due in times(50.0, 60.0, 3.0) if due % PERIOD_SECONDS < BURST_SECONDS]
    assert len(in_bursts) == pytest.approx(2 * BURST_SECONDS * 150, abs=4)


def test_timetable_has_all_kinds(played: tuple[Request, ...]) -> None:
    """There are events of several orders, repeated and swapped ones, and garbage that is stored as rejected."""
    assert len(played) == pytest.approx(1200, abs=2)
    assert sum(request.is_again for request in played) > 20
    garbage = [request.body for request in played if not request.body.order_id]
    assert len(garbage) > 5
    for body in garbage:
        with pytest.raises(RejectedError):
            parse_event(body.content)
    first_times = [request.body for request in played if request.body.order_id and not request.is_again]
    last = {body.order_id: body for body in first_times}
    assert any(not body.is_latest for body in last.values())


@pytest.mark.slow
def test_each_order_has_one_latest_event(played: tuple[Request, ...]) -> None:
    """The latest event of an order is the one with its greatest time, and there is exactly one."""
    events = {request.body.digest: request.body for request in played if request.body.order_id}.values()
    latest = {body.order_id: parse_event(body.content) for body in events if body.is_latest}
    assert {*Counter(body.order_id for body in events if body.is_latest).values()} == {1}
    for body in events:
        assert latest[body.order_id].snapshot_key >= parse_event(body.content).snapshot_key
