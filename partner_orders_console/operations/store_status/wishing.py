"""Opening and closing a store on the platform: what is wished, checked before it is written."""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from partner_orders.catalogue.product import printable
from partner_orders.clock import now
from partner_orders.store_status.next_step import LAST_PUT_BEFORE_END
from partner_orders.store_status.shown import CLOSED
from partner_orders.store_status.status import StoreStatus
from partner_orders.store_status.table import WrittenMeanwhileError
from partner_orders.store_status.wish import LONGEST_CLOSING, OPENING_TRIED_FOR, REASONS, Kind, Wish
from partner_orders.stores.store import Store
from partner_orders.stores.trading_hours import BadTradingHoursError, TradingHours
from partner_orders_console.operations.callers import caller
from partner_orders_console.operations.catalogue_stack import CatalogueStack
from partner_orders_console.operations.errors import OperatorError
from partner_orders_console.operations.moments import instant
from partner_orders_console.operations.words import at

# The pusher needs some minutes for it.
SHORTEST_CLOSING = LAST_PUT_BEFORE_END + timedelta(minutes=3)
MAX_BY, MAX_WHY = 200, 300  # characters


@dataclass(frozen=True)
class Planned:
    """What is to be wished of a store, over its ``present`` status."""

    store_id: str
    kind: Kind
    until: datetime
    reason: str
    why: str
    present: StoreStatus

    @property
    def text(self) -> str:
        """``close 148020 until 2026-03-14 18:00:00 UTC``."""
        if self.kind is Kind.OPEN:
            return f"open {self.store_id}"
        today = "today, " if self.kind is Kind.CLOSED_TODAY else ""
        return f"close {self.store_id} {today}until {at(self.until)} UTC"

    def to_json(self) -> dict[str, Any]:
        closing = {"closed_until": self.until, "closed_reason": self.reason} if self.kind.closes else {}
        return {"store_id": self.store_id, "status": self.kind.value, "why": self.why} | closing


def opening(catalogue: CatalogueStack, store: Store, why: str) -> Planned:
    """A store that is to be open. Raises OperatorError outside the trading hours that are set of it: the platform opens
    no store then."""
    if store.trading_hours and not _hours(store).is_open(now()):
        raise OperatorError(
            f"now is outside the trading hours of {store.store_id}: {store.trading_hours} ({store.time_zone or 'UTC'})",
            "The platform opens a store within its schedule only. If the hours are others, correct them with"
            f" `partner-orders stores set {store.store_id} --trading-hours`.",
        )
    until = now().replace(microsecond=0) + OPENING_TRIED_FOR
    return Planned(store.store_id, Kind.OPEN, until, "", _why(why), _present(catalogue, store))


def closing(catalogue: CatalogueStack, store: Store, until: str | None, reason: str, why: str) -> Planned:
    """A store that is to be closed until a time, or without one for the rest of its day. Raises OperatorError."""
    given = reason.strip().upper()
    if given not in REASONS:
        what = f"{reason!r} is not a reason of the platform" if given else "a closing needs a reason"
        raise OperatorError(what, f"Use --reason with one of {', '.join(REASONS)}.")
    end = end_of_day(store) if until is None else _end(until)
    if end - now() < SHORTEST_CLOSING:
        raise OperatorError(
            f"the closing would end at {at(end)} UTC, which is over or too soon",
            f"Use a time at least {SHORTEST_CLOSING // timedelta(minutes=1)} minutes ahead. A time without an offset is"
            " in UTC.",
        )
    if end - now() > LONGEST_CLOSING:
        raise OperatorError(
            f"the closing would end at {at(end)} UTC, in more than {LONGEST_CLOSING.days} days", "Is the year right?"
        )
    kind = Kind.CLOSED_TODAY if until is None else Kind.CLOSED_UNTIL
    return Planned(store.store_id, kind, end, given, _why(why), _present(catalogue, store))


def wish(catalogue: CatalogueStack, planned: Planned) -> StoreStatus:
    """Have the pusher see to it, with who wished it, when and why. Raises OperatorError."""
    by, wished_at = caller(catalogue.orders), now()

    def wish_of(number: int) -> Wish:
        who, why = printable(by, MAX_BY), printable(planned.why, MAX_WHY)
        return Wish(number, planned.kind, planned.until, planned.reason, who, why, wished_at)

    try:
        return catalogue.statuses.wish(wish_of, planned.store_id, now)
    except WrittenMeanwhileError:
        raise OperatorError(
            "the status was written by others again and again", "Nothing was changed. Try again."
        ) from None


def warnings(planned: Planned) -> list[str]:
    """What whoever wishes it should know of the store, a sentence each."""
    shown = planned.present.shown
    if shown is None or shown.reading.status != CLOSED:
        return []
    if planned.kind is Kind.OPEN:
        return ["The platform closed the store without an end. If it refuses to open it, ask its account manager why."]
    return ["The platform closed the store without an end. It stays closed after your closing ends."]


def end_of_day(store: Store) -> datetime:
    """When the present day of a store ends (UTC). Raises OperatorError without its time zone."""
    if not store.time_zone:
        raise OperatorError(
            f"the time zone of {store.store_id} is not set, so when its day ends is unknown",
            f"Set it: `partner-orders stores set {store.store_id} --time-zone Asia/Karachi`, or use --until TIME.",
        )
    zone = ZoneInfo(store.time_zone)
    tomorrow = now().astimezone(zone).date() + timedelta(days=1)
    return datetime.combine(tomorrow, time(0), zone).astimezone(UTC)


def _end(text: str) -> datetime:
    try:
        return instant(text).replace(microsecond=0)
    except (ValueError, OverflowError):
        raise OperatorError(f"{text!r} is not a time", "Use e.g. 2026-03-14T18:00:00Z.") from None


def _hours(store: Store) -> TradingHours:
    try:
        return TradingHours.from_text(store.trading_hours or "", store.time_zone or "UTC")
    except BadTradingHoursError as error:
        raise OperatorError(
            f"the trading hours of {store.store_id} cannot be read: {error}", "Correct them with `stores set`."
        ) from None


def _why(text: str) -> str:
    given = text.strip()
    if not 0 < len(given) <= MAX_WHY:
        raise OperatorError(
            f"--why has 1 to {MAX_WHY} characters", "Say why, for whoever looks at it later: --why TEXT."
        )
    return given


def _present(catalogue: CatalogueStack, store: Store) -> StoreStatus:
    return catalogue.statuses.get(store.store_id)
