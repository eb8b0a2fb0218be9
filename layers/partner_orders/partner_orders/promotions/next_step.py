"""What is to be done next for a promotion, and when. Pure: the same state and time give the same step.

A wish is sent once, and again only where its effect is unknown, where its job failed, or where an older body may have
come after it. From then on its job is asked for until it ends (rules W3 to W5).
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from partner_orders.promotions.state import ASKED_FOR, UNANSWERED_AFTER, OlderPut, PromotionState
from partner_orders.promotions.wish import Channel, Outcome

LONGEST_ASKING = timedelta(minutes=15)
# A job that failed is asked for once more, and its body sent again only then.
RECHECK_AFTER = timedelta(minutes=5)
SHORTEST_RETRY, LONGEST_RETRY = timedelta(minutes=5), timedelta(hours=2)
# How often in all a body is sent whose job fails. An end is sent until the promotion's time is over.
MOST_TRIES = 5
_MINUTE = timedelta(minutes=1)
_MOST_DOUBLINGS = 10


class Act(StrEnum):
    """What can be done. ``ask`` is for the job of the last body, ``ask_older`` for that of an older one."""

    PUT = "put"
    ASK = "ask"
    ASK_OLDER = "ask_older"
    TAKE_UP = "take_up"  # the end that was planned, without a request
    END = "end"  # of life, without a request


class Step(NamedTuple):
    """What to do, and not before when. Until then there is nothing to do. ``job_id`` is of the older body."""

    act: Act
    at: datetime
    job_id: str = ""


def next_step(state: PromotionState, now: datetime, may_be_sent: bool = True) -> Step | None:
    """The next step; None where there is none. ``may_be_sent``: whether the stores take promotions now, and what must
    end before has ended. An end is sent in any case. What goes by file is sent by the uploader."""
    if state.outcome is Outcome.OVER:
        return None
    life = Step(Act.END, state.summary.ends)
    if now >= life.at:
        return life
    steps = [life]
    if state.planned is not None:
        steps.append(Step(Act.TAKE_UP, state.planned.due))
    if state.channel is Channel.API:
        steps += _of_wish(state, now, may_be_sent or state.wish.is_end)
    if state.claimed_until is not None and now < state.claimed_until:
        # Somebody sends it now, or died over it.
        steps = [one._replace(at=max(one.at, state.claimed_until)) for one in steps]
    # Of two at a time, what needs no request, then the body.
    return min(steps, key=lambda one: (max(one.at, now), one.act is not Act.TAKE_UP, one.act is not Act.PUT, one.at))


def _of_wish(state: PromotionState, now: datetime, may_be_sent: bool) -> Iterator[Step]:
    put_at = _put_due(state, now)
    if may_be_sent and put_at is not None:
        yield Step(Act.PUT, put_at)
    asked_at = _ask_due(state)
    if asked_at is not None:
        yield Step(Act.ASK, asked_at)
    for one in state.older:
        if one.job_id and _is_asked_for(one, state) and now < one.put_at + ASKED_FOR:
            recheck = one.asked_at + RECHECK_AFTER if one.has_failed and one.asked_at is not None else None
            yield Step(Act.ASK_OLDER, recheck or _asking(one.put_at, one.asked_at, one.asks), one.job_id)


def _put_due(state: PromotionState, now: datetime) -> datetime | None:
    """When the body is to be sent, once more if it was before; None where it is not."""
    if state.put_at is None:
        if state.outcome.is_done:
            return None
        # Whoever wished it may have a clock that is ahead.
        return min(state.wish.at, now) if state.wish.not_before is None else state.wish.due
    match state.outcome:
        case Outcome.WAITING:
            due: datetime | None = state.put_at + _doubled(_MINUTE, state.puts, LONGEST_ASKING)
        case Outcome.SUBMITTED:
            # The same body twice is one promotion, and an end is urgent.
            due = state.put_at + UNANSWERED_AFTER if state.wish.is_end else None
        case Outcome.FAILED | Outcome.DUPLICATE | Outcome.REFUSED:
            return _retry_due(state, state.asked_at or state.put_at)
        case _:
            due = None
    after_older = _after_older(state, state.put_at)
    return min(filter(None, (due, after_older)), default=None)


def _retry_due(state: PromotionState, failed_at: datetime) -> datetime | None:
    is_endless = state.wish.is_end and state.outcome is not Outcome.DUPLICATE
    may_change = state.wish.is_end or state.outcome is Outcome.FAILED
    if not (is_endless or (may_change and state.failures < MOST_TRIES)):
        return None
    if not (state.is_rechecked or state.outcome is Outcome.REFUSED):
        return None
    return failed_at + _doubled(SHORTEST_RETRY, state.failures, LONGEST_RETRY)


def _after_older(state: PromotionState, put_at: datetime) -> datetime | None:
    """When the body is sent once more, since an older one may have come after it: when the older one's job has ended,
    and an hour after it was sent."""
    if state.older_ended_at is not None:
        return state.older_ended_at
    times = (one.put_at + UNANSWERED_AFTER for one in state.older if _is_older(one, state))
    return min((at for at in times if at > put_at), default=None)


def _is_asked_for(one: OlderPut, state: PromotionState) -> bool:
    """An older job of the same body matters as long as that has no end."""
    return _is_older(one, state) or state.outcome in {Outcome.WAITING, Outcome.SUBMITTED}


def _is_older(one: OlderPut, state: PromotionState) -> bool:
    return one.digest != state.wish.digest


def _ask_due(state: PromotionState) -> datetime | None:
    """When the last body's job is asked for; None where it is not."""
    if not state.job_id or state.put_at is None:
        return None
    match state.outcome:
        case Outcome.SUBMITTED:
            due = _asking(state.put_at, state.asked_at, state.asks)
            return due if due < state.put_at + ASKED_FOR else None
        case Outcome.FAILED | Outcome.DUPLICATE if not state.is_rechecked:
            return (state.asked_at or state.put_at) + RECHECK_AFTER
        case _:
            return None


def _asking(put_at: datetime, asked_at: datetime | None, asks: int) -> datetime:
    """When a job is asked for that was asked for so often."""
    return (asked_at or put_at) + _doubled(_MINUTE, asks + 1, LONGEST_ASKING)


def _doubled(shortest: timedelta, times: int, longest: timedelta) -> timedelta:
    """The shortest time, doubled with each of so many times after the first."""
    return min(longest, shortest * (1 << min(max(times - 1, 0), _MOST_DOUBLINGS)))
