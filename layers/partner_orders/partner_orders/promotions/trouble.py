"""Whether a promotion is not as somebody wishes it, for whoever counts and shows that."""

from datetime import datetime, timedelta

from partner_orders.promotions.state import UNANSWERED_AFTER, PromotionState
from partner_orders.promotions.wish import Outcome

# An end that is not done for so long is late.
END_LATE_AFTER = timedelta(minutes=15)
# The same of a promotion that should run.
NOT_SENT_AFTER = timedelta(minutes=15)


def is_unanswered(state: PromotionState, now: datetime) -> bool:
    """Whether the platform has said nothing for an hour of what was sent."""
    is_open = state.outcome in {Outcome.WAITING, Outcome.SUBMITTED} and state.put_at is not None
    return is_open and state.waiting_since is not None and now - state.waiting_since >= UNANSWERED_AFTER


def is_late_end(state: PromotionState, now: datetime) -> bool:
    """Whether an end is not done long after it was due."""
    end = state.wish if state.wish.is_end and not state.has_ended else state.planned
    return end is not None and state.outcome is not Outcome.OVER and now - end.due >= END_LATE_AFTER


def is_not_sent(state: PromotionState, now: datetime) -> bool:
    """Whether a promotion should have run for a while and was not sent: a store is switched off, or another promotion
    has to end before."""
    is_waiting = state.outcome is Outcome.WAITING and state.put_at is None and not state.wish.is_end
    return is_waiting and now - max(state.wish.due, state.summary.starts) >= NOT_SENT_AFTER
