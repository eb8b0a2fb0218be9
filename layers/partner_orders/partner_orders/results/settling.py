"""Settles jobs: what the platform's result says of each line becomes the line's outcome (rule W4)."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Protocol

from partner_orders.catalogue.job import Job, JobState
from partner_orders.catalogue.job_result import read_results
from partner_orders.catalogue.jobs import JobPlace, JobsTable
from partner_orders.catalogue.outcomes import LineOutcome, Outcomes
from partner_orders.platform.catalogue import PlatformJob
from partner_orders.results.callback import Callback

COMPLETED, FAILED = "COMPLETED", "FAILED"


class UnknownJobError(LookupError):
    """No job of ours has this id, or not yet: a callback may come before the response of the call is noted."""


class Platform(Protocol):
    """What is asked of the platform (partner_orders.platform.catalogue)."""

    def job(self, job_id: str) -> PlatformJob | None: ...


class Settling:
    """``download`` gives a result file in chunks (partner_orders.platform.job_files)."""

    def __init__(
        self, jobs: JobsTable, outcomes: Outcomes, platform: Platform, download: Callable[[str], Iterable[bytes]]
    ) -> None:
        self._jobs = jobs
        self._outcomes = outcomes
        self._platform = platform
        self._download = download

    def take(self, callback: Callback) -> bool:
        """Settle the job of a callback; False where it has not ended, or has no result yet: a job that was worked off
        may hold refused lines, so that alone is no outcome. Doubled and late callbacks change nothing.

        Raises UnknownJobError, UnreadableResultError, UrlRefusedError, PartnerApiError, OutOfTimeError, botocore's
        errors, and what telling of refused lines does.
        """
        place = self._jobs.find(callback.job_id)
        job = None if place is None else self._jobs.get(place)
        if place is None or job is None:
            raise UnknownJobError(callback.job_id)
        return self._settle(place, job, callback)

    def ask(self, place: JobPlace, job_id: str) -> bool:
        """Ask the platform for a job whose callback did not come; False where it has not ended, or the platform does
        not tell. Raises as ``take`` does."""
        found = self._platform.job(job_id)
        if found is None or found.status not in {COMPLETED, FAILED}:
            return False
        job = self._jobs.get(place)
        return job is not None and self._settle(place, job, Callback(job_id, found.status, found.download_url))

    def _settle(self, place: JobPlace, job: Job, callback: Callback) -> bool:
        if callback.status not in {COMPLETED, FAILED}:
            return False
        if job.state is JobState.SETTLED:
            self._outcomes.finished(place, {}, job)
            return True
        url = callback.download_url or self._url_of(callback.job_id)
        if url is None and callback.status == COMPLETED:
            return False
        end = self._outcomes.failed if callback.status == FAILED else self._outcomes.finished
        end(place, {} if url is None else self._lines(url, job), replace(job, job_id=callback.job_id))
        return True

    def _url_of(self, job_id: str) -> str | None:
        """Where the result is, for a callback that does not say; None where the platform does not say either."""
        found = self._platform.job(job_id)
        return None if found is None else found.download_url

    def _lines(self, url: str, job: Job) -> dict[str, LineOutcome]:
        """The outcomes of the job's own lines. Others in the file are left alone."""
        results = (result for result in read_results(self._download(url)) if result.sku in job.lines)
        return {result.sku: LineOutcome(result.outcome, result.text) for result in results}
