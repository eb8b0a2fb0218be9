"""What is held of a file keeps, product by product, the values and the version that its lines state."""

from collections.abc import Iterator
from datetime import datetime
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from partner_orders.catalogue.held import HeldTable
from partner_orders.catalogue.product import Values
from tests.support.catalogue import PRICES, VERSIONS
from tests.support.catalogue_table import catalogue_table
from tests.support.fixed_clock import NOW

TABLE = "catalogue"
STORES = count()
SKUS = st.sampled_from(["KW-100", "KW-220", "KW-310", "KW 4", "ä"])
LINES = st.dictionaries(SKUS, st.tuples(PRICES, st.none() | VERSIONS), min_size=1)


@pytest.fixture(scope="module")
def dynamodb() -> Iterator[Any]:
    with catalogue_table(TABLE) as client:
        yield client


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(LINES, st.sets(SKUS))
def test_held_lines_keep_their_versions(
    dynamodb: Any, lines: dict[str, tuple[Any, datetime | None]], some: set[str]
) -> None:
    """Held together, and with some of them taken out to be decided by themselves."""
    table, store_id = HeldTable(dynamodb, TABLE), f"store-{next(STORES)}"
    values = {sku: Values(price=price) for sku, (price, _) in lines.items()}
    versions = {sku: version for sku, (_, version) in lines.items() if version is not None}
    table.hold_lines(store_id, "changes/a.csv", NOW, values, 0, versions)
    [held] = table.of_store(store_id)
    if some & lines.keys():
        table.split(store_id, held, some)
    found = {sku: (one.lines[sku], one.version_of(sku)) for one in table.of_store(store_id) for sku in one.lines}
    assert found == {sku: (Values(price=price), version or NOW) for sku, (price, version) in lines.items()}
    assert held.newest == max([NOW, *versions.values()])
