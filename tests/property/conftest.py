"""The table, for the laws that hold in it too."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.aws import simulated_aws
from tests.support.contracts import FAKE, QUICK, simulated_orders_table
from tests.support.orders_table import dynamodb_with_table


@pytest.fixture(params=QUICK)
def dynamodb(request: pytest.FixtureRequest) -> Iterator[Any]:
    with simulated_aws():
        yield simulated_orders_table() if request.param == FAKE else dynamodb_with_table()
