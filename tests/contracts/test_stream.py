"""The streams that stand for the table's have its records; the simulation's table has the template's keys."""

import base64
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from typing import Any

import boto3
import pytest

from partner_orders.orders.erasure import Erasure
from partner_orders.orders.event import Arrival, parse_event
from partner_orders.orders.rejected_table import RejectedTable
from partner_orders.orders.table import OrdersTable
from tests.support.contracts import LOCAL
from tests.support.fixed_clock import NOW, clock
from tests.support.orders import as_bytes, order
from tests.support.orders_table import RETENTION, TABLE
from tests.support.template import TEMPLATE, table_of_the_template
from tools.local.table_stream import Record, TableStream
from tools.simulation.simulated_stream import FILTER, SimulatedStream
from tools.simulation.table import DynamoDB

ARRIVAL = Arrival("webhook", NOW, "request-1")
ORDER_ID = order()["order_id"]
WHAT = ("Keys", "OldImage", "NewImage")


def write(dynamodb: Any, table: str) -> None:
    """A new order, a change, a late event, a duplicate, an operator's wish, an erasure; a rejected event, twice."""
    orders = OrdersTable(dynamodb, table, RETENTION)
    for body in (order(12), order(30, status="DISPATCHED"), order(20), order(20)):
        orders.write([(parse_event(as_bytes(body)), ARRIVAL)])
    orders.publish_again(ORDER_ID)
    Erasure(dynamodb, table, lambda _: True, clock).erase_order(ORDER_ID)
    rejected = RejectedTable(dynamodb, table, timedelta(days=90), clock)
    for _ in range(2):
        rejected.keep(b"{}", ARRIVAL, "invalid_order", ["order_id: Field required"])


def changes(records: list[Record]) -> list[dict[str, Any]]:
    return [{name: record["dynamodb"].get(name) for name in WHAT} for record in records]


def in_base64(value: Any) -> Any:
    """Lambda hands bytes over as base64."""
    match value:
        case bytes():
            return base64.b64encode(value).decode()
        case dict():
            return {name: in_base64(item) for name, item in value.items()}
        case list():
            return [in_base64(item) for item in value]
    return value


def of_the_table(dynamodb: Any) -> list[Record]:
    """The records of the table's own stream."""
    client = boto3.client("dynamodbstreams", endpoint_url=dynamodb.meta.endpoint_url)
    arn = dynamodb.describe_table(TableName=TABLE)["Table"]["LatestStreamArn"]
    records: list[Any] = []
    for shard in client.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]:
        iterator = client.get_shard_iterator(StreamArn=arn, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON")[
            "ShardIterator"
        ]
        records += client.get_records(ShardIterator=iterator)["Records"]
    return [in_base64(record) for record in records]


@pytest.mark.parametrize("dynamodb", [LOCAL], indirect=True)
def test_records(dynamodb: Any) -> None:
    """The stream that follows the client's calls has the records of the table's own."""
    # Not on moto: its streams encode bytes twice.
    dynamodb.update_table(
        TableName=TABLE, StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}
    )
    stream = TableStream(dynamodb, TABLE)
    write(dynamodb, TABLE)
    stream.stop()
    changed = [change for change in changes(stream.records) if change["OldImage"] != change["NewImage"]]
    assert changed == changes(of_the_table(dynamodb))
    assert len(changed) >= 7


@pytest.fixture
def simulation() -> Iterator[DynamoDB]:
    made = DynamoDB()
    yield made
    made.close()


def test_simulated_records(simulation: DynamoDB) -> None:
    """The simulation's stream has those that the event source's filter lets through."""
    table = simulation.new_table()
    followed = TableStream(simulation.client, table)
    simulated = SimulatedStream(partial(simulation.look_at, table))
    simulation.stand_between(None, None, simulated.written)
    write(simulation.client, table)
    through = [change for change in changes(followed.records) if change["Keys"]["sk"]["S"] in FILTER]
    assert changes(simulated.records) == [one for one in through if one["OldImage"] != one["NewImage"]]


def test_simulated_table(simulation: DynamoDB) -> None:
    """The simulation's table has the keys and the indexes of the template's."""
    made = simulation.client.describe_table(TableName=simulation.new_table())["Table"]
    template = table_of_the_template(TEMPLATE)
    assert made["KeySchema"] == template["KeySchema"]
    assert named(made["AttributeDefinitions"], "AttributeName") == named(
        template["AttributeDefinitions"], "AttributeName"
    )
    shape = ("KeySchema", "Projection")
    indexes = {name: {part: index[part] for part in shape} for name, index in by_name(made).items()}
    assert indexes == {name: {part: index[part] for part in shape} for name, index in by_name(template).items()}


def by_name(table: Any) -> dict[str, Any]:
    return named(table["GlobalSecondaryIndexes"], "IndexName")


def named(entries: list[Any], name: str) -> dict[str, Any]:
    return {entry[name]: entry for entry in entries}
