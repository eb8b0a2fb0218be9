"""The loader function: each minute the schedule has it drain the queue of files, one store's file after the other."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from functools import cache
from typing import Any

from aws_lambda_powertools import Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext
from botocore.config import Config

from partner_orders.aws import clients
from partner_orders.catalogue.files import FileRow
from partner_orders.catalogue.guards import Limits
from partner_orders.catalogue.product import printable
from partner_orders.catalogue.tables import Tables
from partner_orders.clock import PassedSeconds, now
from partner_orders.exports.store_exports import StoreExports
from partner_orders.exports.table import ExportsTable
from partner_orders.loader.draining import Drained, Draining
from partner_orders.loader.file_loading import FileLoading
from partner_orders.loader.files_bucket import FilesBucket
from partner_orders.loader.files_queue import FilesQueue
from partner_orders.loader.folders import remove_left_folders
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

    @property
    def limits(self) -> Limits:
        return Limits(
            price_step=Decimal(self.price_step_percent) / 100,
            switched_off=Decimal(self.switched_off_percent) / 100,
            few=self.few_products,
            shorter=Decimal(self.shorter_percent) / 100,
            known=Decimal(self.known_percent) / 100,
        )


@cache
def draining() -> Draining:
    settings = LoaderSettings.from_environment()
    dynamodb, s3 = clients.client("dynamodb", AWS_CALLS), clients.client("s3", AWS_CALLS)
    table, bucket_name = settings.catalogue_table_name, settings.files_bucket_name
    tables = Tables.named(dynamodb, table)
    exports = StoreExports(ExportsTable(dynamodb, table), s3, bucket_name)
    loading = FileLoading(
        tables,
        FilesBucket(s3, bucket_name),
        Loader(tables, now, settings.limits, ThreadPoolExecutor(max_workers=WRITERS)),
        tables.settings.get,
        exports.barcodes,
        now,
    )
    queue = FilesQueue(clients.client("sqs", AWS_CALLS), settings.files_queue_url, settings.files_dead_letters_url)
    return Draining(queue, loading, bucket_name, now, PassedSeconds(), _tell)


@cache
def silent_stores() -> SilentStores:
    settings = LoaderSettings.from_environment()
    tables = Tables.named(clients.client("dynamodb", AWS_CALLS), settings.catalogue_table_name)
    after = timedelta(hours=settings.silent_after_hours)
    return SilentStores(tables.settings.all, tables.states.all, after, now)


@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> None:
    drained = Drained()
    remove_left_folders()
    try:
        silent = silent_stores().count_if_due()
        if silent is not None:
            metrics.add_metric("StoresWithoutFile", MetricUnit.Count, silent)
        draining().run(lambda: context.get_remaining_time_in_millis() / 1000, drained)
    finally:
        for name, count in drained.metrics.items():
            if count:
                metrics.add_metric(name, MetricUnit.Count, count)
        if drained.failed:
            faults = [f"{fault}: {printable(key, _MOST_SHOWN)}" for key, fault in drained.failed[:_MOST_LOGGED]]
            logger.error("failed, to come again", faults=faults)
        if drained.rejected:
            logger.error("messages rejected", reasons=drained.rejected[:_MOST_LOGGED])


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
