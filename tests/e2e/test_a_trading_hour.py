"""The whole way: the simulated platform's busy hour, with all its faults, through the deployed stack."""

import pytest
from rich.console import Console

from tools.local.figures import mismatches
from tools.local.hour import Hour
from tools.local.screen import Screen
from tools.local.stack import Stack


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
