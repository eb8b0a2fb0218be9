"""The reconciler function: on a schedule; on demand with ``{"from", "to", "stores", "preview"}``, all optional but one
of them there; ``{"backfill": id}`` asks how far a backfill is; ``{"cancel": id}`` ends one before its next part; and
``{"try_credentials": version}`` asks the platform whether it accepts a version of the Partner API secret.
"""

import time
from dataclasses import dataclass
from functools import cache
from typing import Any

from aws_lambda_powertools import Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext
from botocore.config import Config

from partner_orders.aws import clients
from partner_orders.aws.dynamodb import Table
from partner_orders.clock import PassedSeconds, now
from partner_orders.logs import function_logger
from partner_orders.order_events.queue import OrderEventsQueue
from partner_orders.orders.queries import OrderQueries
from partner_orders.orders.rejected_table import RejectedTable
from partner_orders.platform.budgeted_requests import BudgetedRequests, RequestBudgetTable
from partner_orders.platform.credentials import PartnerApiCredentials
from partner_orders.platform.failures import Failure
from partner_orders.platform.http import PartnerApiClient
from partner_orders.platform.orders import PlatformOrders
from partner_orders.platform.rate_limit import RateLimit, RequestLimit, workers_share
from partner_orders.platform.request_budget import Share
from partner_orders.platform.session import platform_session
from partner_orders.reconciler.backfill import InvalidRequestError
from partner_orders.reconciler.comparison import Comparison
from partner_orders.reconciler.credentials_trial import REQUEST, CredentialsTrial
from partner_orders.reconciler.lease import Lease
from partner_orders.reconciler.report import Report
from partner_orders.reconciler.run import Reconciler
from partner_orders.reconciler.stop_reason import StopReason, stop_reason
from partner_orders.reconciler.table import ReconciliationTable
from partner_orders.settings import Settings, retention_of
from partner_orders.stores.table import StoresTable

logger = function_logger()
metrics = Metrics()

AWS_CALLS = Config(connect_timeout=2, read_timeout=5, retries={"total_max_attempts": 4, "mode": "standard"})
# As many as a run uses within the seconds that permits last, where the platform is slow.
PERMITS_AT_ONCE = 4


@dataclass(frozen=True)
class ReconcilerSettings(Settings):
    orders_table_name: str
    order_events_queue_url: str
    partner_api_secret_arn: str
    partner_api_base_url: str
    chain_id: str
    rate_limit_per_minute: int
    order_retention_days: int
    # Empty where the chain answers no orders: then nobody shares the platform's limit with the reconciler.
    request_budget_table_name: str = ""


@cache
def reconciler() -> Reconciler:
    settings = ReconcilerSettings.from_environment()
    dynamodb, table = clients.client("dynamodb", AWS_CALLS), settings.orders_table_name
    api = _platform_client(settings)
    retention = retention_of(settings.order_retention_days)
    orders = OrderQueries(Table(dynamodb, table, time.sleep))
    queue = OrderEventsQueue(clients.client("sqs", AWS_CALLS), settings.order_events_queue_url)
    return Reconciler(
        api,
        PlatformOrders(api, settings.chain_id),
        orders,
        StoresTable(dynamodb, table, settings.chain_id, now),
        Comparison(orders, RejectedTable(dynamodb, table, retention, now), queue, now),
        ReconciliationTable(dynamodb, table, now),
        queue,
        Lease(dynamodb, table, now),
        retention,
        now,
        time.sleep,
    )


@cache
def credentials_trial() -> CredentialsTrial:
    settings = ReconcilerSettings.from_environment()
    dynamodb, table = clients.client("dynamodb", AWS_CALLS), settings.orders_table_name
    return CredentialsTrial(
        lambda version_id: _platform_client(settings, version_id),
        StoresTable(dynamodb, table, settings.chain_id, now),
        Lease(dynamodb, table, now),
        settings.chain_id,
        now,
    )


def _platform_client(settings: ReconcilerSettings, version_id: str = "") -> PartnerApiClient:
    """A client; ``version_id`` is that of the credentials, the current ones if empty."""
    session, base_url = platform_session(), settings.partner_api_base_url.rstrip("/")
    rate_limit = _rate_limit(settings)
    secrets, arn = clients.client("secretsmanager", AWS_CALLS), settings.partner_api_secret_arn
    credentials = PartnerApiCredentials(secrets, arn, base_url, session, rate_limit, version_id=version_id)
    return PartnerApiClient(base_url, credentials, session, rate_limit, now, time.sleep)


def _rate_limit(settings: ReconcilerSettings) -> RequestLimit:
    """The reconciler's share of the chain's request budget; where there is none, a limit of its own."""
    table_name, per_minute = settings.request_budget_table_name, settings.rate_limit_per_minute
    if not table_name:
        return RateLimit(workers_share(per_minute), time.monotonic, time.sleep)
    budget = RequestBudgetTable(clients.client("dynamodb", AWS_CALLS), table_name, per_minute)
    return BudgetedRequests(budget, Share.RECONCILIATION, PERMITS_AT_ONCE, PassedSeconds(), time.sleep)


@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    try:
        if not isinstance(event, dict):
            raise InvalidRequestError("the event should be a JSON object, such as {}")
        if "backfill" in event:
            return reconciler().backfill(str(event["backfill"]))
        if "cancel" in event:
            return reconciler().cancel(str(event["cancel"]))
        if REQUEST in event:
            return _try_credentials(str(event[REQUEST]), context)
        # An EventBridge rule brings an event of its own where it is told to bring nothing.
        backfill_id = reconciler().add_backfill(event) if event and "detail-type" not in event else ""
    except InvalidRequestError as error:
        return {"error": str(error)}
    report = reconciler().run(
        context.aws_request_id,
        lambda: context.get_remaining_time_in_millis() / 1000,
        only_backfills=bool(backfill_id),
        tell=_tell,
    )
    return reconciler().backfill(backfill_id) if backfill_id else report.to_json()


def _try_credentials(version_id: str, context: LambdaContext) -> dict[str, Any]:
    outcome = credentials_trial().run(version_id, lambda: context.get_remaining_time_in_millis() / 1000)
    logger.info("tried credentials", outcome=outcome.to_json())
    return dict(outcome.to_json())


def _tell(report: Report) -> None:
    logger.info("reconciled", report=report.to_json())
    reason = stop_reason(report.stopped)
    if not (isinstance(reason, StopReason) and reason.is_idle):
        _measure(report)


def _measure(report: Report) -> None:
    figures = {
        "FoundMissing": report.counts["missing"],
        "FoundDifferent": report.counts["different"],
        "WebhooksMissed": report.counts["webhooks_missed"],
        "UnsteadyOrders": len(report.damped),
        "StoresChecked": report.counts["stores_checked"],
        "StoresFailed": len(report.failed_stores),
        "PartnerApiUnauthorized": report.api_errors[Failure.UNAUTHORIZED],
        "PartnerApiRateLimited": report.api_errors[Failure.RATE_LIMITED] + report.api_errors[Failure.BLOCKED],
        "PartnerApiErrors": report.api_errors.total(),
    }
    # Zero would mean "checked, none found".
    if report.silent_stores is not None:
        figures["StoresSilent"] = len(report.silent_stores)
        figures["MinutesLeftOut"] = report.minutes_left_out
    if report.token_age_days is not None:
        figures["PartnerApiTokenAgeDays"] = report.token_age_days
    for name, value in figures.items():
        metrics.add_metric(name, MetricUnit.Count, value)
