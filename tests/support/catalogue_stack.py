"""A catalogue beside the stack of the console's tests: its table, bucket and queues in moto."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

from botocore.exceptions import ClientError

from partner_orders.catalogue.desired import Desired, merged
from partner_orders.catalogue.files import FileState
from partner_orders.catalogue.job_result import ExportedProduct
from partner_orders.catalogue.product import Values
from partner_orders.catalogue.settlement import Outcome, settled
from partner_orders.catalogue.store_settings import CatalogueSettings
from partner_orders.catalogue.to_send import to_send
from partner_orders.clock import now
from partner_orders.drift.comparison import Drift
from partner_orders.drift.due import DueDrift
from partner_orders.drift.table import DriftTable
from partner_orders.exports.table import AskedExport, ExportsTable
from partner_orders.loader.file_event import FileEvent, store_of
from partner_orders.loader.file_loading import FileLoading
from partner_orders.loader.files_bucket import FilesBucket
from partner_orders.loader.loading import Loader
from partner_orders.loader.turn import Limits as TurnLimits
from partner_orders.stores.store import StoreSettings
from partner_orders_console.operations.catalogue.exported import exports_of
from partner_orders_console.operations.catalogue.loading import limits_of
from partner_orders_console.operations.catalogue_stack import CatalogueStack
from partner_orders_console.operations.stack import DeployedStack
from tests.support.fixed_clock import NOW

NO_LIMITS = TurnLimits(lambda: 900.0, lambda: None, lambda: 0.0)
STORE, OTHER_STORE = "148020", "q7zk"
TABLE, BUCKET = "partner-orders-catalogue-CatalogueTable", "partner-orders-catalogue-files"
QUEUES = (
    *("FilesQueueUrl", "UrgentQueueUrl", "CallbacksQueueUrl"),
    *("FilesDeadLettersUrl", "UrgentDeadLettersUrl", "CallbacksDeadLettersUrl"),
)
PARAMETERS = {
    "PriceStepPercent": "35",
    "SwitchedOffPercent": "20",
    "ShorterPercent": "20",
    "KnownPercent": "50",
    "FewProducts": "20",
    "CapField": "maximum_sales_quantity",
}


class CloudFormation:
    """CloudFormation with the stacks that were added, in place of moto's, which needs packages that nothing else here
    does."""

    def __init__(self) -> None:
        self.outputs: dict[str, dict[str, str]] = {}
        self.resources: dict[str, dict[str, str]] = {}

    def get_paginator(self, _: str) -> "CloudFormation":
        return self

    def paginate(self, StackName: str) -> list[dict[str, Any]]:  # noqa: N803
        found = self.resources.get(StackName, {})
        resources = [{"LogicalResourceId": name, "PhysicalResourceId": there} for name, there in found.items()]
        return [{"StackResourceSummaries": [{"ResourceType": "", **resource} for resource in resources]}]

    def describe_stacks(self, StackName: str) -> dict[str, Any]:  # noqa: N803 - boto3's name
        if StackName not in self.outputs:
            error: Any = {"Code": "ValidationError", "Message": f"Stack with id {StackName} does not exist"}
            raise ClientError({"Error": error}, "DescribeStacks")
        outputs = [{"OutputKey": key, "OutputValue": value} for key, value in self.outputs[StackName].items()]
        parameters = [{"ParameterKey": key, "ParameterValue": value} for key, value in PARAMETERS.items()]
        return {"Stacks": [{"StackStatus": "CREATE_COMPLETE", "Outputs": outputs, "Parameters": parameters}]}


class Catalogue:
    """The catalogue beside a stack, with rows as loader and pusher leave them."""

    def __init__(self, stack: DeployedStack) -> None:
        found = CatalogueStack.of(stack)
        assert found is not None
        self.stack = found
        self.tables = found.tables

    def enrol(self, store_id: str = STORE, is_sending: bool = True, **settings: Any) -> None:
        """Put a store into the catalogue, and register it."""
        self.stack.orders.stores.set(store_id, StoreSettings(currency="PKR"))
        self.tables.settings.put(CatalogueSettings(store_id, is_sending, **settings))

    def say(self, sku: str, store_id: str = STORE, minute: int = 0, **values: Any) -> Desired:
        """What the chain says of a product, which then waits."""
        said, version = Values(**values), NOW + timedelta(minutes=minute)
        row = self.tables.products.change(store_id, sku, lambda row: merged(row, said, version, {}))[1]
        self.tables.changes.add(store_id, [sku], version)
        return row

    def settle(self, sku: str, outcome: Outcome = Outcome.PROCESSED, words: str = "", store_id: str = STORE) -> None:
        """The platform processes or refuses what waits of a product."""
        row = self.tables.products.many(store_id, [sku])[sku]
        end = partial(settled, sent=to_send(row), outcome=outcome, now=NOW, refusal=words)
        self.tables.products.change(store_id, sku, end)
        self.tables.changes.remove(store_id, self.tables.changes.first(store_id, 10_000))

    def take_files(self) -> None:
        """The loader takes each file that is in the bucket."""
        s3, tables = self.stack.client("s3"), self.tables
        bucket = FilesBucket(s3, BUCKET)
        with ThreadPoolExecutor(1) as executor:
            loader = Loader(tables, now, limits_of(self.stack), executor)
            barcodes = exports_of(self.stack).barcodes
            loading = FileLoading(tables, bucket, loader, tables.settings.get, barcodes, now)
            for version in s3.list_object_versions(Bucket=BUCKET).get("Versions", []):
                if (store_id := store_of(version["Key"])) is not None:
                    loading.load(FileEvent(store_id, version["Key"], version["VersionId"]), NO_LIMITS)

    def put(self, name: str, content: str, folder: str = "changes", store_id: str = STORE) -> None:
        """A file that the loader takes."""
        self.stack.client("s3").put_object(Bucket=BUCKET, Key=f"{folder}/{store_id}/{name}", Body=content.encode())
        self.take_files()

    def state_of(self, key: str, store_id: str = STORE) -> FileState:
        """The state of a file by its key. Files of one second are listed in no order."""
        [state] = [row.state for row in self.tables.files.of_store(store_id) if row.file.key == key]
        return state

    def export(self, products: Sequence[tuple[str, tuple[str, ...], Decimal, bool]], asked_at: datetime = NOW) -> None:
        """The platform's export of the store came, which was asked for at a time."""
        table = ExportsTable(self.stack.client("dynamodb"), TABLE)
        found = [ExportedProduct(sku, barcodes, price, active) for sku, barcodes, price, active in products]
        number = exports_of(self.stack).write(STORE, found)
        table.came(AskedExport(STORE, asked_at), number, NOW, is_last=True)

    def compare(self) -> None:
        """The loader compares what is due."""
        client = self.stack.client("dynamodb")
        table, exports_table = DriftTable(client, TABLE), ExportsTable(client, TABLE)
        put_file = FilesBucket(self.stack.client("s3"), BUCKET).put_file
        with ThreadPoolExecutor(1) as executor:
            limits, exports = limits_of(self.stack), exports_of(self.stack)
            drift = Drift(self.tables, exports_table, exports, table, put_file, now, executor, limits, 1)
            for _ in DueDrift(drift, table, exports_table, limits, 0, now).run(lambda: 900.0):
                pass

    def fill(self) -> None:
        """A store with a product that is processed, one that is refused, and one that waits."""
        self.enrol()
        self.say("A-1", price=Decimal("3.5"), active=True, quantity=7)
        self.settle("A-1")
        self.say("B-2", price=Decimal("1.95"), active=True, quantity=2)
        self.settle("B-2", Outcome.REFUSED, "product not found in catalog")
        self.say("C-3", minute=1, price=Decimal(2), active=True, quantity=1)


def add_catalogue(stack: DeployedStack) -> Catalogue:
    """Deploy a catalogue beside a stack."""
    key_schema: Any = [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}]
    attributes: Any = [{"AttributeName": key, "AttributeType": "S"} for key in ("pk", "sk")]
    stack.client("dynamodb").create_table(
        TableName=TABLE, BillingMode="PAY_PER_REQUEST", KeySchema=key_schema, AttributeDefinitions=attributes
    )
    s3, sqs = stack.client("s3"), stack.client("sqs")
    s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": stack.region})
    s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    outputs = {name: sqs.create_queue(QueueName=name)["QueueUrl"] for name in QUEUES}
    outputs |= {"CatalogueTableName": TABLE, "FilesBucketName": BUCKET}
    stack.client("cloudformation").outputs[f"{stack.name}-catalogue"] = outputs
    stack.parameters["Catalogue"] = "ENABLED"
    return Catalogue(stack)
