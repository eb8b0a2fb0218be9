"""The status of a store, as it is wished and shown, and what each thing that happens makes of it.

Pure: each function gives the status as it is then. Whoever writes it does so only over the version that it has read.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from partner_orders.store_status.record import Record, of_shown, of_wish, with_records
from partner_orders.store_status.shown import CheckinTimes, Reading, Shown, shows
from partner_orders.store_status.wish import Kind, Outcome, Wish

# Longer than the function may take: until then nobody else sends anything to the store.
CLAIM = timedelta(seconds=130)


@dataclass(frozen=True, slots=True)
class StoreStatus:
    """``version`` grows with each write. ``wish`` is the newest one, with its ``outcome``; ``waiting_since`` is since
    when the platform does not show it. ``puts`` counts how often it was sent, ``put_at`` is when the last time ended,
    and ``is_acknowledged`` whether that got a 2xx. ``refusal``: the platform's words to the last one, if it refused.
    ``awaits_reading``: whether the status has not been read since. ``was_shown``: whether the platform ever showed it.

    ``looked_at`` is when it was last tried to read the status, ``failures`` how often in a row that failed, and
    ``problem`` why, ``is_lasting`` where it will not pass by itself. ``claim`` is of whoever sends something now, and
    counts until ``claimed_until``. ``checked_in_for`` is the beginning of the last times of check-in that were used.
    ``untold`` is what is not in the history or on the bus yet.
    """

    store_id: str
    version: int = 0
    wish: Wish | None = None
    outcome: Outcome | None = None
    waiting_since: datetime | None = None
    puts: int = 0
    put_at: datetime | None = None
    is_acknowledged: bool = False
    awaits_reading: bool = False
    refusal: str = ""
    was_shown: bool = False
    shown: Shown | None = None
    looked_at: datetime | None = None
    failures: int = 0
    problem: str = ""
    is_lasting: bool = False
    claim: str = ""
    claimed_until: datetime | None = None
    checked_in_for: datetime | None = None
    untold: tuple[Record, ...] = ()

    @property
    def active_wish(self) -> Wish | None:
        """The wish, for as long as it is looked after."""
        return self.wish if self.outcome is not None and self.outcome.is_active else None


def wished(status: StoreStatus, wish: Wish, now: datetime) -> StoreStatus:
    """After a new wish. An earlier one that was still looked after is overtaken."""
    records = status.untold
    if status.active_wish is not None:
        overtaken = replace(status, version=status.version + 1, outcome=Outcome.OVERTAKEN)
        records = with_records(records, of_wish(overtaken, now, is_event=True))
    after = replace(
        status,
        wish=wish,
        outcome=Outcome.WAITING,
        waiting_since=wish.at,
        puts=0,
        put_at=None,
        is_acknowledged=False,
        awaits_reading=False,
        refusal="",
        was_shown=False,
        untold=records,
    )
    return _noted(after, now)


def checked_in(status: StoreStatus, wish: Wish, times: CheckinTimes, now: datetime) -> StoreStatus:
    """After the wish of a check-in, which is made once for these times."""
    return replace(wished(status, wish, now), checked_in_for=times.begins)


def claimed(status: StoreStatus, token: str, now: datetime) -> StoreStatus:
    """Right before the wish is sent: counted, and nobody else sends anything meanwhile."""
    after = replace(
        status,
        puts=status.puts + 1,
        put_at=now,
        is_acknowledged=False,
        awaits_reading=True,
        claim=token,
        claimed_until=now + CLAIM,
    )
    return _noted(replace(after, refusal=""), now)


def not_sent(before: StoreStatus, claim: StoreStatus, now: datetime) -> StoreStatus:
    """Where nothing was sent after all: as ``before`` the claim."""
    return _noted(replace(before, version=claim.version, untold=claim.untold), now)


def as_sent(status: StoreStatus, wish: Wish) -> Wish:
    """A wish as it goes to the platform. A closing of today that was shown once goes again until its time: the
    platform's day may have ended, and it would close the next one."""
    is_again = wish.kind is Kind.CLOSED_TODAY and status.was_shown
    return replace(wish, kind=Kind.CLOSED_UNTIL) if is_again else wish


def sent(status: StoreStatus, now: datetime, is_acknowledged: bool = False, refusal: str = "") -> StoreStatus:
    """After the wish was sent. What became of it, only a reading tells; unless it was refused of a store that cannot be
    read either, for a reason that lasts."""
    after = released(replace(status, put_at=now, is_acknowledged=is_acknowledged, refusal=refusal))
    return _with_outcome(after, Outcome.REFUSED, now) if refusal and status.is_lasting else after


def released(status: StoreStatus) -> StoreStatus:
    """Without a claim."""
    return replace(status, claim="", claimed_until=None)


def read(status: StoreStatus, reading: Reading, asked_at: datetime) -> StoreStatus:
    """After the platform showed its status, asked for at a time."""
    before = status.shown
    is_same = before is not None and before.reading.what_counts == reading.what_counts
    shown = Shown(reading, asked_at, before.since if before is not None and is_same else asked_at)
    after = replace(status, shown=shown, looked_at=asked_at, failures=0, problem="")
    after = replace(after, is_lasting=False, awaits_reading=False)
    if before is not None and not is_same:
        after = replace(after, untold=with_records(after.untold, of_shown(after, before)))
    return _judged(after, asked_at)


def _judged(status: StoreStatus, now: datetime) -> StoreStatus:
    """With the outcome that follows from what the platform shows since the wish was sent."""
    wish = status.active_wish
    if wish is None or status.shown is None or status.put_at is None:
        return status
    if shows(status.shown.reading, wish, status.is_acknowledged or status.was_shown):
        after = replace(status, was_shown=True, refusal="")
        return _with_outcome(after, Outcome.SHOWN if wish.kind.closes else Outcome.DONE, now)
    if status.refusal:
        return _with_outcome(status, Outcome.REFUSED, now)
    if status.outcome is Outcome.SHOWN:
        status = replace(status, waiting_since=now)
    return _with_outcome(status, Outcome.WAITING, now)


def unreadable(status: StoreStatus, problem: str, is_lasting: bool, now: datetime) -> StoreStatus:
    """After the status could not be read. A wish that was refused too is at its end where that is lasting."""
    after = replace(status, looked_at=now, failures=status.failures + 1, problem=problem, is_lasting=is_lasting)
    if is_lasting and status.refusal and status.active_wish is not None:
        return _with_outcome(after, Outcome.REFUSED, now)
    return after


def ended(status: StoreStatus, now: datetime) -> StoreStatus:
    """After the time of the wish."""
    return _with_outcome(status, Outcome.ENDED if status.was_shown else Outcome.GIVEN_UP, now)


def _with_outcome(status: StoreStatus, outcome: Outcome, now: datetime) -> StoreStatus:
    if outcome is status.outcome:
        return status
    return _noted(replace(status, outcome=outcome), now, is_event=True)


def _noted(status: StoreStatus, now: datetime, is_event: bool = False) -> StoreStatus:
    """With what is to be told of the wish, as it will be once this is written."""
    coming = replace(status, version=status.version + 1)
    return replace(status, untold=with_records(status.untold, of_wish(coming, now, is_event)))


def told(status: StoreStatus, count: int) -> StoreStatus:
    """After the first of what was untold is in the history and on the bus."""
    return replace(status, untold=status.untold[count:])
