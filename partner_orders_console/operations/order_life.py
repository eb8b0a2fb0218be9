"""The life of an order: its events as they were stored, and the answers to it, in one order."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from partner_orders.clock import from_text, to_text
from partner_orders.exact_json import parse
from partner_orders.orders.digest import changed_fields
from partner_orders.orders.stored import HistoryEntry, StoredOrder
from partner_orders_console.operations.answers import Answered, timeline


@dataclass(frozen=True)
class LifeStep:
    """An event of an order, or a step of an answer to it. ``occurred_at`` is by the platform's clock, ``received_at``
    by ours (UTC). ``changed`` are the fields that differ from the event before; ``is_present`` marks the event that
    the order's present state comes from. ``entry`` is the event; a step of an answer has none."""

    what: str
    source: str
    received_at: datetime
    occurred_at: datetime | None
    changed: tuple[str, ...] = ()
    is_present: bool = False
    note: str = ""
    entry: HistoryEntry | None = None

    @property
    def is_answer(self) -> bool:
        return self.entry is None


def life_of(order: StoredOrder, answered: Iterable[Answered]) -> list[LifeStep]:
    """The steps of an order's life. What came later in the history stays later, whatever its times say; the answers
    stand where they were accepted and ended."""
    placed: list[tuple[str, LifeStep]] = []
    before: bytes | None = None
    for entry in order.history:
        changed = tuple(changed_fields(parse(before), parse(entry.body))) if before and entry.body else ()
        step = LifeStep(
            what=entry.status,
            source=entry.source,
            received_at=from_text(entry.received_at),
            occurred_at=from_text(entry.occurred_at) if entry.occurred_at else None,
            changed=changed,
            is_present=entry is order.snapshot,
            entry=entry,
        )
        placed.append((max(entry.received_at, *(place for place, _ in placed[-1:])), step))
        before = entry.body or before
    for answer in timeline(answered):
        step = LifeStep(answer.what, f"answer {answer.answer_id}", answer.at, answer.at, note=answer.note)
        placed.append((to_text(answer.at), step))
    return [step for _, step in sorted(placed, key=lambda one: one[0])]
