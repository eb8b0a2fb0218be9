"""The sweep wakes the sender for what is due, and no more than it can in its time."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from partner_orders.sender.sweep import Sweep
from tests.support.answers import ORDER_ID
from tests.support.fixed_clock import NOW, clock
from tests.support.one_order_world import OneOrderWorld


class _Queue:
    """A queue that takes all but the last wake-up."""

    def __init__(self) -> None:
        self.woken: list[str] = []

    def send_all(self, order_ids: Iterable[str]) -> int:
        self.woken += order_ids
        return len(self.woken) - 1


class _DueOrders:
    def due(self, now: datetime, limit: int) -> Iterable[str]:
        assert (now, limit) == (NOW, 500)
        return iter(["a", "b", "c"])


def test_due_orders_are_woken() -> None:
    """Every order that is due is woken, 500 at most; those count that the queue took."""
    table: Any = _DueOrders()
    queue: Any = _Queue()
    assert Sweep(table, queue, clock).run() == 2
    assert queue.woken == ["a", "b", "c"]


def test_sweep_finds_a_sleeping_order() -> None:
    """An order whose wake-up was lost is woken half a minute after its answer was accepted."""
    world, queue = OneOrderWorld(), _Queue()
    wake_ups: Any = queue
    sweep = Sweep(world.table, wake_ups, lambda: world.now)
    world.accept(seconds_ago=29.9)
    sweep.run()
    assert queue.woken == []
    world.pass_seconds(0.1)
    sweep.run()
    assert queue.woken == [ORDER_ID]
