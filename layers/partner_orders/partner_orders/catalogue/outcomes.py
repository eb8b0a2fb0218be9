"""The outcome of a job, line by line: from the platform's result, or because none came in time."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from datetime import datetime
from typing import NamedTuple

from partner_orders.catalogue.desired import Desired
from partner_orders.catalogue.job import GIVE_UP_AFTER, Job, JobState
from partner_orders.catalogue.jobs import JobPlace
from partner_orders.catalogue.product import Values
from partner_orders.catalogue.settlement import Call, Outcome, settled
from partner_orders.catalogue.store_state import StoreState
from partner_orders.catalogue.tables import Tables
from partner_orders.catalogue.to_send import Margins, is_waiting
from partner_orders.clock import Clock


class LineOutcome(NamedTuple):
    """What became of a line, and the platform's words where it was refused."""

    outcome: Outcome
    refusal: str = ""


class RefusedLine(NamedTuple):
    """A line that the platform refused: of which product and job, what was sent, and the platform's words."""

    store_id: str
    job: str
    sku: str
    sent: Values
    refusal: str
    refused_at: datetime


PROCESSED, UNKNOWN = LineOutcome(Outcome.PROCESSED), LineOutcome(Outcome.UNKNOWN)
LINES_COUNTED = {
    Outcome.PROCESSED: "LinesProcessed",
    Outcome.REFUSED: "LinesRefused",
    Outcome.UNKNOWN: "LinesUnknown",
}


class Outcomes:
    """``margins`` are those of a store. ``executor`` writes the lines of a job side by side. ``tell`` is told of lines
    that were refused before their job counts as ended, perhaps more than once; if it raises, the job is settled again.
    ``counts``: what happened, by the names of metrics. Every method raises botocore's errors."""

    def __init__(
        self,
        tables: Tables,
        clock: Clock,
        margins: Callable[[str], Margins],
        executor: Executor | None = None,
        tell: Callable[[Sequence[RefusedLine]], None] = lambda _: None,
    ) -> None:
        self._tables = tables
        self._clock = clock
        self._margins = margins
        self._executor = executor
        self._tell = tell
        self.counts: Counter[str] = Counter()

    def line(self, store_id: str, sku: str, sent: Values, outcome: LineOutcome, call: Call, known: Desired) -> Desired:
        """Note what became of a line; the product then. ``known`` is the product as it was read lately."""
        now = self._clock()

        def settle(row: Desired) -> Desired:
            return settled(row, sent, outcome.outcome, now, outcome.refusal, call)

        return self._tables.products.change(store_id, sku, settle, known)[1]

    def alone(self, place: JobPlace, job: Job, outcome: LineOutcome) -> None:
        """Note what became of the only line of a job whose outcome the call itself told. If it is unknown, or another
        outcome was noted meanwhile, the product goes again."""
        [(sku, sent)] = job.lines.items()
        self._tell_of_refused(place, job, {sku: outcome})
        known = self._tables.products.many(place.store_id, [sku]).get(sku, Desired(sku))
        row = self.line(place.store_id, sku, sent, outcome, Call(job.sent_at), known)
        if outcome is UNKNOWN or is_waiting(row, self._margins(place.store_id)):
            self._tables.changes.add(place.store_id, [sku], self._clock())
        self._tables.jobs.ended(place, JobState.SETTLED, notes=_notes({sku: outcome}))
        self.counts[LINES_COUNTED[outcome.outcome]] += 1

    def finished(self, place: JobPlace, outcomes: Mapping[str, LineOutcome], job: Job | None = None) -> None:
        """Note the outcome of each line of a job that ended, also of one that was given up. A result of a job that has
        one changes nothing. ``job`` spares a read."""
        job = job or self._tables.jobs.get(place)
        if job is not None and self._is_to_settle(place, job):
            self._end(place, job, outcomes_of(job, outcomes), JobState.SETTLED)
            self._end_in_store(place)

    def failed(self, place: JobPlace, outcomes: Mapping[str, LineOutcome], job: Job | None = None) -> None:
        """Note that the platform gave a job up, with the outcomes that it tells: the newest values of the other lines
        go again, after a while that grows."""
        job = job or self._tables.jobs.get(place)
        if job is not None and self._is_to_settle(place, job):
            lines = {sku: outcomes.get(sku, UNKNOWN) for sku in job.lines}
            self._end(place, job, lines, JobState.SETTLED)
            self._fail_in_store(place)
            self.counts["JobsFailed"] += 1

    def give_up(self, place: JobPlace) -> None:
        """Take the outcome of every line of a job as unknown: the newest values go again. A job that has its outcomes
        only stops being unfinished."""
        job = self._tables.jobs.get(place)
        if job is None or job.state is not JobState.OPEN:
            self._tables.states.drop_job(place.store_id, place.number)
            return
        self._end(place, job, dict.fromkeys(job.lines, UNKNOWN), JobState.GIVEN_UP)
        self._fail_in_store(place)
        self.counts["JobsGivenUp"] += 1

    def too_old(self, state: StoreState) -> list[JobPlace]:
        """The jobs of a store that no result is waited for any more."""
        now = self._clock()
        return [
            JobPlace(state.store_id, number)
            for number, sent_at in state.unfinished.items()
            if now - sent_at >= GIVE_UP_AFTER
        ]

    def _is_to_settle(self, place: JobPlace, job: Job) -> bool:
        """Whether a job has no result yet. One that has may still count as unfinished, after a crash."""
        if job.state is not JobState.SETTLED:
            return True
        if not place.alone:
            self._tables.states.drop_job(place.store_id, place.number)
        return False

    def _end(self, place: JobPlace, job: Job, outcomes: Mapping[str, LineOutcome], state: JobState) -> None:
        """The lines first, then what is to go again, then the job: a crash repeats, and loses nothing. What was refused
        is told before it is noted: a product with a refusal is not sent again."""
        self._tell_of_refused(place, job, outcomes)
        rows = self._end_lines(place, job, outcomes)
        margins = self._margins(place.store_id)
        waiting = [row.sku for row in rows if is_waiting(row, margins)]
        if waiting:
            self._tables.changes.add(place.store_id, waiting, self._clock())
        self._tables.jobs.ended(place, state, job.job_id, _notes(outcomes))
        self.counts.update(LINES_COUNTED[outcomes[sku].outcome] for sku in job.lines)

    def _end_lines(self, place: JobPlace, job: Job, outcomes: Mapping[str, LineOutcome]) -> list[Desired]:
        store_id = place.store_id
        # Read before the lines: what is sent later is sent after the platform was done with this job.
        others = {*self._tables.states.get(store_id).unfinished} - {place.number}
        call = Call(job.sent_at, are_others_under_way=bool(others or place.alone))
        known = self._tables.products.many(store_id, job.lines)

        def end(sku: str) -> Desired:
            return self.line(store_id, sku, job.lines[sku], outcomes[sku], call, known.get(sku, Desired(sku)))

        return [*(map(end, job.lines) if self._executor is None else self._executor.map(end, job.lines))]

    def _tell_of_refused(self, place: JobPlace, job: Job, outcomes: Mapping[str, LineOutcome]) -> None:
        now, name = self._clock(), place.alone or str(place.number)
        refused = [
            RefusedLine(place.store_id, name, sku, sent, outcomes[sku].refusal, now)
            for sku, sent in job.lines.items()
            if outcomes[sku].outcome is Outcome.REFUSED
        ]
        if refused:
            self._tell(refused)

    def _end_in_store(self, place: JobPlace) -> None:
        if not place.alone:
            self._tables.states.end_job(place.store_id, place.number)

    def _fail_in_store(self, place: JobPlace) -> None:
        if not place.alone:
            self._tables.states.fail(place.store_id, self._clock(), place.number)


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
