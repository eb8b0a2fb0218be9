"""One store of the catalogue's benchmark: its rows in DynamoDB Local or made as they are asked for, its files, and a
platform that takes each job. The functions run in processes of their own and call all of it on one port."""

import gzip
import json
import os
import time
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from email.utils import format_datetime
from itertools import batched
from typing import Any
from urllib.parse import unquote, urlsplit

from partner_orders.aws.attribute_values import to_attributes
from partner_orders.catalogue import keys
from partner_orders.catalogue.desired import Desired, merged
from partner_orders.catalogue.product import Values
from partner_orders.catalogue.rows import SCHEMA_VERSION
from partner_orders.catalogue.settlement import Outcome, settled
from partner_orders.catalogue.store_settings import CatalogueSettings
from partner_orders.catalogue.stored import attributes_of
from partner_orders.catalogue.tables import Tables
from partner_orders.catalogue.to_send import to_send
from partner_orders.exports.store_exports import key_of
from partner_orders.exports.table import AskedExport, ExportsTable
from tools.bench.artefacts import OURS, environment, from_source
from tools.bench.invoking import Function, running
from tools.bench.stand_in import StandIn, serving
from tools.simulation.table import DynamoDB

STORE_ID, BUCKET = "148020", "files"
SAID_AT = datetime(2026, 3, 14, 8, 0, tzinfo=UTC)
# A page of 1 MB has so many of these rows.
ROWS_OF_A_PAGE = 6_000
HEADER = "sku,price,active,quantity"
FUNCTIONS = ("loader", "pusher", "urgent")
RESULT_HEADER = '"sku","state","errors"'


def sku_of(number: int) -> str:
    return f"KW-{number:07d}"


def price_of(number: int) -> Decimal:
    return Decimal(100 + number % 900) / 100


def line_of(number: int, price: Decimal | None = None) -> str:
    return f"{sku_of(number)},{price or price_of(number)},true,{number % 50 + 1}"


def row_of(number: int) -> dict[str, Any]:
    """A product as the table has it once the platform has processed it, as DynamoDB writes it."""
    said = Values(price_of(number).normalize(), True, number % 50 + 1)
    row = merged(Desired(sku_of(number)), said, SAID_AT, {})
    row = settled(row, to_send(row), Outcome.PROCESSED, SAID_AT)
    key = keys.product(STORE_ID, row.sku)
    return to_attributes(
        {"pk": key.pk, "sk": key.sk, "schema_version": SCHEMA_VERSION, "writes": 2, **attributes_of(row)}
    )


_ROW = row_of(0)


def made_row(number: int) -> dict[str, Any]:
    """The same as row_of(), many times as fast."""
    said = {"price": {"N": str(price_of(number).normalize())}, "quantity": {"N": str(number % 50 + 1)}}
    key = keys.product(STORE_ID, sku_of(number))
    confirmed = {"confirmed": {"M": {**_ROW["confirmed"]["M"], **said}}}
    return {**_ROW, "pk": {"S": key.pk}, "sk": {"S": key.sk}, **said, **confirmed}


@dataclass
class Store(StandIn):
    """``bucket``: files by key. ``messages``: what the queues hold. ``jobs``: the SKUs of each job. ``put_at``: when
    the platform got the last PUT (monotonic seconds). ``rows_made``: how many rows queries for products find, made as
    they are asked for; None where DynamoDB Local has them."""

    bucket: dict[str, bytes] = field(default_factory=dict, repr=False)
    messages: list[str] = field(default_factory=list, repr=False)
    jobs: dict[str, list[str]] = field(default_factory=dict, repr=False)
    put_at: float = 0.0
    rows_made: int | None = None
    _shards: dict[str, list[int]] = field(default_factory=dict, repr=False)

    def answer(self, target: str, request: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        operation = target.partition(".")[2]
        if self.delay_seconds and target.startswith("DynamoDB"):
            time.sleep(self.delay_seconds)
        if operation == "ReceiveMessage":
            with self.lock:
                self.calls.append("SQS.ReceiveMessage")
                found = [self.messages.pop(0)] if self.messages else []
            return 200, {"Messages": [{"Body": text, "ReceiptHandle": "r", "MessageId": "m"} for text in found]}
        if operation == "Query" and self.rows_made is not None and (shard := _shard_asked_for(request)):
            return 200, self._page(shard, request)
        return super().answer(target, request)

    def put(self, path: str, content: bytes) -> tuple[int, bytes]:
        if path.startswith(f"/{BUCKET}/"):
            self._note("S3.PutObject")
            return 200, b""
        self._note("PartnerApi.PutCatalogue")
        self.put_at = time.monotonic()
        skus = [product["sku"] for product in json.loads(content)["products"]]
        if len(skus) == 1:
            return 200, json.dumps({"sku": skus[0]}).encode()
        job_id = f"job-{len(self.jobs) + 1}"
        self.jobs[job_id] = skus
        return 202, json.dumps({"job_id": job_id, "job_status": "QUEUED"}).encode()

    def get(self, path: str, method: str) -> tuple[int, bytes, Mapping[str, str]]:
        name = unquote(urlsplit(path).path)
        if name.startswith(f"/{BUCKET}/"):
            self._note("S3.HeadObject" if method == "HEAD" else "S3.GetObject")
            headers = {"ETag": '"1"', "Last-Modified": format_datetime(datetime.now(UTC), usegmt=True)}
            return (206 if method == "GET" else 200), self.bucket[name.removeprefix(f"/{BUCKET}/")], headers
        self._note("PartnerApi.GetFile")
        skus = self.jobs[name.rpartition("/")[2].removesuffix(".csv")]
        lines = [RESULT_HEADER, *(f'"{sku}","SUCCESS",""' for sku in skus), ""]
        return 200, "\n".join(lines).encode(), {"Content-Type": "text/csv"}

    def _note(self, call: str) -> None:
        with self.lock:
            self.calls.append(call)

    def _page(self, shard: str, request: dict[str, Any]) -> dict[str, Any]:
        numbers = self._numbers(shard)
        after = request.get("ExclusiveStartKey", {}).get("sk", {}).get("S", "")
        first = bisect_right(numbers, int(after.rpartition("-")[2])) if after else 0
        found = [made_row(number) for number in numbers[first : first + ROWS_OF_A_PAGE]]
        page: dict[str, Any] = {"Items": found, "Count": len(found), "ScannedCount": len(found)}
        if first + ROWS_OF_A_PAGE < len(numbers):
            page["LastEvaluatedKey"] = {name: found[-1][name] for name in ("pk", "sk")}
        return page

    def _numbers(self, shard: str) -> list[int]:
        """The products of a shard, in the order of their SKUs."""
        if not self._shards:
            self._shards = {keys.shard(STORE_ID, number): [] for number in range(keys.SHARDS)}
            for number in range(self.rows_made or 0):
                self._shards[keys.shard(STORE_ID, keys.shard_number(sku_of(number)))].append(number)
        return self._shards[shard]


def _shard_asked_for(request: dict[str, Any]) -> str | None:
    values = (value.get("S", "") for value in request["ExpressionAttributeValues"].values())
    return next((value for value in values if value.startswith(f"STORE#{STORE_ID}#")), None)


@dataclass(frozen=True)
class Step:
    """What a run of a function took. ``calls``: requests, by service and operation. ``cpu``: seconds."""

    calls: Counter[str]
    read_units: float
    write_units: float
    cpu: float

    def __sub__(self, other: "Step") -> "Step":
        """What this run took beyond another one."""
        calls = Counter(self.calls)
        calls.subtract(other.calls)
        reads, writes = self.read_units - other.read_units, self.write_units - other.write_units
        return Step(calls, reads, writes, max(0.0, self.cpu - other.cpu))


@dataclass(frozen=True)
class World:
    """A store with the catalogue's functions, warm."""

    store: Store
    tables: Tables
    exports: ExportsTable
    functions: Mapping[str, Function]

    def run(self, function: str, event: Mapping[str, Any] | None = None) -> Step:
        """Call a function; what it took."""
        self.store.calls.clear()
        with self.store.measured() as cost:
            invocation = self.functions[function].invoke(event or {})
        units = cost.write_units + cost.unreported
        return Step(Counter(self.store.calls), cost.read_units, units, invocation.cpu)

    def upload(self, key: str, lines: list[str]) -> None:
        """Put a file into the bucket, and tell the loader of it."""
        self.store.bucket[key] = "\n".join([HEADER, *lines, ""]).encode()
        record = {
            "eventSource": "aws:s3",
            "eventName": "ObjectCreated:Put",
            "s3": {"bucket": {"name": BUCKET}, "object": {"key": key, "versionId": "1"}},
        }
        self.store.messages.append(json.dumps({"Records": [record]}))

    def export(self, rows: int) -> None:
        """The platform's export of the store comes, with its products as they should be."""
        lines = ("sku,barcode,price,active,maximum_sales_quantity", *map(_exported, range(rows)), "")
        self.store.bucket[key_of(STORE_ID)] = gzip.compress("\n".join(lines).encode())
        self.exports.came(AskedExport(STORE_ID, SAID_AT + timedelta(hours=1)), rows, datetime.now(UTC), is_last=True)


def _exported(number: int) -> str:
    return f"{sku_of(number)},0{4_000_000_000_000 + number},{price_of(number)},true,"


@contextmanager
def world(emulated: DynamoDB, url: str, rows: int, are_made: bool = False) -> Iterator[World]:
    """A store of so many products, which sends. ``are_made``: its rows are made as they are asked for."""
    table, budget = emulated.new_table(), emulated.new_table()
    tables = Tables.named(emulated.client, table)
    tables.settings.put(CatalogueSettings(STORE_ID, is_sending=True))
    if not are_made:
        _fill(emulated, table, rows)
    store = Store(dynamodb_url=url, rows_made=rows if are_made else None)
    with serving(store), ExitStack() as stack:
        functions = {}
        for name in FUNCTIONS:
            artefact = from_source(name, OURS)
            variables = environment(artefact, store.url) | _variables(store.url, table, budget)
            functions[name] = stack.enter_context(running(artefact, variables))
        yield World(store, tables, ExportsTable(emulated.client, table), functions)


def _variables(url: str, table: str, budget: str) -> dict[str, str]:
    queues = {
        f"{name}_URL": f"{url}/000000000000/{name.lower()}"
        for name in ("FILES_QUEUE", "FILES_DEAD_LETTERS", "URGENT_QUEUE", "URGENT_DEAD_LETTERS", "CALLBACKS_QUEUE")
    }
    limits = {"PRICE_STEP": "35", "SWITCHED_OFF": "20", "SHORTER": "20", "KNOWN": "50"}
    return queues | {
        "CATALOGUE_TABLE_NAME": table,
        "FILES_BUCKET_NAME": BUCKET,
        "REQUEST_BUDGET_TABLE_NAME": budget,
        # The stand-in responds at once: no run waits for the budget.
        "RATE_LIMIT_PER_MINUTE": "6000",
        "CAP_FIELD": "maximum_sales_quantity",
        "JOB_LINES": "2000",
        "EVENT_BUS_NAME": "",
        # An export is a day's, not a row's.
        "EXPORT_EVERY_HOURS": "0",
        "SILENT_AFTER_HOURS": "0",
        "SALES_BUFFER": "0",
        "DRIFT_REPAIR_PERCENT": "0",
        "FEW_PRODUCTS": "20",
        **{f"{name}_PERCENT": percent for name, percent in limits.items()},
    }


def _fill(emulated: DynamoDB, table: str, rows: int) -> None:
    def write(numbers: tuple[int, ...]) -> None:
        entries = [{"PutRequest": {"Item": row_of(number)}} for number in numbers]
        left: Any = {table: entries}
        while left:
            left = emulated.client.batch_write_item(RequestItems=left).get("UnprocessedItems")

    with ThreadPoolExecutor(os.cpu_count() or 1) as executor:
        for _ in executor.map(write, batched(range(rows), 25, strict=False)):
            pass
