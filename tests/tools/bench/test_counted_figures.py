"""What docs/performance.md says of requests, units and money, as far as no machine decides it."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, replace
from typing import Any

import pytest

from tools.bench import counts, events, money, reconciliation, report, stand_in
from tools.bench.__main__ import LARGE, LINES, ORDERS_PER_STORE, RESULTS, STORES, TYPICAL_LINES, cost_model
from tools.bench.artefacts import FLOOR, FUNCTIONS, OURS, environment, from_source
from tools.bench.counts import DUPLICATE, LATE, LIFE, PEER_WITH_HISTORY, Consumer
from tools.bench.invoking import running
from tools.bench.write_costs import Cost
from tools.simulation import dynamodb_local
from tools.simulation.table import DynamoDB

needs_dynamodb_local = pytest.mark.skipif(bool(dynamodb_local.missing()), reason="DynamoDB Local needs npm and Java")


@pytest.fixture(scope="module")
def consumers() -> Iterator[dict[str, Consumer]]:
    with counts.consumers() as found:
        yield found


@pytest.fixture(scope="module")
def costs_by_lines(consumers: dict[str, Consumer]) -> dict[int, dict[str, dict[str, Cost]]]:
    return {lines: {name: counts.costs(consumer, lines) for name, consumer in consumers.items()} for lines in LINES}


@pytest.fixture(scope="module")
def costs(costs_by_lines: dict[int, dict[str, dict[str, Cost]]]) -> dict[str, dict[str, Cost]]:
    return costs_by_lines[TYPICAL_LINES]


@needs_dynamodb_local
def test_requests_and_units_are_those_of_the_document(
    costs_by_lines: dict[int, dict[str, dict[str, Cost]]],
) -> None:
    kept = json.loads(RESULTS.read_text())["dynamodb"]
    counted: dict[str, Any] = json.loads(json.dumps(costs_by_lines, default=asdict))
    counted[str(LARGE)][counts.LARGE_BODIES_INSIDE] = {
        event: asdict(cost) for event, cost in counts.costs_with_large_bodies_inside(LARGE).items()
    }
    assert counted == kept


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
def test_orders_in_step_cost_as_few_requests_as_pages_and_batch_reads_allow_and_no_write() -> None:
    with dynamodb_local.started() as url:
        step = reconciliation.in_step(DynamoDB(url), url, orders=101)
    assert step.api_requests == step.fewest_api_requests == 1
    assert step.dynamodb_requests == step.fewest_dynamodb_requests == 2
    assert step.write_units == 0


@pytest.mark.slow
@needs_dynamodb_local
def test_what_a_thousand_orders_in_step_cost_is_that_of_the_document() -> None:
    with dynamodb_local.started() as url:
        step = reconciliation.in_step(DynamoDB(url), url)
    assert asdict(step) == json.loads(RESULTS.read_text())["reconciliation"]["in_step"]


@pytest.mark.slow
@needs_dynamodb_local
def test_what_an_order_costs_the_reconciler_is_that_of_the_document() -> None:
    with dynamodb_local.started() as url:
        watched = reconciliation.watched(DynamoDB(url), url)
    assert asdict(watched) == json.loads(RESULTS.read_text())["reconciliation"]["watched"]


def test_every_store_of_a_round_has_as_many_orders_and_is_asked_for_once() -> None:
    kept = json.loads(RESULTS.read_text())["growth"]["stores"]
    assert [tick["stores"] for tick in kept] == list(STORES)
    assert [tick["api_requests"] for tick in kept] == list(STORES)
    assert [tick["orders"] for tick in kept] == [ORDERS_PER_STORE * stores for stores in STORES]


def test_a_reconciler_that_waits_all_month_costs_a_month_of_its_memory_and_no_more() -> None:
    endless = money.Round(calls=0, seconds_waited=1e6, read_units=0, write_units=0)
    twice = replace(endless, seconds_waited=2e6)
    month = money.MONTH_SECONDS * 0.5 * money.PRICES["lambda_gb_second_arm64"]
    assert money.reconciliation_per_month(endless, 0) == pytest.approx(month, abs=0.02)
    assert money.reconciliation_per_month(twice, 0) == money.reconciliation_per_month(endless, 0)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_the_floor_makes_the_aws_calls_that_ours_makes(function: str) -> None:
    calls: dict[str, list[Counter[str]]] = {}
    for way in (OURS, FLOOR):
        artefact = from_source(function, way)
        with stand_in.started() as aws, running(artefact, environment(artefact, aws.url)) as started:
            made: list[Counter[str]] = []
            for _ in ("cold", "warm"):
                started.invoke(events.first_event(artefact))
                made.append(Counter(call for call in aws.calls if call != "PartnerApi.GetOrders"))
                aws.calls.clear()
            calls[way] = made
    assert calls[FLOOR] == calls[OURS]
    assert all(calls[OURS])


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
