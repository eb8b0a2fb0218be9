"""The table, for the laws that hold in it too."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.aws import simulated_aws
from tests.support.orders_table import dynamodb_with_table


@pytest.fixture
def dynamodb() -> Iterator[Any]:
    with simulated_aws():
        yield dynamodb_with_table()
