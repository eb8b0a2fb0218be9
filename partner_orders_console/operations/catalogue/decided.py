"""What people decided of what guards held: when, who and why."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from partner_orders.catalogue.decided import Decided
from partner_orders.catalogue.files import key_and_version
from partner_orders.catalogue.store_settings import CatalogueSettings
from partner_orders_console.operations.catalogue_stack import CatalogueStack
from partner_orders_console.operations.words import counted, values_shown

MOST = 100
MOST_OF_PRODUCT = 200  # of a store, in which those of a product are looked for
_MOST_VALUES = 3  # products that one line names


@dataclass(frozen=True)
class DecidedOfStore:
    """A decision, and the store that it is about."""

    store_id: str
    decided: Decided

    @property
    def what(self) -> str:
        """What was held: the values of products, or a file by its name."""
        lines = self.decided.lines
        if not lines:
            return f"file {key_and_version(self.decided.source)[0].rpartition('/')[2]}"
        first = [f"{sku}: {values_shown(values.said)}" for sku, values in islice(lines.items(), _MOST_VALUES)]
        rest = len(lines) - len(first)
        return "; ".join(first) + (f"; and {counted(rest, 'more product')}" if rest else "")

    def to_json(self) -> dict[str, Any]:
        one = self.decided
        return {
            "store_id": self.store_id,
            "decided_at": one.decided_at,
            "decision": one.decision.value,
            "decided_by": one.by,
            "why": one.why,
            "held_because": one.reason.value,
            "file": key_and_version(one.source)[0] or None,
            "version": one.version,
            "values": {sku: values.said for sku, values in one.lines.items()},
        }


@dataclass(frozen=True)
class Switched:
    """The last change of whether a store is sent, or of its settings. ``reason`` is empty before its first ``resume``
    or ``pause``."""

    store_id: str
    is_sending: bool
    at: datetime
    by: str
    reason: str

    def to_json(self) -> dict[str, Any]:
        facts = {"store_id": self.store_id, "is_sending": self.is_sending, "changed_at": self.at}
        return facts | {"changed_by": self.by, "why": self.reason or None}


def newest(catalogue: CatalogueStack, store_ids: Iterable[str], most: int = MOST) -> list[DecidedOfStore]:
    """The last decisions about these stores, the newest first. One query a store. Raises botocore's errors."""
    found = [
        DecidedOfStore(store_id, decided)
        for store_id in store_ids
        for decided in catalogue.tables.decisions.of_store(store_id, most)
    ]
    return sorted(found, key=lambda one: one.decided.decided_at, reverse=True)[:most]


def of_product(catalogue: CatalogueStack, store_id: str, sku: str) -> list[Decided]:
    """The decisions about a product among the last MOST_OF_PRODUCT of its store, the newest first; of each only its
    values. Raises botocore's errors."""
    return [one for one in catalogue.tables.decisions.of_store(store_id, MOST_OF_PRODUCT) if sku in one.lines]


def switched(settings: Iterable[CatalogueSettings]) -> list[Switched]:
    """The last change of each of these stores, the newest first."""
    found = [
        Switched(one.store_id, one.is_sending, one.changed_at, one.changed_by, one.reason)
        for one in settings
        if one.changed_at is not None
    ]
    return sorted(found, key=lambda one: one.at, reverse=True)
