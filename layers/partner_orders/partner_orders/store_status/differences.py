"""Whether a store's status is not as somebody wants it, for whoever counts and shows that."""

from datetime import datetime, timedelta

from partner_orders.store_status.shown import CLOSED
from partner_orders.store_status.status import StoreStatus
from partner_orders.store_status.wish import Outcome

# From then on the platform has had time enough to show what was wished.
DIFFERS_AFTER = timedelta(minutes=10)
# Outside its opening hours a store may be shown as closed without an end. Longer than that is no night.
LONGEST_NIGHT = timedelta(hours=24)


def is_closed_by_platform(status: StoreStatus, now: datetime) -> bool:
    """Whether the platform shows a store as closed that nobody wished closed. Without an end and a reason that may be
    the night, unless it lasts longer than one."""
    shown, wish = status.shown, status.wish
    if shown is None or not shown.reading.is_closed:
        return False
    if wish is not None and wish.kind.closes and min(now, shown.read_at) < wish.until:
        return False
    if shown.reading.until is not None and shown.reading.until <= now:
        return False  # It was read before it opened.
    may_be_night = shown.reading.status == CLOSED and not shown.reading.reason
    return not may_be_night or now - shown.since >= LONGEST_NIGHT


def differs(status: StoreStatus, now: datetime) -> bool:
    """Whether the platform has not shown for a while what is wished."""
    since = status.waiting_since
    return status.outcome is Outcome.WAITING and since is not None and now - since >= DIFFERS_AFTER
