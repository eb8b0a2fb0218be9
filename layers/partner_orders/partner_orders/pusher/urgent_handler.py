"""The function for urgent messages: the urgent queue calls it with one product at a time."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from aws_lambda_powertools import Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext
from botocore.exceptions import BotoCoreError, ClientError

from partner_orders.aws import clients
from partner_orders.catalogue.guards import Limits
from partner_orders.clock import now
from partner_orders.exports.store_exports import StoreExports
from partner_orders.exports.table import ExportsTable
from partner_orders.logs import function_logger
from partner_orders.platform.failures import OutOfTimeError, PartnerApiError
from partner_orders.platform.http import Handover, RunLimits
from partner_orders.pusher.parts import AWS_CALLS, WRITERS, Parts, SenderSettings, parts
from partner_orders.pusher.urgent import Urgent
from partner_orders.pusher.urgent_barcodes import UrgentBarcodes
from partner_orders.pusher.urgent_message import UrgentRefusedError, urgent_change

if TYPE_CHECKING:
    # At run time this would import the whole batch utility, and asyncio with it.
    from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse

logger = function_logger()
metrics = Metrics()

# A message that has to come again does so after so many seconds.
SOON_SECONDS = 5
# One that is noted, and could not be sent so often, is left to the pusher.
MOST_TRIES = 12
# Kept back of the function's time, for what follows a request.
AFTER_A_REQUEST_SECONDS = 6.0
JOB_LINES = 2_000
REASON = "Reason"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class UrgentSettings(SenderSettings):
    """Without ``files_bucket_name`` products are named by their SKU alone."""

    urgent_queue_url: str
    urgent_dead_letters_url: str
    price_step_percent: int
    switched_off_percent: int
    shorter_percent: int
    known_percent: int
    few_products: int
    files_bucket_name: str = ""

    def limits(self) -> Limits:
        """The guards' limits, as shares."""
        percent = self.price_step_percent, self.switched_off_percent, self.shorter_percent, self.known_percent
        price_step, switched_off, shorter, known = (Decimal(number) / 100 for number in percent)
        return Limits(price_step, switched_off, self.few_products, shorter, known)


class Worker(NamedTuple):
    urgent: Urgent
    parts: Parts
    sqs: Any
    settings: UrgentSettings


@cache
def worker() -> Worker:
    settings = UrgentSettings.from_environment()
    executor = ThreadPoolExecutor(max_workers=WRITERS)
    made = parts(settings, executor, JOB_LINES)
    exports = ExportsTable(made.dynamodb, settings.catalogue_table_name)
    bucket = settings.files_bucket_name
    files = StoreExports(exports, clients.client("s3", AWS_CALLS), bucket) if bucket else None
    barcodes = UrgentBarcodes(exports, files)
    urgent = Urgent(
        made.tables, made.known, made.pusher, made.platform, now, settings.limits(), executor, barcodes.skus
    )
    return Worker(urgent, made, clients.client("sqs", AWS_CALLS), settings)


@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> "PartialItemFailureResponse":
    work = worker()
    work.parts.client.begin(
        RunLimits(remaining_seconds=lambda: context.get_remaining_time_in_millis() / 1000 - AFTER_A_REQUEST_SECONDS),
        Handover(),
    )
    failed = [record["messageId"] for record in event["Records"] if not _take(work, record)]
    for counts in (
        work.urgent.counts,
        work.parts.pusher.counts,
        work.parts.outcomes.counts,
        work.parts.refusals.counts,
    ):
        for name, number in counts.items():
            metrics.add_metric(name, MetricUnit.Count, number)
        counts.clear()
    return {"batchItemFailures": [{"itemIdentifier": name} for name in failed]}


def _take(work: Worker, record: dict[str, Any]) -> bool:
    """Take a message; False if it has to come again."""
    attributes = record["attributes"]
    tries = int(attributes["ApproximateReceiveCount"])
    sent_at = _EPOCH + timedelta(milliseconds=int(attributes["SentTimestamp"]))
    try:
        is_sent = work.urgent.take(urgent_change(record["body"], sent_at, now()), is_repeated=tries > 1)
    except UrgentRefusedError as error:
        return _refuse(work, record, str(error))
    except (PartnerApiError, OutOfTimeError) as error:
        logger.warning("noted, and not sent yet", message_id=record["messageId"], fault=str(error) or "OutOfTime")
        if tries >= MOST_TRIES:
            return True
        return _soon(work, record)
    except Exception as error:
        logger.error("failed, to come again", message_id=record["messageId"], fault=type(error).__name__)
        return _soon(work, record)
    if is_sent:
        metrics.add_metric("UrgentSent", MetricUnit.Count, 1)
        metrics.add_metric("UrgentSeconds", MetricUnit.Seconds, max(0.0, (now() - sent_at).total_seconds()))
    return True


def _refuse(work: Worker, record: dict[str, Any], reason: str) -> bool:
    """Put a message that can never be taken where a person finds it, with the reason."""
    try:
        work.sqs.send_message(
            QueueUrl=work.settings.urgent_dead_letters_url,
            MessageBody=record["body"],
            MessageAttributes={REASON: {"DataType": "String", "StringValue": reason}},
        )
    except (BotoCoreError, ClientError) as error:
        logger.error("failed, to come again", message_id=record["messageId"], fault=type(error).__name__)
        return _soon(work, record)
    logger.warning("refused", message_id=record["messageId"], reason=reason)
    metrics.add_metric("UrgentRefused", MetricUnit.Count, 1)
    return True


def _soon(work: Worker, record: dict[str, Any]) -> bool:
    """Have a message come again in seconds; if that fails, it comes after the queue's own time."""
    with suppress(BotoCoreError, ClientError):
        work.sqs.change_message_visibility(
            QueueUrl=work.settings.urgent_queue_url,
            ReceiptHandle=record["receiptHandle"],
            VisibilityTimeout=SOON_SECONDS,
        )
    return False
