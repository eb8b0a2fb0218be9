"""The uploader function: each five minutes the schedule has it send the files that are due, and the command line the
files of one store."""

from dataclasses import dataclass
from functools import cache, partial
from typing import Any

from aws_lambda_powertools import Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext
from botocore.config import Config

from partner_orders.aws import clients
from partner_orders.catalogue.store_settings import KnownSettings
from partner_orders.catalogue.tables import Tables
from partner_orders.clock import now
from partner_orders.logs import function_logger
from partner_orders.platform.sftp import SftpLogin, SftpSession
from partner_orders.platform.sftp_credentials import sftp_secret
from partner_orders.promotions.bodies import Bodies
from partner_orders.promotions.table import PromotionsTable
from partner_orders.settings import Settings
from partner_orders.uploader.archive import Archive
from partner_orders.uploader.catalogue_file import Stock
from partner_orders.uploader.contents import CatalogueContents, Contents, PromotionContents
from partner_orders.uploader.file_names import FileKind
from partner_orders.uploader.run import Asked, Report, UploaderRun, is_wanted
from partner_orders.uploader.targets import Folders
from partner_orders.uploader.uploading import Uploader
from partner_orders.uploader.uploads_table import UploadsTable

logger = function_logger()
metrics = Metrics()

# A file begins only with so much time left: for its rows, the archive and a session.
LEAST_SECONDS = 400.0
SESSION_SECONDS = 300.0
MAX_ID = 200  # characters
AWS_CALLS = Config(connect_timeout=1, read_timeout=5, retries={"total_max_attempts": 4, "mode": "standard"})
S3_CALLS = Config(connect_timeout=1, read_timeout=30, retries={"total_max_attempts": 3, "mode": "standard"})


@dataclass(frozen=True, kw_only=True)
class UploaderSettings(Settings):
    catalogue_table_name: str
    files_bucket_name: str
    sftp_host: str
    sftp_port: int
    sftp_user: str
    sftp_catalogue_folder: str
    sftp_promotion_folder: str
    sftp_stock: str
    sftp_secret_arn: str


class InvalidRequestError(ValueError):
    """An event that is neither the schedule's nor the command line's."""


@cache
def worker() -> UploaderRun:
    settings = UploaderSettings.from_environment()
    dynamodb, s3 = clients.client("dynamodb", AWS_CALLS), clients.client("s3", S3_CALLS)
    secrets = clients.client("secretsmanager", AWS_CALLS)
    tables = Tables.named(dynamodb, settings.catalogue_table_name)
    uploads = UploadsTable(dynamodb, settings.catalogue_table_name)
    known, archive = KnownSettings(tables.settings), Archive(s3, settings.files_bucket_name)
    bodies = Bodies(s3, settings.files_bucket_name)
    promotions = PromotionContents(
        PromotionsTable(dynamodb, settings.catalogue_table_name), bodies, archive, uploads, now
    )
    contents: dict[FileKind, Contents] = {
        FileKind.CATALOGUE: CatalogueContents(tables.products, known.margins, Stock(settings.sftp_stock)),
        FileKind.PROMOTIONS: promotions,
    }

    host, port, user = settings.sftp_host, settings.sftp_port, settings.sftp_user
    folders = Folders(settings.sftp_catalogue_folder, settings.sftp_promotion_folder, f"{user}@{host}:{port}")

    def connect() -> SftpSession:
        stored = sftp_secret(secrets, settings.sftp_secret_arn)
        return SftpSession(SftpLogin(host, port, user, uploads.server().host_key, *stored), SESSION_SECONDS)

    return UploaderRun(
        known,
        promotions,
        tables.changes,
        uploads,
        contents,
        Uploader(
            tables.changes, uploads, contents, archive, connect, now, partial(is_wanted, known, folders, promotions)
        ),
        folders,
        now,
    )


@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    asked = asked_for(event)
    report = worker().run(lambda: context.get_remaining_time_in_millis() / 1000 > LEAST_SECONDS, asked)
    for name, number in report.counts.items():
        metrics.add_metric(name, MetricUnit.Count, number)
    if report.problems:
        logger.warning("files were not sent", problems=report.problems)
    notes = [note for one in report.files for note in one.notes]
    if notes:
        logger.warning("files are not as they should be", notes=notes)
    return told(report)


def asked_for(event: dict[str, Any]) -> Asked | None:
    """What the command line asks for; None from the schedule. Raises InvalidRequestError."""
    store_id = event.get("store_id")
    if store_id is None:
        return None
    if not isinstance(store_id, str) or not 0 < len(store_id) <= MAX_ID:
        raise InvalidRequestError("store_id is not the id of a store")
    return Asked(store_id, event.get("dry_run") is True)


def told(report: Report) -> dict[str, Any]:
    """What a run did, for whoever asked."""
    files = [
        {
            "kind": one.kind.value,
            "name": one.name,
            "rows": one.rows,
            "size": one.size,
            "digest": one.digest,
            "is_changed": one.is_changed,
            "is_sent": one.is_sent,
            "is_atomic": one.is_atomic,
            "notes": [*one.notes],
        }
        for one in report.files
    ]
    return {"files": files, "problems": report.problems}
