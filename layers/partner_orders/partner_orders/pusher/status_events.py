"""Changes of stores' status, as events on the orders' bus (docs/change-events.md)."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from partner_orders.aws.event_bus import EventBus, Fate
from partner_orders.clock import to_text
from partner_orders.exact_json import Json, write
from partner_orders.store_status.record import Record
from partner_orders.store_status.shown import Reading
from partner_orders.store_status.wish import Wish

SCHEMA_VERSION = 1
STATUS_CHANGED = "store.status_changed"


@dataclass(frozen=True, slots=True)
class StatusChanged:
    """One entry for the bus."""

    detail: dict[str, Json] = field(repr=False)
    detail_type: str = STATUS_CHANGED

    def detail_text(self) -> str:
        return write(self.detail)


def status_changed(store_id: str, record: Record) -> StatusChanged:
    """What is published of a record: not who wished it, nor why. ``id`` is the same however often it is told."""
    detail: dict[str, Json] = {
        "schema_version": SCHEMA_VERSION,
        # A reading may change what is shown and decide of a wish, with one version.
        "id": f"{store_id}/status/{record.version}{'/shown' if record.wish is None else ''}",
        "store_id": store_id,
        "changed_at": to_text(record.at),
        "shown": _shown(record.reading),
        "old_shown": _shown(record.before),
        "wish": None if record.wish is None else _wished(record.wish, record),
    }
    return StatusChanged(detail)


def _shown(reading: Reading | None) -> Json:
    if reading is None:
        return None
    until = None if reading.until is None else to_text(reading.until)
    return {"status": reading.status, "closed_reason": reading.reason or None, "closed_until": until}


def _wished(wish: Wish, record: Record) -> Json:
    return {
        "number": wish.number,
        "status": wish.kind.value,
        "closed_reason": wish.reason or None,
        "closed_until": to_text(wish.until) if wish.kind.closes else None,
        "outcome": None if record.outcome is None else record.outcome.value,
        "refusal": record.refusal or None,
        "sends": record.puts,
    }


class StatusEvents:
    """``bus`` is None where the chain has none. ``counts``: events that the bus will never take, by the name of their
    metric."""

    def __init__(self, bus: EventBus | None) -> None:
        self._bus = bus
        self.counts: Counter[str] = Counter()

    def tell(self, store_id: str, records: Sequence[Record]) -> int:
        """Publish records of a store, one after the other; how many need not be told again."""
        for number, record in enumerate(records):
            if self._bus is None or not record.is_event:
                continue
            [(fate, _)] = self._bus.put([status_changed(store_id, record)])
            if fate is Fate.TRANSIENT:
                return number
            self.counts["StatusEventsNotPublished"] += fate is Fate.PERMANENT
        return len(records)
