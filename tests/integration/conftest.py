"""The AWS parts in one process: moto's SQS and Secrets Manager, and a DynamoDB with the table as the template makes
it."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import boto3
import pytest

from partner_orders.consumer.intake import Intake
from partner_orders.order_events.queue import OrderEventsQueue
from partner_orders.orders.rejected_table import RejectedTable
from partner_orders.orders.table import OrdersTable
from partner_orders.stores.table import StoresTable
from tests.support.aws import simulated_aws
from tests.support.contracts import FAKE, QUICK, simulated_orders_table
from tests.support.fixed_clock import clock
from tests.support.orders import CHAIN_ID
from tests.support.orders_table import RETENTION, TABLE, dynamodb_with_table
from tests.support.template import Template, expanded


@pytest.fixture
def aws() -> Iterator[None]:
    with simulated_aws():
        yield


@pytest.fixture(params=QUICK)
def dynamodb(request: pytest.FixtureRequest, aws: None) -> Any:
    return simulated_orders_table() if request.param == FAKE else dynamodb_with_table()


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
    return OrdersTable(dynamodb, TABLE, RETENTION)


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


@pytest.fixture(scope="session")
def template() -> Template:
    return expanded()
