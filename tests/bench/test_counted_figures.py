"""What docs/performance.md says of requests, units and money, as far as no machine decides it."""

import json
from collections.abc import Iterator

import pytest

from bench import counts, money, reconciliation, report
from bench.__main__ import RESULTS, cost_model
from bench.artefacts import OURS
from bench.counts import DUPLICATE, LATE, LIFE, PEER_WITH_HISTORY, Consumer
from bench.write_costs import Cost
from simulation import dynamodb_local
from simulation.table import DynamoDB

TYPICAL_LINES = 4

needs_dynamodb_local = pytest.mark.skipif(bool(dynamodb_local.missing()), reason="DynamoDB Local needs npm and Java")


@pytest.fixture(scope="module")
def consumers() -> Iterator[dict[str, Consumer]]:
    with counts.consumers() as found:
        yield found


@pytest.fixture(scope="module")
def costs(consumers: dict[str, Consumer]) -> dict[str, dict[str, Cost]]:
    return {name: counts.costs(consumer, TYPICAL_LINES) for name, consumer in consumers.items()}


@needs_dynamodb_local
def test_an_order_takes_at_most_half_of_the_peers_requests(costs: dict[str, dict[str, Cost]]) -> None:
    assert costs[OURS][LIFE].requests == 3
    assert costs[OURS][LIFE].requests <= costs["peer"][LIFE].requests / 2


@needs_dynamodb_local
def test_an_order_takes_at_most_seven_tenths_of_the_peers_write_units_for_the_same_history(
    costs: dict[str, dict[str, Cost]],
) -> None:
    assert costs[OURS][LIFE].write_units <= 0.7 * costs[PEER_WITH_HISTORY][LIFE].write_units
    assert costs[OURS][LIFE].read_units == costs[OURS][LIFE].unreported == 0


@needs_dynamodb_local
def test_a_duplicate_costs_one_request_and_a_late_event_two(costs: dict[str, dict[str, Cost]]) -> None:
    assert costs[OURS][DUPLICATE].requests == 1
    assert costs[OURS][LATE].requests == 2


@needs_dynamodb_local
def test_an_event_costs_the_same_however_many_orders_are_stored(consumers: dict[str, Consumer]) -> None:
    empty, full = counts.cost_by_orders_stored(consumers[OURS], (0, 100)).values()
    assert full == empty


@needs_dynamodb_local
def test_orders_in_step_cost_as_few_requests_as_a_batch_read_allows_and_half_a_unit_each() -> None:
    with dynamodb_local.started() as url:
        step = reconciliation.in_step(DynamoDB(url), url, orders=200)
    assert step.api_requests == step.fewest_api_requests
    assert step.dynamodb_requests == step.fewest_dynamodb_requests == 2
    assert (step.read_units, step.write_units) == (100, 0)


def test_the_document_shows_the_results_that_are_kept() -> None:
    found = json.loads(RESULTS.read_text())
    document = report.DOCUMENT.read_text()
    for name, table in report.TABLES.items():
        assert f"<!-- measured: {name} -->\n{table(found)}\n<!-- end -->" in document


def test_the_cost_model_gives_what_the_results_say_and_its_options_are_differences_of_it() -> None:
    found = json.loads(RESULTS.read_text())
    model = json.loads(json.dumps(cost_model(found)))
    assert model == found["money"]
    with_bus = model["totals"]["ours, with the bus"] - model["totals"]["ours"]
    assert model["options"]["the bus"] == pytest.approx(with_bus, abs=0.01)


def test_a_million_orders_of_three_events_pay_three_million_requests_to_the_api() -> None:
    nothing = money.Workload(0, 0, 0, 0, 0, 0, platform_logs=False)
    components = money.per_million_orders(nothing)
    assert components["API"] == 3.00
    assert components["queue"] == pytest.approx(0.4 * (3 + 2 * 0.3))
    assert money.per_million_orders(nothing.in_ones)["queue"] == pytest.approx(0.4 * 9)
