"""The publisher function: the orders table's stream calls it with what has changed."""

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext
from botocore.config import Config

from partner_orders.aws import clients
from partner_orders.aws.dynamodb import Table
from partner_orders.aws.event_bus import EventBus
from partner_orders.logs import function_logger
from partner_orders.orders.queries import OrderQueries
from partner_orders.publisher.publish import Publisher, PublisherDeadLetters
from partner_orders.settings import Settings

if TYPE_CHECKING:
    # At run time this would import the whole batch utility, and asyncio with it.
    from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse

logger = function_logger()
metrics = Metrics()

AWS_CALLS = Config(connect_timeout=1, read_timeout=2, retries={"total_max_attempts": 3, "mode": "standard"})


@dataclass(frozen=True)
class PublisherSettings(Settings):
    """``publish_personal_data`` is ``true`` or ``false``."""

    orders_table_name: str
    event_bus_name: str
    publisher_dead_letters_url: str
    publish_personal_data: str


@cache
def publisher() -> Publisher:
    settings = PublisherSettings.from_environment()
    return Publisher(
        OrderQueries(Table(clients.client("dynamodb", AWS_CALLS), settings.orders_table_name)),
        EventBus(clients.client("events", AWS_CALLS), settings.event_bus_name),
        PublisherDeadLetters(clients.client("sqs", AWS_CALLS), settings.publisher_dead_letters_url),
        personal_data=settings.publish_personal_data == "true",
    )


@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> "PartialItemFailureResponse":
    published = publisher().process(event["Records"], lambda: context.get_remaining_time_in_millis() / 1000)
    for name, count in published.counts.items():
        metrics.add_metric(name, MetricUnit.Count, count)
    if published.faults:
        logger.error("not published", faults=dict(published.faults), correlation_ids=published.correlation_ids)
    return {"batchItemFailures": [{"itemIdentifier": number} for number in published.held]}
