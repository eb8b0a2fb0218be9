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
class ByHand:
    """What runs that served backfills only found in the whole time: they look at what an operator named, so they have
    no place among the days. ``stores`` counts the missed webhooks of each store, ``newest`` is the newest such run that
    found any, and ``lateness`` is that of all of them."""

    stores: Counter[str]
    runs: int = 0
    newest: str = ""
    lateness: Lateness | None = None

    @property
    def missed(self) -> int:
        return self.stores.total()


@dataclass(frozen=True)
class MissedWebhooks:
    """``columns`` are the beginnings of the days or hours (UTC), oldest first. ``stores`` has the cells of each store
    at which something was found or failed, the one with the most missed webhooks first. ``runs`` counts the scheduled
    runs of each column; ``checked`` are the columns in which one of them checked a store or found an order. In the
    other columns an empty cell means nothing. ``by_hand`` is counted nowhere else."""

    by: By
    columns: list[datetime]
    stores: dict[str, dict[datetime, Cell]]
    runs: Counter[datetime]
    lateness: dict[datetime, Lateness]
    checked: set[datetime] = field(default_factory=set)
    by_hand: ByHand = field(default_factory=lambda: ByHand(Counter()))

    def total(self, column: datetime) -> int:
        return sum(cells[column].missed for cells in self.stores.values() if column in cells)

    @property
    def most(self) -> int:
        """The largest number of a cell."""
        return max((cell.missed for cells in self.stores.values() for cell in cells.values()), default=0)

    def missed_at(self, store_id: str) -> int:
        return sum(cell.missed for cell in self.stores.get(store_id, {}).values())

    def failures_at(self, store_id: str) -> list[str]:
        """Why the store could not be checked at times, the most frequent reason first; empty where it always could."""
        found: Counter[str] = Counter()
        for cell in self.stores.get(store_id, {}).values():
            found.update(cell.failures)
        return [failure for failure, _ in found.most_common()]


def start_of(by: By, columns: int) -> datetime:
    """When the first of so many days or hours, up to the present one, began."""
    return by.begin(now()) - (columns - 1) * by.length


def missed_webhooks(reports: Iterable[dict[str, Any]], by: By, columns: int) -> MissedWebhooks:
    """What runs found, from their reports, for so many days or hours up to the present one."""
    first = start_of(by, columns)
    stores: dict[str, dict[datetime, Cell]] = {}
    runs: Counter[datetime] = Counter()
    checked: set[datetime] = set()
    late: dict[datetime, list[int]] = {}
    of_time = [(by.begin(from_text(report["started_at"])), report) for report in reports]
    for column, report in of_time:
        if column < first or not is_regular(report):
            continue
        runs[column] += 1
        if report["stores_checked"] or report["stores"]:
            checked.add(column)
        _add_to_cells(stores, column, report)
        late.setdefault(column, []).extend(_late_seconds(report))
    return MissedWebhooks(
        by,
        [first + number * by.length for number in range(columns)],
        dict(sorted(stores.items(), key=lambda one: (-_missed(one[1].values()), one[0]))),
        runs,
        {column: lateness for column, seconds in late.items() if (lateness := _lateness(seconds))},
        checked,
        _by_hand([report for column, report in of_time if column >= first and not is_regular(report)]),
    )


def _add_to_cells(stores: dict[str, dict[datetime, Cell]], column: datetime, report: dict[str, Any]) -> None:
    for store_id, counts in report["stores"].items():
        cell = stores.setdefault(store_id, {}).setdefault(column, Cell())
        cell.missed += counts.get("webhooks_missed", 0)
        cell.missing += counts.get("missing", 0)
        cell.different += counts.get("different", 0)
    for store_id, failure in report["failed_stores"].items():
        stores.setdefault(store_id, {}).setdefault(column, Cell()).failures.update([failure])


def _by_hand(reports: Sequence[dict[str, Any]]) -> ByHand:
    """``reports`` are those of runs that served backfills only, oldest first."""
    stores: Counter[str] = Counter()
    for report in reports:
        stores.update({store_id: counts.get("webhooks_missed", 0) for store_id, counts in report["stores"].items()})
    found = [report for report in reports if report["webhooks_missed"]]
    newest = found[-1]["started_at"] if found else ""
    late = _lateness([seconds for report in reports for seconds in _late_seconds(report)])
    return ByHand(+stores, len(found), newest, late)


def _late_seconds(report: dict[str, Any]) -> list[int]:
    repairs = (repair for repair in report["repairs"] if repair["webhook_missed"])
    return [repair["late_seconds"] for repair in repairs if repair["late_seconds"] is not None]


def _lateness(seconds: Sequence[int]) -> Lateness | None:
    return Lateness(_at(seconds, 0.5), _at(seconds, 0.95)) if seconds else None


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
