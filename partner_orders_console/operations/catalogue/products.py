"""One product of a store: what the chain wants, what the platform confirmed or refused, and what was sent when."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from partner_orders.catalogue.decided import Decided
from partner_orders.catalogue.desired import Desired
from partner_orders.catalogue.held import Held
from partner_orders.catalogue.job import Job, JobState
from partner_orders.catalogue.product import FIELDS, MAX_SKU, Values
from partner_orders.catalogue.to_send import Margins, difference, is_waiting, to_send
from partner_orders_console.operations.catalogue import decided
from partner_orders_console.operations.catalogue.access import margins_of
from partner_orders_console.operations.catalogue.job_words import failure_words
from partner_orders_console.operations.catalogue_stack import CatalogueStack
from partner_orders_console.operations.errors import NotFoundError

MOST_JOBS = 3_000  # of a store in a week; a job each five minutes makes 2,016


class Standing(StrEnum):
    """Where a product is on its way: WAITING to be sent, or for its outcome; PROCESSED by the platform as wanted;
    REFUSED with its words; or nothing is to be sent: nothing is said of it that could be, or it is to be off sale and
    the platform does not have it."""

    WAITING = "waiting"
    PROCESSED = "processed"
    REFUSED = "refused"
    NOTHING = "nothing to send"


@dataclass(frozen=True)
class Sent:
    """What a job carried of a product, and what became of it."""

    number: int
    job_id: str | None
    sent_at: datetime
    values: Values
    outcome: str

    def to_json(self) -> dict[str, Any]:
        facts = {"job": self.number, "job_id": self.job_id, "sent_at": self.sent_at, "outcome": self.outcome}
        return facts | {"sent": self.values.said}


@dataclass(frozen=True)
class ProductView:
    """``wanted``: what the platform should be told, after safety stock and caps. ``held``: what a guard holds of it.
    ``sent``: the jobs of the last seven days that carried it, the newest first. ``decided``: what people decided of
    its held values, the newest first."""

    store_id: str
    row: Desired
    wanted: Values
    standing: Standing
    held: list[Held]
    sent: list[Sent]
    decided: list[Decided] = field(default_factory=list)

    @property
    def missing(self) -> Values:
        """What the platform has yet to be told, or to confirm."""
        unsaid = difference(self.row, self.wanted).said
        known = self.row.confirmed
        return Values(**{name: value for name, value in unsaid.items() if getattr(known, name) != value})

    def to_json(self) -> dict[str, Any]:
        row = self.row
        return {
            "store_id": self.store_id,
            "sku": row.sku,
            "state": self.standing.value,
            "values": row.values.said,
            "versions": dict(row.versions),
            "wanted": self.wanted.said,
            "confirmed": row.confirmed.said,
            "confirmed_at": row.settled_at,
            "refused": row.refused.said,
            "refusal": row.refusal or None,
            "held": [
                {
                    "reason": it.reason.value,
                    "source": it.source,
                    "version": it.version,
                    "values": it.lines[row.sku].said,
                }
                for it in self.held
            ],
            "sent": [it.to_json() for it in self.sent],
            "decided": [
                {
                    "decided_at": it.decided_at,
                    "decision": it.decision.value,
                    "decided_by": it.by,
                    "why": it.why,
                    "values": it.lines[row.sku].said,
                }
                for it in self.decided
            ],
        }


def product(catalogue: CatalogueStack, store_id: str, sku: str, most_jobs: int = MOST_JOBS) -> ProductView:
    """A product, with the newest ``most_jobs`` jobs of its store looked through. Raises NotFoundError where neither a
    row nor a held line names it, and botocore's errors."""
    if not 0 < len(sku) <= MAX_SKU:
        raise NotFoundError(
            f"a SKU has 1 to {MAX_SKU} characters", "`partner-orders catalogue show STORE` counts them."
        )
    tables = catalogue.tables
    row = tables.products.many(store_id, [sku]).get(sku)
    held = [it for it in tables.held.of_store(store_id) if sku in it.lines]
    if row is None and not held:
        raise NotFoundError(
            f"the store {store_id} has no product {sku}",
            "No file or message that was taken has named it. Is the SKU written as in your file?",
        )
    found = row or Desired(sku)
    margins = margins_of(catalogue, store_id)
    sent = [*_sent(tables.jobs.newest(store_id, most_jobs), found)]
    about = decided.of_product(catalogue, store_id, sku)
    return ProductView(store_id, found, to_send(found, margins), standing_of(found, margins), held, sent, about)


def standing_of(row: Desired, margins: Margins) -> Standing:
    """Where a product is on its way."""
    wanted = to_send(row, margins)
    if is_waiting(row, margins):
        return Standing.WAITING
    stated = [name for name in FIELDS if getattr(wanted, name) is not None]
    if not stated:
        return Standing.NOTHING
    differs = any(getattr(wanted, name) != getattr(row.confirmed, name) for name in stated)
    if not (differs and row.refused.are_said):
        return Standing.PROCESSED
    # What the platform never took from us, and refuses to take off sale, is not there.
    is_gone = wanted.active is False and not row.confirmed.are_said
    return Standing.NOTHING if is_gone else Standing.REFUSED


def _sent(jobs: Iterator[Job], row: Desired) -> Iterator[Sent]:
    for job in jobs:
        if values := job.lines.get(row.sku):
            yield Sent(job.number, job.job_id, job.sent_at, values, outcome_of(job, row.sku))


def outcome_of(job: Job, sku: str) -> str:
    """What became of a line of a job, in words."""
    match job.state:
        case JobState.SETTLED:
            if job.failure:
                return f"not taken: {failure_words(job.failure)}"
            return job.notes.get(sku) or "processed"
        case JobState.GIVEN_UP:
            return job.notes.get(sku) or "unknown"
        case _:
            return "waits for its result"
