"""How many webhooks were missed, by store and day or hour, how large a part that is, and how late the orders were."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from math import ceil
from typing import Any

from partner_orders.clock import from_text, now
from partner_orders.reconciler.report import is_regular
from partner_orders_console.operations.metric_series import Series, of_function, series
from partner_orders_console.operations.stack import DeployedStack


class By(StrEnum):
    DAY = "day"
    HOUR = "hour"

    @property
    def length(self) -> timedelta:
        return timedelta(days=1) if self is By.DAY else timedelta(hours=1)

    def begin(self, when: datetime) -> datetime:
        """When the day or hour (UTC) of a time began."""
        hour = when.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
        return hour.replace(hour=0) if self is By.DAY else hour


@dataclass
class Cell:
    """What the runs of a day or hour found at a store. ``failures`` says why it could not be checked, and how often."""

    missed: int = 0
    missing: int = 0
    different: int = 0
    failures: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class Lateness:
    """Seconds by which the orders of missed webhooks were late when they were found."""

    p50: int
    p95: int


@dataclass(frozen=True)
class MissedWebhooks:
    """``columns`` are the beginnings of the days or hours (UTC), oldest first. ``stores`` has the cells of each store
    at which something was found or failed, the one with the most missed webhooks first. ``runs`` counts the regular
    runs of each column: where there were none, an empty cell means nothing."""

    by: By
    columns: list[datetime]
    stores: dict[str, dict[datetime, Cell]]
    runs: Counter[datetime]
    lateness: dict[datetime, Lateness]

    def total(self, column: datetime) -> int:
        return sum(cells[column].missed for cells in self.stores.values() if column in cells)

    @property
    def most(self) -> int:
        """The largest number of a cell."""
        return max((cell.missed for cells in self.stores.values() for cell in cells.values()), default=0)

    def missed_at(self, store_id: str) -> int:
        return sum(cell.missed for cell in self.stores.get(store_id, {}).values())


def start_of(by: By, columns: int) -> datetime:
    """When the first of so many days or hours, up to the present one, began."""
    return by.begin(now()) - (columns - 1) * by.length


def missed_webhooks(reports: Iterable[dict[str, Any]], by: By, columns: int) -> MissedWebhooks:
    """What runs found, from their reports, for so many days or hours up to the present one."""
    first = start_of(by, columns)
    stores: dict[str, dict[datetime, Cell]] = {}
    runs: Counter[datetime] = Counter()
    late: dict[datetime, list[int]] = {}
    for report in filter(is_regular, reports):
        column = by.begin(from_text(report["started_at"]))
        if column < first:
            continue
        runs[column] += 1
        for store_id, counts in report["stores"].items():
            cell = stores.setdefault(store_id, {}).setdefault(column, Cell())
            cell.missed += counts.get("webhooks_missed", 0)
            cell.missing += counts.get("missing", 0)
            cell.different += counts.get("different", 0)
        for store_id, failure in report["failed_stores"].items():
            stores.setdefault(store_id, {}).setdefault(column, Cell()).failures.update([failure])
        for repair in report["repairs"]:
            if repair["webhook_missed"] and repair["late_seconds"] is not None:
                late.setdefault(column, []).append(repair["late_seconds"])
    found = MissedWebhooks(
        by,
        [first + number * by.length for number in range(columns)],
        {},
        runs,
        {column: Lateness(_at(seconds, 0.5), _at(seconds, 0.95)) for column, seconds in late.items()},
    )
    found.stores.update(sorted(stores.items(), key=lambda one: (-_missed(one[1].values()), one[0])))
    return found


def received(stack: DeployedStack, by: By, columns: int) -> Series:
    """How many webhooks the stack received in each of these days or hours. One metric. Raises botocore's errors."""
    metric = of_function(stack, "webhook", "Enqueued", period=by.length)
    found = series(stack, {"received": metric}, start_of(by, columns), now())["received"]
    sums: Series = {}
    for when, value in found.items():
        sums[by.begin(when)] = sums.get(by.begin(when), 0.0) + value
    return sums


def shares(missed: MissedWebhooks, received: Series) -> dict[datetime, float]:
    """Which part of the webhooks was missed, from 0 to 1, where there were any."""
    found = {}
    for column in missed.columns:
        total = missed.total(column) + received.get(column, 0.0)
        if total:
            found[column] = missed.total(column) / total
    return found


def _missed(cells: Iterable[Cell]) -> int:
    return sum(cell.missed for cell in cells)


def _at(seconds: Sequence[int], share: float) -> int:
    """The value below which this share of them is."""
    ordered = sorted(seconds)
    return ordered[max(0, ceil(share * len(ordered)) - 1)]
