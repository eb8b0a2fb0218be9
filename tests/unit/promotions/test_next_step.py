"""When the jobs of older bodies are asked for, and when a body is sent once more because of them."""

from dataclasses import replace
from datetime import timedelta

import pytest

from partner_orders.promotions import state as after
from partner_orders.promotions.next_step import Act, Step, next_step
from partner_orders.promotions.state import OlderPut
from partner_orders.promotions.wish import Channel, Outcome
from tests.support.promotions import NOW, promotion, wish_of

SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
PROMOTION = promotion()
FIRST = after.first(PROMOTION, wish_of(PROMOTION)(1), Channel.API, NOW)
DONE = replace(FIRST, outcome=Outcome.DONE, put_at=NOW, puts=1, job_id="j9")
OLDER = OlderPut("another body", "j1", NOW - MINUTE)
END = Step(Act.END, PROMOTION.ends)


def test_older_job_is_asked_for() -> None:
    """The job of an older body is asked for as the last one's is: after 1, 2, 4 minutes, for a day."""
    state = replace(DONE, older=(OLDER,))
    assert next_step(state, NOW) == Step(Act.ASK_OLDER, NOW, "j1")
    asked = replace(OLDER, asks=2, asked_at=NOW)
    assert next_step(replace(state, older=(asked,)), NOW) == Step(Act.ASK_OLDER, NOW + 4 * MINUTE, "j1")
    last = OLDER.put_at + timedelta(days=1)
    no_more = replace(state, older_ended_at=None, older=(replace(OLDER, put_at=NOW - timedelta(days=1)),))
    assert next_step(no_more, NOW) == END
    step = next_step(replace(state, put_at=NOW + HOUR), last - SECOND)
    assert step is not None
    assert step.act is Act.ASK_OLDER


def test_failed_older_job_is_asked_for_once_more() -> None:
    """A job that was shown as failed is asked for five minutes later."""
    failed = replace(OLDER, asks=1, asked_at=NOW, has_failed=True)
    assert next_step(replace(DONE, older=(failed,)), NOW) == Step(Act.ASK_OLDER, NOW + 5 * MINUTE, "j1")
    never = replace(failed, asked_at=None)
    assert next_step(replace(DONE, older=(never,)), NOW) == Step(Act.ASK_OLDER, NOW + MINUTE, "j1")


@pytest.mark.parametrize(
    ("outcome", "is_asked_for"),
    [(Outcome.WAITING, True), (Outcome.SUBMITTED, True), (Outcome.DONE, False), (Outcome.FAILED, False)],
)
def test_older_job_of_the_same_body(outcome: Outcome, is_asked_for: bool) -> None:
    """It matters as long as the last one has no end; without a job's id nothing can be asked."""
    same = replace(OLDER, digest=DONE.wish.digest, put_at=NOW - 3 * HOUR)
    state = replace(DONE, outcome=outcome, older=(same,), put_at=NOW, job_id="", is_rechecked=True, failures=9)
    step = next_step(state, NOW)
    assert step is not None
    assert (step.act is Act.ASK_OLDER) is is_asked_for
    nameless = next_step(replace(state, older=(replace(same, job_id=""),)), NOW)
    assert nameless is not None
    assert nameless.act is not Act.ASK_OLDER


def test_body_is_sent_once_more_after_an_older_one() -> None:
    """An older body may come after the last one: an hour after it was sent at the latest, the last one goes again."""
    nameless = replace(OLDER, job_id="")
    assert next_step(replace(DONE, older=(nameless,)), NOW) == Step(Act.PUT, NOW - MINUTE + HOUR)
    earlier = replace(nameless, put_at=NOW - HOUR)
    assert next_step(replace(DONE, older=(earlier,)), NOW) == END
    both = replace(DONE, older=(replace(nameless, put_at=NOW - 10 * MINUTE), nameless))
    assert next_step(both, NOW) == Step(Act.PUT, NOW + 50 * MINUTE)
    assert next_step(replace(both, older_ended_at=NOW + MINUTE), NOW) == Step(Act.PUT, NOW + MINUTE)


def test_nothing_is_asked_of_a_body_without_a_job() -> None:
    """A body that was never sent, or whose job nobody knows, has no job to ask for."""
    assert next_step(replace(FIRST, job_id="j9"), NOW) == Step(Act.PUT, NOW)
    submitted = replace(DONE, outcome=Outcome.SUBMITTED)
    assert next_step(submitted, NOW) == Step(Act.ASK, NOW + MINUTE)
    assert next_step(replace(submitted, job_id=""), NOW) == END
    assert next_step(submitted, NOW + timedelta(days=1)) == Step(Act.ASK, NOW + MINUTE)


def test_wish_by_a_clock_that_is_ahead() -> None:
    """A wish is sent now, whatever the clock of whoever wished it; one for later waits for its time."""
    ahead = replace(FIRST, wish=replace(FIRST.wish, at=NOW + HOUR))
    assert next_step(ahead, NOW) == Step(Act.PUT, NOW)
    later = replace(FIRST, wish=replace(FIRST.wish, not_before=NOW + HOUR))
    assert next_step(later, NOW) == Step(Act.PUT, NOW + HOUR)


def test_claim_is_waited_for() -> None:
    """Until a claim is over nothing is done before its end."""
    claimed = replace(FIRST, claimed_until=NOW + MINUTE)
    assert next_step(claimed, NOW + MINUTE - SECOND) == Step(Act.PUT, NOW + MINUTE)
    assert next_step(claimed, NOW + MINUTE) == Step(Act.PUT, NOW)
    assert next_step(replace(FIRST, outcome=Outcome.OVER), NOW) is None


def test_planned_end_goes_first() -> None:
    """Of two steps at a time the planned end is taken up first: what is sent then is the end."""
    planned = replace(FIRST, planned=replace(FIRST.wish, number=2, not_before=NOW, is_end=True))
    assert next_step(planned, NOW) == Step(Act.TAKE_UP, NOW)


@pytest.mark.parametrize(("is_end", "step"), [(True, Step(Act.PUT, NOW + HOUR)), (False, END)])
def test_submitted_end_goes_again(is_end: bool, step: Step) -> None:
    """An end that nobody has confirmed within an hour is sent again; a promotion is not."""
    wish = replace(FIRST.wish, is_end=is_end)
    submitted = replace(DONE, outcome=Outcome.SUBMITTED, wish=wish, job_id="")
    assert next_step(submitted, NOW) == step
