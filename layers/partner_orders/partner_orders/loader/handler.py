"""The loader function: each minute the schedule has it drain the queue of files, one store's file after the other."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from functools import cache
from typing import Any, NamedTuple

from aws_lambda_powertools import Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext
from botocore.config import Config

from partner_orders.aws import clients
from partner_orders.catalogue.files import FileRow
from partner_orders.catalogue.folders import remove_left_folders
from partner_orders.catalogue.guards import Limits
from partner_orders.catalogue.product import printable
from partner_orders.catalogue.tables import Tables
from partner_orders.clock import PassedSeconds, now
from partner_orders.drift.comparison import Drift
from partner_orders.drift.differences import Finding
from partner_orders.drift.due import DueDrift
from partner_orders.drift.guards import Repair
from partner_orders.drift.report import DriftReport
from partner_orders.drift.table import DriftTable
from partner_orders.exports.store_exports import StoreExports
from partner_orders.exports.table import ExportsTable
from partner_orders.loader.draining import Drained, Draining
from partner_orders.loader.file_loading import FileLoading
from partner_orders.loader.files_bucket import FilesBucket
from partner_orders.loader.files_queue import FilesQueue
from partner_orders.loader.loading import Loader
from partner_orders.loader.silent_stores import SilentStores
from partner_orders.logs import function_logger
from partner_orders.settings import Settings

logger = function_logger()
metrics = Metrics()

WRITERS = 16
AWS_CALLS = Config(
    connect_timeout=2,
    read_timeout=10,
    retries={"total_max_attempts": 5, "mode": "standard"},
    max_pool_connections=WRITERS,
    # The SDK's check of what we send is a part of each product's work; the tests have it on.
    parameter_validation=False,
)
_MOST_SHOWN = 200  # characters of a file's name
_MOST_LOGGED = 100  # files


@dataclass(frozen=True)
class LoaderSettings(Settings):
    catalogue_table_name: str
    files_bucket_name: str
    files_queue_url: str
    files_dead_letters_url: str
    price_step_percent: int
    switched_off_percent: int
    shorter_percent: int
    known_percent: int
    few_products: int
    silent_after_hours: int
    sales_buffer: int
    drift_repair_percent: int

    @property
    def limits(self) -> Limits:
        return Limits(
            price_step=Decimal(self.price_step_percent) / 100,
            switched_off=Decimal(self.switched_off_percent) / 100,
            few=self.few_products,
            shorter=Decimal(self.shorter_percent) / 100,
            known=Decimal(self.known_percent) / 100,
        )


class Worker(NamedTuple):
    """What the function does in a minute."""

    silent_stores: SilentStores
    draining: Draining
    due_drift: DueDrift


@cache
def worker() -> Worker:
    settings = LoaderSettings.from_environment()
    dynamodb, s3 = clients.client("dynamodb", AWS_CALLS), clients.client("s3", AWS_CALLS)
    table, bucket = settings.catalogue_table_name, FilesBucket(s3, settings.files_bucket_name)
    tables, executor = Tables.named(dynamodb, table), ThreadPoolExecutor(max_workers=WRITERS)
    exports_table, drift_table = ExportsTable(dynamodb, table), DriftTable(dynamodb, table)
    exports = StoreExports(exports_table, s3, bucket.name)
    loading = FileLoading(
        tables,
        bucket,
        Loader(tables, now, settings.limits, executor),
        tables.settings.get,
        exports.barcodes,
        now,
    )
    queue = FilesQueue(clients.client("sqs", AWS_CALLS), settings.files_queue_url, settings.files_dead_letters_url)
    drift = Drift(
        tables,
        exports_table,
        exports,
        drift_table,
        bucket.put_file,
        now,
        executor,
        settings.limits,
        settings.sales_buffer,
    )
    return Worker(
        SilentStores(tables.settings.all, tables.states.all, timedelta(hours=settings.silent_after_hours), now),
        Draining(queue, loading, bucket.name, now, PassedSeconds(), _tell),
        DueDrift(drift, drift_table, exports_table, settings.limits, settings.drift_repair_percent, now),
    )


@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> None:
    drained, work = Drained(), worker()
    remove_left_folders()

    def seconds_left() -> float:
        return context.get_remaining_time_in_millis() / 1000

    try:
        silent = work.silent_stores.count_if_due()
        if silent is not None:
            metrics.add_metric("StoresWithoutFile", MetricUnit.Count, silent)
        work.draining.run(seconds_left, drained)
        # After the files: what is new goes first.
        for report in work.due_drift.run(seconds_left):
            _tell_drift(report)
            _count_drift(report)
    finally:
        _count(drained, work.due_drift)


def _count(drained: Drained, due_drift: DueDrift) -> None:
    """Emit what was counted in this run, also in one that failed."""
    for name, count in drained.metrics.items():
        if count:
            metrics.add_metric(name, MetricUnit.Count, count)
    if drained.failed:
        faults = [f"{fault}: {printable(key, _MOST_SHOWN)}" for key, fault in drained.failed[:_MOST_LOGGED]]
        logger.error("failed, to come again", faults=faults)
    if drained.rejected:
        logger.error("messages rejected", reasons=drained.rejected[:_MOST_LOGGED])
    if due_drift.faults:
        logger.error("comparisons failed, to come again", faults=dict(due_drift.faults))
    due_drift.faults.clear()


def _count_drift(report: DriftReport) -> None:
    """Emit what a comparison found, before the next one may kill us. Zeros end the alarm of the day before."""
    found = {
        "StoresCompared": 1,
        "DriftFound": report.different,
        "DriftRepaired": report.repairs[Repair.REPAIRED],
        "DriftLeft": report.left,
        "DriftUnknownToPlatform": report.findings[Finding.UNKNOWN_TO_PLATFORM],
        "DriftNotCompared": int(bool(report.problem)),
    }
    for name, count in found.items():
        metrics.add_metric(name, MetricUnit.Count, count)
    metrics.flush_metrics()


def _tell_drift(report: DriftReport) -> None:
    logger.info(
        "store compared",
        store_id=printable(report.store_id, _MOST_SHOWN),
        findings={finding.value: number for finding, number in report.findings.items()},
        left=report.left,
        guards=[guard.value for guard in report.guards],
        problem=report.problem,
    )


def _tell(row: FileRow) -> None:
    logger.info(
        "file ended",
        file=printable(row.file.key, _MOST_SHOWN),
        version_id=row.file.version_id,
        outcome=row.state.value,
        reasons=[reason.value for reason in row.reasons],
        good=row.good,
        bad=row.bad,
        changed=row.changed,
        held_prices=row.held_prices,
    )
