"""The uploader function, by its environment, on moto's services and OpenSSH's own sshd: what it does and counts."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import boto3
import pytest

from partner_orders.catalogue.channel import Channel, FilePlace
from partner_orders.catalogue.desired import merged
from partner_orders.catalogue.product import Values
from partner_orders.catalogue.store_settings import CatalogueSettings
from partner_orders.catalogue.tables import Tables
from partner_orders.uploader.uploads_table import UploadsTable
from tests.support.catalogue_table import catalogue_table
from tests.support.emitted_metrics import alarms_of, emitted, fired, repeated, sums
from tests.support.sftp_server import needs_sshd
from tests.support.template import CATALOGUE, expanded
from tools.fresh_handler import fresh_handler
from tools.local.sftp_server import Sshd, key_pair, sshd

pytestmark = [pytest.mark.slow, needs_sshd]

TABLE, BUCKET, STORE = "catalogue", "catalogue-files", "q7zk"
CONTEXT: Any = SimpleNamespace(get_remaining_time_in_millis=lambda: 900_000, aws_request_id="a")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Sshd]:
    with sshd(tmp_path) as running:
        yield running


@pytest.fixture
def tables(server: Sshd, monkeypatch: pytest.MonkeyPatch) -> Iterator[Tables]:
    """A store that is sent by files, with a product that changed."""
    with catalogue_table(TABLE) as dynamodb:
        location: Any = {"LocationConstraint": "eu-central-1"}
        boto3.client("s3").create_bucket(Bucket=BUCKET, CreateBucketConfiguration=location)
        secret = json.dumps({"private_key": server.private_key})
        arn = boto3.client("secretsmanager").create_secret(Name="sftp", SecretString=secret)["ARN"]
        login = server.login()
        for name, value in {
            "CATALOGUE_TABLE_NAME": TABLE,
            "FILES_BUCKET_NAME": BUCKET,
            "SFTP_HOST": login.host,
            "SFTP_PORT": str(login.port),
            "SFTP_USER": login.user,
            "SFTP_CATALOGUE_FOLDER": "catalog",
            "SFTP_PROMOTION_FOLDER": "promotions",
            "SFTP_STOCK": "active",
            "SFTP_SECRET_ARN": arn,
            "POWERTOOLS_SERVICE_NAME": "partner-orders-catalogue-uploader",
        }.items():
            monkeypatch.setenv(name, value)
        found = Tables.named(dynamodb, TABLE)
        found.settings.put(CatalogueSettings(STORE, True, channel=Channel.FILES, place=FilePlace("morning")))
        now = datetime.now(UTC)
        values = Values(price=Decimal("3.55"), active=True)
        found.products.change(STORE, "A-1", lambda row: merged(row, values, now, {}))
        found.changes.add(STORE, ["A-1"], now)
        UploadsTable(dynamodb, TABLE).trust(server.host_key, "anna", now)
        yield found


@pytest.fixture
def uploader() -> ModuleType:
    return fresh_handler("uploader")


def test_file_is_sent_and_counted(
    tables: Tables, server: Sshd, uploader: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    """A run sends what is due, by its environment; the command line has it sent again, and counts are emitted."""
    [sent] = uploader.handler({}, CONTEXT)["files"]
    assert (sent["is_sent"], sent["is_atomic"], sent["rows"]) == (True, True, 1)
    assert (server.home / "catalog" / f"morning_{STORE}.csv").read_text() == "sku,price,active\nA-1,3.55,1\n"
    assert not tables.changes.first(STORE, 1)
    counts = sums(capsys.readouterr().out)
    assert (counts["FilesUploaded"], counts["FileRows"], counts["FilesNotUploaded"]) == (1, 1, 0)
    assert uploader.handler({}, CONTEXT)["files"] == []
    [dry] = uploader.handler({"store_id": STORE, "dry_run": True}, CONTEXT)["files"]
    assert (dry["is_changed"], dry["is_sent"]) == (False, False)
    assert uploader.handler({"store_id": STORE}, CONTEXT)["files"][0]["is_sent"] is True
    assert uploader.handler({"store_id": "nowhere"}, CONTEXT)["files"] == []
    with pytest.raises(uploader.InvalidRequestError):
        uploader.handler({"store_id": 7}, CONTEXT)


@pytest.mark.usefixtures("tables")
def test_troubles_make_their_alarms_fire(
    server: Sshd, uploader: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    """A changed key, and a login that is refused, emit what makes their alarms fire; nothing of a secret is logged."""
    catalogue = expanded(CATALOGUE)
    server.stop()
    server.make_host_key()
    server.start()
    uploader.handler({}, CONTEXT)
    printed = capsys.readouterr().out
    uploads = UploadsTable(boto3.client("dynamodb"), TABLE)
    uploads.trust(server.host_key, "anna", datetime.now(UTC))
    other = key_pair()[0]
    arn = boto3.client("secretsmanager").list_secrets()["SecretList"][0]["ARN"]
    boto3.client("secretsmanager").put_secret_value(SecretId=arn, SecretString=json.dumps({"private_key": other}))
    uploader.handler({}, CONTEXT)
    second = capsys.readouterr().out
    ours = alarms_of(catalogue, "uploader")
    assert fired(catalogue, repeated(emitted(printed))) & ours == {"SftpHostKeyChangedAlarm"}
    assert fired(catalogue, repeated(emitted(second))) & ours == {"SftpLoginRefusedAlarm"}
    assert "PRIVATE KEY" not in printed + second
    assert server.login().user not in second
