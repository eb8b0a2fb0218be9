"""What an operator may ask of the reconciler: a window to make whole, or to look at only."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from partner_orders.orders.model import parse_instant

NAMES = ("from", "to", "stores", "preview")
# The oldest "from" that is still taken may have been written down a little before it arrives.
_GRACE = timedelta(minutes=10)


class InvalidRequestError(ValueError):
    """The event that invoked the reconciler is not one it takes; the message says what to change."""


@dataclass(frozen=True)
class BackfillRequest:
    """The window to make whole, from ``start`` to ``end`` (UTC); every store if ``stores`` is empty. A ``preview``
    finds what is missing or different, and changes nothing."""

    start: datetime
    end: datetime
    stores: tuple[str, ...]
    preview: bool

    @classmethod
    def from_event(cls, event: dict[str, Any], now: datetime, history: timedelta) -> "BackfillRequest":
        """From ``{"from", "to", "stores", "preview"}``, all optional: by default all that the platform still has and
        we would still keep, which goes ``history`` back. Raises InvalidRequestError."""
        if unknown := sorted(event.keys() - {*NAMES}):
            raise InvalidRequestError(f"{', '.join(unknown)}: not known; a backfill has {', '.join(NAMES)}")
        end = min(_instant(event, "to", now), now)
        start = _instant(event, "from", now - history)
        stores, preview = event.get("stores"), event.get("preview", False)
        stores = [] if stores is None else stores
        if start < now - history - _GRACE:
            days = round(history / timedelta(days=1))
            raise InvalidRequestError(
                f'"from" should be within the last {days} days: before, there is nothing to compare'
            )
        if start >= end:
            raise InvalidRequestError('"from" should be before "to", and not in the future')
        if not isinstance(stores, list) or not all(isinstance(store, str) and store for store in stores):
            raise InvalidRequestError('"stores" should be a list of store ids')
        if not isinstance(preview, bool):
            raise InvalidRequestError('"preview" should be true or false')
        return cls(max(start, now - history), end, tuple(stores), preview)


def _instant(event: dict[str, Any], name: str, default: datetime) -> datetime:
    if event.get(name) is None:
        return default
    try:
        return parse_instant(event[name])
    except (AttributeError, TypeError, ValueError, OverflowError):
        raise InvalidRequestError(f'"{name}" should be a time in ISO 8601, such as 2026-03-14T08:00:00Z') from None
