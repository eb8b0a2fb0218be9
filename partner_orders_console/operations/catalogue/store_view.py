"""One store of the catalogue: its settings and figures, its newest jobs, what is held, and its products by outcome."""

from dataclasses import dataclass
from typing import Any

from partner_orders.catalogue.files import FileRow
from partner_orders.catalogue.job import Job
from partner_orders_console.operations.catalogue import decided
from partner_orders_console.operations.catalogue.access import settings_of
from partner_orders_console.operations.catalogue.counting import Counts, counts
from partner_orders_console.operations.catalogue.decided import DecidedOfStore
from partner_orders_console.operations.catalogue.files import file_json, newest
from partner_orders_console.operations.catalogue.job_words import because, why_waiting
from partner_orders_console.operations.catalogue.overview import StoreStanding, standing_of
from partner_orders_console.operations.catalogue_stack import CatalogueStack
from partner_orders_console.operations.progress import Progress, silent

NEWEST_JOBS = 10
NEWEST_DECISIONS = 10


@dataclass(frozen=True)
class StoreView:
    """``files``, ``jobs``, ``decided``: the newest ones."""

    standing: StoreStanding
    counts: Counts
    files: list[FileRow]
    jobs: list[Job]
    decided: list[DecidedOfStore]

    @property
    def why_waiting(self) -> str:
        """Why the store waits, or would wait, after jobs that failed as a whole; empty if none did."""
        return why_waiting(self.jobs) if self.standing.state.failed_jobs else ""

    def to_json(self) -> dict[str, Any]:
        newest = {
            "files": [file_json(row) for row in self.files],
            "jobs": [job_json(job) for job in self.jobs],
            "decisions": [one.to_json() for one in self.decided],
        }
        waits = {"waits_because": self.why_waiting or None}
        return self.standing.to_json() | waits | self.counts.to_json() | newest


@dataclass(frozen=True)
class Work:
    """The newest files and jobs of a store."""

    files: list[FileRow]
    jobs: list[Job]


def work(catalogue: CatalogueStack, store_id: str) -> Work:
    """The newest files and jobs of a store, in two queries. Raises botocore's errors."""
    return Work(newest(catalogue, store_id), [*catalogue.tables.jobs.newest(store_id, NEWEST_JOBS)])


def store_view(catalogue: CatalogueStack, store_id: str, progress: Progress = silent) -> StoreView:
    """A store with its products counted, which reads every row. Raises OperatorError for a store that is not in the
    catalogue, and botocore's errors."""
    settings = settings_of(catalogue, store_id)
    progress("counting the products")
    counted, done = counts(catalogue, settings), work(catalogue, store_id)
    about = decided.newest(catalogue, [store_id], NEWEST_DECISIONS)
    return StoreView(standing_of(catalogue, settings), counted, done.files, done.jobs, about)


def job_json(job: Job) -> dict[str, Any]:
    """A job without its lines, for programs."""
    facts = {"job": job.number, "job_id": job.job_id, "sent_at": job.sent_at, "state": job.state.value}
    return facts | {"lines": len(job.lines), "failure": job.failure or None, "because": because(job) or None}
