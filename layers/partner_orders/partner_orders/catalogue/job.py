"""A job: what was sent to a store in one call, and the life of it until its outcome is known."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from partner_orders.aws.attribute_values import Row
from partner_orders.catalogue.packed_lines import lines_of, pack, packed_lines, unpack
from partner_orders.catalogue.product import Values
from partner_orders.catalogue.stored import instant, milliseconds

MAX_LINES = 2_000
# The platform's callback may be lost: then the job is asked for, and later given up.
ASK_AFTER = timedelta(minutes=10)
GIVE_UP_AFTER = timedelta(minutes=30)
MAX_NOTE = 100  # characters; with a note for each line, the row stays far below the 400 KB of an item


class JobState(StrEnum):
    """OPEN: written before the call, so that a crash is known; the store's state says whether the platform took it.
    SETTLED: the outcome of each line is known. GIVEN_UP: it is not; the newest values go again."""

    OPEN = "open"
    SETTLED = "settled"
    GIVEN_UP = "given_up"


@dataclass(frozen=True, slots=True)
class Job:
    """``number``: ours, by store. ``lines``: what was sent, by SKU. ``job_id``: the platform's, noted when the job
    ends. ``notes``: of each line that ended otherwise than processed, what became of it. ``failure``: why the platform
    took nothing of the job; empty where it took it."""

    number: int
    sent_at: datetime
    lines: Mapping[str, Values]
    state: JobState = JobState.OPEN
    job_id: str | None = None
    notes: Mapping[str, str] = field(default_factory=dict)
    failure: str = ""


def job_of(row: Row, number: int) -> Job:
    """The job of a row."""
    notes = unpack(row["notes"]) if "notes" in row else {}
    lines, state = lines_of(row["lines"]), JobState(row["state"])
    return Job(number, instant(row["sent_at"]), lines, state, row.get("job_id"), notes, row.get("failure", ""))


def attributes_of(job: Job) -> dict[str, Any]:
    """The attributes of a job's row, without its key."""
    found = {"sent_at": milliseconds(job.sent_at), "state": job.state.value, "lines": packed_lines(job.lines)}
    return found | ({"job_id": job.job_id} if job.job_id is not None else {})


def packed_notes(notes: Mapping[str, str]) -> bytes:
    """What became of lines, by SKU; each note is cut to MAX_NOTE."""
    return pack({sku: note[:MAX_NOTE] for sku, note in notes.items()})
