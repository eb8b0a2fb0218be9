"""The clock that tests move passes as real time does."""

import time as real

import pytest

from tests.support.contracts import FAKE
from tests.support.platform import VirtualTime
from tests.support.protocols import Waiting


@pytest.fixture(params=[FAKE, "real"])
def waiting(request: pytest.FixtureRequest) -> Waiting:
    return VirtualTime() if request.param == FAKE else real


def test_sleep(waiting: Waiting) -> None:
    """Sleeping takes what it is asked for, and nothing else takes any time backwards."""
    before = waiting.monotonic()
    assert waiting.monotonic() >= before
    waiting.sleep(0.01)
    assert waiting.monotonic() - before >= 0.01
