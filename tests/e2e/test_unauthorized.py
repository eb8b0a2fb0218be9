"""What an operator sees of a token that the platform rejects, on a stack of its own: no other run is under way."""

from collections.abc import Iterator

import pytest
from rich.console import Console

from tests.support.deployed import CommandLine, platform
from tools.local.stack import Stack
from tools.local.up import running_stack

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    with running_stack(Console(quiet=True), {"ReconciliationState": "DISABLED"}) as stack:
        yield stack


def test_unauthorized_run_ends_with_reason(run: CommandLine, stack: Stack) -> None:
    """A run that the platform rejects as unauthorized ends with that reason."""
    assert run("stores", "set", "q7xk", "--currency", "PKR").returncode == 0
    platform(stack, "POST", "faults", {"api": {"unauthorized": 50}})
    ran = run("reconcile", "run", "--preview")
    assert ran.returncode == 1
    assert "the reconciler stopped: unauthorized" in ran.stderr, ran.stdout
