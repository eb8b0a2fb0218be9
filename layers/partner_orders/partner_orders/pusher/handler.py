"""The pusher function: each minute the schedule has it settle what the platform worked off, and send what changed."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

from aws_lambda_powertools import Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext
from botocore.config import Config

from partner_orders.aws import clients
from partner_orders.clock import PassedSeconds, now
from partner_orders.exports.exporting import Exports
from partner_orders.exports.store_exports import StoreExports
from partner_orders.exports.table import ExportsTable
from partner_orders.logs import function_logger
from partner_orders.platform.http import Handover, RunLimits
from partner_orders.platform.job_files import JobFiles
from partner_orders.pusher.parts import (
    WRITERS,
    Parts,
    PromotionParts,
    SenderSettings,
    StatusParts,
    parts,
    promotion_parts,
    status_parts,
)
from partner_orders.pusher.run import Minute, Run
from partner_orders.pusher.statuses import MOST_SECONDS
from partner_orders.results.callbacks import Callbacks
from partner_orders.results.callbacks_queue import CallbacksQueue
from partner_orders.results.kept_callbacks import KeptCallbacks
from partner_orders.results.settling import Settling

logger = function_logger()
metrics = Metrics()

# Nothing new is begun after so many seconds: the next run, a minute later, goes on.
LAST_START_SECONDS = 50.0
# Kept back of the function's time, for what follows a request.
AFTER_A_REQUEST_SECONDS = 15.0
# A result has some 100 bytes a line, an export of the largest store some tens of MB.
MAX_FILE_BYTES = 256 * 1_048_576
FILE_SECONDS = 40.0
S3_CALLS = Config(connect_timeout=1, read_timeout=10, retries={"total_max_attempts": 3, "mode": "standard"})


@dataclass(frozen=True, kw_only=True)
class PusherSettings(SenderSettings):
    """``export_every_hours`` is 0 where exports are never asked for. Without ``callbacks_dead_letters_url`` a callback
    that cannot be read comes until its queue moves it. ``check_in`` is ENABLED where stores are checked in."""

    files_bucket_name: str
    callbacks_queue_url: str
    job_lines: int
    export_every_hours: int
    callbacks_dead_letters_url: str = ""
    check_in: str = ""


class Worker(NamedTuple):
    minute: Minute
    callbacks: Callbacks
    parts: Parts
    status: StatusParts
    promotion: PromotionParts


@cache
def worker() -> Worker:
    settings = PusherSettings.from_environment()
    made = parts(settings, ThreadPoolExecutor(max_workers=WRITERS), settings.job_lines)
    files = JobFiles(made.client, MAX_FILE_BYTES, FILE_SECONDS)
    settling = Settling(made.tables.jobs, made.outcomes, made.platform, files.download)
    exports_table = ExportsTable(made.dynamodb, settings.catalogue_table_name)
    s3 = clients.client("s3", S3_CALLS)
    exports = Exports(
        exports_table,
        StoreExports(exports_table, s3, settings.files_bucket_name),
        made.platform,
        files.download,
        now,
        settings.export_every_hours,
    )
    sqs = clients.client("sqs", S3_CALLS)
    callbacks = Callbacks(
        CallbacksQueue(sqs, settings.callbacks_queue_url, settings.callbacks_dead_letters_url),
        settling,
        exports,
        KeptCallbacks(made.dynamodb, settings.catalogue_table_name),
        now,
    )
    status = status_parts(settings, made, PassedSeconds(), settings.check_in == "ENABLED")
    promotion = promotion_parts(settings, made, PassedSeconds(), s3, settings.files_bucket_name)
    minute = Minute(
        made.tables,
        made.known,
        callbacks,
        settling,
        exports,
        made.outcomes,
        made.pusher,
        status.statuses,
        promotion.promotions,
        now,
    )
    return Worker(minute, callbacks, made, status, promotion)


@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> None:
    work, passed = worker(), PassedSeconds()
    work.parts.client.begin(
        RunLimits(remaining_seconds=lambda: context.get_remaining_time_in_millis() / 1000 - AFTER_A_REQUEST_SECONDS),
        Handover(),
    )
    # The statuses are first, and the products wait for them.
    work.status.client.begin(RunLimits(remaining_seconds=lambda: MOST_SECONDS - passed()), Handover())
    left = RunLimits(remaining_seconds=lambda: work.promotion.promotions.seconds_left)
    work.promotion.client.begin(left, Handover())
    try:
        run = work.minute.run(lambda: passed() < LAST_START_SECONDS)
        _tell(run)
    finally:
        work.parts.client.end()
        work.status.client.end()
        work.promotion.client.end()
        _count(work)


def _tell(run: Run) -> None:
    metrics.add_metric("StoresWaiting", MetricUnit.Count, len(run.waiting))
    longest = max(((now() - since).total_seconds() / 60 for since in run.waiting.values()), default=0)
    metrics.add_metric("OldestWaitingMinutes", MetricUnit.Count, int(max(0, longest)))
    for name, number in run.counts.items():
        metrics.add_metric(name, MetricUnit.Count, number)
    if run.faults:
        logger.error("some of it failed, to be tried again", faults=dict(run.faults))


def _count(work: Worker) -> None:
    """Emit what the parts counted in this run, also in one that failed."""
    made, callbacks = work.parts, work.callbacks
    counts: Counter[str] = Counter()
    of_events = work.status.events.counts, work.promotion.events.counts
    for one in (made.pusher.counts, made.outcomes.counts, made.refusals.counts, callbacks.counts, *of_events):
        counts += one
        one.clear()
    for name, number in counts.items():
        metrics.add_metric(name, MetricUnit.Count, number)
    statuses, promotions = work.status.statuses, work.promotion.promotions
    _count_part("statuses of stores failed, to be tried again", statuses.counts, statuses.faults)
    _count_part("promotions failed, to be tried again", promotions.counts, promotions.faults)
    if callbacks.faults:
        logger.error("callbacks failed, to come again", faults=dict(callbacks.faults))
        callbacks.faults.clear()


def _count_part(message: str, counts: Counter[str], faults: Counter[str]) -> None:
    for name, number in counts.items():
        metrics.add_metric(name, MetricUnit.Count, number)
    counts.clear()
    if faults:
        logger.warning(message, faults=dict(faults))
        faults.clear()
