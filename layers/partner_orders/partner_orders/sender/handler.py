"""The sender function: a wake-up from the answers queue has it send what waits for an order; each minute the schedule
has it wake itself for every order that nobody woke it for."""

import time
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext
from botocore.config import Config

from partner_orders.answers.judgement import Outcome
from partner_orders.answers.order_reads import OrderReads
from partner_orders.answers.rules import Brand
from partner_orders.answers.table import AnswersTable
from partner_orders.answers.wake_ups import WakeUps, order_id_in
from partner_orders.aws import clients
from partner_orders.aws.dynamodb import Table
from partner_orders.clock import PassedSeconds, now
from partner_orders.logs import function_logger
from partner_orders.order_events.queue import OrderEventsQueue
from partner_orders.platform.budgeted_requests import BudgetedRequests, RequestBudgetTable
from partner_orders.platform.credentials import PartnerApiCredentials
from partner_orders.platform.order_exchange import OrderExchange
from partner_orders.platform.request_budget import Share
from partner_orders.platform.session import platform_session
from partner_orders.sender.sending import Sender
from partner_orders.sender.sweep import Sweep
from partner_orders.sender.unanswered import UnansweredOrders
from partner_orders.settings import Settings, retention_of
from partner_orders.stores.table import StoresTable

if TYPE_CHECKING:
    # At run time this would import the whole batch utility, and asyncio with it.
    from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse

logger = function_logger()
metrics = Metrics()

METRICS = {
    Outcome.APPLIED: "AnswersApplied",
    Outcome.APPLIED_DIFFERENTLY: "AnswersAppliedDifferently",
    Outcome.REFUSED: "AnswersRefused",
    Outcome.OVERTAKEN: "AnswersOvertaken",
    Outcome.EXPIRED: "AnswersExpired",
    Outcome.UNKNOWN: "AnswersUnknown",
}
# How often it is counted which orders nobody answers.
MEASURED_EVERY_MINUTES = 5
AWS_CALLS = Config(connect_timeout=1, read_timeout=3, retries={"total_max_attempts": 3, "mode": "standard"})


@dataclass(frozen=True)
class SenderSettings(Settings):
    orders_table_name: str
    order_events_queue_url: str
    answers_queue_url: str
    request_budget_table_name: str
    partner_api_secret_arn: str
    partner_api_base_url: str
    chain_id: str
    brand: str
    rate_limit_per_minute: int
    order_retention_days: int
    answer_within_minutes: int


@cache
def sender() -> Sender:
    settings = SenderSettings.from_environment()
    client, sqs = clients.client("dynamodb", AWS_CALLS), clients.client("sqs", AWS_CALLS)
    budget = RequestBudgetTable(client, settings.request_budget_table_name, settings.rate_limit_per_minute)
    # One at a time: the next request may not come for a while, and a permit that is not used is lost to others.
    limit = BudgetedRequests(budget, Share.ANSWERS, 1, PassedSeconds(), time.sleep)
    base_url, session = settings.partner_api_base_url, platform_session()
    secrets = clients.client("secretsmanager", AWS_CALLS)
    credentials = PartnerApiCredentials(secrets, settings.partner_api_secret_arn, base_url.rstrip("/"), session, limit)
    return Sender(
        AnswersTable(client, settings.orders_table_name, retention_of(settings.order_retention_days)),
        OrderReads(Table(client, settings.orders_table_name), now),
        OrderExchange(base_url, settings.chain_id, credentials, session, limit, now),
        OrderEventsQueue(sqs, settings.order_events_queue_url),
        WakeUps(sqs, settings.answers_queue_url),
        Brand.named(settings.brand, base_url),
        now,
    )


@cache
def sweep() -> Sweep:
    settings = SenderSettings.from_environment()
    client = clients.client("dynamodb", AWS_CALLS)
    return Sweep(
        AnswersTable(client, settings.orders_table_name, retention_of(settings.order_retention_days)),
        WakeUps(clients.client("sqs", AWS_CALLS), settings.answers_queue_url),
        now,
    )


@cache
def unanswered() -> UnansweredOrders:
    settings = SenderSettings.from_environment()
    client, table = clients.client("dynamodb", AWS_CALLS), settings.orders_table_name
    within = timedelta(minutes=settings.answer_within_minutes)
    return UnansweredOrders(Table(client, table), StoresTable(client, table, settings.chain_id, now), within, now)


@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> "PartialItemFailureResponse | None":
    if "Records" not in event:
        _sweep()
        return None
    return {"batchItemFailures": [{"itemIdentifier": name} for name in _failed(event["Records"], context)]}


def _sweep() -> None:
    metrics.add_metric("AnswersWoken", MetricUnit.Count, sweep().run())
    if now().minute % MEASURED_EVERY_MINUTES == 0:
        waiting = unanswered().count()
        metrics.add_metric("OrdersUnanswered", MetricUnit.Count, waiting.orders)
        metrics.add_metric("OldestUnansweredMinutes", MetricUnit.Count, waiting.oldest_minutes)


def _failed(records: list[dict[str, Any]], context: LambdaContext) -> list[str]:
    """Send for each record; the ids of those that have to come again."""
    failed = []
    for record in records:
        order_id = order_id_in(record["body"])
        if order_id is None:
            logger.error("not a wake-up", message_id=record["messageId"])
            continue
        try:
            _send(order_id, context)
        except Exception as error:
            logger.error("failed, to come again", order_id=order_id, fault=type(error).__name__)
            failed.append(record["messageId"])
    return failed


def _send(order_id: str, context: LambdaContext) -> None:
    sent = sender().process(order_id, lambda: context.get_remaining_time_in_millis() / 1000)
    for outcome, seconds in sent.outcomes:
        metrics.add_metric(METRICS[outcome], MetricUnit.Count, 1)
        if outcome.is_for_a_person:
            metrics.add_metric("AnswersUnclear", MetricUnit.Count, 1)
        metrics.add_metric("AnswerSeconds", MetricUnit.Seconds, seconds)
        logger.info("answered", order_id=order_id, outcome=outcome.value)
    if sent.failures:
        logger.warning("not answered yet", order_id=order_id, failures=sent.failures)
