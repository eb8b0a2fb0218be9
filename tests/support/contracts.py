"""The parts that a contract is held to, as parameters of a fixture."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.support.fixed_clock import clock
from tests.support.orders_table import TABLE, dynamodb_at
from tests.support.template import TEMPLATE, table_of_the_template
from tools.simulation import dynamodb_local
from tools.simulation.catalogue.simulated_dynamodb import SimulatedDynamoDB

FAKE, MOTO, _LOCAL = "fake", "moto", "DynamoDB Local"
LOCAL = pytest.param(
    _LOCAL, marks=pytest.mark.skipif(bool(dynamodb_local.missing()), reason="DynamoDB Local needs npm and Java")
)


# A table that is simulated in `make test`, and moto's, too, in `make verify`.
QUICK = [FAKE, pytest.param(MOTO, marks=pytest.mark.slow)]


def simulated_orders_table() -> Any:
    """A client of a simulated DynamoDB with the orders table."""
    return _with_orders_table(SimulatedDynamoDB())


def stale_orders_table() -> Any:
    """The same, where each read that is not consistent shows a row as it was before its last write."""
    dynamodb = SimulatedDynamoDB()
    dynamodb.now, dynamodb.is_stale = clock, lambda _: True
    return _with_orders_table(dynamodb)


def _with_orders_table(dynamodb: SimulatedDynamoDB) -> Any:
    dynamodb.client.create_table(TableName=TABLE, **table_of_the_template(TEMPLATE))
    return dynamodb.client


@contextmanager
def orders_table_of(kind: str) -> Iterator[Any]:
    """A client with the orders table, of one of QUICK."""
    if kind == FAKE:
        yield simulated_orders_table()
        return
    with dynamodb_at() as client:
        yield client


@contextmanager
def dynamodb_by(request: pytest.FixtureRequest) -> Iterator[Any]:
    """A client with the orders table, of the DynamoDB that the fixture's parameter names."""
    if request.param in {FAKE, MOTO}:
        with orders_table_of(request.param) as client:
            yield client
        return
    with dynamodb_at(request.getfixturevalue("dynamodb_local_url")) as client:
        yield client
