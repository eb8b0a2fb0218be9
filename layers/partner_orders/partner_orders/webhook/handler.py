"""The webhook function: API Gateway calls it with each order event."""

from dataclasses import dataclass
from functools import cache
from typing import Any

from aws_lambda_powertools import Metrics
from aws_lambda_powertools.metrics import MetricUnit
from botocore.config import Config

from partner_orders.aws import clients
from partner_orders.clock import now
from partner_orders.logs import function_logger
from partner_orders.order_events.queue import OrderEventsQueue
from partner_orders.platform.webhook_secret import WebhookSecret
from partner_orders.settings import Settings
from partner_orders.webhook.endpoint import Response, Webhook
from partner_orders.webhook.refusals import REFUSED, Refusals, reason_of

logger = function_logger()
metrics = Metrics()
refusals = Refusals()

# On a cold start the secret is read twice and the message sent once. All of it, at its slowest and with the SDK's own
# pause of up to a second before a second try, stays within the function's 9 s, and so within the platform's 10 s.
SECRETS_MANAGER_CALLS = Config(connect_timeout=0.5, read_timeout=1, retries={"total_max_attempts": 1})
SQS_CALLS = Config(
    connect_timeout=0.5,
    read_timeout=1.5,
    retries={"total_max_attempts": 2, "mode": "standard"},
    # The SDK's check of what we send; the tests have it on.
    parameter_validation=False,
    # The SDK would write its own anew for each call.
    user_agent="partner-orders",
)


@dataclass(frozen=True)
class WebhookSettings(Settings):
    order_events_queue_url: str
    webhook_secret_arn: str


@cache
def webhook() -> Webhook:
    settings = WebhookSettings.from_environment()
    return Webhook(
        WebhookSecret(clients.client("secretsmanager", SECRETS_MANAGER_CALLS), settings.webhook_secret_arn),
        OrderEventsQueue(clients.client("sqs", SQS_CALLS), settings.order_events_queue_url),
        now,
    )


@metrics.log_metrics
def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    response = webhook().receive(event)
    metrics.add_metric(response.counted_as, MetricUnit.Count, 1)
    if response.also_counted_as:
        metrics.add_metric(response.also_counted_as, MetricUnit.Count, 1)
    if response.status != 200:
        _log(event, response)
    return response.to_http()


def _log(event: dict[str, Any], response: Response) -> None:
    """Say why a request was not enqueued; of a flood of refused ones only a few lines."""
    if reason := reason_of(event, response):
        if line := refusals.line(reason, event):
            (logger.error if response.fault else logger.warning)(REFUSED, **line)
    elif response.fault:
        logger.error("unavailable", fault=response.fault, correlation_id=event["requestContext"]["requestId"])
