"""A promotion, as it is wished and as the platform took it, and what each thing that happens makes of it.

Pure: each function gives the state as it is then. Whoever writes it does so only over the version that it has read.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from partner_orders.promotions.job_result import NOTHING_LEFT_OUT, JobResult, JobStatus
from partner_orders.promotions.promotion import Promotion
from partner_orders.promotions.record import Record, name_of, with_record
from partner_orders.promotions.summary import Summary, summary_of
from partner_orders.promotions.wish import Channel, Outcome, Wish

# Longer than the function may take: until then nobody else sends anything of the promotion.
CLAIM = timedelta(seconds=130)
# A job of which nothing is heard for so long is shown and alarmed. A body whose effect nobody knows took it by then.
UNANSWERED_AFTER = timedelta(hours=1)
# So long at most the platform is asked for a job.
ASKED_FOR = timedelta(days=1)
# Older bodies that are waited for. Whoever changes a promotion more often within a minute waits for the last ones.
MOST_OLDER = 10
MOST_OF_ONE_BODY = 4


@dataclass(frozen=True, slots=True)
class OlderPut:
    """A body that was followed by another, perhaps the same, before the platform had worked it off. ``job_id`` is empty
    where nobody knows its job. ``asks``: how often the job was asked for, ``asked_at`` when the last time.
    ``has_failed``: whether it was shown as failed then, which is asked for once more."""

    digest: str
    job_id: str
    put_at: datetime
    asks: int = 0
    asked_at: datetime | None = None
    has_failed: bool = False


@dataclass(frozen=True, slots=True)
class PromotionState:
    """``version`` grows with each write. ``wish`` is the one that is looked after, with its ``outcome``; ``planned`` is
    an end for a later time, which becomes the wish then. ``puts`` counts how often the wish was sent; ``put_at`` is
    when the last time began, ``waiting_since`` since when its outcome is awaited. ``may_have_it``: whether the platform
    may have the same body from an earlier time. ``job_id`` is the last body's job, empty where nobody knows it;
    ``asks`` counts how often it was asked for without an end, ``asked_at`` is when the last time. ``failures`` counts
    how often in all the wish failed or was refused, ``problem`` says why, and ``is_rechecked`` is whether a job that
    failed was asked for once more. ``result``: what the platform left out. ``older`` are bodies that were sent before
    the last one, and that the platform may work off after it; ``older_ended_at`` is when a job of one was last seen to
    have ended since. ``standing`` is the digest of the body that the platform was last seen to have, if no other was
    sent since; ``stood`` is the same before the last one was sent. ``may_run``: whether the platform may have taken any
    body of it. ``claim`` is of whoever sends it now, and counts until ``claimed_until``. ``untold`` is what is not in
    the history or on the bus yet. ``last_number`` is the highest number of a wish so far."""

    promotion_id: str
    summary: Summary
    wish: Wish
    channel: Channel = Channel.API
    version: int = 0
    outcome: Outcome = Outcome.WAITING
    planned: Wish | None = None
    waiting_since: datetime | None = None
    puts: int = 0
    put_at: datetime | None = None
    may_have_it: bool = False
    job_id: str = ""
    asks: int = 0
    asked_at: datetime | None = None
    failures: int = 0
    problem: str = ""
    is_rechecked: bool = False
    result: JobResult = NOTHING_LEFT_OUT
    older: tuple[OlderPut, ...] = ()
    older_ended_at: datetime | None = None
    standing: str = ""
    stood: str = ""
    may_run: bool = False
    claim: str = ""
    claimed_until: datetime | None = None
    untold: tuple[Record, ...] = ()
    last_number: int = 0

    @property
    def has_ended(self) -> bool:
        """Whether another may take its place: its end was completed, or sent by file, or its time is over."""
        is_sent = self.channel is Channel.FILES and self.outcome is Outcome.SUBMITTED
        return self.outcome is Outcome.OVER or (self.wish.is_end and (self.outcome.is_done or is_sent))

    @property
    def newest_number(self) -> int:
        return max(self.last_number, self.wish.number, 0 if self.planned is None else self.planned.number)


# -- wishes ----------------------------------------------------------------------------------------------------------


def first(promotion: Promotion, wish: Wish, channel: Channel, now: datetime) -> PromotionState:
    """A promotion of which nothing is known, after its first wish. An end for later is due at its time even so."""
    return _noted(PromotionState(promotion.promotion_id, summary_of(promotion), wish, channel), now)


def wished(state: PromotionState, promotion: Promotion, wish: Wish, now: datetime) -> PromotionState:
    """After a new wish. It overtakes an earlier one; only an end for later leaves that as it is, until its time. An end
    takes the place of one that was planned; anything else leaves the planned end planned."""
    if wish.is_end and wish.due > now:
        after = replace(_unplanned(state, now), planned=wish, last_number=max(state.newest_number, wish.number))
        return _noted(after, now, of=wish)
    if wish.is_end:
        state = _unplanned(state, now)
    # What an end leaves out of a list is no news.
    summary = replace(state.summary, active_skus=0) if wish.is_end else summary_of(promotion)
    return _ended_if_unknown(_overtaken(replace(state, summary=summary), wish, now), now)


def _ended_if_unknown(state: PromotionState, now: datetime) -> PromotionState:
    """An end of a promotion that the platform never had is done: there is nothing to send."""
    is_sent_now = bool(state.claim)
    if not state.wish.is_end or state.may_run or state.older or is_sent_now:
        return state
    return _with_outcome(state, Outcome.DONE, now)


def unplanned(state: PromotionState, now: datetime, words: str) -> PromotionState:
    """Without the end that was planned. ``words`` say who took it back, and why; they stand beside those of the end."""
    planned = state.planned and replace(state.planned, why=f"{state.planned.why}; {words}")
    return _unplanned(replace(state, planned=planned), now)


def taken_up(state: PromotionState, now: datetime) -> PromotionState:
    """At the time of the end that was planned: it is the wish now."""
    if state.planned is None:
        raise AssertionError("an end that is taken up was planned")
    summary = replace(state.summary, active_skus=0)
    return _ended_if_unknown(_overtaken(replace(state, summary=summary, planned=None), state.planned, now), now)


def _unplanned(state: PromotionState, now: datetime) -> PromotionState:
    if state.planned is None:
        return state
    untold = with_record(state.untold, _record(state, now, state.planned, Outcome.OVERTAKEN, is_event=True))
    return replace(state, planned=None, untold=untold, last_number=state.newest_number)


def _overtaken(state: PromotionState, wish: Wish, now: datetime) -> PromotionState:
    records = state.untold
    if state.outcome is not Outcome.OVER:
        records = with_record(records, _record(state, now, state.wish, _last(state), is_event=True))
    after = PromotionState(
        state.promotion_id,
        state.summary,
        wish,
        state.channel,
        state.version,
        planned=state.planned,
        result=state.result if state.standing == wish.digest else NOTHING_LEFT_OUT,
        older=_older(state, now),
        older_ended_at=state.older_ended_at,
        standing=state.standing,
        stood=state.stood,
        may_run=state.may_run,
        claim=state.claim,
        claimed_until=state.claimed_until,
        untold=records,
        last_number=max(state.newest_number, wish.number),
    )
    return _noted(after, now)


def _last(state: PromotionState) -> Outcome:
    """What is told of a wish that is overtaken: one that was done stays so."""
    return state.outcome if state.outcome.is_done else Outcome.OVERTAKEN


def _older(state: PromotionState, now: datetime) -> tuple[OlderPut, ...]:
    """The bodies that the platform may work off after the next one."""
    older = [one for one in state.older if _is_awaited(one, now)]
    last = state.put_at
    if last is not None and _may_come(state):
        # Of one body without a job, only the last one matters.
        older = [one for one in older if one.job_id or one.digest != state.wish.digest or state.job_id]
        older.append(OlderPut(state.wish.digest, state.job_id, last))
    # Jobs of the same body must not push out one of another body, after which it has to be sent again.
    same = [one for one in older if one.digest == state.wish.digest]
    gone = same[:-MOST_OF_ONE_BODY]
    return tuple([one for one in older if one not in gone][-MOST_OLDER:])


def _may_come(state: PromotionState) -> bool:
    """Whether the platform may yet work off the last body that was sent."""
    match state.outcome:
        case Outcome.WAITING | Outcome.SUBMITTED:
            return True
        case Outcome.FAILED | Outcome.DUPLICATE:
            return not state.is_rechecked
        case _:
            return False


# -- sending ---------------------------------------------------------------------------------------------------------


def claimed(state: PromotionState, token: str, now: datetime) -> PromotionState:
    """Right before the body is sent: counted, and nobody else sends anything of the promotion meanwhile."""
    is_open = state.put_at is not None and state.outcome in {Outcome.WAITING, Outcome.SUBMITTED}
    after = replace(
        state,
        outcome=Outcome.WAITING,
        waiting_since=state.waiting_since if is_open else now,
        puts=state.puts + 1,
        put_at=now,
        may_have_it=state.may_have_it or is_open or _has_it(state),
        job_id="",
        asks=0,
        asked_at=None,
        is_rechecked=False,
        older=_older(state, now),
        older_ended_at=None,
        standing=state.standing if state.standing == state.wish.digest else "",
        stood=state.standing or state.stood,
        claim=token,
        claimed_until=now + CLAIM,
    )
    return _noted(after, now)


def _is_awaited(older: OlderPut, now: datetime) -> bool:
    """Whether a body that is sent now may be followed by an older one. What has no job is sent once more after an
    hour."""
    return now < older.put_at + (ASKED_FOR if older.job_id else UNANSWERED_AFTER)


def _has_it(state: PromotionState) -> bool:
    """Whether the platform has the body already, or may have it by an earlier wish for the same."""
    digest = state.wish.digest
    return state.standing == digest or any(one.digest == digest for one in state.older)


def not_sent(before: PromotionState, claim: PromotionState, now: datetime) -> PromotionState:
    """Where nothing was sent after all: as ``before`` the claim."""
    return _noted(replace(before, version=claim.version, untold=claim.untold), now)


def unknown(state: PromotionState) -> PromotionState:
    """After it was sent, where nobody knows whether that took effect."""
    return may_run(released(state))


def submitted(state: PromotionState, job_id: str, now: datetime) -> PromotionState:
    """After the platform took it as a job."""
    after = may_run(replace(released(state), job_id=job_id, problem=""))
    return _with_outcome(after, Outcome.SUBMITTED, now)


def may_run(state: PromotionState) -> PromotionState:
    """After it was sent, or right before a file that has it: from then on an end has to be sent, too."""
    return replace(state, may_run=True, stood="")


def tried_again(state: PromotionState, now: datetime) -> PromotionState:
    """Where what failed may be sent after all."""
    after = replace(state, problem="", put_at=None, asked_at=None, is_rechecked=False)
    return _with_outcome(after, Outcome.WAITING, now)


def refused(state: PromotionState, problem: str, now: datetime) -> PromotionState:
    """After the platform refused the body, which had no effect: what stood before stands."""
    return _with_outcome(_not_taken(state, problem, now), Outcome.REFUSED, now)


def unreadable(state: PromotionState, problem: str, now: datetime) -> PromotionState:
    """Where the body that is kept cannot be read, so that nothing was sent. It is tried again: it may be restored."""
    return _with_outcome(replace(_not_taken(state, problem, now), is_rechecked=True), Outcome.FAILED, now)


def _not_taken(state: PromotionState, problem: str, now: datetime) -> PromotionState:
    return replace(
        released(state),
        problem=problem,
        failures=state.failures + 1,
        put_at=state.put_at or now,
        job_id="",
        asks=0,
        asked_at=now,
        standing=state.standing or state.stood,
    )


def released(state: PromotionState) -> PromotionState:
    """Without a claim."""
    return replace(state, claim="", claimed_until=None)


def job_known(state: PromotionState, token: str, put_at: datetime, job_id: str) -> PromotionState:
    """Where a newer wish came while an older body was sent: the claim is given back, and the older one's job, empty
    where nobody knows it, is waited for."""
    state = may_run(state)
    older = tuple(replace(one, job_id=job_id) if _is_same_put(one, put_at) else one for one in state.older)
    return replace(released(state) if state.claim == token else state, older=older)


def _is_same_put(one: OlderPut, put_at: datetime) -> bool:
    return not one.job_id and abs(one.put_at - put_at) < timedelta(milliseconds=1)


# -- what the platform says --------------------------------------------------------------------------------------------


def answered(state: PromotionState, status: str, result: JobResult, now: datetime) -> PromotionState:
    """After the platform showed the job's status. A word that nobody knows is no end."""
    state = may_run(replace(released(state), asks=state.asks + 1, asked_at=now))
    match status:
        case JobStatus.COMPLETED:
            return _completed(state, result, now)
        case JobStatus.DUPLICATE if state.may_have_it:
            # What it left out it said the first time, if anybody heard it.
            after = replace(state, problem="", failures=0, standing=state.wish.digest)
            return _with_outcome(after, Outcome.DONE_IN_PART if state.result.count else Outcome.DONE, now)
        case JobStatus.FAILED | JobStatus.DUPLICATE:
            outcome = Outcome.FAILED if status == JobStatus.FAILED else Outcome.DUPLICATE
            if state.outcome in {Outcome.FAILED, Outcome.DUPLICATE}:
                return _with_outcome(replace(state, is_rechecked=True), outcome, now)
            after = replace(state, failures=state.failures + 1, is_rechecked=not state.job_id)
            return _with_outcome(after, outcome, now)
        case _:
            is_settled = state.outcome in {Outcome.FAILED, Outcome.DUPLICATE}
            return replace(state, is_rechecked=True) if is_settled else replace(state, problem="")


def unasked(state: PromotionState, problem: str, now: datetime) -> PromotionState:
    """After the job could not be read, or the platform shows no such job."""
    is_settled = state.outcome in {Outcome.FAILED, Outcome.DUPLICATE}
    return replace(
        state, asks=state.asks + 1, asked_at=now, problem=problem, is_rechecked=state.is_rechecked or is_settled
    )


def older_asked(
    state: PromotionState, job_id: str, status: str, now: datetime, result: JobResult = NOTHING_LEFT_OUT
) -> PromotionState:
    """After an older job was asked for. ``status`` is empty where the platform showed none. Where it carried the same
    body as the last one, and no other was sent since, its end is the end of the wish."""
    asked = next((one for one in state.older if one.job_id == job_id), None)
    if asked is None:
        return state
    has_failed = status == JobStatus.FAILED
    has_ended = status in {JobStatus.COMPLETED, JobStatus.DUPLICATE} or (has_failed and asked.has_failed)
    again = replace(asked, asks=asked.asks + 1, asked_at=now, has_failed=has_failed)
    left = tuple(again if one is asked else one for one in state.older if one is not asked or not has_ended)
    after = replace(state, older=left)
    if asked.digest != state.wish.digest:
        return replace(after, older_ended_at=now) if has_ended else after
    if status == JobStatus.COMPLETED and _is_last(asked, state):
        return _completed(after, result, now)
    return after


def _is_last(older: OlderPut, state: PromotionState) -> bool:
    """Whether nothing but the same body was sent since an older one, for the same wish."""
    is_open = state.outcome in {Outcome.WAITING, Outcome.SUBMITTED} and state.waiting_since is not None
    others = (one.put_at for one in state.older if one.digest != older.digest)
    return is_open and state.waiting_since <= older.put_at and all(at < older.put_at for at in others)  # type: ignore[operator]


def _completed(state: PromotionState, result: JobResult, now: datetime) -> PromotionState:
    after = replace(state, result=result, problem="", failures=0, standing=state.wish.digest)
    return _with_outcome(after, Outcome.DONE_IN_PART if result.count else Outcome.DONE, now)


def over(state: PromotionState, now: datetime) -> PromotionState:
    """After the promotion's time."""
    after = replace(_unplanned(state, now), older=(), older_ended_at=None)
    return _with_outcome(released(after), Outcome.OVER, now)


# -- what is told ------------------------------------------------------------------------------------------------------


def told(state: PromotionState, count: int) -> PromotionState:
    """After the first of what was untold is in the history and on the bus."""
    return replace(state, untold=state.untold[count:])


def _with_outcome(state: PromotionState, outcome: Outcome, now: datetime) -> PromotionState:
    if outcome is state.outcome:
        return state
    return _noted(replace(state, outcome=outcome), now, is_event=True)


def _noted(state: PromotionState, now: datetime, is_event: bool = False, of: Wish | None = None) -> PromotionState:
    """With what is to be told of the wish, or of the planned one, as it will be once this is written."""
    outcome = state.outcome if of is None else Outcome.WAITING
    record = _record(state, now, of or state.wish, outcome, is_event)
    return replace(state, untold=with_record(state.untold, record))


def _record(state: PromotionState, now: datetime, wish: Wish, outcome: Outcome, is_event: bool) -> Record:
    if wish.number != state.wish.number:
        return Record(name_of(wish), state.version + 1, now, wish, outcome, is_event=is_event)
    left_out = state.result.count
    return Record(name_of(wish), state.version + 1, now, wish, outcome, state.puts, state.problem, left_out, is_event)
