"""What is told of a store's status: in its history, and in part on the bus. A wish has one record, which grows; each
change of what the platform shows has one of its own."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from partner_orders.clock import to_text
from partner_orders.store_status.shown import Reading, Shown
from partner_orders.store_status.wish import Outcome, Wish

if TYPE_CHECKING:
    from partner_orders.store_status.status import StoreStatus

# So many at most wait to be told. While the bus fails for long, the oldest are left out.
MOST_UNTOLD = 20


@dataclass(frozen=True, slots=True)
class Record:
    """``name`` sorts as what it tells of began. ``version`` is that of the status: of two copies of one record the
    higher is the newer. A record is of a ``wish``, or of a change from the reading ``before`` to ``reading``.
    ``puts`` is how often the wish was sent; ``at`` is when this became so. ``is_event``: whether the bus gets it."""

    name: str
    version: int
    at: datetime
    wish: Wish | None = None
    outcome: Outcome | None = None
    puts: int = 0
    refusal: str = ""
    reading: Reading | None = None
    before: Reading | None = None
    is_event: bool = False


def name_of(wish: Wish) -> str:
    """The same before and after the wish was stored, which cuts its time to milliseconds."""
    at = wish.at.replace(microsecond=wish.at.microsecond // 1_000 * 1_000)
    return f"{to_text(at)}#{wish.number:06d}"


def of_wish(status: "StoreStatus", at: datetime | None, is_event: bool) -> Record:
    """What is told of the wish of a status."""
    wish = status.wish
    if wish is None:
        raise AssertionError("a record is of a wish")
    reading = None if status.shown is None else status.shown.reading
    return Record(
        name_of(wish),
        status.version,
        at or wish.at,
        wish,
        status.outcome,
        status.puts,
        status.refusal,
        reading,
        is_event=is_event,
    )


def of_shown(status: "StoreStatus", before: Shown) -> Record:
    """What is told of a change that the platform shows."""
    shown = status.shown
    if shown is None:
        raise AssertionError("a change is of something that is shown")
    name = f"{to_text(shown.read_at)}#shown"
    return Record(name, status.version + 1, shown.read_at, reading=shown.reading, before=before.reading, is_event=True)


def with_records(untold: Iterable[Record], record: Record) -> tuple[Record, ...]:
    """What is to be told with one more record, in place of an older copy of it."""
    older = [one for one in untold if one.name == record.name]
    kept = [one for one in untold if one.name != record.name]
    is_event = record.is_event or any(one.is_event for one in older)
    return (*kept, replace(record, is_event=is_event))[-MOST_UNTOLD:]
