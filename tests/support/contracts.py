"""The parts that a contract is held to, as parameters of a fixture."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.support.orders_table import TABLE, dynamodb_at
from tests.support.template import TEMPLATE, table_of_the_template
from tools.simulation import dynamodb_local
from tools.simulation.catalogue.simulated_dynamodb import SimulatedDynamoDB

FAKE, MOTO, _LOCAL = "fake", "moto", "DynamoDB Local"
LOCAL = pytest.param(
    _LOCAL, marks=pytest.mark.skipif(bool(dynamodb_local.missing()), reason="DynamoDB Local needs npm and Java")
)


@contextmanager
def dynamodb_by(request: pytest.FixtureRequest) -> Iterator[Any]:
    """A client with the orders table, of the DynamoDB that the fixture's parameter names."""
    if request.param == FAKE:
        client = SimulatedDynamoDB().client
        client.create_table(TableName=TABLE, **table_of_the_template(TEMPLATE))
        yield client
        return
    url = request.getfixturevalue("dynamodb_local_url") if request.param == _LOCAL else None
    with dynamodb_at(url) as client:
        yield client
