"""What docs/performance.md says of the catalogue, as far as no machine decides it."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from partner_orders_console.operations.cost.price_list import MILLION
from tests.support.template import expanded
from tools.bench import catalogue_costs, catalogue_money, catalogue_report, catalogue_requests
from tools.bench.__main__ import RESULTS
from tools.bench.catalogue_costs import ALONE, ALONE_STOCK
from tools.bench.catalogue_memory import ROWS
from tools.bench.catalogue_requests import API, STORAGE
from tools.bench.catalogue_store import World, made_row, row_of, world
from tools.bench.money import PRICES
from tools.bench.report import DOCUMENT
from tools.local.emulator import ROOT
from tools.simulation import dynamodb_local
from tools.simulation.table import DynamoDB

needs_dynamodb_local = pytest.mark.skipif(bool(dynamodb_local.missing()), reason="DynamoDB Local needs npm and Java")
PRODUCTS = 300


@pytest.fixture(scope="module")
def kept() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(RESULTS.read_text())["catalogue"]
    return found


@pytest.fixture(scope="module")
def store(dynamodb_local_url: str) -> Iterator[World]:
    with world(DynamoDB(dynamodb_local_url), dynamodb_local_url, catalogue_costs.PRODUCTS) as found:
        yield found


def counted(steps: dict[str, Any]) -> dict[str, Any]:
    """Steps without what a machine decides."""
    return {name: {kind: value for kind, value in step.items() if kind != "cpu"} for name, step in steps.items()}


def test_made_rows_are_rows() -> None:
    """The rows that are made as they are asked for are those of the table."""
    assert [made_row(number) for number in range(0, 2_000, 7)] == [row_of(number) for number in range(0, 2_000, 7)]


@pytest.mark.slow
@needs_dynamodb_local
def test_changed_rows_cost_as_documented(store: World, kept: dict[str, Any]) -> None:
    """Requests and units of a batch of a hundred, and of a message, are those of the stored results."""
    # What came before decides how long the store's row is, and so what a write of it costs.
    batch, _ = (catalogue_costs.plain(catalogue_costs.of_batch(store, rows)) for rows in catalogue_costs.BATCHES)
    price = catalogue_costs.plain(catalogue_costs.of_price(store))
    stock = catalogue_costs.plain(catalogue_costs.of_stock(store))
    assert counted(batch) == counted(kept["changed_rows"]["100"])
    assert counted(price) == counted(kept["changed_rows"][ALONE])
    assert counted(stock) == counted(kept["changed_rows"][ALONE_STOCK])


@pytest.mark.slow
@needs_dynamodb_local
def test_unchanged_list_writes_no_row(dynamodb_local_url: str) -> None:
    """A whole list that brings nothing new reads the rows once, and writes none of them."""
    with world(DynamoDB(dynamodb_local_url), dynamodb_local_url, PRODUCTS) as store:
        step = catalogue_costs.of_unchanged_list(store, PRODUCTS)["loader"]
    assert step.write_units < PRODUCTS / 10
    # Some two hundred bytes a row, half a unit for four kilobytes; each of sixteen shards is rounded up.
    assert step.read_units < PRODUCTS * 200 / 8_192 + 16


@pytest.mark.slow
@needs_dynamodb_local
def test_export_reads_each_row_once(dynamodb_local_url: str) -> None:
    """A day's export that shows what it should reads the rows once, and notes only that it was compared."""
    with world(DynamoDB(dynamodb_local_url), dynamodb_local_url, PRODUCTS) as store:
        step = catalogue_costs.of_export(store, PRODUCTS)["loader"]
    assert step.write_units < 10
    assert step.read_units < PRODUCTS * 200 / 8_192 + 16 + 10
    assert step.calls["S3.GetObject"] == 1


def test_money_matches_stored_results(kept: dict[str, Any]) -> None:
    """The stored money follows from the stored counts."""
    assert json.loads(json.dumps(catalogue_money.of_catalogue(kept))) == kept["money"]


def test_file_of_one_row_pays_for_its_files() -> None:
    """A file pays for two PUTs to S3, whatever is in it: more than a lone row may cost."""
    nothing = {"loader": {"calls": {"S3.PutObject": 1}, "read_units": 0.0, "write_units": 0.0, "cpu": 0.0}}
    assert catalogue_money.of_file(nothing)["files"] == pytest.approx(2 * PRICES["s3_million_puts"] / MILLION)


def test_memory_is_the_templates() -> None:
    """The benchmark takes the memory of the functions from the template."""
    template = expanded(ROOT / "catalogue.yaml")
    found = {name: template.properties(f"{name}Function")["MemorySize"] for name in ("Loader", "Pusher", "Urgent")}
    assert found == {name: catalogue_money.MEMORY[name.lower()] for name in found}


@pytest.mark.parametrize(("place", "each"), [(STORAGE, 1), (API, 2)])
def test_store_asks_once_or_twice(place: str, each: int) -> None:
    """Where the budget is large enough, a store's changes take one request, and one more for a result at the API."""
    found = catalogue_requests.requests_per_minute(place, stores=20, minutes=10)
    assert found.average == pytest.approx(20 / catalogue_requests.EVERY_MINUTES * each, rel=0.1)
    assert found.waiting_minutes <= 1


def test_stored_results_meet_their_targets(kept: dict[str, Any]) -> None:
    """Each target of the catalogue is met, but for the one that the document explains."""
    figures = catalogue_report.figures(kept)
    assert [row.figure for row in figures if row.value > row.target] == [
        "changed row alone, stock by a message: micro-USD"
    ]
    assert "A lone change of stock misses its target." in DOCUMENT.read_text()
    assert kept["whole_list"]["rows"] == catalogue_costs.WHOLE_LIST
    assert [*kept["memory"]] == [str(rows) for rows in ROWS]
