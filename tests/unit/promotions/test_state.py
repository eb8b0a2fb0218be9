"""What each thing that happens makes of a promotion's state."""

from dataclasses import replace
from datetime import timedelta

import pytest

from partner_orders.promotions import state as after
from partner_orders.promotions import trouble
from partner_orders.promotions.job_result import NOTHING_LEFT_OUT, JobResult
from partner_orders.promotions.promotion import ended
from partner_orders.promotions.record import Record, name_of, with_record
from partner_orders.promotions.state import OlderPut, PromotionState
from partner_orders.promotions.summary import Summary, summary_of
from partner_orders.promotions.wish import Channel, Outcome, Wish
from tests.support.promotions import NOW, end_of, promotion, wish_of

SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
PROMOTION = promotion()
CHANGED = promotion(price="2.50")
LEFT_OUT = JobResult(("s9",), count=1)
FIRST = after.first(PROMOTION, wish_of(PROMOTION)(1), Channel.API, NOW)
CLAIMED = after.claimed(FIRST, "token", NOW + MINUTE)
SUBMITTED = after.submitted(CLAIMED, "j1", NOW + 2 * MINUTE)
DONE = after.answered(SUBMITTED, "COMPLETED", LEFT_OUT, NOW + 3 * MINUTE)


def events(state: PromotionState) -> list[tuple[int, Outcome, bool]]:
    """What is told: the number of the wish, its outcome, and whether the bus gets it."""
    return [(record.wish.number, record.outcome, record.is_event) for record in state.untold]


def test_first_wish() -> None:
    """A promotion begins with a wish that waits, and nothing on the bus."""
    assert FIRST.summary == Summary(
        "Dairy week", PROMOTION.kind, ("s0",), PROMOTION.starts, PROMOTION.ends, 2, "TRADING"
    )
    assert summary_of(ended(PROMOTION)).active_skus == 0
    assert (FIRST.outcome, FIRST.version, FIRST.newest_number) == (Outcome.WAITING, 0, 1)
    assert events(FIRST) == [(1, Outcome.WAITING, False)]
    [record] = FIRST.untold
    assert record == Record(name_of(FIRST.wish), 1, NOW, FIRST.wish, Outcome.WAITING)


def test_claim_and_job() -> None:
    """Right before it is sent a wish is counted and claimed; once there is a job the claim is over."""
    assert (CLAIMED.puts, CLAIMED.put_at, CLAIMED.waiting_since) == (1, NOW + MINUTE, NOW + MINUTE)
    assert (CLAIMED.claim, CLAIMED.claimed_until) == ("token", NOW + MINUTE + timedelta(seconds=130))
    assert (CLAIMED.may_run, CLAIMED.may_have_it) == (False, False)
    again = after.claimed(after.unknown(CLAIMED), "other", NOW + HOUR)
    assert (again.puts, again.waiting_since, again.may_have_it) == (2, NOW + MINUTE, True)
    assert (SUBMITTED.job_id, SUBMITTED.may_run, SUBMITTED.claim, SUBMITTED.claimed_until) == ("j1", True, "", None)
    back = after.not_sent(FIRST, replace(CLAIMED, version=9, untold=()), NOW)
    assert replace(back, version=0, untold=FIRST.untold) == FIRST
    assert (back.version, [record.version for record in back.untold]) == (9, [10])
    told = replace(FIRST.untold[0], name="another")
    assert after.not_sent(FIRST, replace(CLAIMED, untold=(told,)), NOW).untold[0] == told
    assert events(SUBMITTED) == [(1, Outcome.SUBMITTED, True)]
    assert after.submitted(replace(CLAIMED, problem="timeout"), "j1", NOW).problem == ""
    anew = after.claimed(replace(DONE, is_rechecked=True), "token", NOW)
    assert (anew.job_id, anew.asks, anew.asked_at, anew.is_rechecked) == ("", 0, None, False)
    for digest, may_have_it in ((FIRST.wish.digest, True), ("another", False)):
        older = replace(FIRST, older=(OlderPut(digest, "j0", NOW),))
        assert after.claimed(older, "token", NOW).may_have_it is may_have_it


def test_completed_job() -> None:
    """A completed job ends the wish, with what the platform left out."""
    assert (DONE.outcome, DONE.result, DONE.standing) == (Outcome.DONE_IN_PART, LEFT_OUT, FIRST.wish.digest)
    assert (DONE.asks, DONE.asked_at) == (1, NOW + 3 * MINUTE)
    assert DONE.untold[-1].left_out == 1
    whole = after.answered(replace(SUBMITTED, problem="timeout", failures=2), "COMPLETED", NOTHING_LEFT_OUT, NOW)
    assert (whole.outcome, whole.problem, whole.failures) == (Outcome.DONE, "", 0)


def test_new_wish_overtakes() -> None:
    """A new wish starts anew: the earlier one is told as overtaken, or as done, and its body may still come."""
    changed = after.wished(SUBMITTED, CHANGED, wish_of(CHANGED)(2), NOW + HOUR)
    assert changed.older == (OlderPut(FIRST.wish.digest, "j1", NOW + MINUTE),)
    assert (changed.puts, changed.put_at, changed.job_id, changed.asks) == (0, None, "", 0)
    assert (changed.result, changed.may_run, changed.last_number) == (NOTHING_LEFT_OUT, True, 2)
    assert events(changed) == [(1, Outcome.OVERTAKEN, True), (2, Outcome.WAITING, False)]
    changed = after.wished(DONE, CHANGED, wish_of(CHANGED)(2), NOW + HOUR)
    assert (changed.older, changed.result, changed.standing) == ((), NOTHING_LEFT_OUT, FIRST.wish.digest)
    assert events(changed) == [(1, Outcome.DONE_IN_PART, True), (2, Outcome.WAITING, False)]
    same = after.wished(DONE, PROMOTION, wish_of(PROMOTION)(2), NOW + HOUR)
    assert same.result == LEFT_OUT
    assert events(after.wished(FIRST, CHANGED, wish_of(CHANGED)(2), NOW))[0] == (1, Outcome.OVERTAKEN, True)
    over = after.wished(after.over(DONE, NOW), PROMOTION, wish_of(PROMOTION)(2), NOW)
    assert events(over)[-1] == (2, Outcome.WAITING, False)
    assert (1, Outcome.OVERTAKEN, True) not in events(over)


def test_new_wish_keeps_what_is_known() -> None:
    """What the platform may have, who sends now, and the planned end stay."""
    planned = after.wished(CLAIMED, PROMOTION, end_of(PROMOTION, not_before=NOW + HOUR)(2), NOW)
    known = replace(planned, older_ended_at=NOW, stood="body")
    changed = after.wished(known, CHANGED, wish_of(CHANGED)(3), NOW)
    assert (changed.planned, changed.older_ended_at, changed.stood) == (planned.planned, NOW, "body")
    assert (changed.claim, changed.claimed_until) == ("token", CLAIMED.claimed_until)
    assert (changed.last_number, changed.newest_number) == (3, 3)
    late = after.wished(replace(known, last_number=9), CHANGED, wish_of(CHANGED)(3), NOW)
    assert late.last_number == 9


def test_planned_end() -> None:
    """An end for later is planned beside the wish, told as waiting, and taken up at its time."""
    later = end_of(PROMOTION, not_before=NOW + HOUR)(2)
    planned = after.wished(DONE, PROMOTION, later, NOW)
    assert (planned.planned, planned.wish, planned.outcome) == (later, DONE.wish, DONE.outcome)
    assert (planned.last_number, planned.newest_number, planned.summary.active_skus) == (2, 2, 2)
    assert events(planned)[-1] == (2, Outcome.WAITING, False)
    assert (planned.untold[-1].puts, planned.untold[-1].version) == (0, 1)
    assert replace(planned, last_number=0).newest_number == 2
    up = after.taken_up(planned, NOW + HOUR)
    assert (up.wish, up.planned, up.summary.active_skus) == (later, None, 0)
    with pytest.raises(AssertionError, match=r"^an end that is taken up was planned$"):
        after.taken_up(DONE, NOW)
    back = after.unplanned(planned, NOW, "ops: not yet")
    assert (back.planned, back.last_number, back.wish) == (None, 2, DONE.wish)
    assert after.unplanned(replace(planned, last_number=0), NOW, "ops: not yet").last_number == 2
    assert events(back)[-1] == (2, Outcome.OVERTAKEN, True)
    assert back.untold[-1].wish.why == "because; ops: not yet"
    other = after.wished(
        replace(planned, last_number=5), PROMOTION, end_of(PROMOTION, not_before=NOW + 2 * HOUR)(3), NOW
    )
    assert (other.planned, other.last_number) == (end_of(PROMOTION, not_before=NOW + 2 * HOUR)(3), 5)
    assert after.over(planned, NOW).planned is None


def test_end_now() -> None:
    """An end has nothing active, takes the place of a planned one, and is done where the platform never had it."""
    planned = after.wished(DONE, PROMOTION, end_of(PROMOTION, not_before=NOW + HOUR)(2), NOW)
    end = after.wished(planned, ended(PROMOTION), end_of(PROMOTION)(3), NOW)
    assert (end.planned, end.summary.active_skus, end.outcome, end.has_ended) == (None, 0, Outcome.WAITING, False)
    never = after.wished(FIRST, ended(PROMOTION), end_of(PROMOTION)(2), NOW)
    assert (never.outcome, never.has_ended) == (Outcome.DONE, True)
    assert after.wished(CLAIMED, ended(PROMOTION), end_of(PROMOTION)(2), NOW).outcome is Outcome.WAITING
    files = replace(end, channel=Channel.FILES, outcome=Outcome.SUBMITTED)
    assert files.has_ended
    assert not replace(files, channel=Channel.API).has_ended


def test_summary_follows_what_should_run() -> None:
    """A changed promotion has a summary of its own. What an end lacks of the list changes nothing but the SKUs."""
    fewer = promotion(skus=("KW-1",))
    changed = after.wished(DONE, fewer, wish_of(fewer)(2), NOW)
    assert changed.summary == summary_of(fewer) == replace(DONE.summary, active_skus=1)
    elsewhere = promotion(vendors=("s7",))
    end = after.wished(DONE, elsewhere, end_of(elsewhere)(2), NOW)
    assert end.summary == replace(DONE.summary, active_skus=0)


def test_older_bodies_are_bounded() -> None:
    """Of one body the last four puts are waited for, of all ten; without a job only the last one."""
    state = SUBMITTED
    for number in range(12):
        body = promotion(price=f"1.{number:02d}")
        state = after.wished(state, body, wish_of(body)(number + 2), NOW)
        state = after.submitted(after.claimed(state, "t", NOW + number * SECOND), f"k{number}", NOW)
    assert [one.job_id for one in after.claimed(state, "t", NOW + MINUTE).older] == [
        *(f"k{number}" for number in range(2, 12)),
    ]
    same = SUBMITTED
    for number in range(6):
        same = after.submitted(after.claimed(same, "t", NOW + number * SECOND), f"k{number}", NOW)
    assert len(same.older) == 4
    unknown = CLAIMED
    for number in range(3):
        unknown = after.claimed(after.unknown(unknown), "t", NOW + number * SECOND)
    assert [(one.job_id, one.put_at) for one in unknown.older] == [("", NOW + SECOND)]


@pytest.mark.parametrize(
    ("outcome", "is_rechecked", "may_come"),
    [
        (Outcome.WAITING, False, True),
        (Outcome.SUBMITTED, False, True),
        (Outcome.FAILED, False, True),
        (Outcome.FAILED, True, False),
        (Outcome.DUPLICATE, False, True),
        (Outcome.DUPLICATE, True, False),
        (Outcome.DONE, False, False),
        (Outcome.REFUSED, False, False),
    ],
)
def test_body_that_may_still_come(outcome: Outcome, is_rechecked: bool, may_come: bool) -> None:
    """A body may come after the next one until its job has surely ended."""
    state = replace(SUBMITTED, outcome=outcome, is_rechecked=is_rechecked)
    assert bool(after.wished(state, CHANGED, wish_of(CHANGED)(2), NOW).older) is may_come


@pytest.mark.parametrize(
    ("job_id", "ago", "is_awaited"),
    [
        ("j0", timedelta(days=1) - SECOND, True),
        ("j0", timedelta(days=1), False),
        ("", HOUR - SECOND, True),
        ("", HOUR, False),
    ],
)
def test_older_body_is_waited_for(job_id: str, ago: timedelta, is_awaited: bool) -> None:
    """An older body's job is waited for a day, and one without a job an hour."""
    state = replace(FIRST, older=(OlderPut("another", job_id, NOW - ago),))
    assert bool(after.claimed(state, "t", NOW).older) is is_awaited


def test_what_stood_before() -> None:
    """A refused body had no effect, so what stood before stands; once a body was taken, nothing does."""
    changed = after.wished(DONE, CHANGED, wish_of(CHANGED)(2), NOW)
    claimed = after.claimed(changed, "t", NOW)
    assert (claimed.standing, claimed.stood) == ("", FIRST.wish.digest)
    refused = after.refused(claimed, "no such store", NOW + MINUTE)
    assert (refused.standing, refused.outcome, refused.failures) == (FIRST.wish.digest, Outcome.REFUSED, 1)
    assert (refused.problem, refused.asked_at, refused.claim) == ("no such store", NOW + MINUTE, "")
    assert (refused.put_at, refused.asks, refused.job_id) == (NOW, 0, "")
    late = after.refused(SUBMITTED, "no such store", NOW + HOUR)
    assert (late.put_at, late.asks, late.job_id) == (NOW + MINUTE, 0, "")
    assert after.refused(DONE, "no such store", NOW + HOUR).asks == 0
    assert after.submitted(claimed, "j2", NOW).stood == ""
    same = after.claimed(after.wished(DONE, PROMOTION, wish_of(PROMOTION)(2), NOW), "t", NOW)
    assert (same.standing, same.may_have_it) == (FIRST.wish.digest, True)
    unreadable = after.unreadable(FIRST, "gone", NOW)
    assert (unreadable.outcome, unreadable.is_rechecked, unreadable.put_at) == (Outcome.FAILED, True, NOW)


def test_failed_job_is_asked_for_again() -> None:
    """A failure counts once its job was asked for a second time; without a job it counts at once."""
    failed = after.answered(SUBMITTED, "FAILED", NOTHING_LEFT_OUT, NOW)
    assert (failed.outcome, failed.failures, failed.is_rechecked) == (Outcome.FAILED, 1, False)
    again = after.answered(failed, "FAILED", NOTHING_LEFT_OUT, NOW)
    assert (again.failures, again.is_rechecked, again.asks) == (1, True, 2)
    assert after.answered(replace(SUBMITTED, job_id=""), "FAILED", NOTHING_LEFT_OUT, NOW).is_rechecked
    assert after.answered(failed, "STRANGE", NOTHING_LEFT_OUT, NOW).is_rechecked
    asked = after.answered(replace(SUBMITTED, problem="timeout"), "QUEUED", NOTHING_LEFT_OUT, NOW)
    assert (asked.outcome, asked.problem, asked.is_rechecked) == (Outcome.SUBMITTED, "", False)
    unasked = after.unasked(SUBMITTED, "timeout", NOW + HOUR)
    assert (unasked.asks, unasked.asked_at, unasked.problem, unasked.is_rechecked) == (1, NOW + HOUR, "timeout", False)
    assert after.unasked(failed, "timeout", NOW).is_rechecked
    duplicate = replace(failed, outcome=Outcome.DUPLICATE)
    assert after.unasked(duplicate, "timeout", NOW).is_rechecked
    assert after.answered(duplicate, "STRANGE", NOTHING_LEFT_OUT, NOW).is_rechecked
    tried = after.tried_again(replace(again, problem="no such store"), NOW)
    assert tried.problem == ""
    assert (tried.outcome, tried.put_at, tried.asked_at, tried.is_rechecked) == (Outcome.WAITING, None, None, False)


def test_duplicate_job() -> None:
    """A duplicate is done where the platform may have the body, and else nobody sent it."""
    duplicate = after.answered(SUBMITTED, "DUPLICATE", NOTHING_LEFT_OUT, NOW)
    assert (duplicate.outcome, duplicate.failures) == (Outcome.DUPLICATE, 1)
    had = replace(SUBMITTED, may_have_it=True, failures=2, problem="x")
    done = after.answered(had, "DUPLICATE", NOTHING_LEFT_OUT, NOW)
    assert (done.outcome, done.standing, done.failures, done.problem) == (Outcome.DONE, FIRST.wish.digest, 0, "")
    in_part = after.answered(replace(had, result=LEFT_OUT), "DUPLICATE", NOTHING_LEFT_OUT, NOW)
    assert in_part.outcome is Outcome.DONE_IN_PART


def test_job_of_an_older_body() -> None:
    """An older body's job counts its asking, and goes once it has surely ended."""
    state = after.wished(SUBMITTED, CHANGED, wish_of(CHANGED)(2), NOW)
    asked = after.older_asked(state, "j1", "QUEUED", NOW + MINUTE)
    assert asked.older == (replace(state.older[0], asks=1, asked_at=NOW + MINUTE),)
    assert asked.older_ended_at is None
    failed = after.older_asked(asked, "j1", "FAILED", NOW + HOUR)
    assert failed.older[0].has_failed
    assert after.older_asked(failed, "j1", "", NOW).older[0].has_failed is False
    assert after.older_asked(failed, "j1", "FAILED", NOW).older == ()
    ended_job = after.older_asked(state, "j1", "COMPLETED", NOW + HOUR)
    assert (ended_job.older, ended_job.older_ended_at) == ((), NOW + HOUR)
    assert after.older_asked(state, "j1", "DUPLICATE", NOW + HOUR) == ended_job
    other = OlderPut("another", "j2", NOW)
    two = replace(state, older=(*state.older, other))
    assert after.older_asked(two, "j1", "COMPLETED", NOW).older == (other,)
    assert after.older_asked(two, "j2", "QUEUED", NOW).older == (*state.older, replace(other, asks=1, asked_at=NOW))
    assert after.older_asked(state, "j7", "COMPLETED", NOW) is state
    over = after.over(replace(ended_job, older=state.older), NOW)
    assert (over.outcome, over.older, over.older_ended_at, over.claim) == (Outcome.OVER, (), None, "")


def test_older_job_of_the_same_body() -> None:
    """Its end is the end of the wish, unless another body was sent since, or the wish has its end already."""
    twice = after.claimed(SUBMITTED, "t", NOW + HOUR)
    done = after.older_asked(twice, "j1", "COMPLETED", NOW + HOUR, LEFT_OUT)
    assert (done.outcome, done.result, done.older) == (Outcome.DONE_IN_PART, LEFT_OUT, ())
    between = replace(twice, older=(*twice.older, OlderPut("another", "j2", NOW + 2 * MINUTE)))
    assert after.older_asked(between, "j1", "COMPLETED", NOW).outcome is Outcome.WAITING
    before = replace(twice, older=(OlderPut("another", "j2", NOW), *twice.older))
    assert after.older_asked(before, "j1", "COMPLETED", NOW).outcome is Outcome.DONE
    at_once = replace(twice, older=(*twice.older, OlderPut("another", "j2", twice.older[0].put_at)))
    assert after.older_asked(at_once, "j1", "COMPLETED", NOW).outcome is Outcome.WAITING
    newer = replace(twice, waiting_since=NOW + MINUTE + SECOND)
    assert after.older_asked(newer, "j1", "COMPLETED", NOW).outcome is Outcome.WAITING
    settled = replace(twice, outcome=Outcome.REFUSED)
    assert after.older_asked(settled, "j1", "COMPLETED", NOW).outcome is Outcome.REFUSED


def test_job_of_a_body_that_was_overtaken() -> None:
    """The job that came back with an overtaken body is waited for; only its own claim is given back."""
    state = after.wished(CLAIMED, CHANGED, wish_of(CHANGED)(2), NOW)
    known = after.job_known(state, "token", NOW + MINUTE, "j1")
    assert [one.job_id for one in known.older] == ["j1"]
    assert (known.claim, known.may_run) == ("", True)
    assert after.job_known(state, "other", NOW + MINUTE, "j1").claim == "token"
    assert [one.job_id for one in after.job_known(state, "token", NOW, "j1").older] == [""]
    near = NOW + MINUTE + timedelta(microseconds=999)
    assert [one.job_id for one in after.job_known(state, "token", near, "j1").older] == ["j1"]
    far = NOW + MINUTE + timedelta(milliseconds=1)
    assert [one.job_id for one in after.job_known(state, "token", far, "j1").older] == [""]


def test_what_was_told_goes() -> None:
    """What is in the history is no longer untold."""
    state = after.wished(DONE, CHANGED, wish_of(CHANGED)(2), NOW)
    assert after.told(state, 1).untold == state.untold[1:]


# -- trouble and records ---------------------------------------------------------------------------------------------


def test_trouble_begins_on_time() -> None:
    """Nothing is trouble a second before its time."""
    assert trouble.is_unanswered(SUBMITTED, NOW + MINUTE + HOUR)
    assert not trouble.is_unanswered(SUBMITTED, NOW + MINUTE + HOUR - SECOND)
    assert trouble.is_unanswered(after.unknown(CLAIMED), NOW + MINUTE + HOUR)
    assert not trouble.is_unanswered(DONE, NOW + 2 * HOUR)
    assert not trouble.is_unanswered(FIRST, NOW + 2 * HOUR)
    end = after.wished(DONE, ended(PROMOTION), end_of(PROMOTION)(2), NOW)
    assert trouble.is_late_end(end, NOW + 15 * MINUTE)
    assert not trouble.is_late_end(end, NOW + 15 * MINUTE - SECOND)
    planned = after.wished(DONE, PROMOTION, end_of(PROMOTION, not_before=NOW + HOUR)(2), NOW)
    assert trouble.is_late_end(planned, NOW + HOUR + 15 * MINUTE)
    assert not trouble.is_late_end(planned, NOW + HOUR)
    assert not trouble.is_late_end(after.over(planned, NOW), NOW + 2 * HOUR)
    assert not trouble.is_late_end(replace(end, outcome=Outcome.DONE), NOW + 2 * HOUR)
    assert trouble.is_not_sent(FIRST, NOW + 15 * MINUTE)
    assert not trouble.is_not_sent(FIRST, NOW + 15 * MINUTE - SECOND)
    assert not trouble.is_not_sent(CLAIMED, NOW + HOUR)
    coming = after.first(promotion(starts=NOW + HOUR), wish_of(PROMOTION)(1), Channel.API, NOW)
    assert not trouble.is_not_sent(coming, NOW + HOUR)
    assert not trouble.is_not_sent(end, NOW + HOUR)


def test_times_of_a_wish() -> None:
    """A wish is due at its time, or later where that was set; a name cuts its time to milliseconds."""
    wish = Wish(7, "digest", False, "a person", "because", NOW + timedelta(microseconds=123_999))
    assert wish.due == wish.at
    assert replace(wish, not_before=NOW + HOUR).due == NOW + HOUR
    assert replace(wish, not_before=NOW).due == wish.at
    assert (wish.after, wish.document) == ("", "")
    assert name_of(wish) == "2026-05-06T10:00:00.123000Z#000007"
    assert name_of(replace(wish, at=NOW + timedelta(microseconds=500_000))) == "2026-05-06T10:00:00.500000Z#000007"


def test_outcomes_are_what_is_stored() -> None:
    """The words of outcomes stand in the table and on the bus."""
    assert [*Outcome] == [
        *("waiting", "submitted", "done", "done_in_part", "failed", "duplicate", "refused", "over", "overtaken"),
    ]


def test_records_are_bounded() -> None:
    """A record takes the place of its older copy, stays an event, and the oldest are left out."""
    first = Record("a", 1, NOW, FIRST.wish, Outcome.WAITING, is_event=True)
    [newer] = with_record([first], replace(first, version=2, is_event=False))
    assert (newer.version, newer.is_event) == (2, True)
    many = [replace(first, name=str(number)) for number in range(20)]
    assert with_record(many, first) == (*many[1:], first)
    assert with_record([], replace(first, is_event=False))[0].is_event is False
