"""Why a job, or lines of it, came to nothing: the codes of the pusher in words, with what to do."""

from collections import Counter
from collections.abc import Iterable

from partner_orders.catalogue.job import Job, JobState
from partner_orders.platform.failures import Failure
from partner_orders_console.operations.words import words

_NOT_TAKEN, _REFUSED = "not taken: ", "refused: "
_PLATFORM_NOT_FOUND = f"{Failure.NOT_FOUND}:platform"
# Nothing but a person ends these.
_LASTING: dict[str, str] = {
    _PLATFORM_NOT_FOUND: "the platform does not know the store, or the account may not write its catalogue: ask the"
    " account manager",
    Failure.FORBIDDEN: "the account may not write the catalogue of this store: ask the account manager",
    Failure.UNAUTHORIZED: "the platform rejects the credentials: `partner-orders doctor` checks them",
    Failure.CREDENTIALS: "the platform rejects the credentials: `partner-orders doctor` checks them",
}
_OTHER: dict[str, str] = {
    Failure.NOT_FOUND: "the platform does not know the store, or the only product that was sent",
    Failure.RATE_LIMITED: "the platform limits the requests: the values go again by themselves",
    Failure.BLOCKED: "the platform limits the requests: the values go again by themselves",
}


def because(job: Job) -> str:
    """Why a job did not have its lines processed, in words; empty for one that had, and for one that waits."""
    if job.failure:
        return failure_words(job.failure)
    if job.state is JobState.GIVEN_UP:
        return "no result came within 30 minutes: the newest values go again"
    notes = Counter(note.partition(":")[0] for note in job.notes.values())
    return ", ".join(f"{number:,} {words(outcome)}" for outcome, number in notes.items())


def state_of(job: Job) -> str:
    """A job's state in words."""
    return "not taken" if job.failure else words(job.state.value)


def failure_words(failure: str) -> str:
    """Why the platform took nothing of a job, in words."""
    if failure.startswith(_REFUSED):
        return f"the platform refused the call: {failure.removeprefix(_REFUSED)}"
    code = failure.removeprefix(_NOT_TAKEN)
    name = code.partition(":")[0]
    known = _LASTING.get(code) or _LASTING.get(name) or _OTHER.get(name)
    return known or f"the platform did not take it: {words(code)}"


def is_lasting(job: Job) -> bool:
    """Whether the same job would fail again until a person acts."""
    code = job.failure.removeprefix(_NOT_TAKEN)
    return code in _LASTING or code.partition(":")[0] in _LASTING


def why_waiting(jobs: Iterable[Job]) -> str:
    """Why a store waits after jobs that failed as a whole, by its jobs, the newest first; empty if none tells."""
    failed = (job for job in jobs if job.failure or job.state is JobState.GIVEN_UP or _all_unknown(job))
    return next(map(_why_failed, failed), "")


def _why_failed(job: Job) -> str:
    return because(job) if job.failure or job.state is JobState.GIVEN_UP else "the platform gave the job up"


def _all_unknown(job: Job) -> bool:
    return job.notes.keys() == job.lines.keys() and set(job.notes.values()) == {"unknown"}
