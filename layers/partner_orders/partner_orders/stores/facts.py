"""What events tell of a store. Each fact keeps the value that was said last by the platform's clock.

Merging takes the maximum of each fact, so the outcome does not depend on the order in which events arrive. What has no
clock loses to what has one. Of two values of one time the greater text stays, so that every environment picks the same.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from partner_orders.aws.attribute_values import Row
from partner_orders.aws.update import Update
from partner_orders.clock import to_text
from partner_orders.orders.history import store_of
from partner_orders.orders.model import Client

CODE = "external_partner_config_id"
NAMES = ("name", "country_code", CODE)
# Of a name that no store has; a row has a size.
MAX_CHARACTERS = 200
# What DynamoDB takes as a sort key, less our prefix.
MAX_ID_BYTES = 1_000
_SAID_AT = "_said_at"


class Fact(NamedTuple):
    """``said_at`` is the platform's clock as text, empty without one; an empty ``value`` is one that was removed."""

    said_at: str = ""
    value: str = ""


NOTHING = Fact()
type Facts = Mapping[str, Fact]


class Holding(NamedTuple):
    """Which store a code of the chain's own was last said to be of. ``store_ids`` are several where that was said of
    several at the same time, none where it was said of no store."""

    said_at: str = ""
    store_ids: tuple[str, ...] = ()

    def merged(self, other: "Holding") -> "Holding":
        if not self.store_ids or not other.store_ids or self.said_at != other.said_at:
            return max(self, other, key=lambda holding: (bool(holding.store_ids), holding.said_at))
        return Holding(self.said_at, tuple(sorted({*self.store_ids, *other.store_ids})))

    @property
    def store_id(self) -> str | None:
        """The store, the same one for everybody where there are several."""
        return self.store_ids[-1] if self.store_ids else None


class Told(NamedTuple):
    """What one event tells: the platform's id of its store and the chain's own ``code``, one of them at least, the time
    by the platform's clock (text, empty without one), and the facts."""

    store_id: str | None
    code: str | None
    said_at: str
    facts: Facts


def told_by(client: Client, occurred_at: datetime | None) -> Told | None:
    """What an event of this clock tells of its store; None if it names none, or none that a key can hold."""
    name = store_of(client)
    if not name or len(name.encode("utf-8", "replace")) > MAX_ID_BYTES or _storable(name) != name[:MAX_CHARACTERS]:
        return None
    said_at = to_text(occurred_at) if occurred_at else ""
    values = {name: _storable(getattr(client, name) or "") for name in NAMES}
    facts = {name: Fact(said_at, value) for name, value in values.items() if value}
    return Told(client.store_id or None, values[CODE] or None, said_at, facts)


def merged(*sides: Facts) -> dict[str, Fact]:
    """Of each fact what was said last; there is one side at least."""
    return {name: max(side.get(name, NOTHING) for side in sides) for name in NAMES}


def values_of(facts: Facts) -> dict[str, str]:
    return {name: facts.get(name, NOTHING).value for name in NAMES}


def facts_in(row: Row | None) -> dict[str, Fact]:
    """The facts that a store's row holds."""
    row = row or {}
    return {name: Fact(row.get(name + _SAID_AT, ""), row.get(name, "")) for name in NAMES}


def set_facts(update: Update, facts: Facts) -> None:
    """Have an update write these facts."""
    for name, fact in facts.items():
        update.set_all({name: fact.value or None, name + _SAID_AT: fact.said_at or None})


def holding_in(row: Row | None) -> Holding:
    """The holding that an alias row holds; none for a row that names no store, which somebody wrote by hand."""
    if row is None or "store_id" not in row:
        return Holding()
    return Holding(row.get("said_at", ""), tuple(row.get("tied_store_ids") or (row["store_id"],)))


def attributes_of(holding: Holding) -> dict[str, Any]:
    """What an alias row holds; None for what it does not."""
    tied = [*holding.store_ids] if len(holding.store_ids) > 1 else None
    return {"store_id": holding.store_id, "said_at": holding.said_at, "tied_store_ids": tied}


def _storable(text: str) -> str:
    """Of bounded length, and with ``?`` for half a surrogate, which is no text to DynamoDB."""
    return text[:MAX_CHARACTERS].encode("utf-8", "replace").decode("utf-8")
