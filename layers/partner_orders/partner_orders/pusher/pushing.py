"""Sends what waits in a store: the newest values at the moment of sending, in jobs that are noted before they are sent.

A crash after the call leaves a job whose effect is unknown. The newest values then go again soon, and once more after
its deadline, since the platform may work such a job off late (rules W3 and W5).
"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol

from partner_orders.catalogue.changes import Waiting
from partner_orders.catalogue.desired import Desired
from partner_orders.catalogue.job import MAX_LINES, Job, JobState
from partner_orders.catalogue.jobs import JobPlace
from partner_orders.catalogue.outcomes import PROCESSED, UNKNOWN, LineOutcome, Outcomes
from partner_orders.catalogue.product import Values
from partner_orders.catalogue.settlement import Call, Outcome
from partner_orders.catalogue.store_state import StoreState
from partner_orders.catalogue.tables import Tables
from partner_orders.catalogue.to_send import Margins, difference, off_at_once, to_send
from partner_orders.clock import Clock
from partner_orders.platform.calls import CallRefusedError, EffectUnknownError, PlatformNotFoundError
from partner_orders.platform.catalogue import Submitted
from partner_orders.platform.failures import Failure, PartnerApiError

# After a call whose effect is unknown, the newest values go again.
SEND_AGAIN_AFTER = timedelta(minutes=2)
# Urgent products that go alone in one visit; more of them go together, as soon as a job may.
MOST_ALONE = 10
NOT_KNOWN = "the platform does not know the product"


class StoreTakenError(Exception):
    """The store has another sender, or had one since its state was read: nothing was sent."""


class Platform(Protocol):
    """What the pusher asks of the platform (partner_orders.platform.catalogue)."""

    def make_room(self) -> None: ...

    def put_products(self, vendor_id: str, products: Mapping[str, Values]) -> Submitted: ...


@dataclass
class _Claim:
    """A store's state as its sender last wrote it."""

    state: StoreState
    is_released: bool = False


class Pusher:
    """``job_lines``: the most products in one call. ``margins`` are those of a store. ``counts``: what was sent, by the
    names of metrics."""

    def __init__(
        self,
        platform: Platform,
        tables: Tables,
        outcomes: Outcomes,
        clock: Clock,
        margins: Callable[[str], Margins],
        job_lines: int = MAX_LINES,
    ) -> None:
        self._platform = platform
        self._tables = tables
        self._outcomes = outcomes
        self._clock = clock
        self._margins = margins
        self.job_lines = job_lines
        self.counts: Counter[str] = Counter()

    def serve(self, store_id: str) -> datetime | None:
        """Send what waits in a store; since when something waits that is left, None if nothing is. A store with a job
        whose result is still to come only sends what goes off sale. Raises PartnerApiError where the platform took
        nothing, OutOfTimeError, ClaimLostError, and botocore's errors."""
        # The state first: the claim fails if a sender was there since.
        state = self._tables.states.get(store_id)
        waiting = self._tables.changes.waiting(store_id, self.job_lines)
        may_send = self.may_send(state)
        urgent = waiting.urgent[:MOST_ALONE]
        skus = waiting.skus[: self.job_lines] if may_send else urgent
        rows = self._tables.products.many(store_id, skus) if skus else {}
        for sku in urgent:
            if sku in rows:
                rows[sku] = self.switch_off(store_id, rows[sku])
        try:
            return self.send(state, waiting, rows) if may_send else waiting.since
        except StoreTakenError:
            return waiting.since

    def may_send(self, state: StoreState) -> bool:
        """Whether a job may be sent: no result is to come, and the store does not wait after jobs that failed."""
        now = self._clock()
        if state.not_before is not None and now < state.not_before:
            return False
        return not state.job_ids and all(now - sent_at >= SEND_AGAIN_AFTER for sent_at in state.unfinished.values())

    # -- off, at once --------------------------------------------------------------------------------------------------

    def switch_off(self, store_id: str, row: Desired) -> Desired:
        """Take a product off sale, if it has to go, in a call of its own, which the platform answers when it is done;
        the product then. No claim is needed: the change stays. A job under way may carry an older value, and the
        quantity is still to be sent."""
        off = off_at_once(row, self._margins(store_id))
        if off is None:
            return row
        self._platform.make_room()
        if row.confirmed.active is not None:
            # Before the call: if its outcome is lost and the product comes on sale again, that has to be sent.
            row = self._outcomes.line(store_id, row.sku, off, UNKNOWN, Call(self._clock()), row)
            if off_at_once(row, self._margins(store_id)) is None:
                return row
        sent_at = self._clock()
        try:
            submitted = self._platform.put_products(store_id, {row.sku: off})
        except PartnerApiError as error:
            if error.failure not in {Failure.REFUSED, Failure.NOT_FOUND}:
                raise
            return row  # A job tells what is wrong with the product, and the others do not wait for it.
        self._count(1)
        if submitted.job_id is None:
            return self._outcomes.line(store_id, row.sku, off, PROCESSED, Call(sent_at), row)
        self._tables.jobs.submitted_alone(store_id, Job(0, sent_at, {row.sku: off}), submitted.job_id)
        return row

    # -- a job ---------------------------------------------------------------------------------------------------------

    def send(self, state: StoreState, waiting: Waiting, rows: Mapping[str, Desired]) -> datetime | None:
        """Send what changed; since when something waits that is left. The changes are forgotten once all of it stands
        in jobs that were taken. ``state`` was read before the changes, and they before ``rows``, their products. Raises
        StoreTakenError."""
        store_id, margins = state.store_id, self._margins(state.store_id)
        left = waiting.skus[self.job_lines :]
        lines = {sku: sent for sku, row in rows.items() if (sent := difference(row, to_send(row, margins))).are_said}
        if lines:
            is_lone = len(lines) == 1 and _needs_company(rows[next(iter(lines))], *lines.values())
            self._send_lines(state, self._with_company(store_id, lines) if is_lone else lines)
        now = self._clock()
        if left:
            self._tables.changes.add(store_id, left, now)
        self._tables.changes.remove(store_id, waiting.changes)
        return waiting.next_since or (now if left else None)

    def _send_lines(self, state: StoreState, lines: Mapping[str, Values]) -> None:
        self._platform.make_room()
        claimed = self._tables.states.claim_for_job(state, self._clock())
        if claimed is None:
            raise StoreTakenError
        claim = _Claim(claimed)
        try:
            self._call(claim, lines, is_only=True)
        finally:
            if not claim.is_released:
                self._tables.states.release(claim.state)

    def _with_company(self, store_id: str, lines: Mapping[str, Values]) -> Mapping[str, Values]:
        """A lone line, and an unchanged product beside it that the platform knows; alone where the store has none. That
        product only goes on sale once more, if there is such a one: a price that the platform changed by itself is for
        the guards (see drift)."""
        margins, sku = self._margins(store_id), next(iter(lines))
        for is_on_sale in (True, False, None):

            def suits(row: Desired, is_on_sale: bool | None = is_on_sale) -> bool:
                values = to_send(row, margins)
                has_more = values.active is not None or values.price is not None
                return row.confirmed.are_said and has_more and values.active is is_on_sale

            if company := self._tables.products.another(store_id, sku, suits):
                values = to_send(company, margins)
                return {**lines, company.sku: values if is_on_sale is None else replace(values, price=None, cap=None)}
        return lines

    def _call(self, claim: "_Claim", lines: Mapping[str, Values], is_only: bool) -> None:
        """Send lines as the job that the store's state has begun; in more where the platform refuses the whole call,
        until the bad line is alone. An only call releases the store with its last write."""
        state, store_id = claim.state, claim.state.store_id
        job = Job(state.last_job, state.unfinished[state.last_job], lines)
        self._tables.jobs.write(store_id, job)
        try:
            submitted = self._platform.put_products(store_id, lines)
        except CallRefusedError as error:
            if not error.may_be_of_a_line:
                self._drop(store_id, job, f"refused: {_words_of(error)}")
                raise
            self._halve(claim, job, error, is_only)
            return
        except EffectUnknownError:
            raise
        except PartnerApiError as error:
            is_of_the_product = len(lines) == 1 and _is_of_the_product(error)
            # A part of a refused call: the platform knows the store, and this is what it says of an unknown product.
            if is_of_the_product and not is_only:
                self._end_alone(claim, job, LineOutcome(Outcome.REFUSED, NOT_KNOWN), is_only)
                return
            self._drop(store_id, job, f"not taken: {error}")
            if is_of_the_product and self._call_in_company(claim, lines):
                return
            raise
        self._count(len(lines))
        if submitted.job_id is None:
            # That a part of a refused call was taken says that it is not the bad line: it goes again with others.
            self._end_alone(claim, job, PROCESSED if is_only else UNKNOWN, is_only)
            return
        claim.state = self._tables.states.submitted(state, submitted.job_id, releases=is_only)
        claim.is_released = is_only
        # Last: a callback that finds the job may end it at once.
        self._tables.jobs.submitted(store_id, job.number, job.sent_at, submitted.job_id)

    def _call_in_company(self, claim: "_Claim", lines: Mapping[str, Values]) -> bool:
        """Send a lone line again beside another product: that tells an unknown product from an unknown store. False
        where the store has no other product."""
        together = self._with_company(claim.state.store_id, lines)
        if len(together) == 1:
            return False
        self._begin_further_job(claim)
        self._call(claim, together, is_only=True)
        return True

    def _begin_further_job(self, claim: "_Claim") -> None:
        self._platform.make_room()
        claim.state = self._tables.states.begin_job(claim.state, self._clock())

    def _halve(self, claim: "_Claim", job: Job, error: CallRefusedError, is_only: bool) -> None:
        store_id = claim.state.store_id
        if len(job.lines) == 1:
            self._end_alone(claim, job, LineOutcome(Outcome.REFUSED, _words_of(error)), is_only)
            return
        self._drop(store_id, job, f"refused: {_words_of(error)}")
        skus = [*job.lines]
        for part in (skus[: len(skus) // 2], skus[len(skus) // 2 :]):
            self._begin_further_job(claim)
            self._call(claim, {sku: job.lines[sku] for sku in part}, is_only=False)

    def _drop(self, store_id: str, job: Job, failure: str) -> None:
        """Note that the platform took nothing of a job, and why."""
        self._tables.jobs.ended(JobPlace(store_id, job.number), JobState.SETTLED, failure=failure)
        self._tables.states.drop_job(store_id, job.number)

    def _end_alone(self, claim: "_Claim", job: Job, outcome: LineOutcome, is_only: bool) -> None:
        """End the job of a call of one line, whose outcome the call itself told. An only call releases the store with
        its last write."""
        store_id = claim.state.store_id
        self._outcomes.alone(JobPlace(store_id, job.number), job, outcome)
        if is_only:
            self._tables.states.end_only_job(claim.state)
            claim.is_released = True
        else:
            self._tables.states.end_job(store_id, job.number)

    def _count(self, lines: int) -> None:
        self.counts.update({"JobsSent": 1, "LinesSent": lines})


def _needs_company(row: Desired, sent: Values) -> bool:
    """Whether another product has to go along. Of one that comes alone the platform takes no notice of the quantity,
    and it may say nothing of one that it does not know (docs/platform.md). All else takes effect at once."""
    return sent.quantity is not None or not row.confirmed.are_said


def _is_of_the_product(error: PartnerApiError) -> bool:
    """Whether the failure of a call for one product of a known store may be that there is no such product."""
    return error.failure is Failure.NOT_FOUND and not isinstance(error, PlatformNotFoundError)


def _words_of(error: CallRefusedError) -> str:
    return error.message or error.code or error.detail
