"""An order as the table's item holds it, read."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

from partner_orders.clock import from_text
from partner_orders.orders import lifecycle
from partner_orders.orders.packed_body import unpack

# An event of the order's history is an attribute of this name and its digest.
EVENT = "e#"

type Item = dict[str, Any]


@dataclass(frozen=True)
class HistoryEntry:
    """One distinct event of a stored order. ``body`` is the JSON as it came, if it was read; without personal data, if
    the event is redacted, and the digest is still that of the event as it came."""

    digest: str
    status: str
    occurred_at: str | None
    received_at: str
    source: str
    correlation_id: str
    is_redacted: bool = False
    body: bytes | None = field(repr=False, default=None)


@dataclass(frozen=True)
class StoredOrder:
    """An order as the table holds it. Times are text in UTC, as ``clock.to_text`` writes them.

    ``version`` counts its writes, ``sequence`` its changes: of the snapshot, and of whether it is a sale.
    ``republished`` is the sequence at which an operator asked to have it published again.
    """

    order_id: str
    snapshot_key: str
    status: str
    post_picked_up: bool | None
    version: int
    sequence: int
    republished: int
    attributes: dict[str, str]
    history: tuple[HistoryEntry, ...]

    @cached_property
    def snapshot(self) -> HistoryEntry:
        digest = self.snapshot_key[-32:]
        return next(entry for entry in self.history if entry.digest == digest)

    @property
    def digests(self) -> frozenset[str]:
        return frozenset(entry.digest for entry in self.history)

    @property
    def sale(self) -> lifecycle.Sale:
        return self._sale[0]

    @property
    def disputed(self) -> bool:
        return self._sale[1]

    @property
    def conflicts(self) -> int:
        return len(self.history) - len({(entry.status, entry.occurred_at) for entry in self.history})

    @cached_property
    def _sale(self) -> tuple[lifecycle.Sale, bool]:
        return lifecycle.sale(self.status, self.post_picked_up, (entry.status for entry in self.history))


@dataclass(frozen=True)
class KnownOrder:
    """What tells whether an order is in step with the platform, without its bodies."""

    store_id: str | None
    listed_at: datetime
    statuses: frozenset[str]
    digests: frozenset[str]


def stored_order(item: Item, moved: Mapping[str, bytes]) -> StoredOrder:
    """The order of an item; ``moved`` are its packed bodies that have rows of their own, by digest."""
    history = []
    for name, value in item.items():
        if not name.startswith(EVENT):
            continue
        entry, digest = value["M"], name.removeprefix(EVENT)
        packed = entry["body"]["B"] if "body" in entry else moved.get(digest)
        history.append(
            HistoryEntry(
                digest=digest,
                status=entry["status"]["S"],
                occurred_at=entry["occurred_at"]["S"] if "occurred_at" in entry else None,
                received_at=entry["received_at"]["S"],
                source=entry["source"]["S"],
                correlation_id=entry["correlation_id"]["S"],
                is_redacted="redacted" in entry,
                body=None if packed is None else unpack(packed),
            )
        )
    history.sort(key=lambda entry: (entry.occurred_at or "", lifecycle.rank(entry.status), entry.received_at))
    return StoredOrder(
        order_id=item["pk"]["S"].removeprefix("ORDER#"),
        snapshot_key=item["snapshot_key"]["S"],
        status=item["status"]["S"],
        post_picked_up=item["post_picked_up"]["BOOL"] if "post_picked_up" in item else None,
        version=int(item["version"]["N"]),
        sequence=int(item["sequence"]["N"]) if "sequence" in item else 0,
        republished=int(item["republished"]["N"]) if "republished" in item else 0,
        attributes={name: value["S"] for name, value in item.items() if "S" in value},
        history=tuple(history),
    )


def known_order(item: Item) -> KnownOrder:
    """What an order's item tells without its bodies."""
    events = {name.removeprefix(EVENT): value["M"] for name, value in item.items() if name.startswith(EVENT)}
    return KnownOrder(
        # What it is listed under has the chain's own id of the store where an event names no other.
        store_id=item.get("listed_under", {}).get("S", "").removeprefix("STORE#") or None,
        listed_at=from_text(item["listed_at"]["S"]),
        statuses=frozenset(event["status"]["S"] for event in events.values()),
        digests=frozenset(events),
    )
