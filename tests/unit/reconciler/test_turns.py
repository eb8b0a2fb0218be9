"""Whose turn it is in a run: the regular round of the stores, first looks, or backfills."""

from collections import deque
from typing import Any, cast

import pytest

from partner_orders.reconciler.run import Turns

STORE, BACKFILL = cast("Any", "a store"), cast("Any", "a backfill")


@pytest.mark.parametrize(("regular", "long"), [(1, 1), (1, 20), (12, 1), (3, 50), (7, 3)])
def test_long_work_has_a_quarter_of_the_requests(regular: int, long: int) -> None:
    """Whatever a turn of either takes, first looks and backfills together get a quarter of the requests beside a round,
    never much more, and the round begins."""
    assert not Turns().is_long_works_turn
    turns, made = Turns(), {True: 0, False: 0}
    for _ in range(2_000):
        is_long = turns.is_long_works_turn
        requests = long if is_long else regular
        turns.count(requests, is_long)
        made[is_long] += requests
    assert made[True] / sum(made.values()) == pytest.approx(0.25, abs=0.02)


def test_work_that_took_no_request_has_its_turn() -> None:
    """Where stores take no requests at all, long work is not shut out for ever: it counts as one request at least."""
    turns = Turns()
    turns.count(3, is_long_work=False)
    assert turns.is_long_works_turn
    turns.count(1, is_long_work=True)
    assert turns.is_long_works_turn
    turns.count(1, is_long_work=True)
    assert not turns.is_long_works_turn


def test_first_looks_and_backfills_take_turns() -> None:
    """Where there are both, each has every second turn; where there is one, it has them all."""
    turns, looks, backfills = Turns(), deque([STORE]), deque([BACKFILL])
    assert [turns.is_first_looks_turn(looks, backfills) for _ in range(4)] == [True, False, True, False]
    assert [Turns().is_first_looks_turn(looks, deque()) for _ in range(2)] == [True, True]
    alone = Turns()
    assert [alone.is_first_looks_turn(looks, deque()) for _ in range(3)] == [True, True, True]
    assert not alone.is_first_looks_turn(deque(), backfills)
