"""The orders table for long stories: simulated in `make test`, and moto's, too, in `make verify`."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.contracts import MOTO, QUICK, dynamodb_by

# For tests that follow a client by the events of botocore.
on_moto = pytest.mark.parametrize("dynamodb", [MOTO], indirect=True)


@pytest.fixture(params=QUICK)
def dynamodb(request: pytest.FixtureRequest) -> Iterator[Any]:
    with dynamodb_by(request) as client:
        yield client
