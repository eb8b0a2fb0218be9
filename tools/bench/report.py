"""The results as people read them: what each target says and what was measured, the tables of docs/performance.md, and
its charts."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tools.bench import catalogue_report, chart, counts
from tools.bench.artefacts import FLOOR, FUNCTIONS, LOWEST_FLOOR, OURS, PEER, PEER_ON_RUNTIME, WAYS
from tools.bench.summary import Summary
from tools.bench.write_costs import STATUSES, Cost
from tools.local.emulator import ROOT

DOCUMENT = ROOT / "docs" / "performance.md"
CHARTS = ROOT / "docs"
NOISE = 0.1  # of a ratio between two quiet runs

type Found = dict[str, Any]
type Row = Sequence[str]


@dataclass(frozen=True)
class Verdict:
    figure: str
    target: float
    value: float
    text: str

    @property
    def is_met(self) -> bool:
        return self.value <= self.target


def _verdicts(found: Found) -> list[Verdict]:
    verdicts = []

    def ratio(figure: str, target: float, summary: Found) -> None:
        one = Summary(**summary)
        verdicts.append(Verdict(figure, target, one.median, one.text(digits=2)))

    def exact(figure: str, target: float, value: float) -> None:
        verdicts.append(Verdict(figure, target, value, f"{value:.2f}"))

    cold = found["cold_start"]
    for function, target in (("webhook", 1.10), ("consumer", 1.50), ("reconciler", 1.40), ("answers", 1.40)):
        ratio(f"cold start of the {function}: CPU, floor = 1", target, cold[function]["ratios"][FLOOR])
        ratio(f"cold start of the {function}: CPU, peer as SAM builds it = 1", 0.6, cold[function]["ratios"][PEER])
        ratio("the same, peer with the runtime's boto3 = 1", 0.6, cold[function]["ratios"][PEER_ON_RUNTIME])
    ratio("warm webhook: CPU, floor = 1", 1.05, found["warm"]["webhook"]["ratios"][FLOOR])
    ratio("consumer's critical path, ten events of ten orders: calls", 3, found["critical_path"]["ours"])
    ratio("consumer's CPU for an event, peer = 1", 0.5, found["consumer_cpu"]["ratios"][PEER])
    ratio("the same without sending: parse, merge, serialise", 0.5, found["consumer_cpu_offline"]["ratios"][PEER])
    for lines, ways in found["dynamodb"].items():
        ours, peer = Cost(**ways[OURS][counts.LIFE]), Cost(**ways["peer"][counts.LIFE])
        same = Cost(**ways[counts.PEER_WITH_HISTORY][counts.LIFE])
        order = f"life of an order of {lines} line{'s' * (int(lines) > 1)}"
        exact(f"{order}: requests, peer = 1", 0.5, ours.requests / peer.requests)
        exact(f"{order}: write units, peer with the same history = 1", 0.7, ours.write_units / same.write_units)
        exact(
            f"duplicate of {lines} line{'s' * (int(lines) > 1)}: requests",
            1,
            Cost(**ways[OURS][counts.DUPLICATE]).requests,
        )
    step = found["reconciliation"]["in_step"]
    exact(
        "1,000 orders in sync: DynamoDB requests, bound = 1",
        1,
        step["dynamodb_requests"] / step["fewest_dynamodb_requests"],
    )
    exact("1,000 orders in sync: read units an order", 0.5, step["read_units"] / step["orders"])
    exact("desk, 10,000 orders of a day: seconds of the first view", 1.0, found["desk"]["first_view"])
    exact("desk, 10,000 orders of a day: seconds of the slowest page", 0.5, max(found["desk"]["pages"].values()))
    memory = found["memory"]
    exact(
        "reconciler: share of its memory, pages of up to 500 orders of up to 200 lines",
        0.5,
        max(peak["share"] for by_lines in memory["reconciler"].values() for peak in by_lines.values()),
    )
    exact(
        "consumer: share of its memory, ten messages with the largest bodies",
        0.5,
        max(peak["share"] for peak in memory["consumer"].values()),
    )
    exact("from an answer accepted to the platform's request: AWS calls", 6, len(found["answer"]["until_put"]))
    totals = found["money"]["totals"]
    exact("USD a million orders in batches of ten, without the bus", 16, totals["ours"])
    exact("USD a million orders in batches of ten, with the bus", 19, totals["ours, with the bus"])
    exact(
        "the same, peer with the same features = 1",
        0.7,
        totals["ours, with the bus"] / totals["peer, with the same history and the bus"],
    )
    return verdicts + [Verdict(*figure) for figure in catalogue_report.figures(found["catalogue"])]


def verdicts(found: Found) -> str:
    lines = [
        f"{'met   ' if one.is_met else 'MISSED'} {one.figure}: {one.text} (target {one.target:g})"
        for one in _verdicts(found)
    ]
    return "\n".join(lines)


def worse(before: Found, after: Found) -> list[str]:
    """The figures that miss their target by more than they did ``before``, beyond the noise: a line for each. Figures
    are compared in their order, since some have the same name."""
    pairs = zip(_verdicts(before), _verdicts(after), strict=True)
    return [
        f"{new.figure}: {new.text}, was {old.text} (target {new.target:g})"
        for old, new in pairs
        if not new.is_met and new.value > old.value * (1 + NOISE)
    ]


def _table(head: Row, rows: Sequence[Row]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _targets(found: Found) -> str:
    rows = [(one.figure, one.text, f"≤ {one.target:g}", "yes" if one.is_met else "**no**") for one in _verdicts(found)]
    return _table(("figure", "ours", "target", "met"), rows)


def _milliseconds(found: Found) -> str:
    return Summary(**found).text(1_000, 1 if found["median"] < 0.02 else 0)


def _cold(found: Found) -> str:
    rows = []
    for function in FUNCTIONS:
        values = found["cold_start"][function]["values"]
        rows.append((function, *(_milliseconds(values[way]) for way in WAYS)))
    return _table(("CPU ms", *WAYS), rows)


def _warm(found: Found) -> str:
    ways = (OURS, FLOOR, LOWEST_FLOOR, PEER)
    rows = [
        (f"{function}, an invocation", *(_milliseconds(measured["values"][way]) for way in ways))
        for function, measured in found["warm"].items()
    ]
    for name, key in (
        ("consumer, an event of ten", "consumer_cpu"),
        ("the same without sending", "consumer_cpu_offline"),
    ):
        values = found[key]["values"]
        rows.append((name, _milliseconds(values[OURS]), "", "", _milliseconds(values[PEER])))
    return _table(("CPU ms", *ways), rows)


def _path(found: Found) -> str:
    path = found["critical_path"]
    rows = [
        ("ours", Summary(**path["ours"]).text(digits=1)),
        ("ours, from a store that was never seen before", Summary(**path["ours_new_store"]).text(digits=1)),
        ("peer", Summary(**path["peer"]).text(digits=1)),
    ]
    return _table(("ten events of ten orders", "calls' time"), rows)


def _dynamodb(found: Found) -> str:
    rows = []
    for lines, ways in found["dynamodb"].items():
        for name, costs in ways.items():
            cells = [_cost(Cost(**costs[event])) for event in (*STATUSES, counts.LIFE, counts.DUPLICATE, counts.LATE)]
            rows.append((lines, name, *cells))
    return _table(("lines", "way", *STATUSES, counts.LIFE, counts.DUPLICATE, counts.LATE), rows)


def _cost(cost: Cost) -> str:
    failed = f" + {cost.unreported:g}" if cost.unreported else ""
    return f"{cost.requests} / {cost.write_units:g}{failed}"


def _reconciliation(found: Found) -> str:
    step, idle = found["reconciliation"]["in_step"], found["reconciliation"]["idle"]
    rows = [
        (
            name,
            f"{step[key]:g}",
            again,
            f"{fewest:g}",
            f"{step[key] / fewest:.2f}" if fewest else "",
            f"{idle[key]:g}",
        )
        for name, key, again, fewest in (
            ("Partner API requests", "api_requests", "", step["fewest_api_requests"]),
            ("DynamoDB requests", "dynamodb_requests", "", step["fewest_dynamodb_requests"]),
            ("read units", "read_units", f"{step['read_units_again']:g}", step["orders"] / 2),
            ("write units", "write_units", "", 0),
        )
    ]
    head = ("", "1,000 orders in sync", "in the next run", "the fewest", "ratio", "added by a run over one store")
    return _table(head, rows)


def _watched(found: Found) -> str:
    watched, cpu = found["reconciliation"]["watched"], found["comparison_cpu"]["values"][OURS]
    rows = [
        ("comparisons", f"{watched['comparisons']:.1f}"),
        ("read units", f"{watched['read_units']:.1f}"),
        ("CPU ms of a comparison", Summary(**cpu).text(1_000, 2)),
    ]
    return _table(("an order, from its creation on", ""), rows)


def _memory(found: Found) -> str:
    def peak(one: Found) -> str:
        return f"{one['mebibytes']:.0f} ({one['share']:.0%})"

    memory = found["memory"]
    rows = [
        (
            f"reconciler, orders of {lines} line{'s' * (int(lines) > 1)}",
            *(peak(memory["reconciler"][size][lines]) for size in memory["reconciler"]),
        )
        for lines in next(iter(memory["reconciler"].values()))
    ]
    rows += [
        (f"consumer, bodies full of {kind}", peak(one), *[""] * (len(memory["reconciler"]) - 1))
        for kind, one in memory["consumer"].items()
    ]
    sizes = [f"pages of {size} orders" for size in memory["reconciler"]]
    return _table(("MiB at the peak (share of the function's memory)", *sizes), rows)


def _packages(found: Found) -> str:
    rows = [
        (function, *(f"{found['packages'][way][function] / 1e6:.1f}" for way in (OURS, PEER))) for function in FUNCTIONS
    ]
    return _table(("MB unpacked", OURS, PEER), rows)


def _money(found: Found) -> str:
    ways = found["money"]["per_million_orders"]
    components = list(ways["ours, with the bus"])
    rows = [(name, *(f"{way[name]:.2f}" if name in way else "" for way in ways.values())) for name in components]
    rows.append(("**total**", *(f"**{total:.2f}**" for total in found["money"]["totals"].values())))
    kept = found["money"]["storage_400_days"]
    rows.append(("not included: kept for 400 days", *(f"{kept:.2f}" if way.startswith("ours") else "" for way in ways)))
    return _table(("USD a million orders", *ways), rows)


def _options(found: Found) -> str:
    rows = [(name, f"{usd:+.2f}") for name, usd in found["money"]["options"].items()]
    return _table(("option", "USD a million orders"), rows)


def _monthly(found: Found) -> str:
    rows = [
        (f"{int(orders):,}", f"{usd['variable']:.2f}", f"{usd['fixed']:.2f}", f"{usd['variable'] + usd['fixed']:.2f}")
        for orders, usd in found["money"]["monthly_with_bus"].items()
    ]
    return _table(("orders a month", "by orders", "fixed", "USD a month"), rows)


def _fixed(found: Found) -> str:
    fixed = found["money"]["fixed_per_month"]
    return _table(("fixed", "USD a month"), [(name, f"{usd:.2f}") for name, usd in fixed.items()])


def _desk(found: Found) -> str:
    measured = found["desk"]
    rows = [("first view, with the way in", f"{measured['first_view']:.2f}")]
    rows += [(name, f"{seconds:.2f}") for name, seconds in measured["pages"].items()]
    return _table(("page", "s"), rows)


def _answers(found: Found) -> str:
    answer, usd = found["answer"], found["money"]["per_million_answers"]
    fixed = found["money"]["fixed_of_answers_per_month"]
    rows = [
        ("AWS calls from accepted to the platform's request", str(len(answer["until_put"]))),
        ("requests in all, with the platform's", str(len(answer["calls"]))),
        ("read units", f"{answer['read_units']:g}"),
        ("write units", f"{answer['write_units']:g}"),
        *((f"USD a million answers: {name}", f"{cost:.2f}") for name, cost in usd.items()),
        ("**USD a million answers**", f"**{sum(usd.values()):.2f}**"),
        *((f"USD a month, whatever is answered: {name}", f"{cost:.2f}") for name, cost in fixed.items()),
    ]
    return _table(("an answer that is applied at once", ""), rows)


def _growth(found: Found) -> str:
    growth = found["growth"]
    rows = [
        (
            f"{size} event{'s' * (int(size) > 1)} a batch: CPU ms of an event",
            *(_milliseconds(growth["consumer_cpu_by_batch"][size]["values"][way]) for way in (OURS, PEER)),
        )
        for size in growth["consumer_cpu_by_batch"]
    ]
    rows += [
        (
            f"{size} event{'s' * (int(size) > 1)} a batch: calls' time",
            *(Summary(**growth["critical_path_by_batch"][size][way]).text(digits=1) for way in ("ours", "peer")),
        )
        for size in growth["critical_path_by_batch"]
    ]
    rows += [
        (
            f"{size} line{'s' * (int(size) > 1)} an order: CPU ms of an event",
            *(_milliseconds(growth["consumer_cpu_by_lines"][size]["values"][way]) for way in (OURS, PEER)),
        )
        for size in growth["consumer_cpu_by_lines"]
    ]
    rows += [
        (f"{int(stored):,} orders stored: requests / write units of a new one", _cost(Cost(**cost)), "")
        for stored, cost in growth["orders_stored"].items()
    ]
    rows += [
        (
            f"{tick['stores']:,} store{'s' * (tick['stores'] > 1)}: requests of a round to the API / to DynamoDB",
            f"{tick['api_requests']:,} / {tick['dynamodb_requests']:,}",
            "",
        )
        for tick in growth["stores"]
    ]
    rows += [
        (f"{int(stores):,} store{'s' * (int(stores) > 1)}: reconciliation, USD a month", f"{usd:.2f}", "")
        for stores, usd in found["money"]["reconciliation_by_stores"].items()
    ]
    return _table(("growth", "ours", "peer"), rows)


def _of_catalogue(table: Callable[[Found], tuple[list[str], list[list[str]]]]) -> Callable[[Found], str]:
    return lambda found: _table(*table(found["catalogue"]))


TABLES: dict[str, Callable[[Found], str]] = {
    "targets": _targets,
    "cold starts": _cold,
    "warm": _warm,
    "critical path": _path,
    "dynamodb": _dynamodb,
    "reconciliation": _reconciliation,
    "watched": _watched,
    "memory": _memory,
    "packages": _packages,
    "money": _money,
    "options": _options,
    "monthly": _monthly,
    "fixed": _fixed,
    "answers": _answers,
    "desk": _desk,
    "growth": _growth,
    "catalogue": _of_catalogue(catalogue_report.costs),
    "catalogue money": _of_catalogue(catalogue_report.money),
    "catalogue requests": _of_catalogue(catalogue_report.requests),
    "catalogue memory": _of_catalogue(catalogue_report.memory),
}


def put(tables: Mapping[str, str]) -> None:
    """Put tables into the document, each in the place that has its name. Raises LookupError if one has none."""
    text = DOCUMENT.read_text()
    for name, table in tables.items():
        text, places = re.subn(
            rf"(<!-- measured: {name} -->\n).*?(<!-- end -->)",
            lambda match, table=table: f"{match[1]}{table}\n{match[2]}",  # type: ignore[misc]
            text,
            flags=re.DOTALL,
        )
        if places != 1:
            raise LookupError(f"docs/performance.md has {places} places for the table {name!r}")
    DOCUMENT.write_text(text)


def write(found: Found) -> None:
    """Put every table of the document in the place of the one that is there, and draw its charts anew."""
    put({name: table(found) for name, table in TABLES.items()})
    cold = {
        function: {way: values[way]["median"] * 1_000 for way in WAYS}
        for function, values in ((name, found["cold_start"][name]["values"]) for name in FUNCTIONS)
    }
    (CHARTS / "performance-cold-starts.svg").write_text(
        chart.bars("Cold start: CPU ms from process start to first answer", cold)
    )
    (CHARTS / "performance-growth.svg").write_text(chart.panels(_growth_panels(found)))


def _growth_panels(found: Found) -> list[chart.Panel]:
    growth, dynamodb = found["growth"], found["dynamodb"]

    def cpu(key: str, way: str) -> list[chart.Point]:
        return [(int(size), one["values"][way]["median"] * 1_000) for size, one in growth[key].items()]

    def units(name: str) -> list[chart.Point]:
        return [(int(lines), Cost(**ways[name][counts.LIFE]).write_units) for lines, ways in dynamodb.items()]

    def path(way: str) -> list[chart.Point]:
        return [(int(size), one[way]["median"]) for size, one in growth["critical_path_by_batch"].items()]

    return [
        chart.Panel(
            "CPU ms of an event, by events a batch",
            {"ours": cpu("consumer_cpu_by_batch", OURS), "peer": cpu("consumer_cpu_by_batch", PEER)},
        ),
        chart.Panel("Calls' time for a batch, by events a batch", {"ours": path("ours"), "peer": path("peer")}),
        chart.Panel(
            "CPU ms of an event, by lines of the order",
            {"ours": cpu("consumer_cpu_by_lines", OURS), "peer": cpu("consumer_cpu_by_lines", PEER)},
        ),
        chart.Panel(
            "Write units of a life of three events, by lines",
            {"ours": units(OURS), "peer": units("peer"), "peer, same history": units(counts.PEER_WITH_HISTORY)},
        ),
        chart.Panel(
            "Requests of a round of reconciliation, by stores",
            {
                "DynamoDB": [(tick["stores"], tick["dynamodb_requests"]) for tick in growth["stores"]],
                "Partner API": [(tick["stores"], tick["api_requests"]) for tick in growth["stores"]],
            },
        ),
        chart.Panel(
            "Write units of a new order, by orders stored",
            {
                "ours": [
                    (max(1, int(stored)), Cost(**cost).write_units) for stored, cost in growth["orders_stored"].items()
                ]
            },
        ),
    ]
