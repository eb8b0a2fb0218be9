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
def consumers(dynamodb_local_url: str) -> Iterator[dict[str, Consumer]]:
    with counts.consumers(dynamodb_local_url) as found:
        yield found


def costs_of(consumers: dict[str, Consumer], lines: int) -> dict[str, dict[str, Cost]]:
    return {name: counts.costs(consumer, lines) for name, consumer in consumers.items()}


@pytest.fixture(scope="module")
def costs(consumers: dict[str, Consumer]) -> dict[str, dict[str, Cost]]:
    return costs_of(consumers, TYPICAL_LINES)


@needs_dynamodb_local
@pytest.mark.slow
def test_typical_order_as_documented(costs: dict[str, dict[str, Cost]]) -> None:
    """Counted requests and units of a typical order are those of the stored results."""
    kept = json.loads(RESULTS.read_text())["dynamodb"]
    assert json.loads(json.dumps(costs, default=asdict)) == kept[str(TYPICAL_LINES)]


@pytest.mark.slow
@needs_dynamodb_local
def test_requests_and_units_as_documented(
    consumers: dict[str, Consumer], costs: dict[str, dict[str, Cost]], dynamodb_local_url: str
) -> None:
    """Counted requests and units are those of the stored results."""
    # The typical order is counted already: a second time its events would be duplicates.
    costs_by_lines = {lines: costs if lines == TYPICAL_LINES else costs_of(consumers, lines) for lines in LINES}
    kept = json.loads(RESULTS.read_text())["dynamodb"]
    counted: dict[str, Any] = json.loads(json.dumps(costs_by_lines, default=asdict))
    counted[str(LARGE)][counts.LARGE_BODIES_INSIDE] = {
        event: asdict(cost) for event, cost in counts.costs_with_large_bodies_inside(dynamodb_local_url, LARGE).items()
    }
    assert counted == kept


@needs_dynamodb_local
@pytest.mark.slow
def test_order_takes_half_the_peers_requests(costs: dict[str, dict[str, Cost]]) -> None:
    """An order takes at most half the peer's requests."""
    assert costs[OURS][LIFE].requests == 3
    assert costs[OURS][LIFE].requests <= costs["peer"][LIFE].requests / 2


@needs_dynamodb_local
@pytest.mark.slow
def test_order_takes_fewer_write_units(costs: dict[str, dict[str, Cost]]) -> None:
    """An order takes at most 70 % of the peer's write units for the same history, and no reads."""
    assert costs[OURS][LIFE].write_units <= 0.7 * costs[PEER_WITH_HISTORY][LIFE].write_units
    assert costs[OURS][LIFE].read_units == costs[OURS][LIFE].unreported == 0


@needs_dynamodb_local
@pytest.mark.slow
def test_cost_of_duplicate_and_late_events(costs: dict[str, dict[str, Cost]]) -> None:
    """A duplicate costs one request, a late event two."""
    assert costs[OURS][DUPLICATE].requests == 1
    assert costs[OURS][LATE].requests == 2


@needs_dynamodb_local
@pytest.mark.slow
def test_cost_does_not_grow_with_the_table(consumers: dict[str, Consumer]) -> None:
    """An event costs the same however many orders are stored."""
    empty, full = counts.cost_by_orders_stored(consumers[OURS], (0, 100)).values()
    assert full == empty


@needs_dynamodb_local
@pytest.mark.slow
def test_orders_in_sync_cost_the_minimum(dynamodb_local_url: str) -> None:
    """Orders in sync cost the fewest possible requests and no write."""
    step = reconciliation.in_step(DynamoDB(dynamodb_local_url), dynamodb_local_url, orders=101)
    assert step.api_requests == step.fewest_api_requests == 1
    assert step.dynamodb_requests == step.fewest_dynamodb_requests == 2
    assert step.write_units == 0


@pytest.mark.slow
@needs_dynamodb_local
def test_thousand_orders_cost_as_documented(dynamodb_local_url: str) -> None:
    """A thousand orders in sync cost what the stored results say."""
    step = reconciliation.in_step(DynamoDB(dynamodb_local_url), dynamodb_local_url)
    assert asdict(step) == json.loads(RESULTS.read_text())["reconciliation"]["in_step"]


@pytest.mark.slow
@needs_dynamodb_local
def test_reconciler_costs_as_documented(dynamodb_local_url: str) -> None:
    """An order costs the reconciler what the stored results say."""
    watched = reconciliation.watched(DynamoDB(dynamodb_local_url), dynamodb_local_url)
    assert asdict(watched) == json.loads(RESULTS.read_text())["reconciliation"]["watched"]


@needs_dynamodb_local
@pytest.mark.slow
def test_round_asks_each_store_once(dynamodb_local_url: str) -> None:
    """A round over stores that are in sync asks the platform once for each, and looks at all of their orders."""
    measured = reconciliation.tick(DynamoDB(dynamodb_local_url), dynamodb_local_url, orders=12, stores=3)
    assert (measured.stores, measured.api_requests, measured.orders) == (3, 3, 12)


def test_stored_rounds_ask_each_store_once() -> None:
    """In the stored results, a run asks for each store once, with the same number of orders each."""
    kept = json.loads(RESULTS.read_text())["growth"]["stores"]
    assert [tick["stores"] for tick in kept] == list(STORES)
    assert [tick["api_requests"] for tick in kept] == list(STORES)
    assert [tick["orders"] for tick in kept] == [ORDERS_PER_STORE * stores for stores in STORES]


def test_waiting_costs_at_most_a_month() -> None:
    """A reconciler that waits all month costs one month of its memory and no more."""
    endless = money.Round(calls=0, seconds_waited=1e6, read_units=0, write_units=0)
    twice = replace(endless, seconds_waited=2e6)
    month = money.MONTH_SECONDS * 0.5 * money.PRICES["lambda_gb_second_arm64"]
    assert money.reconciliation_per_month(endless, 0) == pytest.approx(month, abs=0.02)
    assert money.reconciliation_per_month(twice, 0) == money.reconciliation_per_month(endless, 0)


@pytest.mark.slow
@pytest.mark.parametrize("function", FUNCTIONS)
def test_floor_makes_the_same_aws_calls(function: str) -> None:
    """The floor makes the same AWS calls as our function."""
    calls: dict[str, list[Counter[str]]] = {}
    for way in (OURS, FLOOR):
        artefact = from_source(function, way)
        with stand_in.started() as aws, running(artefact, environment(artefact, aws.url)) as started:
            aws.rows = events.answered_rows()
            made: list[Counter[str]] = []
            for _ in ("cold", "warm"):
                started.invoke(events.first_event(artefact))
                made.append(Counter(call for call in aws.calls if call != "PartnerApi.GetOrders"))
                aws.calls.clear()
            calls[way] = made
    assert calls[FLOOR] == calls[OURS]
    assert all(calls[OURS])


def test_document_shows_stored_results() -> None:
    """The tables of the document show the stored results."""
    found = json.loads(RESULTS.read_text())
    document = report.DOCUMENT.read_text()
    for name, table in report.TABLES.items():
        assert f"<!-- measured: {name} -->\n{table(found)}\n<!-- end -->" in document


def test_cost_model_matches_stored_results() -> None:
    """The cost model gives the stored figures, and its options are differences between totals."""
    found = json.loads(RESULTS.read_text())
    model = json.loads(json.dumps(cost_model(found)))
    assert model == found["money"]
    with_bus = model["totals"]["ours, with the bus"] - model["totals"]["ours"]
    assert model["options"]["the bus"] == pytest.approx(with_bus, abs=0.01)


def test_million_orders_pay_for_api_requests() -> None:
    """A million orders of three events pay three million API requests."""
    nothing = money.Workload(0, 0, 0, 0, 0, 0, platform_logs=False)
    components = money.per_million_orders(nothing)
    assert components["API"] == 3.00
    assert components["queue"] == pytest.approx(0.4 * (3 + 2 * 0.3))
    assert money.per_million_orders(nothing.in_ones)["queue"] == pytest.approx(0.4 * 9)


@pytest.mark.slow
def test_worse_figure_ends_the_benchmark() -> None:
    """A cold start that misses its target by more than it did is named; noise, and one within its target, are not."""
    stored = json.loads(RESULTS.read_text())
    ratio = stored["cold_start"]["webhook"]["ratios"][FLOOR]

    def measured(factor: float) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(RESULTS.read_text())
        changed = {name: value * factor for name, value in ratio.items() if isinstance(value, float)}
        found["cold_start"]["webhook"]["ratios"][FLOOR] |= changed
        return found

    assert report.worse(stored, measured(1.0)) == []
    assert report.worse(stored, measured(1.05)) == []
    [named] = report.worse(stored, measured(1.4))
    assert named.startswith("cold start of the webhook: CPU, floor = 1")
