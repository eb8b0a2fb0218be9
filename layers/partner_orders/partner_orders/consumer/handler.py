"""The consumer function: the only writer of orders. The order-events queue calls it with batches of messages."""

import random
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext
from botocore.config import Config

from partner_orders.aws import clients
from partner_orders.clock import now
from partner_orders.consumer.catalogue_callbacks import CatalogueCallbacksQueue
from partner_orders.consumer.intake import Delivery, Intake
from partner_orders.consumer.redelivery import Visibility
from partner_orders.logs import function_logger
from partner_orders.orders.rejected_table import RejectedTable
from partner_orders.orders.table import OrdersTable
from partner_orders.settings import Settings, retention_of
from partner_orders.stores.table import StoresTable

if TYPE_CHECKING:
    # At run time this would import the whole batch utility, and asyncio with it.
    from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse

logger = function_logger()
metrics = Metrics()

WRITERS = 10
AWS_CALLS = Config(
    connect_timeout=1,
    read_timeout=2,
    retries={"total_max_attempts": 3, "mode": "standard"},
    max_pool_connections=WRITERS,
    # The SDK's check of what we send is a seventh of an event's work; the tests have it on.
    parameter_validation=False,
)


@dataclass(frozen=True)
class ConsumerSettings(Settings):
    orders_table_name: str
    order_events_queue_url: str
    chain_id: str
    order_retention_days: int
    rejected_retention_days: int
    catalogue_callbacks_queue_arn: str = ""


@cache
def intake() -> Intake:
    settings = ConsumerSettings.from_environment()
    client, table = clients.client("dynamodb", AWS_CALLS), settings.orders_table_name
    return Intake(
        OrdersTable(client, table, retention_of(settings.order_retention_days)),
        StoresTable(client, table, settings.chain_id, now),
        RejectedTable(client, table, retention_of(settings.rejected_retention_days), now),
        now,
        ThreadPoolExecutor(max_workers=WRITERS),
        _forward if settings.catalogue_callbacks_queue_arn else None,
    )


@cache
def visibility() -> Visibility:
    settings = ConsumerSettings.from_environment()
    return Visibility(clients.client("sqs", AWS_CALLS), settings.order_events_queue_url, random.random)


@cache
def catalogue_callbacks() -> CatalogueCallbacksQueue:
    settings = ConsumerSettings.from_environment()
    return CatalogueCallbacksQueue(clients.client("sqs", AWS_CALLS), settings.catalogue_callbacks_queue_arn)


def _forward(text: str) -> None:
    # Made for the first callback: most invocations have none.
    catalogue_callbacks().send(text)


@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> "PartialItemFailureResponse":
    records = event["Records"]
    deliveries = [
        Delivery(record["messageId"], record["body"], int(record["attributes"]["ApproximateReceiveCount"]))
        for record in records
    ]
    outcome = intake().process(deliveries, lambda: context.get_remaining_time_in_millis() / 1000)
    for name, count in outcome.counts.items():
        if count:
            metrics.add_metric(name, MetricUnit.Count, count)
    for seconds in outcome.lag_seconds:
        metrics.add_metric("Lag", MetricUnit.Seconds, seconds)
    for seconds in outcome.age_seconds:
        metrics.add_metric("Age", MetricUnit.Seconds, seconds)
    if outcome.rejected:
        logger.warning("rejected", reasons=_traced(outcome.rejected, deliveries))
    if outcome.failed:
        metrics.add_metric("Failed", MetricUnit.Count, len(outcome.failed))
        logger.error("failed, to come again", faults=_traced(outcome.failed.items(), deliveries))
        attempts = {delivery.message_id: delivery.attempt for delivery in deliveries}
        visibility().put_off(
            {
                record["receiptHandle"]: attempts[record["messageId"]]
                for record in records
                if record["messageId"] in outcome.failed
            }
        )
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in outcome.failed]}


def _traced(ends: Iterable[tuple[str, str]], deliveries: Sequence[Delivery]) -> dict[str, list[str]]:
    """For each way in which messages ended, what to trace them by."""
    by_id = {delivery.message_id: delivery for delivery in deliveries}
    traced: dict[str, list[str]] = {}
    for message_id, end in ends:
        traced.setdefault(end, []).append(by_id[message_id].traced_by)
    return {end: sorted(ids) for end, ids in sorted(traced.items())}
