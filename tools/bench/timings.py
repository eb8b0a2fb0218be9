"""What depends on the machine: cold starts, and the warm webhook and consumer. Everything runs in turns, one of each,
so that what else the machine does falls on all alike."""

import json
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from partner_orders.exact_json import parse
from partner_orders.orders.event import parse_event
from partner_orders.orders.stored import KnownOrder
from partner_orders.reconciler.comparison import Comparison, ComparisonScope
from partner_orders.reconciler.report import Report
from partner_orders.stores.store import Store
from tools.bench import events, stand_in
from tools.bench.artefacts import FLOOR, LOWEST_FLOOR, OURS, PEER, Artefact, environment
from tools.bench.cold_start import cpu_seconds, runtime_api
from tools.bench.events import Event
from tools.bench.invoking import Function, Invocation, running
from tools.bench.summary import Summary, ratio, summary

DELAY_SECONDS = 0.020
BATCH = 10
WARM_UP = 3
PAGE_ORDERS = 100
# Of so short a floor, so many are measured at once.
FLOOR_TIMES = 10

type Samples = dict[str, list[float]]


@dataclass(frozen=True)
class Measured:
    """By way; the ratios are ours to each other way."""

    values: dict[str, Summary]
    ratios: dict[str, Summary]


def _measured(samples: Mapping[str, list[float]]) -> Measured:
    return Measured(
        {way: summary(values) for way, values in samples.items()},
        {way: ratio(samples[OURS], values) for way, values in samples.items() if way != OURS},
    )


def cold_starts(artefacts: Sequence[Artefact], rounds: int, say: Callable[[str], None]) -> dict[str, Measured]:
    """By function: CPU seconds from the start of a process to its first answer."""
    samples: dict[str, Samples] = defaultdict(lambda: defaultdict(list))
    with stand_in.started(rows=events.answered_rows()) as aws, runtime_api() as api:
        for number in range(rounds + 1):
            say(f"cold starts, {number} of {rounds}" if number else "cold starts, to warm the disk's cache")
            for artefact in artefacts:
                seconds = cpu_seconds(artefact, api, aws.url)
                if number:  # The first round brings the files into the cache.
                    samples[artefact.function][artefact.way].append(seconds)
    return {function: _measured(ways) for function, ways in samples.items()}


@contextmanager
def _kept_warm(
    artefacts: Sequence[Artefact], delay_seconds: float = 0.0, offline: bool = False
) -> Iterator[dict[str, Function]]:
    with ExitStack() as stack:
        aws = stack.enter_context(stand_in.started(delay_seconds, rows=events.answered_rows()))
        yield {
            artefact.way: stack.enter_context(running(artefact, environment(artefact, aws.url), offline))
            for artefact in artefacts
        }


def _in_turns(
    functions: Mapping[str, Function],
    event: Callable[[str, int], Event],
    take: Callable[[Invocation], float],
    rounds: int,
) -> Samples:
    samples: Samples = defaultdict(list)
    for number in range(WARM_UP + rounds):
        for way, function in functions.items():
            invocation = function.invoke(event(way, number))
            if number >= WARM_UP:
                samples[way].append(take(invocation))
    return samples


def _of(artefacts: Sequence[Artefact], function: str, *ways: str) -> list[Artefact]:
    return [artefact for way in ways for artefact in artefacts if (artefact.function, artefact.way) == (function, way)]


def warm(artefacts: Sequence[Artefact], function: str, rounds: int) -> Measured:
    """CPU seconds of one invocation with the function's event."""
    chosen = _of(artefacts, function, OURS, FLOOR, LOWEST_FLOOR, PEER)
    with _kept_warm(chosen) as functions:
        given = {artefact.way: events.first_event(artefact) for artefact in chosen}
        return _measured(_in_turns(functions, lambda way, _: given[way], lambda one: one.cpu, rounds))


def log_bytes(artefacts: Sequence[Artefact], function: str) -> dict[str, int]:
    """What one invocation logs: the webhook of one request, the consumer of one batch."""
    chosen = _of(artefacts, function, OURS, PEER)
    with _kept_warm(chosen) as functions:
        found = {}
        for artefact in chosen:
            event = (
                events.batch(artefact.way, events.orders(BATCH))
                if function == "consumer"
                else events.first_event(artefact)
            )
            functions[artefact.way].invoke(event)
            found[artefact.way] = functions[artefact.way].invoke(event).log_bytes
    return found


def consumer_cpu(
    artefacts: Sequence[Artefact],
    rounds: int,
    batch: int = BATCH,
    lines: int | None = None,
    offline: bool = False,
    with_floor: bool = False,
) -> Measured:
    """CPU seconds of an event in batches of so many orders, with the SDK's part in the requests or (``offline``)
    without signing, sending and reading the answer."""
    bodies = events.orders(batch, lines=lines)
    chosen = _of(artefacts, "consumer", OURS, *([FLOOR] if with_floor else []), PEER)
    with _kept_warm(chosen, offline=offline) as functions:
        given = {way: events.batch(way, bodies) for way in functions}
        return _measured(_in_turns(functions, lambda way, _: given[way], lambda one: one.cpu / batch, rounds))


@dataclass(frozen=True)
class _KnownOrders:
    orders: dict[str, KnownOrder]

    def known(self, _: object) -> dict[str, KnownOrder]:
        return self.orders


def comparison_cpu(rounds: int) -> Measured:
    """CPU seconds of comparing one order that a page shows with ours: parse, parse_event, look up. In this process. The
    floor is the standard library's own reading of the page."""
    bodies = events.orders(PAGE_ORDERS)
    page = b"[" + b",".join(bodies) + b"]"
    arrived = [parse_event(body) for body in bodies]
    table: Any = _KnownOrders(
        {
            one.order_id: KnownOrder(
                "store", events.RECEIVED_AT, frozenset(), frozenset({one.digest}), one.snapshot_key, has_moved=False
            )
            for one in arrived
        }
    )
    none: Any = None
    comparison = Comparison(table, none, none, lambda: events.RECEIVED_AT)
    samples: Samples = defaultdict(list)
    for number in range(WARM_UP + rounds):
        floor_begun = time.process_time()
        for _ in range(FLOOR_TIMES):
            json.loads(page)
        floor = (time.process_time() - floor_begun) / FLOOR_TIMES / PAGE_ORDERS
        comparison.forget("store")
        begun = time.process_time()
        report = Report(events.RECEIVED_AT)
        content = parse(page)
        assert isinstance(content, list)  # noqa: S101 (for the types)
        comparison.compare(ComparisonScope(Store("store"), report, "bench"), content, lambda: events.RECEIVED_AT)
        if report.counts["in_step"] != PAGE_ORDERS:
            raise AssertionError("an order was not in step")
        if number >= WARM_UP:
            samples[OURS].append((time.process_time() - begun) / PAGE_ORDERS)
            samples[FLOOR].append(floor)
    return _measured(samples)


@dataclass(frozen=True)
class CriticalPath:
    """Times in units of one call."""

    call_seconds: Summary
    ours: Summary
    ours_new_store: Summary
    peer: Summary


def critical_path(artefacts: Sequence[Artefact], rounds: int, batch: int = BATCH) -> CriticalPath:
    """The time for a batch of so many orders when every AWS call takes 20 ms longer. One call is what the floor takes
    for a batch of one."""
    bodies = events.orders(batch)
    chosen = _of(artefacts, "consumer", OURS, FLOOR, PEER)
    with _kept_warm(chosen, DELAY_SECONDS) as functions:
        samples: Samples = defaultdict(list)
        for number in range(WARM_UP + rounds):
            turns = (
                ("call", FLOOR, bodies[:1]),
                ("ours", OURS, bodies),
                ("new store", OURS, _of_another_store(bodies, number)),
                ("peer", PEER, bodies),
            )
            for name, way, chosen_bodies in turns:
                wall = functions[way].invoke(events.batch(way, chosen_bodies)).wall
                if number >= WARM_UP:
                    samples[name].append(wall)
    return CriticalPath(
        summary(samples["call"]),
        *(ratio(samples[name], samples["call"]) for name in ("ours", "new store", "peer")),
    )


def _of_another_store(bodies: Sequence[bytes], number: int) -> list[bytes]:
    moved = []
    for body in bodies:
        order: dict[str, Any] = json.loads(body)
        client = order["client"] | {"store_id": f"S{number}", "external_partner_config_id": f"X{number}"}
        moved.append(json.dumps(order | {"client": client}).encode())
    return moved
