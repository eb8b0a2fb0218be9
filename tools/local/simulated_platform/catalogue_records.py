"""What the simulated catalogue is made of: a brand's habits, products, jobs, callbacks, and the files of results."""

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from tools.local.simulated_platform.catalogue_call import Line

QUEUED, IN_PROGRESS, COMPLETED, FAILED = "QUEUED", "IN_PROGRESS", "COMPLETED", "FAILED"
UPDATE, EXPORT = "update", "export"
RESULT_HEADER = ("sku", "state", "errors")
# Whatever a brand calls the cap in a PUT, the export has this name.
EXPORT_HEADER = ("sku", "barcode", "price", "active", "maximum_sales_quantity")


@dataclass(frozen=True)
class Habits:
    """How one brand's catalogue behaves where the contract has versions or is silent (docs/platform.md 6)."""

    cap_name: str = "maximum_sales_quantity"  # or max_sales_quantity
    buffer_is_sold: bool = False  # whether a quantity that equals the sales buffer is for sale
    true_alone_is_sold: bool = True  # whether active=true without a quantity has an effect in a job
    single_by_job: bool = False  # a job for one product too
    unknown_single: int = 404  # the response to one unknown product; or 400, or 200 without an effect
    job_ids: str = "text"  # or number
    shows_jobs: bool = True  # by GET; else 404
    results_at: str = "api"  # or storage
    stores_by_code: bool = False  # in callbacks, where a store has a code
    status_name: str = "status"  # or job_status, in callbacks
    processed: str = "SUCCESS"  # the states of a line in the file of results
    refused: str = "FAILED"
    delimiter: str = ","
    byte_order_mark: bool = False
    most_bytes: int = 100_000_000  # of a PUT
    most_products: int | None = None  # of a PUT


@dataclass(frozen=True)
class Pace:
    """How long a job waits and is worked on, the least and most that a late one or a late callback takes longer, and
    how long a link to the storage host is valid. A callback has the link of its job's end, also if it comes late."""

    queued: timedelta = timedelta(0)
    worked: timedelta = timedelta(0)
    late_least: timedelta = timedelta(minutes=1)
    late_most: timedelta = timedelta(minutes=45)
    link: timedelta = timedelta(minutes=15)


class Shown(NamedTuple):
    """What customers see of a product. ``price`` is in major units; no ``cap``: any number in one order."""

    price: Decimal
    active: bool
    cap: int | None


@dataclass(slots=True)
class Product:
    """A product of a store. ``buffer`` is the platform's own sales buffer, in pieces."""

    sku: str
    barcodes: tuple[str, ...]
    title: dict[str, str]
    price: Decimal
    active: bool = True
    cap: int | None = None
    buffer: int = 0
    category: str = "drinks"

    @property
    def shown(self) -> Shown:
        return Shown(self.price, self.active, self.cap)


class Change(NamedTuple):
    """A value that took effect ``at``. ``line`` is what the chain sent at ``accepted_at``; None where the platform
    changed it by itself. No ``job_id``: it took effect without a job."""

    at: datetime
    accepted_at: datetime
    job_id: str | None
    line: Line | None
    shown: Shown


class Outcome(NamedTuple):
    """What became of a line of a job; without an ``error`` it was processed."""

    sku: str
    error: str


@dataclass
class Job:
    """A job of the ledger. ``callbacks`` are the times at which it is called back; none if that was lost."""

    job_id: str
    vendor: str
    kind: str
    accepted_at: datetime
    lines: tuple[Line, ...] = field(default=(), repr=False)
    is_single: bool = False
    status: str = QUEUED
    begun_at: datetime | None = None
    due_at: datetime | None = None
    ended_at: datetime | None = None
    outcomes: list[Outcome] = field(default_factory=list, repr=False)
    file: bytes | None = field(default=None, repr=False)
    callbacks: list[datetime] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """The job as the controls show it; times in ISO 8601."""
        times = {name: getattr(self, name) for name in ("accepted_at", "begun_at", "ended_at")}
        return {
            "job_id": self.job_id,
            "vendor": self.vendor,
            "kind": self.kind,
            "status": self.status,
            "lines": len(self.lines),
            "outcomes": [outcome._asdict() for outcome in self.outcomes],
            "callbacks": [at.isoformat() for at in self.callbacks],
            **{name: at and at.isoformat() for name, at in times.items()},
        }


class Callback(NamedTuple):
    """A callback that is due ``at``. An early one is posted before the PUT gets its response."""

    job_id: str
    status: str
    at: datetime
    body: dict[str, Any]
    is_early: bool = False


def result_file(outcomes: Iterable[Outcome], habits: Habits) -> bytes:
    """The file of an update job, one row a line of its PUT."""
    rows = ((outcome.sku, habits.refused if outcome.error else habits.processed, outcome.error) for outcome in outcomes)
    return _file(RESULT_HEADER, rows, habits)


def export_file(products: Iterable[Product], habits: Habits) -> bytes:
    """The file of an export: several barcodes share a cell, and nothing tells the quantity."""
    rows = (
        (
            product.sku,
            ",".join(product.barcodes),
            plain(product.price),
            "true" if product.active else "false",
            "" if product.cap is None else str(product.cap),
        )
        for product in products
    )
    return _file(EXPORT_HEADER, rows, habits)


def plain(price: Decimal) -> str:
    """A price without an exponent and without zeros at its end."""
    text = f"{price:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _file(header: tuple[str, ...], rows: Iterable[tuple[str, ...]], habits: Habits) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, delimiter=habits.delimiter, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue().encode("utf-8-sig" if habits.byte_order_mark else "utf-8")
