"""Products that the platform refused, as events on the orders' bus (docs/change-events.md)."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from partner_orders.aws.event_bus import EventBus, Fate
from partner_orders.catalogue.outcomes import RefusedLine
from partner_orders.clock import to_text
from partner_orders.exact_json import Json, write

SCHEMA_VERSION = 1
REFUSED = "product.refused"


class BusFailedError(RuntimeError):
    """The bus did not take an event now, and may later."""


@dataclass(frozen=True, slots=True)
class ProductRefused:
    """One entry for the bus."""

    detail: dict[str, Json] = field(repr=False)
    detail_type: str = REFUSED

    def detail_text(self) -> str:
        return write(self.detail)


def product_refused(line: RefusedLine) -> ProductRefused:
    """What is published of a refused line. ``id`` is the same however often it is told."""
    return ProductRefused(
        {
            "schema_version": SCHEMA_VERSION,
            "id": f"{line.store_id}/{line.sku}/{line.job}",
            "store_id": line.store_id,
            "sku": line.sku,
            "values": line.sent.said,
            "refusal": line.refusal,
            "refused_at": to_text(line.refused_at),
        }
    )


class Refusals:
    """``bus`` is None where the chain has none. ``counts``: events that the bus will never take, by the name of their
    metric."""

    def __init__(self, bus: EventBus | None) -> None:
        self._bus = bus
        self.counts: Counter[str] = Counter()

    def tell(self, lines: Sequence[RefusedLine]) -> None:
        """Publish refused lines. Raises BusFailedError where that has to be tried again. An event that the bus will
        never take is counted: the product's own row keeps the refusal."""
        if self._bus is None:
            return
        fates = [fate for fate, _ in self._bus.put([product_refused(line) for line in lines])]
        if Fate.TRANSIENT in fates:
            raise BusFailedError("the bus took not every event")
        if lost := fates.count(Fate.PERMANENT):
            self.counts["RefusalsNotPublished"] += lost
