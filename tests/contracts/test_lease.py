"""The lease, and the positions under it, do the same on moto and on DynamoDB Local."""

from datetime import timedelta
from typing import Any

import pytest

from partner_orders.platform.http import Handover
from partner_orders.reconciler.lease import DURATION, Lease, LeaseLostError
from partner_orders.reconciler.table import ReconciliationTable
from partner_orders.reconciler.windows import Position
from tests.support.orders_table import TABLE
from tests.support.platform import VirtualTime


@pytest.fixture
def lease(dynamodb: Any, time: VirtualTime) -> Lease:
    return Lease(dynamodb, TABLE, time.now)


@pytest.fixture
def other(dynamodb: Any, time: VirtualTime) -> Lease:
    """Another worker's."""
    return Lease(dynamodb, TABLE, time.now)


@pytest.fixture
def table(dynamodb: Any, time: VirtualTime) -> ReconciliationTable:
    return ReconciliationTable(dynamodb, TABLE, time.now)


def test_one_holder(lease: Lease, other: Lease, time: VirtualTime) -> None:
    """One worker has it, until it releases it with what the next one has to know."""
    assert lease.acquire() == Handover()
    assert other.acquire() is None
    not_before = time.now() + timedelta(minutes=1)
    handover = Handover(time.now(), 3, "with_z", not_before, page_size=100, page_length=30)
    lease.release(handover)
    assert other.acquire() == handover
    assert other.fencing_token == lease.fencing_token + 1


def test_run_out(lease: Lease, other: Lease, dynamodb: Any, time: VirtualTime) -> None:
    """A lease that ran out is another's, and the first worker notices."""
    lease.acquire()
    until = time.now() + DURATION
    time.sleep(DURATION.total_seconds() + 1)
    assert other.acquire() == Handover(last_request_at=until)
    with pytest.raises(LeaseLostError):
        lease.renew()
    lease.release(Handover(time.now(), 1))
    assert Lease(dynamodb, TABLE, time.now).acquire() is None


def test_renewed(lease: Lease, other: Lease, time: VirtualTime) -> None:
    """A lease that is renewed lasts longer."""
    lease.acquire()
    for _ in range(4):
        time.sleep(DURATION.total_seconds() / 2)
        lease.renew()
    assert other.acquire() is None


def test_fenced_position(table: ReconciliationTable, time: VirtualTime) -> None:
    """A worker that lost its lease moves no position."""
    newer, older = Position("q7xk", time.now(), vendor_id="q7xk"), Position("q7xk", time.now() - timedelta(hours=1))
    assert table.position("q7xk") == Position("q7xk")
    table.move(newer, fencing_token=2)
    with pytest.raises(LeaseLostError):
        table.move(older, fencing_token=1)
    assert table.position("q7xk") == newer
    table.move(older, fencing_token=2)
    assert table.positions() == {"q7xk": older}


def test_reports(table: ReconciliationTable, time: VirtualTime) -> None:
    """Reports are listed by the time their run began."""
    starts = [time.now() + timedelta(hours=hour) for hour in range(3)]
    for number, start in enumerate(starts):
        table.save_report(start, {"number": number})
    assert table.reports(starts[1], starts[2]) == [{"number": 1}, {"number": 2}]
