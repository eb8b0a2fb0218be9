"""What is done next for a promotion, and when."""

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from partner_orders.promotions import state as after
from partner_orders.promotions import trouble
from partner_orders.promotions.job_result import JobResult
from partner_orders.promotions.next_step import Act, Step, next_step
from partner_orders.promotions.promotion import ended
from partner_orders.promotions.state import PromotionState
from partner_orders.promotions.stored import attributes_of, state_of
from partner_orders.promotions.wish import Channel, Outcome
from tests.support.promotions import NOW, end_of, promotion, wish_of

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
PROMOTION = promotion()
CHANGED = promotion(price="2.50")
END = ended(PROMOTION)
NOTHING = JobResult()


def first() -> PromotionState:
    return after.first(PROMOTION, wish_of(PROMOTION)(1), Channel.API, NOW)


def running() -> PromotionState:
    """A promotion that the platform may have."""
    return replace(first(), may_run=True)


def submitted(state: PromotionState, at: datetime, job_id: str = "j1") -> PromotionState:
    return after.submitted(after.claimed(state, "c", at), job_id, at)


def answered(state: PromotionState, status: str, at: datetime) -> PromotionState:
    return after.answered(state, status, NOTHING, at)


def test_a_wish_is_sent_once() -> None:
    """A wish is sent at once, its job asked for until it is completed, and then nothing is left but the end."""
    state = first()
    assert next_step(state, NOW) == Step(Act.PUT, NOW)
    state = submitted(state, NOW)
    assert next_step(state, NOW) == Step(Act.ASK, NOW + MINUTE)
    state = answered(state, "COMPLETED", NOW + MINUTE)
    assert (state.outcome, next_step(state, NOW + MINUTE)) == (Outcome.DONE, Step(Act.END, PROMOTION.ends))


def test_nothing_is_sent_that_may_not_be() -> None:
    """While its stores are switched off a promotion is not sent; an end is."""
    assert next_step(first(), NOW, may_be_sent=False) == Step(Act.END, PROMOTION.ends)
    end = after.wished(running(), END, end_of(PROMOTION)(2), NOW)
    assert next_step(end, NOW, may_be_sent=False) == Step(Act.PUT, NOW)


def test_asking_slows_down() -> None:
    """The job is asked for after 1, 2, 4, 8 and then every 15 minutes, for a day."""
    state, now, gaps = submitted(first(), NOW), NOW, []
    while (step := next_step(state, now)) is not None and step.act is Act.ASK:
        gaps.append(round((step.at - now) / MINUTE))
        now = step.at
        state = answered(state, "QUEUED", now)
        assert trouble.is_unanswered(state, now) == (now - NOW >= HOUR)
    assert gaps[:6] == [1, 2, 4, 8, 15, 15]
    assert timedelta(hours=23) < now - NOW < timedelta(days=1)
    assert next_step(state, now) == Step(Act.END, PROMOTION.ends)


def test_an_unknown_effect_is_sent_again() -> None:
    """A body whose effect nobody knows is sent again, and the platform's word that it has it counts."""
    state = after.unknown(after.claimed(first(), "c", NOW))
    assert next_step(state, NOW) == Step(Act.PUT, NOW + MINUTE)
    state = answered(submitted(state, NOW + MINUTE), "DUPLICATE", NOW + 2 * MINUTE)
    assert (state.outcome, state.puts) == (Outcome.DONE, 2)


def test_a_duplicate_nobody_sent_is_shown() -> None:
    """A duplicate of nothing that was sent is asked for once more, and is then for a person."""
    state = answered(submitted(first(), NOW), "DUPLICATE", NOW + MINUTE)
    assert (state.outcome, next_step(state, NOW + MINUTE)) == (Outcome.DUPLICATE, Step(Act.ASK, NOW + 6 * MINUTE))
    state = answered(state, "DUPLICATE", NOW + 6 * MINUTE)
    assert next_step(state, NOW + 6 * MINUTE) == Step(Act.END, PROMOTION.ends)


@pytest.mark.parametrize("is_end", [False, True])
def test_a_failed_job(is_end: bool) -> None:
    """A job that failed is asked for once more and sent again with a back-off: an end until the promotion's time is
    over, anything else five times."""
    state = after.wished(running(), END, end_of(PROMOTION)(2), NOW) if is_end else first()
    now, puts = NOW, []
    while (step := next_step(state, now)) is not None and step.act is not Act.END:
        now = max(now, step.at)
        if step.act is Act.PUT:
            puts.append(now)
            state = submitted(state, now)
        else:
            state = answered(state, "FAILED", now)
    gaps = [later - earlier for earlier, later in pairwise(puts)]
    assert gaps[:3] == [11 * MINUTE, 16 * MINUTE, 26 * MINUTE]
    assert len(puts) > 30 if is_end else len(puts) == 5
    assert max(gaps) <= 2 * HOUR + 6 * MINUTE


@pytest.mark.parametrize("is_end", [False, True])
def test_an_unknown_effect_is_sent_until_the_end(is_end: bool) -> None:
    """What may have had no effect is sent again until the promotion's own end, after delays that grow to an hour."""
    state = after.wished(running(), END, end_of(PROMOTION)(2), NOW) if is_end else first()
    now, puts = NOW, []
    while (step := next_step(state, now)) is not None and step.act is Act.PUT:
        now = max(now, step.at)
        puts.append(now)
        state = after.claimed(state, "c", now)
    assert step == Step(Act.END, PROMOTION.ends)
    assert PROMOTION.ends - puts[-1] <= max(later - earlier for earlier, later in pairwise(puts)) <= HOUR


def test_a_job_may_be_completed_after_all() -> None:
    """A job that failed at first, and is completed when it is asked for once more, is done."""
    state = answered(submitted(first(), NOW), "FAILED", NOW + MINUTE)
    assert answered(state, "COMPLETED", NOW + 6 * MINUTE).outcome is Outcome.DONE


def test_a_refused_end_is_tried_again() -> None:
    """A body that the platform refuses is for a person; an end is tried again."""
    put = after.refused(after.claimed(first(), "c", NOW), "no", NOW)
    assert (put.outcome, next_step(put, NOW)) == (Outcome.REFUSED, Step(Act.END, PROMOTION.ends))
    end = after.wished(first(), END, end_of(PROMOTION)(2), NOW)
    end = after.refused(after.claimed(end, "c", NOW), "no", NOW)
    assert next_step(end, NOW) == Step(Act.PUT, NOW + 5 * MINUTE)


def test_an_end_waits_for_no_job() -> None:
    """An end is sent at once, and once more when the job of the older body has ended after it (rule W3)."""
    end = after.wished(submitted(first(), NOW), END, end_of(PROMOTION)(2), NOW + MINUTE)
    assert next_step(end, NOW + MINUTE) == Step(Act.PUT, NOW)
    end = answered(submitted(end, NOW + MINUTE, "j2"), "COMPLETED", NOW + 2 * MINUTE)
    assert next_step(end, NOW + 2 * MINUTE) == Step(Act.ASK_OLDER, NOW + MINUTE, "j1")
    end = after.older_asked(end, "j1", "COMPLETED", NOW + 2 * MINUTE)
    assert next_step(end, NOW + 2 * MINUTE) == Step(Act.PUT, NOW + 2 * MINUTE)
    end = answered(submitted(end, NOW + 3 * MINUTE, "j3"), "DUPLICATE", NOW + 4 * MINUTE)
    assert (end.outcome, next_step(end, NOW + HOUR)) == (Outcome.DONE, Step(Act.END, PROMOTION.ends))


def test_an_older_effect_that_nobody_knows() -> None:
    """After an older body without a job, the newer one is sent once more when an hour has passed."""
    state = after.unknown(after.claimed(first(), "c", NOW))
    state = after.wished(state, CHANGED, wish_of(CHANGED)(2), NOW + MINUTE)
    state = answered(submitted(state, NOW + MINUTE, "j2"), "COMPLETED", NOW + 2 * MINUTE)
    assert next_step(state, NOW + 2 * MINUTE) == Step(Act.PUT, NOW + HOUR)
    state = answered(submitted(state, NOW + HOUR, "j3"), "DUPLICATE", NOW + HOUR + MINUTE)
    assert next_step(state, NOW + HOUR + MINUTE) == Step(Act.END, PROMOTION.ends)


def test_a_planned_end_leaves_the_wish_alone() -> None:
    """An end for later is taken up at its time; until then the wish goes on. A newer end takes its place."""
    later = NOW + 2 * HOUR
    state = after.wished(first(), END, end_of(PROMOTION, not_before=later)(2), NOW)
    assert (state.wish.number, next_step(state, NOW)) == (1, Step(Act.PUT, NOW))
    state = answered(submitted(state, NOW), "COMPLETED", NOW + MINUTE)
    assert next_step(state, NOW + MINUTE) == Step(Act.TAKE_UP, later)
    taken_up = after.taken_up(state, later)
    assert (taken_up.wish.number, taken_up.wish.is_end, taken_up.planned) == (2, True, None)
    assert next_step(taken_up, later) == Step(Act.PUT, later)
    at_once = after.wished(state, END, end_of(PROMOTION, at=NOW + HOUR)(3), NOW + HOUR)
    assert (at_once.wish.number, at_once.planned) == (3, None)


def test_nobody_sends_during_a_claim() -> None:
    """While somebody sends a body, or died over it, nothing else of the promotion is sent."""
    claim = after.claimed(first(), "c", NOW)
    newer = after.wished(claim, CHANGED, wish_of(CHANGED)(2), NOW + MINUTE)
    assert next_step(newer, NOW + MINUTE) == Step(Act.PUT, NOW + after.CLAIM)
    known = after.job_known(newer, "c", NOW, "j1")
    assert [one.job_id for one in known.older] == ["j1"]
    assert next_step(known, NOW + MINUTE) == Step(Act.PUT, NOW)


def test_an_end_is_late_after_a_while() -> None:
    """An end that is not done within 15 minutes is late, whether it was planned or not."""
    end = after.wished(running(), END, end_of(PROMOTION)(2), NOW)
    planned = after.wished(running(), END, end_of(PROMOTION, not_before=NOW + HOUR)(2), NOW)
    assert [trouble.is_late_end(end, NOW + minutes * MINUTE) for minutes in (14, 15)] == [False, True]
    assert [trouble.is_late_end(planned, NOW + minutes * MINUTE) for minutes in (74, 75)] == [False, True]
    done = answered(submitted(end, NOW), "COMPLETED", NOW + MINUTE)
    assert not trouble.is_late_end(done, NOW + HOUR)


def test_what_should_run_and_is_not_sent() -> None:
    """A promotion is told of that was not sent a quarter of an hour after its start, and no other."""
    starts = PROMOTION.starts
    assert [trouble.is_not_sent(first(), starts + minutes * MINUTE) for minutes in (14, 15)] == [False, True]
    sent = after.unknown(after.claimed(first(), "c", starts))
    assert not trouble.is_not_sent(sent, starts + HOUR)
    assert not trouble.is_not_sent(after.wished(running(), END, end_of(PROMOTION)(2), NOW), starts + HOUR)


def test_an_end_of_what_never_ran_is_done() -> None:
    """A promotion that the platform never had needs no end; one that it may have gets it."""
    never = after.wished(first(), END, end_of(PROMOTION)(2), NOW)
    assert (never.outcome, never.has_ended) == (Outcome.DONE, True)
    step = next_step(never, NOW)
    assert step is not None
    assert step.act is Act.END
    sent = after.unknown(after.claimed(first(), "c", NOW))
    assert after.wished(sent, END, end_of(PROMOTION)(2), NOW).outcome is Outcome.WAITING
    died = after.claimed(first(), "c", NOW)
    assert after.wished(died, END, end_of(PROMOTION)(2), NOW).outcome is Outcome.WAITING


def test_a_slow_job_ends_its_wish() -> None:
    """An end whose job takes longer than an hour is sent again, and is done when the first job is completed."""
    end = submitted(after.wished(running(), END, end_of(PROMOTION)(2), NOW), NOW)
    again = submitted(answered(end, "QUEUED", NOW + MINUTE), NOW + HOUR, "j2")
    step = next_step(replace(again, asked_at=NOW + HOUR, asks=9), NOW + HOUR)
    assert step is not None
    assert (step.act, step.job_id) == (Act.ASK_OLDER, "j1")
    done = after.older_asked(again, "j1", "COMPLETED", NOW + HOUR + MINUTE)
    assert (done.outcome, done.has_ended, done.older) == (Outcome.DONE, True, ())


def test_an_older_job_of_another_body_is_no_end() -> None:
    """A job of the same body ends no wish if another body was sent after it."""
    put = submitted(first(), NOW)
    end = submitted(after.wished(put, END, end_of(PROMOTION)(2), NOW + MINUTE), NOW + MINUTE, "j2")
    again = after.wished(end, PROMOTION, wish_of(PROMOTION)(3), NOW + 2 * MINUTE)
    last = submitted(again, NOW + 2 * MINUTE, "j3")
    assert after.older_asked(last, "j1", "COMPLETED", NOW + 3 * MINUTE).outcome is Outcome.SUBMITTED


def test_repeats_push_out_no_other_body() -> None:
    """However often an end is sent again, the body before it is waited for."""
    state = after.wished(submitted(first(), NOW, "put"), END, end_of(PROMOTION)(2), NOW + MINUTE)
    for hour in range(20):
        state = submitted(state, NOW + hour * HOUR + MINUTE, f"end{hour}")
    assert {one.job_id for one in state.older if one.digest != state.wish.digest} == {"put"}


def test_a_refusal_leaves_what_stands() -> None:
    """A change that was refused had no effect: the body before it still stands, so that putting that again is no
    duplicate for a person."""
    done = answered(submitted(first(), NOW), "COMPLETED", NOW)
    change = after.wished(done, PROMOTION, replace(wish_of(PROMOTION)(2), digest="another"), NOW)
    refused = after.refused(after.claimed(change, "c", NOW), "no", NOW)
    again = after.wished(refused, PROMOTION, wish_of(PROMOTION)(3), NOW)
    assert answered(submitted(again, NOW), "DUPLICATE", NOW).outcome is Outcome.DONE


EVENTS = st.lists(
    st.tuples(
        st.sampled_from(("put", "change", "end", "end later", "COMPLETED", "FAILED", "DUPLICATE", "QUEUED", "unknown")),
        st.integers(0, 90),
    ),
    max_size=14,
)


@given(EVENTS)
def test_whatever_happens(events: list[tuple[str, int]]) -> None:
    """A state is read back as it was written, has a next step until it is over, and knows its newest wish."""
    state, now = first(), NOW
    for what, minutes in events:
        now += minutes * MINUTE
        number = state.newest_number + 1
        match what:
            case "put" | "change":
                promoted = PROMOTION if what == "put" else CHANGED
                state = after.wished(state, promoted, wish_of(promoted, now)(number), now)
                assert state.wish.number == number
            case "end":
                state = after.wished(state, END, end_of(PROMOTION, now)(number), now)
                assert state.wish.number == number
            case "end later":
                state = after.wished(state, END, end_of(PROMOTION, now, now + HOUR)(number), now)
                assert state.planned is not None
            case "unknown":
                state = after.unknown(after.claimed(state, "c", now))
            case status:
                state = answered(submitted(state, now), status, now)
        assert state_of(attributes_of(state)) == replace(state, version=state.version)
        step = next_step(state, now)
        assert step is not None
        assert step.act is Act.END or now < PROMOTION.ends
        assert len(state.older) <= after.MOST_OLDER
    assert next_step(state, PROMOTION.ends) == Step(Act.END, PROMOTION.ends)
    assert next_step(after.over(state, PROMOTION.ends), PROMOTION.ends) is None
