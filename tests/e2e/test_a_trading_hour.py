"""The whole way: the simulated platform's busy hour, with all its faults, through deployed stacks of its own."""

from collections.abc import Iterator

import pytest
from rich.console import Console

from tools.local.figures import mismatches
from tools.local.hour import Hour
from tools.local.morning import PRODUCTS, Morning
from tools.local.morning_outcome import HELD, LOST, PROCESSED, REFUSED, SHOWN
from tools.local.screen import Screen
from tools.local.stack import Stack, switch_schedules
from tools.local.up import running_stack


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    """As `make run` has them: nothing of other tests is in them, and the loader repairs drift by itself."""
    with running_stack(Console(quiet=True), {"ReconciliationState": "DISABLED"}, {"DriftRepairPercent": "20"}) as stack:
        switch_schedules(stack, "DISABLED", stack.catalogue_name)
        yield stack


@pytest.mark.slow
def test_table_holds_truth_after_busy_hour(stack: Stack) -> None:
    """After a busy hour with every fault the table holds the platform's orders."""
    screen = Screen(Console(quiet=True))
    hour = Hour(stack, screen)
    hour.play()
    hour.wait_until_stored()
    hour.reconcile()
    assert hour.compare() == []
    assert mismatches(screen.figures) == []
    assert screen.figures.orders == screen.figures.stored
    assert screen.figures.dropped > 0
    assert screen.figures.garbage > 0


@pytest.mark.slow
def test_shop_shows_what_the_chain_said(stack: Stack) -> None:
    """After a morning with mistakes, a lost callback and an urgent message against a running job, each product that the
    chain changed has its outcome."""
    morning = Morning(stack)
    morning.begin().join()
    figures = morning.result()
    assert figures.problems() == []
    assert figures.rows > figures.changed > PRODUCTS - 10
    assert all(figures.outcomes[kind] > 0 for kind in (SHOWN, PROCESSED, REFUSED, HELD))
    assert figures.outcomes[LOST] == 0
