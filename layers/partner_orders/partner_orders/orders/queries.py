"""Reading orders: one whole, what is known of many, and the ids that an index gives."""

from collections.abc import Iterable
from datetime import datetime

from partner_orders.aws import keys
from partner_orders.aws.dynamodb import WHOLE_PARTITION, Index, Range, Table
from partner_orders.clock import from_text, to_text
from partner_orders.orders.packed_body import unpack
from partner_orders.orders.stored import (
    LISTED_UNDER,
    KnownOrder,
    StoredOrder,
    is_moved_entry,
    known_order,
    stored_order,
)

_BY_TIME = Index(keys.BY_TIME, "listed_under", "listed_at")
_BY_EXTERNAL_ORDER_ID = Index(keys.BY_EXTERNAL_ORDER_ID, "external_order_id", "")
_BY_ORDER_CODE = Index(keys.BY_ORDER_CODE, "store_order_code", "listed_at")
_OPEN_ORDERS = Index(keys.OPEN_ORDERS, "open", "listed_at")
# Greater than every time as text.
_END_OF_TIME = "9999"


class OrderQueries:
    """What is read of orders. Every method raises botocore's errors."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def get(self, order_id: str) -> StoredOrder | None:
        """An order with its history, whole: one request (consistent), one more for each MiB of large bodies."""
        rows = {row["sk"]: row for row in self._table.query(keys.order_partition(order_id), consistent=True)}
        order = rows.pop(keys.ORDER, None)
        return None if order is None else stored_order(order, rows.values())

    def body(self, order_id: str, digest: str) -> bytes | None:
        """A body that has a row of its own; None if it has none."""
        row = self._table.get(keys.order_event(order_id, digest))
        return None if row is None else unpack(row["body"])

    def has_moved(self, order_id: str, digest: str) -> bool:
        """Whether an event is in the history of an order, and its entry has moved to a row of its own."""
        row = self._table.get(keys.order_event(order_id, digest))
        return row is not None and is_moved_entry(row)

    def known(self, order_ids: Iterable[str]) -> dict[str, KnownOrder]:
        """What we have of each order; one we do not have is left out. Eventually consistent: half a read unit for a
        row of up to 4 KB. Raises a throttling error for keys that stay unprocessed for seconds."""
        rows = self._table.get_many(map(keys.order, dict.fromkeys(order_ids)))
        return {keys.order_id_of(row["pk"]): known_order(row) for row in rows}

    def by_external_order_id(self, external_order_id: str) -> list[str]:
        """Ids of the orders with this number of the platform; normally one."""
        return self._ids(_BY_EXTERNAL_ORDER_ID, external_order_id)

    def by_order_code(self, store_id: str, order_code: str, limit: int = 10) -> list[str]:
        """Ids of a store's orders with this code, newest first; a code is not unique over time."""
        return self._ids(_BY_ORDER_CODE, f"{store_id}#{order_code}", newest_first=True, limit=limit)

    def of_store(self, store_id: str, start: datetime, end: datetime) -> list[str]:
        """Ids of the store's orders created from ``start`` to ``end`` (both included), oldest first."""
        return self._ids(_BY_TIME, f"{LISTED_UNDER}{store_id}", Range(to_text(start), to_text(end)))

    def stores_with_orders(self, start: datetime, end: datetime) -> set[str]:
        """The ids of the stores, registered or not, that orders created from ``start`` to ``end`` are listed under; one
        is empty where orders name no store. Reads a whole index, which holds keys only."""
        created = Range(to_text(start), to_text(end))
        partitions = self._table.index_partitions(_BY_TIME, LISTED_UNDER, created)
        return {partition.removeprefix(LISTED_UNDER) for partition in partitions}

    def newest_of_store(self, store_id: str, since: datetime, until: datetime | None = None) -> datetime | None:
        """When the store's newest order was created, of those at or after ``since``, and not after ``until``."""
        if until is not None and until < since:
            return None
        created = Range(to_text(since), to_text(until) if until else None)
        row = self._table.first(f"{LISTED_UNDER}{store_id}", created, _BY_TIME, newest_first=True)
        return from_text(row["listed_at"]) if row else None

    def open_since(self, start: datetime) -> list[str]:
        """Ids of the orders created at or after ``start`` that are still open, oldest first."""
        return self._ids(_OPEN_ORDERS, "OPEN", Range(to_text(start), _END_OF_TIME))

    def _ids(
        self,
        index: Index,
        partition: str,
        sort: Range = WHOLE_PARTITION,
        newest_first: bool = False,
        limit: int | None = None,
    ) -> list[str]:
        rows = self._table.query(partition, sort, index, newest_first, limit)
        return [keys.order_id_of(row["pk"]) for row in rows]
