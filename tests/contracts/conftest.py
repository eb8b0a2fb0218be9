"""The table by moto and by DynamoDB Local, and time that the tests move."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.contracts import LOCAL, MOTO, dynamodb_by
from tests.support.platform import VirtualTime


@pytest.fixture(params=[MOTO, LOCAL])
def dynamodb(request: pytest.FixtureRequest) -> Iterator[Any]:
    with dynamodb_by(request) as client:
        yield client


@pytest.fixture
def time() -> VirtualTime:
    return VirtualTime()
