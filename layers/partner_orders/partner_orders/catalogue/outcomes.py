"""The outcome of a job, line by line: from the platform's result, or because none came in time."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from partner_orders.catalogue.job import Job, JobState
from partner_orders.catalogue.jobs import JobPlace
from partner_orders.catalogue.product import Values
from partner_orders.catalogue.settlement import Outcome, settled
from partner_orders.catalogue.tables import Tables
from partner_orders.catalogue.to_send import Margins, is_waiting
from partner_orders.clock import Clock


class LineOutcome(NamedTuple):
    """What became of a line, and the platform's words where it was refused."""

    outcome: Outcome
    refusal: str = ""


PROCESSED, UNKNOWN = LineOutcome(Outcome.PROCESSED), LineOutcome(Outcome.UNKNOWN)


class StoreBusyError(Exception):
    """Another worker has the store; try again shortly."""


class Outcomes:
    """``margins`` are those of a store. Every method raises botocore's errors."""

    def __init__(self, tables: Tables, clock: Clock, margins: Callable[[str], Margins]) -> None:
        self._tables = tables
        self._clock = clock
        self._margins = margins

    def line(self, store_id: str, sku: str, sent: Values, outcome: LineOutcome) -> bool:
        """Note what became of a line; whether something of the product is still to be sent."""
        now = self._clock()
        _, row = self._tables.products.change(
            store_id, sku, lambda row: settled(row, sent, outcome.outcome, now, outcome.refusal)
        )
        return is_waiting(row, self._margins(store_id))

    def finished(self, place: JobPlace, outcomes: Mapping[str, LineOutcome]) -> None:
        """Note the outcome of each line of a job that ended, also of one that was given up. A result of a job that has
        one changes nothing. Raises StoreBusyError."""
        job = self._tables.jobs.get(place)
        if job is not None and job.state is not JobState.SETTLED:
            self._end(place, job, outcomes_of(job, outcomes), JobState.SETTLED)

    def failed(self, place: JobPlace, outcomes: Mapping[str, LineOutcome]) -> None:
        """Note that the platform gave a job up, with the outcomes that it tells: the newest values of the other lines
        go again, after a while that grows. Raises StoreBusyError."""
        job = self._tables.jobs.get(place)
        if job is not None and job.state is not JobState.SETTLED:
            lines = {sku: outcomes.get(sku, UNKNOWN) for sku in job.lines}
            self._end(place, job, lines, JobState.SETTLED, has_failed=True)

    def give_up(self, place: JobPlace) -> None:
        """Take the outcome of every line of a job as unknown: the newest values go again. A job that has its outcomes
        only stops being unfinished. Raises StoreBusyError."""
        job = self._tables.jobs.get(place)
        if job is not None and not job.is_open:
            job = None
        lines = {} if job is None else job.lines
        self._end(place, job, dict.fromkeys(lines, UNKNOWN), JobState.GIVEN_UP, has_failed=job is not None)

    def too_old(self, store_id: str) -> list[JobPlace]:
        """The jobs of a store that no result is waited for any more."""
        now = self._clock()
        state = self._tables.states.get(store_id)
        places = [JobPlace(store_id, number) for number in state.unfinished]
        return [place for place in places if (job := self._tables.jobs.get(place)) is None or job.is_too_old(now)]

    def _end(
        self,
        place: JobPlace,
        job: Job | None,
        outcomes: Mapping[str, LineOutcome],
        state: JobState,
        has_failed: bool = False,
    ) -> None:
        """The lines first, then what is to go again, then the job: a crash repeats, and loses nothing."""
        now = self._clock()
        claimed = self._tables.states.claim(place.store_id, now)
        if claimed is None:
            raise StoreBusyError
        try:
            if job is not None:
                self._end_lines(place.store_id, job, outcomes)
                self._tables.jobs.ended(place.store_id, job, state, _notes(outcomes))
            if place.number in claimed.unfinished:
                claimed = self._tables.states.end_job(claimed, place.number, now if has_failed else None)
        finally:
            self._tables.states.release(claimed)

    def _end_lines(self, store_id: str, job: Job, outcomes: Mapping[str, LineOutcome]) -> None:
        waiting = [sku for sku, sent in job.lines.items() if self.line(store_id, sku, sent, outcomes[sku])]
        self._tables.changes.add(store_id, waiting, self._clock())


def outcomes_of(job: Job, outcomes: Mapping[str, LineOutcome]) -> dict[str, LineOutcome]:
    """The outcome of every line. A line that the result leaves out was processed where the result lists refused lines
    only; where it lists processed ones, too, the outcome is unknown."""
    lists_all = any(outcome.outcome is Outcome.PROCESSED for outcome in outcomes.values())
    return {sku: outcomes.get(sku, UNKNOWN if lists_all else PROCESSED) for sku in job.lines}


def _notes(outcomes: Mapping[str, LineOutcome]) -> dict[str, str]:
    """What became of each line that was not processed, in words."""
    return {
        sku: ": ".join(filter(None, (line.outcome.value, line.refusal)))
        for sku, line in outcomes.items()
        if line.outcome is not Outcome.PROCESSED
    }
