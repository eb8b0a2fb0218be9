"""What is told of a promotion: in its history, and in part on the bus. A wish has one record, which grows."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from partner_orders.clock import to_text
from partner_orders.promotions.wish import Outcome, Wish

# So many at most wait to be told. While the bus fails for long, the oldest are left out.
MOST_UNTOLD = 20


@dataclass(frozen=True, slots=True)
class Record:
    """``name`` sorts as the wishes were made. ``version`` is that of the promotion's state: of two copies of one record
    the higher is the newer. ``at`` is when this became so. ``puts`` is how often the wish was sent, ``problem`` the
    platform's words, ``left_out`` how many entries the lists of the job's result had. ``is_event``: whether the bus
    gets it."""

    name: str
    version: int
    at: datetime
    wish: Wish
    outcome: Outcome
    puts: int = 0
    problem: str = ""
    left_out: int = 0
    is_event: bool = False


def name_of(wish: Wish) -> str:
    """The same before and after the wish was stored, which cuts its time to milliseconds."""
    at = wish.at.replace(microsecond=wish.at.microsecond // 1_000 * 1_000)
    return f"{to_text(at)}#{wish.number:06d}"


def with_record(untold: Iterable[Record], record: Record) -> tuple[Record, ...]:
    """What is to be told with one more record, in place of an older copy of it."""
    older = [one for one in untold if one.name == record.name]
    kept = [one for one in untold if one.name != record.name]
    is_event = record.is_event or any(one.is_event for one in older)
    return (*kept, replace(record, is_event=is_event))[-MOST_UNTOLD:]
