"""The table by the simulated DynamoDB, by moto and by DynamoDB Local, and time that the tests move."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.contracts import FAKE, LOCAL, MOTO, dynamodb_by
from tests.support.platform import VirtualTime


@pytest.fixture(params=[FAKE, MOTO, LOCAL])
def dynamodb(request: pytest.FixtureRequest) -> Iterator[Any]:
    with dynamodb_by(request) as client:
        yield client


@pytest.fixture
def time() -> VirtualTime:
    return VirtualTime()
