"""That products of a store changed and may have to be sent. It never says to what: the value that is sent is the newest
at the moment of sending (rule W3)."""

import secrets
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import batched, islice
from typing import TYPE_CHECKING

from partner_orders.aws.dynamodb import Table
from partner_orders.aws.keys import Key
from partner_orders.catalogue import keys
from partner_orders.catalogue.packed_lines import pack, unpack
from partner_orders.clock import to_text

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_MOST_READ = 100  # rows at a time
MAX_SKUS = 1_000  # in one row: at most some 130 KB before they are packed


@dataclass(frozen=True, slots=True)
class Change:
    """Products that changed together; urgent ones go off sale at once. ``name`` sorts by time."""

    name: str
    skus: Sequence[str]
    is_urgent: bool = False


class ChangesTable:
    """The changes of every store that wait. Every method raises botocore's errors."""

    def __init__(self, client: "DynamoDBClient", table_name: str) -> None:
        self._table = Table(client, table_name)

    def add(self, store_id: str, skus: Iterable[str], at: datetime, is_urgent: bool = False) -> None:
        """Note that products changed, after their rows were written. A write for each thousand."""
        for some in batched(dict.fromkeys(skus), MAX_SKUS, strict=False):
            key = Key(keys.changes(store_id), f"{to_text(at)}#{secrets.token_hex(4)}")
            self._table.put(key, {"skus": pack([*some]), "is_urgent": is_urgent})

    def first(self, store_id: str, most: int) -> list[Change]:
        """The oldest changes of a store, of at most ``most`` products together, but one change at least; consistent."""
        found: list[Change] = []
        number = 0
        for change in self._oldest(store_id):
            number += len(change.skus)
            if found and number > most:
                break
            found.append(change)
        return found

    def remove(self, store_id: str, changes: Iterable[Change]) -> None:
        """Forget changes, after what is to be sent of them is noted elsewhere."""
        for change in changes:
            self._table.delete(Key(keys.changes(store_id), change.name))

    def _oldest(self, store_id: str) -> Iterator[Change]:
        # A page of rows would be read far beyond what one job holds.
        rows = self._table.query(keys.changes(store_id), consistent=True, limit=_MOST_READ)
        for row in islice(rows, _MOST_READ):
            yield Change(row["sk"], unpack(row["skus"]), row["is_urgent"])
