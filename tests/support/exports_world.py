"""A store's exports between the table and the bucket in moto, and the simulated platform with its storage host."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from partner_orders.exports.exporting import Exports
from partner_orders.exports.store_exports import StoreExports
from partner_orders.exports.table import ExportsTable
from partner_orders.platform.catalogue import PlatformCatalogue
from partner_orders.platform.credentials import PartnerApiCredentials
from partner_orders.platform.http import PartnerApiClient
from partner_orders.platform.job_files import JobFiles
from partner_orders.platform.rate_limit import RateLimit
from partner_orders.results.callback import parse_callback
from tests.support.aws import simulated_aws
from tests.support.catalogue_table import catalogue_table
from tests.support.orders import CHAIN_ID
from tests.support.platform import BASE_URL, TOKEN, PlatformSession, VirtualTime
from tests.support.sender_world import SecretOfTest
from tools.local.simulated_platform.catalogue import Catalogue
from tools.local.simulated_platform.catalogue_api import CatalogueRoutes, StorageHost, WithCatalogue
from tools.local.simulated_platform.catalogue_records import Habits, Pace
from tools.local.simulated_platform.storage_session import StorageSession

TABLE, BUCKET = "catalogue", "files"
PUBLIC_ADDRESS = "93.184.215.14"


@contextmanager
def bucket(name: str = BUCKET) -> Iterator[Any]:
    """A client of S3, and a bucket of this name."""
    with simulated_aws() as session:
        client = session.client("s3")
        place: Any = {"LocationConstraint": client.meta.region_name}
        client.create_bucket(Bucket=name, CreateBucketConfiguration=place)
        yield client


class ExportsWorld:
    """``exports`` by the simulated platform, on a clock that tests move. ``stores`` are those of a chain."""

    def __init__(self, dynamodb: Any, s3: Any, stores: int = 1, habits: Habits | None = None, hours: int = 24) -> None:
        self.time = VirtualTime()
        self.catalogue = Catalogue(7, habits or Habits(), Pace())
        self.stores = [f"store-{number}" for number in range(stores)]
        for store_id in self.stores:
            self.catalogue.fill(store_id, 12)
        api = WithCatalogue(CHAIN_ID, TOKEN, rate_limit=60)
        api.catalogue_routes = CatalogueRoutes(self.catalogue, CHAIN_ID)
        self.api = api
        self.session = PlatformSession(api, self.time)
        limit = RateLimit(54, self.time.monotonic, self.time.sleep)
        credentials = PartnerApiCredentials(SecretOfTest(), "arn", BASE_URL, self.session, limit)  # type: ignore[arg-type]
        client = PartnerApiClient(BASE_URL, credentials, self.session, limit, self.time.now, self.time.sleep)
        host = StorageHost(self.catalogue)
        storage = partial(StorageSession, host, self.time.now)
        files = JobFiles(client, 50_000_000, 30.0, lambda _: [PUBLIC_ADDRESS], storage)
        self.table = ExportsTable(dynamodb, TABLE)
        self.files = StoreExports(self.table, s3, BUCKET)
        platform = PlatformCatalogue(client, CHAIN_ID)
        self.exports = Exports(self.table, self.files, platform, files.download, self.time.now, hours)

    def serve(self, minutes: float = 1.0) -> str | None:
        """Let time pass, then serve the stores as each run of the pusher does."""
        self.time.seconds += minutes * 60
        return self.exports.serve(self.stores)

    def work(self) -> list[bool]:
        """The platform works its jobs off and posts their callbacks: for each, whether it is of an export of ours."""
        self.catalogue.work(self.time.now())
        return [self.take(**callback.body) for callback in self.catalogue.take_callbacks(self.time.now())]

    def take(self, **body: Any) -> bool:
        return self.exports.take(parse_callback(json.dumps(body).encode()))

    def requests(self) -> int:
        """How many exports were asked for."""
        return self.catalogue.requests["export"]


@contextmanager
def exports_world(**options: Any) -> Iterator[ExportsWorld]:
    with catalogue_table(TABLE) as dynamodb, bucket() as s3:
        yield ExportsWorld(dynamodb, s3, **options)
