"""A bucket and its queue, the catalogue's table, and a loader on a clock that tests move."""

import json
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from unittest.mock import patch
from urllib.parse import quote_plus

import boto3
from moto.core.utils import unix_time_millis
from moto.s3 import models as s3_models
from moto.sqs import models as sqs_models

from partner_orders.catalogue import keys
from partner_orders.catalogue.decisions import Decisions
from partner_orders.catalogue.desired import Desired
from partner_orders.catalogue.files import FileRow, StoredFile
from partner_orders.catalogue.guards import Limits
from partner_orders.catalogue.settlement import Outcome, settled
from partner_orders.catalogue.store_settings import CatalogueSettings
from partner_orders.catalogue.tables import Tables
from partner_orders.catalogue.to_send import to_send
from partner_orders.loader.draining import Drained, Draining
from partner_orders.loader.file_event import release_message
from partner_orders.loader.file_loading import FileLoading
from partner_orders.loader.files_bucket import FilesBucket
from partner_orders.loader.files_queue import FilesQueue
from partner_orders.loader.loading import Loader
from tests.support.aws import simulated_aws
from tests.support.fixed_clock import NOW
from tests.support.memory_aws import MemoryS3, MemorySqs
from tests.support.platform import VirtualTime
from tools.simulation.catalogue.simulated_dynamodb import SimulatedDynamoDB

BUCKET, STORE = "catalogue-files", "q7zk"


class InTurn(Executor):
    """Does each task at once, so that a failing call fails at the same place each time."""

    def submit[**P, T](self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> "Future[T]":
        future: Future[T] = Future()
        future.set_result(fn(*args, **kwargs))
        return future


class BarcodesOfTest(dict[str, tuple[str, ...]]):
    """What the last export says."""

    def get(self, barcode: str, default: tuple[str, ...] = ()) -> tuple[str, ...]:  # type: ignore[override]
        return super().get(barcode.lstrip("0"), default)

    def close(self) -> None:
        """Nothing is open."""


@dataclass
class Uploaded:
    """A file as S3 has it."""

    key: str
    version_id: str


@dataclass
class LoaderWorld:
    """``s3`` and ``sqs`` are clients. ``barcodes``: those of the store's export."""

    s3: Any
    sqs: Any
    dynamodb: SimulatedDynamoDB
    executor: Executor = field(default_factory=InTurn)
    barcodes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    time: VirtualTime = field(default_factory=lambda: VirtualTime(NOW))

    def __post_init__(self) -> None:
        self.s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
        self.s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
        self.url, self.dead_url = (
            self.sqs.create_queue(QueueName=name)["QueueUrl"] for name in ("files", "files-dead-letters")
        )
        self._table = self.dynamodb.new_table()
        self.tables = Tables.named(self.dynamodb.client, self._table)
        self.tables.settings.put(CatalogueSettings(STORE, switches_absent_off=False))
        self.decisions = Decisions(self.tables, self.time.now, self._tell_loader)

    # -- the chain's side ----------------------------------------------------------------------------------------------

    def upload(self, content: str | bytes, key: str = f"lists/{STORE}/list.csv", **told: Any) -> Uploaded:
        """Put a file into the bucket, whose notification arrives."""
        body = content.encode() if isinstance(content, str) else content
        response = self.s3.put_object(Bucket=BUCKET, Key=key, Body=body)
        uploaded = Uploaded(key, response["VersionId"])
        self.notify(uploaded, **told)
        return uploaded

    def notify(self, uploaded: Uploaded, times: int = 1, event: str = "ObjectCreated:Put") -> None:
        for _ in range(times):
            self.send(json.dumps({"Records": [record(uploaded.key, uploaded.version_id, event)]}))

    def send(self, text: str) -> None:
        self.sqs.send_message(QueueUrl=self.url, MessageBody=text)

    # -- the loader ----------------------------------------------------------------------------------------------------

    def drain(self, seconds: float = 900.0) -> Drained:
        """One run of the function; it has this much time, of which none passes."""
        drained = Drained()
        self.draining().run(lambda: seconds, drained)
        return drained

    def draining(self) -> Draining:
        queue = FilesQueue(self.sqs, self.url, self.dead_url, wait_seconds=0)
        return Draining(queue, self.loading(), BUCKET, self.time.now, self.time.monotonic)

    def loading(self) -> FileLoading:
        return FileLoading(
            self.tables,
            FilesBucket(self.s3, BUCKET),
            Loader(self.tables, self.time.now, Limits(), self.executor),
            self.tables.settings.get,
            lambda _: BarcodesOfTest(self.barcodes),
            self.time.now,
        )

    # -- what became of it ---------------------------------------------------------------------------------------------

    def reports(self) -> list[str]:
        """The keys of all reports."""
        return [one["Key"] for one in self.s3.list_objects_v2(Bucket=BUCKET, Prefix="reports/").get("Contents", [])]

    def report(self, uploaded: Uploaded) -> Any:
        key = f"reports/{uploaded.key}.{uploaded.version_id}.json"
        return json.loads(self.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read())

    def row(self, uploaded: Uploaded) -> FileRow:
        [row] = [row for row in self.tables.files.of_store(STORE) if row.file.version_id == uploaded.version_id]
        return row

    def product(self, sku: str) -> Desired:
        return self.tables.products.many(STORE, [sku]).get(sku, Desired(sku))

    def products(self) -> dict[str, Desired]:
        return {row.sku: row for row in self.tables.products.all_of(STORE)}

    def waiting(self) -> set[str]:
        return {sku for change in self.tables.changes.first(STORE, 10_000) for sku in change.skus}

    def confirm_all(self) -> None:
        """The platform processes all that waits."""
        for row in self.products().values():
            sent = to_send(row)
            processed = partial(settled, sent=sent, outcome=Outcome.PROCESSED, now=self.time.now())
            self.tables.products.change(STORE, row.sku, processed, row)
        self.dynamodb.partitions(self._table).pop(keys.changes(STORE), None)

    def messages(self) -> int:
        """How many messages the queue has, those included that come again later."""
        names = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")
        attributes = self.sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=[*names])["Attributes"]
        return sum(int(attributes[name]) for name in names)

    def dead_letters(self) -> list[tuple[str, str]]:
        """Each with its reason."""
        response = self.sqs.receive_message(
            QueueUrl=self.dead_url, MaxNumberOfMessages=10, MessageAttributeNames=["reason"]
        )
        return [
            (message["Body"], message["MessageAttributes"]["reason"]["StringValue"])
            for message in response.get("Messages", [])
        ]

    def _tell_loader(self, file: StoredFile) -> None:
        self.send(release_message(file.store_id, file.key, file.version_id))


@contextmanager
def loader_world() -> Iterator[LoaderWorld]:
    """A world whose time is the loader's, S3's and SQS's."""
    time, start = VirtualTime(NOW), unix_time_millis()
    with (
        simulated_aws(),
        # From the real time on: moto forgets messages by that.
        patch.object(sqs_models, "unix_time_millis", lambda: start + time.monotonic() * 1_000),
        patch.object(s3_models, "utcnow", lambda: time.now().replace(tzinfo=None)),
    ):
        yield LoaderWorld(boto3.client("s3"), boto3.client("sqs"), SimulatedDynamoDB(), time=time)


def world_in_memory() -> LoaderWorld:
    """A world that makes no call of AWS at all: for properties, which need many."""
    time = VirtualTime(NOW)
    return LoaderWorld(MemoryS3(time), MemorySqs(time), SimulatedDynamoDB(), time=time)


def record(key: str, version_id: str, event: str = "ObjectCreated:Put", bucket: str = BUCKET) -> dict[str, Any]:
    """A record of S3's notification."""
    return {
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "eventTime": "2026-10-14T09:00:00.000Z",
        "eventName": event,
        "s3": {
            "bucket": {"name": bucket},
            "object": {"key": quote_plus(key, safe="/"), "size": 1, "versionId": version_id},
        },
    }


def whole_list(price: str = "1.95", quantity: int = 5, count: int = 40, first: int = 0) -> str:
    """A list of products KW-0, KW-1, ..."""
    lines = [f"KW-{number},{price},true,{quantity}\n" for number in range(first, count)]
    return "sku,price,active,quantity\n" + "".join(lines)
