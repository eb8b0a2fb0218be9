"""The platform's status of its stores: what is shown, the rules of a PUT, and what time does (docs/platform.md 9).

A function of calls and times: no socket, no thread, no clock.
"""

import json
import random
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple
from zoneinfo import ZoneInfo

from tools.local.simulated_platform.catalogue_call import RefusedCallError
from tools.local.simulated_platform.striking import strikes

if TYPE_CHECKING:
    from collections.abc import Callable

OPEN, CLOSED_TODAY, CLOSED_UNTIL, CHECKIN, CLOSED = "OPEN", "CLOSED_TODAY", "CLOSED_UNTIL", "CHECKIN", "CLOSED"
REASONS = frozenset(
    {
        *("TOO_BUSY_NO_DRIVERS", "TOO_BUSY_KITCHEN", "UPDATES_IN_MENU", "TECHNICAL_PROBLEM"),
        *("CLOSED", "OTHER", "BAD_WEATHER", "HOLIDAY_SPECIAL_DAY"),
    }
)
CHECKIN_BEFORE = timedelta(minutes=30)
# Of a PUT: a refusal, a 500 or a dropped connection before its effect or after it, and an effect that a GET does not
# show for a while. Of a GET: a 500. A value below 1 is a probability, any other a number of times.
FAULTS = (
    "put_refused", "put_error_before", "put_error_after", "put_dropped_before", "put_dropped_after", "put_shown_late",
    "get_error",
)  # fmt: skip
LATE = timedelta(seconds=40)


@dataclass(frozen=True)
class StatusHabits:
    """How one brand behaves where the contract is silent. ``opens`` and ``closes`` are the scheduled hours, in the
    store's zone; both the same: always open."""

    is_offered: bool = True  # else each call gets a 404
    zone: str = "UTC"
    opens: time = time(0)
    closes: time = time(0)
    checks_in: bool = False
    put_answers: int = 200  # or 204
    shows_reason: bool = True
    shows_until: bool = True  # the end of CLOSED_UNTIL
    today_as_until: bool = False  # CLOSED_TODAY is shown as CLOSED_UNTIL the end of the day
    closed_at_night: bool = True  # outside the hours a store is shown as CLOSED


class State(NamedTuple):
    """What is in force: ``until`` (UTC) is None for what does not end by itself."""

    status: str
    reason: str = ""
    until: datetime | None = None


OPENED = State(OPEN)


class Change(NamedTuple):
    """A state that took effect ``at``. ``body`` is what the chain sent; None where the platform changed it itself."""

    at: datetime
    state: State
    body: dict[str, Any] | None


@dataclass
class StoreOnPlatform:
    """``checked_in`` is the local day that the store was checked in on."""

    state: State = OPENED
    before: State = OPENED
    shown_late_until: datetime | None = None
    checked_in: str = ""
    changes: list[Change] = field(default_factory=list)


class StoreStatuses:
    """The status of every store, which begins as open. ``is_known`` tells which ids are stores."""

    def __init__(self, seed: int = 0, habits: StatusHabits | None = None) -> None:
        self.habits = habits or StatusHabits()
        self.faults: dict[str, float] = {}
        self.requests: Counter[str] = Counter()
        self.is_known: Callable[[str], bool] = lambda _: True
        self._chance = random.Random(f"status/{seed}")
        self._stores: dict[str, StoreOnPlatform] = {}

    def store(self, vendor: str) -> StoreOnPlatform:
        """A store of the platform. Raises RefusedCallError for an unknown one."""
        if not self.habits.is_offered or not self.is_known(vendor):
            raise RefusedCallError(404, "NOT_FOUND", "Vendor not found")
        return self._stores.setdefault(vendor, StoreOnPlatform())

    def strikes(self, fault: str) -> bool:
        return strikes(self.faults, fault, self._chance)

    def to_json(self, now: datetime) -> dict[str, Any]:
        """Every store's status and history, as the controls show it; times in ISO 8601."""
        return {
            vendor: {
                "status": self._at(store, store.state, now).status,
                "changes": [
                    {"at": change.at.isoformat(), "status": change.state.status, "body": change.body}
                    for change in store.changes
                ],
            }
            for vendor, store in self._stores.items()
        }

    # -- what the platform does by itself -------------------------------------------------------------------------

    def set(self, vendor: str, state: State, now: datetime) -> None:
        """Change a status as the platform's own people do, also to CLOSED."""
        self._change(self.store(vendor), state, now, None)

    # -- calls ----------------------------------------------------------------------------------------------------

    def get(self, vendor: str, now: datetime) -> dict[str, Any]:
        """What GET shows. Raises RefusedCallError."""
        store = self.store(vendor)
        is_late = store.shown_late_until is not None and now < store.shown_late_until
        state = self._at(store, store.before if is_late else store.state, now)
        body: dict[str, Any] = {"vendor_id": vendor, "status": state.status}
        if state.reason and self.habits.shows_reason:
            body["closed_reason"] = state.reason
        if state.status == CLOSED_TODAY and self.habits.today_as_until:
            body["status"] = CLOSED_UNTIL
        if body["status"] == CLOSED_UNTIL and state.until is not None and self.habits.shows_until:
            body["closed_until"] = _text(state.until)
        if self.habits.checks_in:
            begins, ends = self._checkin(now)
            body["checkin_interval"] = {"start_time": _text(begins), "end_time": _text(ends)}
        return body

    def put(self, vendor: str, content: bytes, now: datetime) -> None:
        """Take a PUT. Raises RefusedCallError."""
        store = self.store(vendor)
        body = _body(content)
        state = self._wanted(store, body, now)
        if self.strikes("put_refused"):
            raise RefusedCallError(409, "STATUS_LOCKED", "The status cannot be changed now")
        if body["status"] == CHECKIN:
            store.checked_in = str(self._local(now).date())
        self._change(store, state, now, body)

    def shown(self, vendor: str, now: datetime) -> State:
        """What is in force now, whatever a GET shows."""
        store = self.store(vendor)
        return self._at(store, store.state, now)

    def _wanted(self, store: StoreOnPlatform, body: dict[str, Any], now: datetime) -> State:
        """The state that a body asks for. Raises RefusedCallError."""
        status, reason, until = body.get("status"), body.get("closed_reason"), body.get("closed_until")
        if status not in {OPEN, CLOSED_TODAY, CLOSED_UNTIL, CHECKIN}:
            raise _bad("status is not valid")
        if (until is not None) is not (status == CLOSED_UNTIL):
            raise _bad("closed_until goes with CLOSED_UNTIL, and only with it")
        if status in {OPEN, CHECKIN}:
            if reason is not None:
                raise _bad("closed_reason goes with a closing only")
            return self._opened(store, status, now)
        if reason not in REASONS:
            raise _bad("closed_reason is not valid")
        if status == CLOSED_TODAY:
            return State(status, reason, self._end_of_day(now))
        end = _time(until)
        if end is None or end <= now:
            raise _bad("closed_until is not a time to come, as YYYY-MM-DDTHH:MM:SSZ")
        return State(status, reason, end)

    def _opened(self, store: StoreOnPlatform, status: str, now: datetime) -> State:
        if status == OPEN:
            if not self.is_within_hours(now):
                raise RefusedCallError(400, "OUTSIDE_SCHEDULE", "The store cannot be opened outside its schedule")
            store.checked_in = str(self._local(now).date())
            return OPENED
        begins, ends = self._checkin(now)
        if not self.habits.checks_in:
            raise RefusedCallError(403, "FEATURE_DISABLED", "Check-in is not enabled for this vendor")
        if not begins <= now < ends:
            raise _bad("the check-in is not open now")
        return OPENED

    def _change(self, store: StoreOnPlatform, state: State, now: datetime, body: dict[str, Any] | None) -> None:
        store.before = self._at(store, store.state, now)
        store.state = state
        store.shown_late_until = now + LATE if body is not None and self.strikes("put_shown_late") else None
        store.changes.append(Change(now, state, body))

    # -- time -----------------------------------------------------------------------------------------------------

    def _at(self, store: StoreOnPlatform, state: State, now: datetime) -> State:
        """What a state has become by now: closings end by themselves, and the schedule counts for an open store."""
        if state.until is not None and state.until <= now:
            state = OPENED
        if state.status != OPEN:
            return state
        is_checked_in = store.checked_in == str(self._local(now).date())
        if not self.is_within_hours(now):
            if self.habits.checks_in and is_checked_in:
                return State(CHECKIN)
            return State(CLOSED) if self.habits.closed_at_night else state
        return State(CLOSED) if self.habits.checks_in and not is_checked_in else state

    def is_within_hours(self, now: datetime) -> bool:
        """Whether the schedule has stores open."""
        opens, closes, at = self.habits.opens, self.habits.closes, self._local(now).time()
        if opens < closes:
            return opens <= at < closes
        return opens == closes or at >= opens or at < closes

    def _checkin(self, now: datetime) -> tuple[datetime, datetime]:
        """The times of the next check-in, or of the one that is open."""
        local = self._local(now)
        opening = datetime.combine(local.date(), self.habits.opens, local.tzinfo)
        if local >= opening:
            opening = datetime.combine(local.date() + timedelta(days=1), self.habits.opens, local.tzinfo)
        ends = opening.astimezone(UTC)
        return ends - CHECKIN_BEFORE, ends

    def _end_of_day(self, now: datetime) -> datetime:
        local = self._local(now)
        return datetime.combine(local.date() + timedelta(days=1), time(0), local.tzinfo).astimezone(UTC)

    def _local(self, now: datetime) -> datetime:
        return now.astimezone(ZoneInfo(self.habits.zone))


def _body(content: bytes) -> dict[str, Any]:
    try:
        body = json.loads(content)
    except (ValueError, RecursionError):
        raise _bad("the body is not JSON") from None
    if not isinstance(body, dict):
        raise _bad("the body is not an object")
    return body


def _time(text: Any) -> datetime | None:
    try:
        return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except (TypeError, ValueError):
        return None


def _text(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _bad(message: str) -> RefusedCallError:
    return RefusedCallError(400, "BAD_REQUEST", message)
