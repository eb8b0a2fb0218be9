"""What each thing that happens makes of a store's status."""

import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from partner_orders.store_status import status as after
from partner_orders.store_status.next_step import Act
from partner_orders.store_status.record import Record, name_of, of_shown, of_wish, with_records
from partner_orders.store_status.shown import CheckinTimes, Reading, Shown, shows
from partner_orders.store_status.status import StoreStatus, as_sent
from partner_orders.store_status.wish import LONGEST_CLOSING, REASONS, Kind, Outcome, Wish
from tests.support.fixed_clock import NOW

ROOT = Path(__file__).parents[3]
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
END = NOW + 3 * HOUR
CLOSING = Wish(1, Kind.CLOSED_UNTIL, END, "OTHER", "a person", "because", NOW)
OPENING = replace(CLOSING, number=2, kind=Kind.OPEN, reason="")
STORE = StoreStatus("s0", version=4)
WISHED = after.wished(STORE, CLOSING, NOW)
CLAIMED = after.claimed(WISHED, "token", NOW + MINUTE)
SENT = after.sent(CLAIMED, NOW + 2 * MINUTE, is_acknowledged=True)
OPEN = Reading("OPEN")
CLOSED = Reading("CLOSED_UNTIL", "OTHER", END)


def events(status: StoreStatus) -> list[tuple[str, Outcome | None, bool]]:
    """What is told: whose record it is, its outcome, and whether the bus gets it."""
    return [("shown" if one.wish is None else str(one.wish.number), one.outcome, one.is_event) for one in status.untold]


def test_wish() -> None:
    """A wish starts anew, and is told without an event; an earlier one that was looked after is overtaken."""
    assert (WISHED.active_wish, WISHED.outcome, WISHED.waiting_since) == (CLOSING, Outcome.WAITING, NOW)
    assert events(WISHED) == [("1", Outcome.WAITING, False)]
    assert WISHED.untold[0].version == 5
    later = after.wished(replace(SENT, refusal="x", was_shown=True), OPENING, NOW + HOUR)
    assert (later.puts, later.put_at, later.is_acknowledged, later.awaits_reading) == (0, None, False, False)
    assert (later.refusal, later.was_shown, later.claim) == ("", False, "")
    assert events(later) == [("1", Outcome.OVERTAKEN, True), ("2", Outcome.WAITING, False)]
    assert later.untold[0].version == 5
    over = after.wished(after.ended(SENT, END), OPENING, END)
    assert events(over) == [("1", Outcome.GIVEN_UP, True), ("2", Outcome.WAITING, False)]


def test_claim_and_sending() -> None:
    """A wish is counted and claimed before it is sent, and has to be read then."""
    assert (CLAIMED.puts, CLAIMED.put_at, CLAIMED.awaits_reading) == (1, NOW + MINUTE, True)
    assert (CLAIMED.claim, CLAIMED.is_acknowledged) == ("token", False)
    assert CLAIMED.claimed_until == NOW + MINUTE + timedelta(seconds=130)
    assert (SENT.put_at, SENT.claim, SENT.claimed_until, SENT.is_acknowledged) == (NOW + 2 * MINUTE, "", None, True)
    again = after.claimed(replace(SENT, refusal="LOCKED"), "other", NOW + HOUR)
    assert (again.puts, again.is_acknowledged, again.refusal) == (2, False, "")
    back = after.not_sent(WISHED, replace(CLAIMED, version=9), NOW)
    assert replace(back, version=WISHED.version, untold=WISHED.untold) == WISHED
    assert (back.version, back.untold[-1].version) == (9, 10)
    told = replace(WISHED.untold[0], name="another")
    assert after.not_sent(WISHED, replace(CLAIMED, untold=(told,)), NOW).untold == (told, *WISHED.untold)
    refused = after.sent(CLAIMED, NOW, refusal="LOCKED")
    assert (refused.outcome, refused.refusal) == (Outcome.WAITING, "LOCKED")
    lasting = after.sent(replace(CLAIMED, is_lasting=True), NOW, refusal="LOCKED")
    assert (lasting.outcome, lasting.is_acknowledged) == (Outcome.REFUSED, False)
    assert after.sent(replace(CLAIMED, is_lasting=True), NOW).outcome is Outcome.WAITING


def test_closing_is_shown() -> None:
    """A closing that the platform shows is looked after further; one that it shows no longer waits again."""
    shown = after.read(SENT, CLOSED, NOW + HOUR)
    assert (shown.outcome, shown.was_shown, shown.awaits_reading) == (Outcome.SHOWN, True, False)
    assert (shown.looked_at, shown.failures, shown.shown) == (NOW + HOUR, 0, Shown(CLOSED, NOW + HOUR, NOW + HOUR))
    assert events(shown) == [("1", Outcome.SHOWN, True)]
    gone = after.read(shown, OPEN, NOW + 2 * HOUR)
    assert (gone.outcome, gone.waiting_since) == (Outcome.WAITING, NOW + 2 * HOUR)
    assert events(gone) == [("shown", None, True), ("1", Outcome.WAITING, True)]
    assert after.ended(gone, END).outcome is Outcome.ENDED
    assert after.ended(SENT, END).outcome is Outcome.GIVEN_UP
    unsure = after.read(replace(gone, is_acknowledged=False), Reading("CLOSED_UNTIL", "OTHER"), END - HOUR)
    assert unsure.outcome is Outcome.SHOWN
    waiting = after.read(SENT, OPEN, NOW + HOUR)
    assert (waiting.outcome, waiting.waiting_since) == (Outcome.WAITING, NOW)
    assert after.read(WISHED, CLOSED, NOW).outcome is Outcome.WAITING


def test_opening_is_done_once_shown() -> None:
    """An opening that was shown once is done."""
    status = after.sent(after.claimed(after.wished(STORE, OPENING, NOW), "t", NOW), NOW)
    assert after.read(status, OPEN, NOW).outcome is Outcome.DONE
    assert after.read(status, OPEN, NOW).active_wish is None


def test_refusal_and_readings() -> None:
    """What was refused is refused once the platform shows something else, or cannot be read for a lasting reason."""
    refused = after.sent(CLAIMED, NOW, refusal="LOCKED")
    assert after.read(refused, OPEN, NOW).outcome is Outcome.REFUSED
    assert after.read(refused, CLOSED, NOW).outcome is Outcome.SHOWN
    assert after.read(refused, CLOSED, NOW).refusal == ""
    failed = after.unreadable(refused, "timeout", False, NOW + HOUR)
    assert (failed.outcome, failed.failures, failed.problem) == (Outcome.WAITING, 1, "timeout")
    assert (failed.looked_at, failed.is_lasting) == (NOW + HOUR, False)
    gone = after.unreadable(failed, "no such store", True, NOW)
    assert (gone.outcome, gone.untold[-1].outcome, gone.untold[-1].is_event) == (Outcome.REFUSED, Outcome.REFUSED, True)
    assert after.unreadable(SENT, "no such store", True, NOW).outcome is Outcome.WAITING
    assert after.unreadable(STORE, "no such store", True, NOW).outcome is None
    again = after.read(replace(failed, is_lasting=True), OPEN, NOW)
    assert (again.failures, again.problem, again.is_lasting) == (0, "", False)


def test_changes_that_are_shown() -> None:
    """A change of status, reason or end is told; the same again keeps since when it is so."""
    first = after.read(STORE, OPEN, NOW)
    assert first.untold == ()
    same = after.read(first, replace_checkin(OPEN), NOW + HOUR)
    assert same.shown == Shown(replace_checkin(OPEN), NOW + HOUR, NOW)
    assert same.untold == ()
    closed = after.read(same, Reading("CLOSED"), NOW + 2 * HOUR)
    assert closed.shown == Shown(Reading("CLOSED"), NOW + 2 * HOUR, NOW + 2 * HOUR)
    name = "2026-10-14T11:00:00.000000Z#shown"
    told = Record(name, 5, NOW + 2 * HOUR, None, None, 0, "", Reading("CLOSED"), replace_checkin(OPEN), is_event=True)
    assert closed.untold == (told,)
    assert after.told(closed, 1).untold == ()


def replace_checkin(reading: Reading) -> Reading:
    return reading._replace(checkin=CheckinTimes(NOW, NOW + HOUR))


def test_check_in_is_noted() -> None:
    """The times of a check-in are used once."""
    wish = replace(OPENING, kind=Kind.CHECKIN)
    status = after.checked_in(STORE, wish, CheckinTimes(NOW - HOUR, NOW), NOW)
    assert (status.checked_in_for, status.active_wish) == (NOW - HOUR, wish)


def test_closing_of_today_goes_again_until_its_time() -> None:
    """A closing of today that was shown once is sent until its time, as the platform's day may be over."""
    today = replace(CLOSING, kind=Kind.CLOSED_TODAY)
    assert as_sent(replace(WISHED, was_shown=True), today) == CLOSING
    assert as_sent(WISHED, today) == today
    assert as_sent(replace(WISHED, was_shown=True), OPENING) == OPENING


@pytest.mark.parametrize(
    ("kind", "reading", "is_acknowledged", "is_shown"),
    [
        (Kind.OPEN, Reading("OPEN"), False, True),
        (Kind.OPEN, Reading("CHECKIN"), True, False),
        (Kind.CHECKIN, Reading("CHECKIN"), False, True),
        (Kind.CHECKIN, Reading("OPEN"), False, True),
        (Kind.CHECKIN, Reading("CLOSED"), True, False),
        (Kind.CLOSED_TODAY, Reading("CLOSED"), True, True),
        (Kind.CLOSED_TODAY, Reading("CLOSED"), False, False),
        (Kind.CLOSED_TODAY, Reading("CLOSED_TODAY"), False, True),
        (Kind.CLOSED_UNTIL, Reading("CLOSED_TODAY"), True, False),
        (Kind.CLOSED_UNTIL, Reading("OPEN"), True, False),
        (Kind.CLOSED_UNTIL, Reading("CLOSED_UNTIL"), True, True),
        (Kind.CLOSED_UNTIL, Reading("CLOSED_UNTIL"), False, False),
        (Kind.CLOSED_UNTIL, Reading("CLOSED_UNTIL", "", END + MINUTE), False, True),
        (Kind.CLOSED_UNTIL, Reading("CLOSED_UNTIL", "", END - MINUTE), False, True),
        (Kind.CLOSED_UNTIL, Reading("CLOSED_UNTIL", "", END + MINUTE + SECOND), True, False),
        (Kind.CLOSED_TODAY, Reading("CLOSED_UNTIL", "", END), False, True),
    ],
)
def test_what_shows_a_wish(kind: Kind, reading: Reading, is_acknowledged: bool, is_shown: bool) -> None:
    """A closing is shown with its end to the minute, or by the platform's word where it shows none."""
    assert shows(reading, replace(CLOSING, kind=kind), is_acknowledged) is is_shown


def test_words() -> None:
    """Closed is what the platform may read as closed, and kinds, outcomes and acts are what is stored and shown."""
    assert [Reading(status).is_closed for status in ("CLOSED", "CLOSED_TODAY", "CLOSED_UNTIL", "OPEN", "CHECKIN")] == [
        *(True, True, True, False, False),
    ]
    assert [act.value for act in Act] == ["read", "put", "end"]
    assert [kind.value for kind in Kind if kind.closes] == ["CLOSED_TODAY", "CLOSED_UNTIL"]
    assert [outcome.value for outcome in Outcome if outcome.is_active] == ["waiting", "shown"]
    assert [outcome.value for outcome in Outcome if not outcome.is_active] == [
        *("done", "ended", "refused", "given_up", "overtaken"),
    ]


def test_limits_are_the_platforms() -> None:
    """The reasons and the longest closing are those of docs/store-status.md, which has them from the platform."""
    page = (ROOT / "docs" / "store-status.md").read_text(encoding="utf-8")
    said = page[page.index("The codes are ") : page.index("The platform opens a store")]
    assert re.findall(r"`([A-Z_]+)`", said) == [*REASONS]
    assert f"5 minutes to {LONGEST_CLOSING.days} days ahead" in page


def test_records() -> None:
    """A record takes the place of its older copy and stays an event; its name cuts the time to milliseconds."""
    wish = replace(CLOSING, at=NOW + timedelta(microseconds=123_999))
    assert name_of(wish) == "2026-10-14T09:00:00.123000Z#000001"
    assert name_of(replace(wish, at=NOW + timedelta(microseconds=500_000))) == "2026-10-14T09:00:00.500000Z#000001"
    record = of_wish(replace(SENT, refusal="LOCKED", shown=Shown(OPEN, NOW, NOW)), None, is_event=True)
    assert record == Record(name_of(CLOSING), 4, NOW, CLOSING, Outcome.WAITING, 1, "LOCKED", OPEN, is_event=True)
    assert of_wish(SENT, NOW + HOUR, is_event=False).at == NOW + HOUR
    [newer] = with_records([record], replace(record, version=9, is_event=False))
    assert (newer.version, newer.is_event) == (9, True)
    many = [replace(record, name=str(number)) for number in range(20)]
    assert with_records(many, record) == (*many[1:], record)
    with pytest.raises(AssertionError, match=r"^a record is of a wish$"):
        of_wish(STORE, NOW, is_event=True)
    with pytest.raises(AssertionError, match=r"^a change is of something that is shown$"):
        of_shown(STORE, Shown(OPEN, NOW, NOW))
