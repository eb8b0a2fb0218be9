"""The AWS parts in one process: moto's DynamoDB, SQS and Secrets Manager, with the table as the template makes it."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from partner_orders.consumer.intake import Intake
from partner_orders.order_events.queue import OrderEventsQueue
from partner_orders.orders.rejected_table import RejectedTable
from partner_orders.orders.table import OrdersTable
from partner_orders.stores.table import StoresTable
from tests.support.orders import CHAIN_ID
from tests.unit.template.conftest import TEMPLATE, table_of_the_template

NOW = datetime(2026, 10, 14, 9, 0, tzinfo=UTC)
TABLE = "orders"
RETENTION = timedelta(days=400)
MAX_EXPRESSION = 4_096


def clock() -> datetime:
    return NOW


class Calls:
    """Counts the requests that a client makes, by operation."""

    def __init__(self, client: Any) -> None:
        self.made: list[str] = []
        client.meta.events.register("before-send.*.*", self._note)

    def _note(self, event_name: str, **_: Any) -> None:
        self.made.append(event_name.rsplit(".", maxsplit=1)[-1])


@pytest.fixture
def aws() -> Iterator[None]:
    with mock_aws():
        yield


@pytest.fixture
def dynamodb(aws: None) -> Any:
    client = boto3.client("dynamodb")
    client.meta.events.register("before-call.dynamodb", _bound_expressions)
    client.create_table(TableName=TABLE, **table_of_the_template(TEMPLATE))
    return client


def _bound_expressions(model: Any, params: Any, **_: Any) -> None:
    """A limit of DynamoDB's that moto does not have."""
    for name, value in json.loads(params["body"]).items():
        if name.endswith("Expression") and len(value) > MAX_EXPRESSION:
            error: Any = {"Code": "ValidationException", "Message": f"Invalid {name}: Expression size has exceeded"}
            raise ClientError({"Error": error}, model.name)


@pytest.fixture
def sqs(aws: None) -> Any:
    return boto3.client("sqs")


@pytest.fixture
def queue_url(sqs: Any) -> str:
    return str(sqs.create_queue(QueueName="order-events")["QueueUrl"])


@pytest.fixture
def queue(sqs: Any, queue_url: str) -> OrderEventsQueue:
    return OrderEventsQueue(sqs, queue_url)


@pytest.fixture
def orders(dynamodb: Any) -> OrdersTable:
    return OrdersTable(dynamodb, TABLE, RETENTION, clock)


@pytest.fixture
def stores(dynamodb: Any) -> StoresTable:
    return StoresTable(dynamodb, TABLE, CHAIN_ID, clock)


@pytest.fixture
def rejected(dynamodb: Any) -> RejectedTable:
    return RejectedTable(dynamodb, TABLE, timedelta(days=90), clock)


@pytest.fixture
def intake(orders: OrdersTable, stores: StoresTable, rejected: RejectedTable) -> Iterator[Intake]:
    with ThreadPoolExecutor(4) as executor:
        yield Intake(orders, stores, rejected, clock, executor)
