"""The catalogue's figures as people read them: their targets, and the tables of docs/performance.md."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from tools.bench.catalogue_costs import ALONE, ALONE_STOCK
from tools.bench.catalogue_memory import ROWS
from tools.bench.catalogue_requests import API, EVERY_MINUTES, STORAGE, STORES

_ALONE = {ALONE: "alone, a price by a message", ALONE_STOCK: "alone, stock by a message"}

type Found = Mapping[str, Any]


class Figure(NamedTuple):
    figure: str
    target: float
    value: float
    text: str


def figures(found: Found) -> list[Figure]:
    """What each target says, and what was measured."""
    money, rows = found["money"], found["whole_list"]["rows"]
    usd, seconds = sum(money["whole_list"].values()), money["whole_list_seconds"]
    listed = f"whole list of {rows:,} unchanged rows"
    wanted = [Figure(f"{listed}: USD", 0.002, usd, f"{usd:.5f}"), _exact(f"{listed}: s of the loader", 30, seconds)]
    compared, usd = f"day's export of {found['export']['rows']:,} products", sum(money["export"].values())
    wanted.append(Figure(f"{compared}: USD", 0.002, usd, f"{usd:.5f}"))
    wanted.append(_exact(f"{compared}: s of the loader", 30, money["export_seconds"]))
    for size, parts in money["changed_row_micro_usd"].items():
        target = 10 if size in _ALONE else 3
        wanted.append(_exact(f"changed row {_name(size)}: micro-USD", target, sum(parts.values())))
    wanted.append(
        _exact("from an urgent message to the platform's request: AWS calls", 6, found["urgent_calls_until_put"])
    )
    what = f"{STORES} stores with changes every {EVERY_MINUTES} minutes: Partner API requests a minute"
    for place, target in ((STORAGE, 25), (API, 45)):
        name = "on a storage host" if place == STORAGE else "at the API"
        wanted.append(_exact(f"{what}, results {name}", target, found["requests"][place]["average"]))
    peaks = {rows: found["memory"][str(rows)] for rows in ROWS}
    ratio = peaks[ROWS[-1]]["mebibytes"] / peaks[ROWS[-2]]["mebibytes"]
    wanted.append(_exact(f"loader's memory for {ROWS[-1]:,} rows, for {ROWS[-2]:,} = 1", 1.25, ratio))
    largest = max(peak["share"] for peak in peaks.values())
    wanted.append(_exact(f"loader: share of its memory, from {ROWS[0]:,} to {ROWS[-1]:,} rows", 0.1, largest))
    return wanted


def _exact(figure: str, target: float, value: float) -> Figure:
    return Figure(figure, target, value, f"{value:.2f}")


def costs(found: Found) -> tuple[list[str], list[list[str]]]:
    """Head and rows of the table of costs."""
    changed = found["changed_rows"]
    ways = {f"whole list, {found['whole_list']['rows']:,} unchanged rows": found["whole_list"]["steps"]}
    ways["day's export, compared"] = found["export"]["steps"]
    ways |= {_name(size): steps for size, steps in changed.items()}
    head = ["", *ways]

    def summed(*prefixes: str) -> list[str]:
        return [
            f"{sum(n for step in steps.values() for call, n in step['calls'].items() if call.startswith(prefixes)):,}"
            for steps in ways.values()
        ]

    rows = [
        ["DynamoDB requests", *summed("DynamoDB.")],
        ["S3 and SQS requests", *summed("S3.", "SQS.")],
        ["Partner API requests", *summed("PartnerApi.")],
    ]
    for kind in ("read", "write"):
        units = [sum(step[f"{kind}_units"] for step in steps.values()) for steps in ways.values()]
        rows.append([f"{kind} units", *(f"{number:,.1f}" for number in units)])
    cpu = [sum(step["cpu"] for step in steps.values()) for steps in ways.values()]
    rows.append(["CPU s", *(f"{seconds:.2f}" for seconds in cpu)])
    return head, rows


def money(found: Found) -> tuple[list[str], list[list[str]]]:
    """Head and rows of the table of money."""
    of_list, of_rows = found["money"]["whole_list"], found["money"]["changed_row_micro_usd"]
    of_export = found["money"]["export"]
    head = ["micro-USD", "whole list", "day's export", *(f"a row, {_name(size)}" for size in of_rows)]
    components = [*dict.fromkeys(name for parts in (of_list, *of_rows.values()) for name in parts)]
    rows = []
    for name in components:
        whole = (f"{of_one[name] * 1e6:.1f}" if name in of_one else "" for of_one in (of_list, of_export))
        rows.append([name, *whole, *(f"{parts[name]:.2f}" if name in parts else "" for parts in of_rows.values())])
    totals = (f"**{sum(parts.values()):.2f}**" for parts in of_rows.values())
    whole = (f"**{sum(of_one.values()) * 1e6:.1f}**" for of_one in (of_list, of_export))
    rows.append(["**total**", *whole, *totals])
    return head, rows


def requests(found: Found) -> tuple[list[str], list[list[str]]]:
    """Head and rows of the table of the platform's requests."""
    head = [
        f"{STORES} stores, changes every {EVERY_MINUTES} minutes",
        "results on a storage host",
        "results at the API",
    ]
    names = {
        "average": "Partner API requests a minute",
        "most": "the most in one minute",
        "waiting_minutes": "the longest time that a change waits, minutes",
    }
    return head, [
        [text, *(f"{found['requests'][at][name]:g}" for at in (STORAGE, API))] for name, text in names.items()
    ]


def memory(found: Found) -> tuple[list[str], list[list[str]]]:
    """Head and rows of the table of memory."""
    peaks = found["memory"]
    head = ["rows of a whole list", *(f"{int(rows):,}" for rows in peaks)]
    row = ["loader, MiB at the peak (share of its memory)"]
    return head, [row + [f"{peak['mebibytes']:.0f} ({peak['share']:.0%})" for peak in peaks.values()]]


def _name(size: str) -> str:
    return _ALONE.get(size) or f"in a batch of {int(size):,}"
