"""Outcomes of promotions, as events on the orders' bus (docs/change-events.md)."""

from collections import Counter
from dataclasses import dataclass, field

from partner_orders.aws.event_bus import EventBus, Fate
from partner_orders.clock import to_text
from partner_orders.exact_json import Json, write
from partner_orders.promotions.record import Record
from partner_orders.promotions.state import PromotionState

SCHEMA_VERSION = 1
OUTCOME_CHANGED = "promotions.outcome_changed"


@dataclass(frozen=True, slots=True)
class OutcomeChanged:
    """One entry for the bus."""

    detail: dict[str, Json] = field(repr=False)
    detail_type: str = OUTCOME_CHANGED

    def detail_text(self) -> str:
        return write(self.detail)


def outcome_changed(state: PromotionState, record: Record) -> OutcomeChanged:
    """What is published of a record: not who wished it, nor why. ``id`` is the same however often it is told."""
    summary, wish = state.summary, record.wish
    detail: dict[str, Json] = {
        "schema_version": SCHEMA_VERSION,
        # One version may tell of two wishes: the one that came, and the one that it overtook.
        "id": f"{state.promotion_id}/promotion/{record.version}/{wish.number}",
        "promotion_id": state.promotion_id,
        "name": summary.name,
        "starts_at": to_text(summary.starts),
        "ends_at": to_text(summary.ends),
        "changed_at": to_text(record.at),
        "wish": {
            "number": wish.number,
            "ends_it": wish.is_end,
            "outcome": record.outcome.value,
            "problem": record.problem or None,
            "left_out": record.left_out,
            "sends": record.puts,
        },
    }
    return OutcomeChanged(detail)


class PromotionEvents:
    """``bus`` is None where the chain has none. ``counts``: events that the bus will never take, by the name of their
    metric."""

    def __init__(self, bus: EventBus | None) -> None:
        self._bus = bus
        self.counts: Counter[str] = Counter()

    def tell(self, state: PromotionState) -> int:
        """Publish what is untold of a promotion, one after the other; how many records need not be told again."""
        for number, record in enumerate(state.untold):
            if self._bus is None or not record.is_event:
                continue
            [(fate, _)] = self._bus.put([outcome_changed(state, record)])
            if fate is Fate.TRANSIENT:
                return number
            self.counts["PromotionEventsNotPublished"] += fate is Fate.PERMANENT
        return len(state.untold)
