"""A store's rows, its last export, and what compares them, on a clock that tests move."""

import csv
import gzip
import io
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from partner_orders.catalogue.desired import Desired
from partner_orders.catalogue.guards import Limits
from partner_orders.catalogue.job_result import ExportedProduct
from partner_orders.catalogue.product import Values
from partner_orders.catalogue.settlement import Outcome, settled
from partner_orders.catalogue.store_settings import CatalogueSettings
from partner_orders.catalogue.store_state import Load
from partner_orders.catalogue.tables import Tables
from partner_orders.catalogue.to_send import to_send
from partner_orders.drift.comparison import Drift, RepairRequest
from partner_orders.drift.due import DueDrift
from partner_orders.drift.guards import RepairRules
from partner_orders.drift.report import DriftReport
from partner_orders.drift.table import DriftTable
from partner_orders.exports.store_exports import StoreExports
from partner_orders.exports.table import AskedExport, ExportsTable
from partner_orders.loader.files_bucket import FilesBucket
from tests.support.fixed_clock import NOW
from tests.support.loader_world import InTurn
from tests.support.memory_aws import MemoryS3
from tests.support.platform import VirtualTime
from tools.simulation.catalogue.simulated_dynamodb import SimulatedDynamoDB

STORE, BUCKET = "q7zk", "catalogue-files"
LIMITS = Limits(few=2)
# Repaired as long as at most half of the products differ.
HALF = RepairRules(LIMITS, Decimal("0.5"))
AS_WANTED = Values(Decimal("2.00"), True, 10, 6)


@dataclass
class DriftWorld:
    """``products``: the rows, all confirmed an hour before the clock begins."""

    products: dict[str, Values] = field(default_factory=dict)
    sales_buffer: int = 0

    def __post_init__(self) -> None:
        self.time = VirtualTime(NOW)
        self.dynamodb, self.s3 = SimulatedDynamoDB(), MemoryS3(self.time)
        self.s3.create_bucket(Bucket=BUCKET)
        name = self.dynamodb.new_table()
        self.tables = Tables.named(self.dynamodb.client, name)
        self.tables.settings.put(CatalogueSettings(STORE, is_sending=True))
        self.exports_table = ExportsTable(self.dynamodb.client, name)
        self.table = DriftTable(self.dynamodb.client, name)
        self.exports = StoreExports(self.exports_table, self.s3, BUCKET)
        for sku, values in self.products.items():
            self.want(sku, values)
            self.confirm(sku)
        on = sum(values.active is True for values in self.products.values())
        self.tables.states.note_load(
            self.tables.states.get(STORE), Load(len(self.products), on, 0, None, "list"), self.time.now()
        )
        self.time.seconds += 3_600

    # -- the chain and the platform ------------------------------------------------------------------------------------

    def want(self, sku: str, values: Values) -> None:
        """What the chain says of a product from now on."""
        versions = dict.fromkeys(values.said, self.time.now())
        self.change(sku, lambda row: Desired(sku, values, versions, row.confirmed, row.refused, row.refusal))

    def confirm(self, sku: str) -> None:
        """The platform processes what is wanted."""
        self.change(sku, lambda row: settled(row, to_send(row), Outcome.PROCESSED, self.time.now()))

    def change(self, sku: str, change: Any) -> None:
        self.tables.products.change(STORE, sku, change)

    def show(self, products: dict[str, Values], extra: Iterable[ExportedProduct] = ()) -> None:
        """The platform shows these products in an export that is asked for now, and comes a minute later."""
        exported = [
            ExportedProduct(sku, (), values.price, values.active, values.cap) for sku, values in products.items()
        ]
        asked_at = self.time.now()
        self.time.seconds += 60
        number = self.exports.write(STORE, [*exported, *extra])
        self.exports_table.came(AskedExport(STORE, asked_at), number, self.time.now(), is_last=True)

    # -- comparing -----------------------------------------------------------------------------------------------------

    @property
    def drift(self) -> Drift:
        put = FilesBucket(self.s3, BUCKET).put_file
        return Drift(
            self.tables,
            self.exports_table,
            self.exports,
            self.table,
            put,
            self.time.now,
            InTurn(),
            LIMITS,
            self.sales_buffer,
        )

    def compare(self, request: RepairRequest | None = None) -> DriftReport:
        return self.drift.compare(STORE, request or RepairRequest())

    def run_due(self, repair_percent: int = 0, seconds: float = 900.0) -> list[DriftReport]:
        """One run of the loader."""
        return [*self.due(repair_percent).run(lambda: seconds)]

    def due(self, repair_percent: int = 0) -> DueDrift:
        return DueDrift(self.drift, self.table, self.exports_table, LIMITS, repair_percent, self.time.now)

    # -- what became of it ---------------------------------------------------------------------------------------------

    def row(self, sku: str) -> Desired:
        return self.tables.products.many(STORE, [sku])[sku]

    def waiting(self) -> set[str]:
        return {sku for change in self.tables.changes.first(STORE, 10_000) for sku in change.skus}

    def file(self, report: DriftReport) -> list[dict[str, str]]:
        """The lines of a report's file."""
        packed = self.s3.get_object(Bucket=BUCKET, Key=report.file_key)["Body"].read()
        return [*csv.DictReader(io.StringIO(gzip.decompress(packed).decode()))]
