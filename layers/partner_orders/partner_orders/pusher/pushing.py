"""Sends what waits in a store: the newest values at the moment of sending, in jobs that are noted before they are sent.

A crash after the call leaves a job whose effect is unknown. The newest values then go again soon, and once more after
its deadline, since the platform may work such a job off late (rules W3 and W5).
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Protocol

from partner_orders.catalogue.changes import Change
from partner_orders.catalogue.desired import NOTHING
from partner_orders.catalogue.job import MAX_LINES, Job, JobState
from partner_orders.catalogue.jobs import JobPlace
from partner_orders.catalogue.outcomes import PROCESSED, LineOutcome, Outcomes
from partner_orders.catalogue.product import Values
from partner_orders.catalogue.settlement import Outcome
from partner_orders.catalogue.store_state import StoreState
from partner_orders.catalogue.tables import Tables
from partner_orders.catalogue.to_send import Margins, difference, off_at_once, to_send
from partner_orders.clock import Clock
from partner_orders.platform.catalogue import CallRefusedError, EffectUnknownError, Submitted
from partner_orders.platform.failures import Failure, PartnerApiError

# After a call whose effect is unknown, the newest values go again.
SEND_AGAIN_AFTER = timedelta(minutes=2)


class Platform(Protocol):
    """What the pusher asks of the platform (partner_orders.platform.catalogue)."""

    def make_room(self) -> None: ...

    def put_products(self, vendor_id: str, products: Mapping[str, Values]) -> Submitted: ...


class Pusher:
    """``job_lines``: the most products in one call. ``margins`` are those of a store."""

    def __init__(
        self,
        platform: Platform,
        tables: Tables,
        clock: Clock,
        margins: Callable[[str], Margins],
        job_lines: int = MAX_LINES,
    ) -> None:
        self._platform = platform
        self._tables = tables
        self._clock = clock
        self._margins = margins
        self._job_lines = job_lines
        self._outcomes = Outcomes(tables, clock, margins)

    def serve(self, store_id: str) -> bool:
        """Send what waits in a store; whether more waits. A store with a job whose result is still to come only sends
        what goes off sale. Raises PartnerApiError where the platform took nothing, and botocore's errors."""
        state = self._tables.states.claim(store_id, self._clock())
        if state is None:
            return True
        try:
            changes = self._tables.changes.first(store_id, self._job_lines)
            state = self._switch_off(state, changes)
            is_to_wait = state.not_before is not None and self._clock() < state.not_before
            if is_to_wait or self._is_waiting_for_a_result(state):
                return bool(changes)
            if changes:
                self._send(state, changes)
            return bool(self._tables.changes.first(store_id, 1))
        finally:
            self._tables.states.release(state)

    def _is_waiting_for_a_result(self, state: StoreState) -> bool:
        now = self._clock()
        for number, sent_at in state.unfinished.items():
            job = self._tables.jobs.get(JobPlace(state.store_id, number))
            if job is None or not job.is_open:
                continue
            if job.state is JobState.SUBMITTED or now - sent_at < SEND_AGAIN_AFTER:
                return True
        return False

    # -- off, at once --------------------------------------------------------------------------------------------------

    def _switch_off(self, state: StoreState, changes: Sequence[Change]) -> StoreState:
        """Take urgent products off sale, each in a call of its own, which the platform answers when it is done. The
        change stays: a job under way may carry an older value, and the quantity is still to be sent."""
        margins = self._margins(state.store_id)
        skus = [sku for change in changes if change.is_urgent for sku in change.skus]
        for row in self._tables.products.many(state.store_id, skus).values():
            off = off_at_once(row, margins)
            if off is not None:
                state = self._put_off(state, row.sku, off)
        return state

    def _put_off(self, state: StoreState, sku: str, off: Values) -> StoreState:
        """Send an "off". It is noted as a job only where the platform makes it one: an off that is lost goes again."""
        self._platform.make_room()
        try:
            submitted = self._platform.put_products(state.store_id, {sku: off})
        except PartnerApiError as error:
            if error.failure not in {Failure.REFUSED, Failure.NOT_FOUND}:
                raise
            return state  # A job tells what is wrong with the product, and the others do not wait for it.
        if submitted.job_id is None:
            self._outcomes.line(state.store_id, sku, off, PROCESSED)
            return state
        job = Job(state.last_job + 1, self._clock(), {sku: off})
        self._tables.jobs.write(state.store_id, job)
        state = self._tables.states.begin_job(state, job.sent_at)
        self._tables.jobs.submitted(state.store_id, job, submitted.job_id)
        return state

    # -- a job ---------------------------------------------------------------------------------------------------------

    def _send(self, state: StoreState, changes: Sequence[Change]) -> None:
        """Send what changed. The changes are forgotten once all of it stands in jobs that were taken."""
        store_id, margins = state.store_id, self._margins(state.store_id)
        skus = list(dict.fromkeys(sku for change in changes for sku in change.skus))
        some, left = skus[: self._job_lines], skus[self._job_lines :]
        rows = self._tables.products.many(store_id, some)
        lines = {sku: sent for sku, row in rows.items() if (sent := difference(row, to_send(row, margins))).are_said}
        if lines:
            self._call(state, self._with_company(store_id, lines))
        if left:
            self._tables.changes.add(store_id, left, self._clock())
        self._tables.changes.remove(store_id, changes)

    def _with_company(self, store_id: str, lines: dict[str, Values]) -> dict[str, Values]:
        """The lines, and an unchanged product beside a lone one: of a product that comes alone the platform takes no
        notice of the quantity, and an unknown one is refused like an unknown store (docs/platform.md)."""
        if len(lines) > 1:
            return lines
        company = self._tables.products.another(store_id, next(iter(lines)))
        values = NOTHING if company is None else to_send(company, self._margins(store_id))
        return (
            lines
            if company is None or (values.price, values.active) == (None, None)
            else {**lines, company.sku: values}
        )

    def _call(self, state: StoreState, lines: Mapping[str, Values]) -> StoreState:
        """Send lines in one job; in more where the platform refuses the whole call, until the bad line is alone."""
        self._platform.make_room()
        job = Job(state.last_job + 1, self._clock(), lines)
        self._tables.jobs.write(state.store_id, job)
        state = self._tables.states.begin_job(state, job.sent_at)
        try:
            submitted = self._platform.put_products(state.store_id, lines)
        except CallRefusedError as error:
            state = self._end(state, job, f"refused: {_words_of(error)}")
            if not error.may_be_of_a_line:
                raise
            return self._halve(state, lines, error)
        except EffectUnknownError:
            raise
        except PartnerApiError as error:
            self._end(state, job, f"not taken: {error}")
            raise
        if submitted.job_id is not None:
            self._tables.jobs.submitted(state.store_id, job, submitted.job_id)
            return state
        for sku, sent in lines.items():
            self._outcomes.line(state.store_id, sku, sent, PROCESSED)
        return self._end(state, job)

    def _halve(self, state: StoreState, lines: Mapping[str, Values], error: CallRefusedError) -> StoreState:
        if len(lines) == 1:
            [(sku, sent)] = lines.items()
            self._outcomes.line(state.store_id, sku, sent, LineOutcome(Outcome.REFUSED, _words_of(error)))
            return state
        skus = list(lines)
        for part in (skus[: len(skus) // 2], skus[len(skus) // 2 :]):
            state = self._call(state, {sku: lines[sku] for sku in part})
        return state

    def _end(self, state: StoreState, job: Job, failure: str = "") -> StoreState:
        """Note that nothing more is to come of a job, and why the platform took nothing of it, if it did not."""
        self._tables.jobs.ended(state.store_id, job, JobState.SETTLED, failure=failure)
        return self._tables.states.end_job(state, job.number)


def _words_of(error: CallRefusedError) -> str:
    return error.message or error.code or error.detail
