"""That products of a store changed and may have to be sent. It never says to what: the value that is sent is the newest
at the moment of sending (rule W3).

A wake-up row says in which stores something may wait, so that one query finds them all. It is written after the
changes. A crash in between leaves changes without it: each hour every store of the catalogue is looked at anyway.
"""

import secrets
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import batched
from typing import TYPE_CHECKING

from partner_orders.aws.attribute_values import Row
from partner_orders.aws.dynamodb import ConditionFailedError, Range
from partner_orders.aws.keys import Key
from partner_orders.aws.update import Update, equals
from partner_orders.catalogue import keys
from partner_orders.catalogue.packed_lines import pack, unpack
from partner_orders.catalogue.rows import catalogue_table
from partner_orders.catalogue.stored import instant, milliseconds
from partner_orders.clock import from_text, to_text

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_MOST_READ = 100  # rows at a time
# In one visit; each is a few hundred bytes, unless it has many products.
_MOST_CHANGES = 2_000
MAX_SKUS = 1_000  # in one row: at most some 130 KB before they are packed


@dataclass(frozen=True, slots=True)
class Change:
    """Products that changed together; urgent ones go off sale at once. ``name`` sorts by time."""

    name: str
    skus: Sequence[str]
    is_urgent: bool = False

    @property
    def added_at(self) -> datetime:
        return from_text(self.name.partition("#")[0])


@dataclass(frozen=True, slots=True)
class Waiting:
    """The oldest changes of a store, and since when the first further one waits; None where these are all."""

    changes: list[Change]
    next_since: datetime | None = None

    @property
    def since(self) -> datetime | None:
        return self.changes[0].added_at if self.changes else None

    @property
    def urgent(self) -> list[str]:
        """The products of urgent changes."""
        return [*dict.fromkeys(sku for change in self.changes if change.is_urgent for sku in change.skus)]

    @property
    def skus(self) -> list[str]:
        """All products, the urgent ones first."""
        return [*dict.fromkeys([*self.urgent, *(sku for change in self.changes for sku in change.skus)])]


@dataclass(frozen=True, slots=True)
class WakeUp:
    """A store in which something may wait, for the first time ``since`` then. ``token`` is another one after each
    addition."""

    store_id: str
    since: datetime
    token: str


class ChangesTable:
    """The changes of every store that wait. Every method raises botocore's errors."""

    def __init__(self, client: "DynamoDBClient", table_name: str) -> None:
        self._table = catalogue_table(client, table_name)

    def add(self, store_id: str, skus: Iterable[str], at: datetime, is_urgent: bool = False) -> None:
        """Note that products changed, after their rows were written. A write for each thousand, and the wake-up."""
        if self.note(store_id, skus, at, is_urgent):
            self.wake(store_id, at)

    def note(self, store_id: str, skus: Iterable[str], at: datetime, is_urgent: bool = False) -> list[Change]:
        """Note that products changed without a wake-up, which has to follow."""
        noted = []
        for some in batched(dict.fromkeys(skus), MAX_SKUS, strict=False):
            change = Change(f"{to_text(at)}#{secrets.token_hex(4)}", some, is_urgent)
            self._table.put(Key(keys.changes(store_id), change.name), {"skus": pack([*some]), "is_urgent": is_urgent})
            noted.append(change)
        return noted

    def wake(self, store_id: str, at: datetime) -> None:
        """Note that something may wait in a store."""
        update = Update().default("since", milliseconds(at)).set("token", secrets.token_hex(4))
        self._table.update(keys.wake_up(store_id), update)

    def stores(self) -> list[WakeUp]:
        """The stores in which something may wait, the oldest first; consistent. One query for all of them."""
        rows = self._table.query(keys.CHANGES, consistent=True)
        return sorted((_wake_up(row) for row in rows), key=lambda wake_up: wake_up.since)

    def served(self, wake_up: WakeUp, left_since: datetime | None) -> None:
        """Note what is left of a store, as it was read after its wake-up was: the time of its oldest change, or None
        where nothing waits. Where something was added since the wake-up was read, it stays as it is."""
        key, is_as_read = keys.wake_up(wake_up.store_id), equals("token", wake_up.token)
        try:
            if left_since is None:
                self._table.delete(key, is_as_read)
            elif left_since > wake_up.since:
                self._table.update(key, Update().set("since", milliseconds(left_since)).only_if(is_as_read))
        except ConditionFailedError:
            return

    def first(self, store_id: str, most: int) -> list[Change]:
        """The oldest changes of a store, of at most ``most`` products together, but one change at least; consistent."""
        return self.waiting(store_id, most).changes

    def waiting(self, store_id: str, most: int) -> Waiting:
        """The same, and whether more waits. A product that changed often counts once, so that however long a store had
        to wait, its newest values go in one job."""
        found: list[Change] = []
        skus: set[str] = set()
        for change in self._oldest(store_id):
            skus.update(change.skus)
            if found and (len(skus) > most or len(found) == _MOST_CHANGES):
                return Waiting(found, change.added_at)
            found.append(change)
        return Waiting(found)

    def names(self, store_id: str) -> list[str]:
        """The names of all changes of a store, the oldest first; consistent. What a change is about is left out."""
        return [row["sk"] for row in self._table.query(keys.changes(store_id), consistent=True, page_size=_MOST_READ)]

    def forget(self, store_id: str, names: Iterable[str]) -> None:
        """Forget changes by their names, after all that the store has was sent."""
        self._table.delete_many(Key(keys.changes(store_id), name) for name in names)

    def remove(self, store_id: str, changes: Iterable[Change]) -> None:
        """Forget changes, after what is to be sent of them is noted elsewhere."""
        self._table.delete_many(Key(keys.changes(store_id), change.name) for change in changes)

    def _oldest(self, store_id: str) -> Iterator[Change]:
        """Read some rows at a time: a whole page of them would be far more than one job holds."""
        after = ""
        while True:
            rows = [*self._table.query(keys.changes(store_id), Range(after or None), consistent=True, limit=_MOST_READ)]
            for row in rows:
                yield Change(row["sk"], unpack(row["skus"]), row["is_urgent"])
            if len(rows) < _MOST_READ:
                return
            after = f"{rows[-1]['sk']}\0"


def _wake_up(row: Row) -> WakeUp:
    return WakeUp(row["sk"], instant(row["since"]), row["token"])
