"""`make bench`: everything measured side by side, into bench/results/latest.json, docs/performance.md
and its charts."""

import argparse
import json
import os
import platform
import sys
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Any

from partner_orders_console.operations.cost.price_list import MILLION
from tools.bench import (
    answering,
    catalogue_costs,
    catalogue_memory,
    catalogue_money,
    catalogue_requests,
    counts,
    desk,
    memory,
    money,
    packages,
    reconciliation,
    report,
    speed,
    timings,
)
from tools.bench.artefacts import OURS, PEER, Artefact, build_all
from tools.bench.events import orders
from tools.bench.write_costs import Cost, life_of
from tools.local.emulator import ROOT
from tools.simulation import dynamodb_local
from tools.simulation.table import DynamoDB

RESULTS = ROOT / "tools" / "bench" / "results" / "latest.json"
# The simulated platform's orders have 3.8 lines on average.
TYPICAL_LINES = 4
LARGE = 200
LINES = (1, TYPICAL_LINES, 20, LARGE)
BATCHES = (1, 10, 100)
GROWTH_LINES = (1, 20, 200)
STORES = (1, 100, 1_000)
ORDERS_PER_STORE = 2
ORDERS_STORED = (0, 100, 1_000)


def measure(cold_rounds: int, warm_rounds: int) -> dict[str, Any]:
    _say("building ours, the floor and the peer")
    artefacts = build_all()
    found: dict[str, Any] = {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": {
            "processors": os.cpu_count(),
            "architecture": platform.machine(),
            "python": platform.python_version(),
        },
        "packages": packages.sizes(artefacts),
    }
    found["cold_start"] = timings.cold_starts(artefacts, cold_rounds, _say)
    found["warm"] = {}
    # The reconciler waits where it has asked the API as often as it may in a minute.
    for name, times in (("webhook", 50), ("publisher", 50), ("answers", 50), ("reconciler", 2)):
        _say(f"warm invocations: {name}")
        found["warm"][name] = timings.warm(artefacts, name, times * warm_rounds)
    _say("warm invocations: consumer, and a comparison of the reconciler's")
    found["consumer_cpu"] = timings.consumer_cpu(artefacts, warm_rounds, with_floor=True)
    found["consumer_cpu_offline"] = timings.consumer_cpu(artefacts, warm_rounds, offline=True)
    found["comparison_cpu"] = timings.comparison_cpu(warm_rounds)
    _say("the consumer's critical path, and what is logged")
    found["critical_path"] = timings.critical_path(artefacts, warm_rounds)
    found["log_bytes"] = {name: timings.log_bytes(artefacts, name) for name in ("webhook", "consumer")}
    _say("memory: large pages and large batches")
    found["memory"] = memory.measured(artefacts)
    _say("the desk's pages over a busy day")
    found["desk"] = desk.measured()
    found |= count()
    _say("growth: batches and lines")
    found["growth"] |= _growth(artefacts, warm_rounds)
    found["catalogue"] = measure_catalogue()
    return _with_money(found)


def measure_catalogue() -> dict[str, Any]:
    """The catalogue's figures."""
    _say("the catalogue: lists, changed rows and messages")
    with dynamodb_local.started() as url:
        emulated = DynamoDB(url)
        found = catalogue_costs.measured(emulated, url)
        _say("the catalogue: memory by the length of a list")
        found["memory"] = catalogue_memory.measured(emulated, url)
    _say("the catalogue: requests to the platform")
    found["requests"] = catalogue_requests.measured()
    plain: dict[str, Any] = json.loads(json.dumps(found, default=asdict))
    return plain | {"money": catalogue_money.of_catalogue(plain)}


def count_anew(found: dict[str, Any]) -> dict[str, Any]:
    """The last results, with what does not depend on the machine counted anew."""
    counted = count()
    return _with_money(found | counted | {"growth": found["growth"] | counted["growth"]})


def _with_money(found: dict[str, Any]) -> dict[str, Any]:
    plain: dict[str, Any] = json.loads(json.dumps(found, default=asdict))
    plain["money"] = cost_model(plain)
    return plain


def count() -> dict[str, Any]:
    """All that does not depend on the machine."""
    _say("requests and units on DynamoDB Local")
    with dynamodb_local.started() as url, counts.consumers(url) as consumers:
        by_lines = {
            lines: {name: counts.costs(consumer, lines) for name, consumer in consumers.items()} for lines in LINES
        }
        by_lines[LARGE] = _with_another_way(url, by_lines[LARGE])
        stored = counts.cost_by_orders_stored(consumers[OURS], ORDERS_STORED)
    _say("rounds of reconciliation")
    with dynamodb_local.started() as url:
        emulated = DynamoDB(url)
        in_step = reconciliation.in_step(emulated, url)
        idle = reconciliation.tick(emulated, url, 0, 1)
        watched = reconciliation.watched(emulated, url)
        stores = [reconciliation.tick(emulated, url, ORDERS_PER_STORE * number, number) for number in STORES]
        _say("answers")
        answer = answering.answer_cost(emulated, url)
    return {
        "dynamodb": by_lines,
        "index_write_units": counts.index_write_units(TYPICAL_LINES),
        "bytes_in_table": counts.bytes_in_table([event.body for event in life_of(TYPICAL_LINES)[0]]),
        "body_bytes": sum(map(len, orders(200))) / 200,
        "reconciliation": {"in_step": in_step, "idle": idle, "watched": watched},
        "answer": answer,
        "growth": {"stores": stores, "orders_stored": stored},
    }


def _with_another_way(url: str, ways: dict[str, dict[str, Cost]]) -> dict[str, dict[str, Cost]]:
    """Those of the large order, and after ours what it was decided against."""
    ours = {OURS: ways[OURS], counts.LARGE_BODIES_INSIDE: counts.costs_with_large_bodies_inside(url, LARGE)}
    return ours | ways


def _growth(artefacts: list[Artefact], rounds: int) -> dict[str, Any]:
    return {
        "consumer_cpu_by_batch": {size: timings.consumer_cpu(artefacts, rounds, batch=size) for size in BATCHES},
        "critical_path_by_batch": {
            size: timings.critical_path(artefacts, max(5, rounds // 4), size) for size in BATCHES
        },
        "consumer_cpu_by_lines": {size: timings.consumer_cpu(artefacts, rounds, lines=size) for size in GROWTH_LINES},
    }


def cost_model(found: dict[str, Any]) -> dict[str, Any]:
    """The money, with CPU time as on the reference machine."""
    typical = found["dynamodb"][str(TYPICAL_LINES)]
    seconds = speed.on_reference_machine(found)
    watched = found["reconciliation"]["watched"]

    def workload(way: str, counted_as: str, calls_per_event: int) -> money.Workload:
        life = Cost(**typical[counted_as][counts.LIFE])
        return money.Workload(
            webhook_cpu=seconds["warm"]["webhook"][way],
            webhook_log_bytes=found["log_bytes"]["webhook"][way],
            consumer_cpu_per_event=seconds["consumer_cpu"][way],
            consumer_calls_waited_for=1 if way == OURS else calls_per_event * timings.BATCH,
            consumer_log_bytes=found["log_bytes"]["consumer"][way],
            write_units_per_order=life.write_units + life.unreported,
            platform_logs=way != OURS,
            publisher_cpu_per_event=seconds["warm"]["publisher"][way],
            cold_start_cpu={function: ways[way] for function, ways in seconds["cold_start"].items()},
            read_units_to_reconcile=watched["read_units"] if way == OURS else 0,
            cpu_to_reconcile=watched["comparisons"] * seconds["comparison_cpu"][OURS] if way == OURS else 0,
        )

    ours = workload(OURS, OURS, 1)
    peer, peer_with_history = workload(PEER, "peer", 3), workload(PEER, counts.PEER_WITH_HISTORY, 4)
    tick_cpu = seconds["warm"]["reconciler"][OURS]
    fixed = money.fixed_per_month(_round(found["reconciliation"]["idle"]), tick_cpu)
    ways = {
        "ours": ours,
        "ours, with the bus": replace(ours, with_bus=True),
        "ours, batches of one": ours.in_ones,
        "peer": peer,
        counts.PEER_WITH_HISTORY: peer_with_history,
        "peer, with the same history and the bus": replace(peer_with_history, with_bus=True),
    }
    per_million = {name: money.per_million_orders(work) for name, work in ways.items()}
    monthly = {}
    # Even a million orders are a few events a second at the busiest, taken from the queue as they come: one by one.
    with_bus = replace(ours.in_ones, with_bus=True)
    for orders_a_month in (10_000, 100_000, MILLION):
        variable = money.total(money.per_million_orders(with_bus)) * orders_a_month / MILLION
        monthly[orders_a_month] = {"variable": round(variable, 2), "fixed": money.total(fixed)}
    return {
        "prices_as_of": money.PRICE_LIST.as_of,
        "per_million_orders": per_million,
        "totals": {name: money.total(components) for name, components in per_million.items()},
        "options": money.options(ours, found["index_write_units"], found["body_bytes"]),
        "fixed_per_month": fixed,
        "reconciliation_by_stores": {
            tick["stores"]: money.reconciliation_per_month(_round(tick), tick_cpu) for tick in found["growth"]["stores"]
        },
        "monthly_with_bus": monthly,
        "fixed_of_answers_per_month": money.fixed_of_answers_per_month(),
        "per_million_answers": money.per_million_answers(found["answer"], seconds["warm"]["answers"][OURS]),
        "storage_400_days": money.storage_per_million_orders(found["bytes_in_table"], 400 / 30),
    }


def _round(tick: dict[str, Any]) -> money.Round:
    # The queue is asked twice in a tick, the secret once.
    calls = tick["api_requests"] + tick["dynamodb_requests"] + 3
    return money.Round(calls, tick["seconds_waited"], tick["read_units"], tick["write_units"])


def _say(what: str) -> None:
    print(f"bench: {what}", file=sys.stderr, flush=True)


def main() -> int:
    """The exit status: 1 if a figure misses its target by more than the last results did."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--cold-rounds", type=int, default=11)
    parser.add_argument("--warm-rounds", type=int, default=20)
    kept = parser.add_mutually_exclusive_group()
    kept.add_argument("--counts-only", action="store_true", help="count anew, and keep the times of the last results")
    kept.add_argument(
        "--catalogue-only",
        action="store_true",
        help="measure the catalogue anew, and keep the last results of the rest",
    )
    kept.add_argument("--report-only", action="store_true", help="write the document anew from the last results")
    arguments = parser.parse_args()
    last = json.loads(RESULTS.read_text())
    if not arguments.report_only:
        if lacking := dynamodb_local.missing():
            parser.error(f"requests and units are counted on DynamoDB Local, which needs {' and '.join(lacking)}")
        if arguments.catalogue_only:
            found = last | {"catalogue": measure_catalogue()}
        elif arguments.counts_only:
            found = count_anew(last)
        else:
            found = measure(arguments.cold_rounds, arguments.warm_rounds)
        RESULTS.write_text(json.dumps(found, indent=1) + "\n")
    found = json.loads(RESULTS.read_text())
    report.write(found)
    print(report.verdicts(found))
    for line in (worse := report.worse(last, found)):
        print(f"bench: worse than the last results: {line}", file=sys.stderr)
    return 1 if worse else 0


if __name__ == "__main__":
    sys.exit(main())
