"""The reconciler function: on a schedule, and on demand with ``{"from", "to", "stores", "preview"}``."""

import time
from datetime import timedelta
from functools import cache
from typing import Any

import boto3
import requests
from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext
from botocore.config import Config

from partner_orders.clock import now
from partner_orders.credentials import PartnerApiCredentials
from partner_orders.order_events_queue import OrderEventsQueue
from partner_orders.orders_table import OrdersTable
from partner_orders.partner_api import PartnerApi
from partner_orders.rate_limit import RateLimit
from partner_orders.reconciliation import InvalidRequestError, Reconciler, Request
from partner_orders.rejected_table import RejectedTable
from partner_orders.settings import ReconcilerSettings
from partner_orders.stores_table import StoresTable

logger = Logger()
metrics = Metrics()

AWS_CALLS = Config(connect_timeout=2, read_timeout=5, retries={"total_max_attempts": 4, "mode": "standard"})


@cache
def reconciler() -> Reconciler:
    settings = ReconcilerSettings.from_environment()
    dynamodb, table = boto3.client("dynamodb", config=AWS_CALLS), settings.orders_table_name
    session, base_url = requests.Session(), settings.partner_api_base_url.rstrip("/")
    credentials = PartnerApiCredentials(
        boto3.client("secretsmanager", config=AWS_CALLS), settings.partner_api_secret_arn, base_url, session
    )
    rate_limit = RateLimit(settings.rate_limit_per_minute, time.monotonic, time.sleep)
    retention = timedelta(days=settings.order_retention_days)
    return Reconciler(
        PartnerApi(base_url, settings.chain_id, credentials, session, rate_limit, time.sleep),
        OrdersTable(dynamodb, table, retention, now),
        StoresTable(dynamodb, table, settings.chain_id, now),
        RejectedTable(dynamodb, table, retention, now),
        OrderEventsQueue(boto3.client("sqs", config=AWS_CALLS), settings.order_events_queue_url),
        now,
    )


@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    try:
        request = Request.from_event(event, now())
    except InvalidRequestError as error:
        return {"error": str(error)}
    report = reconciler().run(request, context.aws_request_id, lambda: context.get_remaining_time_in_millis() / 1000)
    metrics.add_metric("FoundMissing", MetricUnit.Count, report.counts["missing"])
    metrics.add_metric("FoundDifferent", MetricUnit.Count, report.counts["different"])
    metrics.add_metric("StoresFailed", MetricUnit.Count, len(report.failed_stores))
    answer = report.to_json()
    logger.info("reconciled", report=answer)
    return answer
