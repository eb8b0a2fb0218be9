"""The answers function: the chain's own systems call it through an HTTP API of its own."""

from dataclasses import dataclass
from functools import cache
from typing import Any

from aws_lambda_powertools import Metrics
from aws_lambda_powertools.metrics import MetricUnit
from botocore.config import Config

from partner_orders.answers.endpoint import AnswersEndpoint
from partner_orders.answers.intake import AnswersIntake
from partner_orders.answers.order_reads import OrderReads
from partner_orders.answers.rules import Brand
from partner_orders.answers.table import AnswersTable
from partner_orders.answers.wake_ups import WakeUps
from partner_orders.aws import clients
from partner_orders.aws.dynamodb import Table
from partner_orders.clock import now
from partner_orders.logs import function_logger
from partner_orders.settings import Settings, retention_of

logger = function_logger()
metrics = Metrics()

AWS_CALLS = Config(connect_timeout=1, read_timeout=2, retries={"total_max_attempts": 3, "mode": "standard"})


@dataclass(frozen=True)
class AnswersSettings(Settings):
    orders_table_name: str
    answers_queue_url: str
    partner_api_base_url: str
    chain_id: str
    brand: str
    order_retention_days: int


@cache
def endpoint() -> AnswersEndpoint:
    settings = AnswersSettings.from_environment()
    client, table = clients.client("dynamodb", AWS_CALLS), settings.orders_table_name
    intake = AnswersIntake(
        OrderReads(Table(client, table), now),
        AnswersTable(client, table, retention_of(settings.order_retention_days)),
        WakeUps(clients.client("sqs", AWS_CALLS), settings.answers_queue_url),
        Brand.named(settings.brand, settings.partner_api_base_url),
        settings.chain_id,
        now,
    )
    return AnswersEndpoint(intake)


@metrics.log_metrics
def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    response = endpoint().respond(event)
    if response.counted_as:
        metrics.add_metric(response.counted_as, MetricUnit.Count, 1)
    if response.fault:
        logger.error("unavailable", fault=response.fault, correlation_id=event["requestContext"]["requestId"])
    return response.to_http()
