"""What a run reads of the table does not grow with the past."""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import batched
from typing import Any

import pytest

from partner_orders.aws import keys
from partner_orders.aws.attribute_values import to_attributes
from partner_orders.clock import to_text
from partner_orders.orders.event import Arrival, parse_event
from partner_orders.orders.table import OrdersTable
from partner_orders.reconciler.windows import Position
from tests.support.orders import as_bytes, order
from tests.support.orders_table import RETENTION, TABLE
from tests.support.platform import START, VirtualTime, lives
from tests.support.quick_table import on_moto
from tests.support.reconciler_world import World

pytestmark = on_moto

AFTER = START + timedelta(hours=2)
DAY = timedelta(days=1)


class Reads:
    """Counts the requests that read orders by DynamoDB, and the rows that they give."""

    def __init__(self, client: Any) -> None:
        self.counts: Counter[str] = Counter()
        client.meta.events.register("after-call.dynamodb", self._note)

    def _note(self, model: Any, parsed: dict[str, Any], **_: Any) -> None:
        rows = [*parsed.get("Items", []), *(row for rows in parsed.get("Responses", {}).values() for row in rows)]
        self.counts[model.name] += 1
        self.counts["rows of orders"] += sum(row["pk"]["S"].startswith("ORDER#") for row in rows)


def copies(dynamodb: Any, row: dict[str, Any], ages: Iterator[tuple[str, datetime]]) -> None:
    """Write an order's row again under other ids, created at other times."""
    for batch in batched(ages, 25, strict=False):
        rows = [
            row | to_attributes({"pk": keys.order(order_id).pk, "listed_at": to_text(created_at)})
            for order_id, created_at in batch
        ]
        dynamodb.batch_write_item(RequestItems={TABLE: [{"PutRequest": {"Item": each}} for each in rows]})


def stored_row(dynamodb: Any, table: OrdersTable, **fields: Any) -> dict[str, Any]:
    event = parse_event(as_bytes(order(**fields)))
    table.write([(event, Arrival("webhook", AFTER, "c"))])
    row: dict[str, Any] = dynamodb.get_item(
        TableName=TABLE, Key=to_attributes(keys.order(event.order_id)._asdict()), ConsistentRead=True
    )["Item"]
    dynamodb.delete_item(TableName=TABLE, Key={"pk": row["pk"], "sk": row["sk"]})
    return row


def reads_of_a_run(dynamodb: Any, past: int) -> Counter[str]:
    """The reads of a run over two stores, with so many open orders of weeks ago, and as many of an unknown status that
    are newer."""
    world = World(dynamodb, lives(), VirtualTime(AFTER))
    table = OrdersTable(dynamodb, TABLE, RETENTION)
    world.orders = table  # type: ignore[assignment]
    world.new_worker()
    for shop in world.shops:
        world.table.move(Position(shop.store_id, AFTER, AFTER, older_look_at=AFTER), fencing_token=0)
    client = {"store_id": world.shops[0].store_id}
    for name, status, age in (("old", "RECEIVED", 10 * DAY), ("done", "COMPLETED", DAY)):
        ages = ((f"{name}-{n}", AFTER - age - timedelta(minutes=n % 1_000)) for n in range(past))
        copies(dynamodb, stored_row(dynamodb, table, status=status, client=client), ages)
    reads = Reads(dynamodb)
    report = world.run()
    assert report.counts["stores_checked"] == len(world.shops)
    return +reads.counts


@pytest.mark.parametrize("past", [10, 500, pytest.param(5_000, marks=pytest.mark.slow)])
def test_reads_do_not_grow_with_the_past(dynamodb: Any, past: int) -> None:
    """A run reads the same, however many old orders are open, or are of a status that is never closed."""
    reads = reads_of_a_run(dynamodb, past)
    assert reads["rows of orders"] == 0
    assert reads["BatchGetItem"] == 0
    # The positions, the stores, the backfills, and of each of two stores whether an order is open by either id.
    assert reads["Query"] == 7
