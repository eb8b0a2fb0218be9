"""Reading orders: one whole, what is known of many, and the ids that an index gives."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from partner_orders.aws import keys
from partner_orders.aws.attribute_values import Row
from partner_orders.aws.dynamodb import (
    BY_EXTERNAL_ORDER_ID,
    BY_ORDER_CODE,
    BY_TIME,
    OPEN_ORDERS,
    WHOLE_PARTITION,
    Index,
    Range,
    Table,
)
from partner_orders.clock import from_text, to_text
from partner_orders.orders.event import OrderEvent, parse_event
from partner_orders.orders.packed_body import unpack
from partner_orders.orders.stored import (
    LISTED_UNDER,
    MOVED_EVENTS,
    OPEN_UNDER,
    OPEN_UNKNOWN_UNDER,
    KnownOrder,
    StoredOrder,
    events_of,
    is_moved_entry,
    known_order,
    snapshot_digest,
    stored_order,
)

# What DynamoDB takes as a partition key, less our prefix.
MAX_ID_BYTES = 2_000
# What every partition of open orders begins with.
_OPEN = "OPEN"


class OrderQueries:
    """What is read of orders. Every method raises botocore's errors."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def get(self, order_id: str) -> StoredOrder | None:
        """An order with its history, whole: one request (consistent), one more for each MiB of large bodies."""
        # From the first body on, so without the answers, which come before by their sort key.
        found = self._table.query(keys.order_partition(order_id), Range(first=keys.EVENT), consistent=True)
        rows = {row["sk"]: row for row in found}
        order = rows.pop(keys.ORDER, None)
        return None if order is None else stored_order(order, rows.values())

    def many(self, order_ids: Iterable[str]) -> Iterator[StoredOrder]:
        """Orders with their histories, consistent and in no order; one that is not there is left out.

        One request for each 100, and one more for each order of which some has moved to rows of its own. Raises a
        throttling error for keys that stay unprocessed for seconds.
        """
        for row in self._table.get_many(map(keys.order, dict.fromkeys(order_ids)), consistent=True):
            if MOVED_EVENTS in row or any("body" not in event for event in events_of(row).values()):
                order = self.get(keys.order_id_of(row["pk"]))
                if order is not None:
                    yield order
            else:
                yield stored_order(row)

    def body(self, order_id: str, digest: str) -> bytes | None:
        """A body that has a row of its own; None if it has none."""
        row = self._table.get(keys.order_event(order_id, digest))
        return None if row is None else unpack(row["body"])

    def body_in(self, row: Row, digest: str) -> bytes | None:
        """The body of an event in an order's row: one request more where it has a row of its own. None if it has
        gone."""
        packed = events_of(row)[digest].get("body")
        return unpack(packed) if packed is not None else self.body(keys.order_id_of(row["pk"]), digest)

    def has_moved(self, order_id: str, digest: str) -> bool:
        """Whether an event is in the history of an order, and its entry has moved to a row of its own."""
        row = self._table.get(keys.order_event(order_id, digest))
        return row is not None and is_moved_entry(row)

    def known(self, order_ids: Iterable[str]) -> dict[str, KnownOrder]:
        """What we have of each order; one we do not have is left out. Eventually consistent: half a read unit for a
        row of up to 4 KB. Raises a throttling error for keys that stay unprocessed for seconds."""
        rows = self._table.get_many(map(keys.order, dict.fromkeys(order_ids)))
        return {keys.order_id_of(row["pk"]): known_order(row) for row in rows}

    def erased_among(self, order_ids: Iterable[str]) -> set[str]:
        """Those of these orders whose customer was erased; consistent. One request for each 100."""
        rows = self._table.get_many(map(keys.order, filter(_may_be_a_key, dict.fromkeys(order_ids))), consistent=True)
        return {keys.order_id_of(row["pk"]) for row in rows if "erased_at" in row}

    def by_external_order_id(self, external_order_id: str) -> list[str]:
        """Ids of the orders with this number of the platform; normally one."""
        return self._ids(BY_EXTERNAL_ORDER_ID, external_order_id)

    def by_order_code(self, store_id: str, order_code: str, limit: int = 10) -> list[str]:
        """Ids of a store's orders with this code, newest first; a code is not unique over time."""
        return self._ids(BY_ORDER_CODE, f"{store_id}#{order_code}", newest_first=True, limit=limit)

    def of_store(self, store_id: str, start: datetime, end: datetime) -> list[str]:
        """Ids of the store's orders created from ``start`` to ``end`` (both included), oldest first."""
        return self._ids(BY_TIME, f"{LISTED_UNDER}{store_id}", Range(to_text(start), to_text(end)))

    def stores_with_orders(self, start: datetime, end: datetime) -> set[str]:
        """The ids of the stores, registered or not, that orders created from ``start`` to ``end`` are listed under; one
        is empty where orders name no store. Reads a whole index, which holds keys only."""
        created = Range(to_text(start), to_text(end))
        partitions = self._table.index_partitions(BY_TIME, LISTED_UNDER, created)
        return {partition.removeprefix(LISTED_UNDER) for partition in partitions}

    def newest_of_store(self, store_id: str, since: datetime, until: datetime) -> datetime | None:
        """When the store's newest order was created, of those from ``since`` to ``until`` (both included). An order may
        be dated ahead: "newest" means nothing without an end."""
        if until < since:
            return None
        created = Range(to_text(since), to_text(until))
        row = self._table.first(f"{LISTED_UNDER}{store_id}", created, BY_TIME, newest_first=True)
        return from_text(row["listed_at"]) if row else None

    def newest_of(self, store_id: str, limit: int) -> list[str]:
        """Ids of the store's newest orders, by creation, newest first."""
        rows = self._table.listed(f"{LISTED_UNDER}{store_id}", BY_TIME, limit, newest_first=True)
        return [keys.order_id_of(row["pk"]) for row in rows]

    def newest_events(self, store_id: str, limit: int) -> Iterator[OrderEvent]:
        """What was last said of the store's newest orders, by creation, newest first: of each its snapshot, and its
        events of a later clock, before which a final status stays. One request, one for each order, and one for each
        body that has a row of its own."""
        for listed in self._table.query(f"{LISTED_UNDER}{store_id}", index=BY_TIME, newest_first=True, limit=limit):
            row = self._table.get(keys.order(keys.order_id_of(listed["pk"])))
            if row is None:
                continue
            snapshot, events = snapshot_digest(row["snapshot_key"]), events_of(row)
            said_at = events[snapshot].get("occurred_at") or ""
            for digest, event in events.items():
                if digest != snapshot and (event.get("occurred_at") or "") <= said_at:
                    continue
                body = self.body_in(row, digest)
                if body is not None:
                    yield parse_event(body)

    def has_open(self, store_id: str, start: datetime, end: datetime) -> bool:
        """Whether an order of the store, created from ``start`` to ``end`` (both included), is open by a status that we
        know. Reads one entry of an index."""
        created = Range(to_text(start), to_text(end))
        return self._table.first(f"{OPEN_UNDER}{store_id}", created, OPEN_ORDERS) is not None

    def open_of_store(self, store_id: str, start: datetime, end: datetime) -> dict[str, datetime]:
        """When each order of has_open() was created, by its id, oldest first. Reads entries of an index, no order."""
        created = Range(to_text(start), to_text(end))
        rows = self._table.query(f"{OPEN_UNDER}{store_id}", created, OPEN_ORDERS)
        return {keys.order_id_of(row["pk"]): from_text(row["listed_at"]) for row in rows}

    def open_since(self, start: datetime, store_id: str | None = None) -> list[str]:
        """Ids of the orders of a store, or of all, created at or after ``start`` that are open, also by a status that
        we do not know, oldest first. Of all stores it reads the whole index: for people, not for every run."""
        created = Range(to_text(start))
        partitions = {f"{OPEN_UNDER}{store_id}", f"{OPEN_UNKNOWN_UNDER}{store_id}"}
        if store_id is None:
            partitions = self._table.index_partitions(OPEN_ORDERS, _OPEN, created)
        rows = [row for name in sorted(partitions) for row in self._table.query(name, created, OPEN_ORDERS)]
        return [keys.order_id_of(row["pk"]) for row in sorted(rows, key=lambda row: row["listed_at"])]

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


def _may_be_a_key(order_id: str) -> bool:
    """Whether DynamoDB would take an id; what it does not take is in no table."""
    try:
        return len(order_id.encode()) <= MAX_ID_BYTES
    except UnicodeEncodeError:
        return False
