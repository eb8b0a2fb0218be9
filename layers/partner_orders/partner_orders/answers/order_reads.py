"""What answers need to know of an order and of its store, in as few reads as possible."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from partner_orders.answers.stored import OrderAnswers, order_answers
from partner_orders.aws import keys
from partner_orders.aws.attribute_values import Row
from partner_orders.aws.dynamodb import Table
from partner_orders.clock import Clock
from partner_orders.orders.event import OrderEvent, parse_event
from partner_orders.orders.queries import OrderQueries
from partner_orders.orders.stored import snapshot_digest

# A store that was switched off sends nothing more a minute later.
STORE_FRESH = timedelta(seconds=30)


class OrderReads:
    """Every method raises botocore's errors."""

    def __init__(self, table: Table, clock: Clock) -> None:
        self._table = table
        self._orders = OrderQueries(table)
        self._clock = clock
        self._is_answering: dict[str, tuple[datetime, bool]] = {}

    def for_answer(self, store_id: str, order_id: str) -> tuple[Row | None, OrderAnswers, bool]:
        """The row of an order, its answers, and whether its store answers: one request, consistent."""
        wanted = (keys.order(order_id), keys.answers(order_id), keys.store(store_id))
        rows = {(row["pk"], row["sk"]): row for row in self._table.get_many(wanted, consistent=True)}
        answers = order_answers(order_id, rows.get(keys.answers(order_id)))
        return rows.get(keys.order(order_id)), answers, is_answering(rows.get(keys.store(store_id)))

    def snapshot(self, row: Row) -> OrderEvent:
        """The snapshot of an order's row: one request more where its body is in a row of its own. Raises LookupError
        where that has gone."""
        body = self._orders.body_in(row, snapshot_digest(row["snapshot_key"]))
        if body is None:
            raise LookupError("the snapshot's body is not there any more")
        return parse_event(body)

    def bodies(self, order_id: str) -> Iterable[bytes | None]:
        """The body of each event of an order's history."""
        order = self._orders.get(order_id)
        return () if order is None else (entry.body for entry in order.history)

    def newest(self, order_id: str) -> OrderEvent | None:
        """An order's snapshot; None if there is no such order any more."""
        row = self._table.get(keys.order(order_id))
        return None if row is None else self.snapshot(row)

    def is_answering(self, store_id: str) -> bool:
        """Whether answers of a store are sent; what is known of it may be half a minute old."""
        now = self._clock()
        read_at, known = self._is_answering.get(store_id, (None, False))
        if read_at is None or now - read_at >= STORE_FRESH:
            known = is_answering(self._table.get(keys.store(store_id), consistent=False))
            self._is_answering[store_id] = now, known
        return known


def is_answering(row: Row | None) -> bool:
    """Whether a store's row says that its orders are answered."""
    return row is not None and row.get("is_answering") is True
