"""Drift on the deployed stacks: somebody at the platform edits products; the export tells, and a repair brings the
chain's values back, within the guards, by the command line."""

import json
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest

from partner_orders.catalogue import keys
from partner_orders.catalogue.store_settings import CatalogueSettings
from partner_orders.catalogue.tables import Tables
from partner_orders.drift.differences import SETTLES
from partner_orders.drift.guards import Guard, Repair
from partner_orders.drift.report import DriftReport
from partner_orders.drift.table import DriftTable
from partner_orders.stores.store import StoreSettings
from tests.support.deployed import CommandLine, eventually, platform
from tools.local.stack import Stack

pytestmark = pytest.mark.slow


class StoreOnPlatform:
    """A store of four products, whose prices the platform processed a while ago."""

    def __init__(self, stack: Stack) -> None:
        self.stack, self.store_id = stack, f"d{uuid4().hex[:12]}"
        self.table = stack.catalogue_outputs["CatalogueTableName"]
        self.dynamodb = stack.client("dynamodb")
        self.tables = Tables.named(self.dynamodb, self.table)
        self.tables.settings.put(CatalogueSettings(self.store_id, is_sending=True))
        stack.deployed().stores.set(self.store_id, StoreSettings(currency="PKR"))
        filled = platform(stack, "POST", "catalogue-fill", {"vendor": self.store_id, "products": 4})["products"]
        self.prices = {product["sku"]: Decimal(product["price"]) + Decimal("0.05") for product in filled}
        body = "sku,price,active,quantity\n" + "".join(f"{sku},{price},true,30\n" for sku, price in self.prices.items())
        bucket, key = stack.catalogue_outputs["FilesBucketName"], f"lists/{self.store_id}/list.csv"
        stack.client("s3").put_object(Bucket=bucket, Key=key, Body=body.encode())
        self.until(self.is_processed, "Loader", "Pusher")
        self.set_back()

    def until(self, is_so: Callable[[], bool], *functions: str) -> None:
        def look() -> bool | None:
            for name in functions:
                self.run(name)
            return is_so() or None

        eventually(look)

    def run(self, name: str) -> None:
        answer = self.stack.client("lambda").invoke(
            FunctionName=self.stack.catalogue_outputs[f"{name}FunctionName"], Payload=b"{}"
        )
        assert "FunctionError" not in answer, json.load(answer["Payload"])

    def is_processed(self) -> bool:
        rows = [*self.tables.products.all_of(self.store_id)]
        return len(rows) == len(self.prices) and all(row.confirmed.price == self.prices[row.sku] for row in rows)

    def set_back(self) -> None:
        """Make the outcomes older than what an export cannot have yet: nobody waits for that in a test."""
        for row in self.tables.products.all_of(self.store_id):
            key, settled_at = keys.product(self.store_id, row.sku), row.settled_at
            assert settled_at is not None
            self.dynamodb.update_item(
                TableName=self.table,
                Key={"pk": {"S": key.pk}, "sk": {"S": key.sk}},
                UpdateExpression="SET settled_at = :at",
                ExpressionAttributeValues={":at": {"N": str(int((settled_at - 2 * SETTLES).timestamp() * 1000))}},
            )

    def shown(self) -> dict[str, Any]:
        found: dict[str, Any] = platform(self.stack, "GET", "catalogue")["shown"][self.store_id]
        return found

    def edit(self, sku: str, **values: Any) -> None:
        platform(self.stack, "POST", "catalogue-edit", {"vendor": self.store_id, "sku": sku, **values})

    def next_export(self) -> DriftReport:
        """The next day's export, compared by the loader: its row is forgotten, so that it is due."""
        table, key = DriftTable(self.dynamodb, self.table), keys.export(self.store_id)
        before = len([*table.of_store(self.store_id, 100)])
        self.dynamodb.delete_item(TableName=self.table, Key={"pk": {"S": key.pk}, "sk": {"S": key.sk}})
        self.until(lambda: len([*table.of_store(self.store_id, 100)]) > before, "Pusher", "Loader")
        return next(table.of_store(self.store_id, 1))


@pytest.fixture
def store(stack: Stack) -> Iterator[StoreOnPlatform]:
    found = StoreOnPlatform(stack)
    yield found
    found.tables.settings.put(CatalogueSettings(found.store_id))  # It is nothing to the next test.


def test_edited_price_is_found_and_repaired(store: StoreOnPlatform, run: CommandLine) -> None:
    """An edited price is told, stays until somebody wants it repaired, and is then on the platform again; the next
    export shows no drift. A far one stays until its product is named."""
    near, far, *_ = store.prices
    store.edit(near, price=str(store.prices[near] + Decimal("0.10")))
    store.edit(far, price=str(store.prices[far] * 9))
    report = store.next_export()
    assert (report.different, report.left, report.repairs) == (2, 2, {})
    ran = run("catalogue", "drift", store.store_id, "--json")
    assert {one["sku"] for one in json.loads(ran.stdout)[0]["products"]} == {near, far}
    why = ("--reason", "edited in the portal", "--yes", "--json")
    found = json.loads(run("catalogue", "repair", store.store_id, *why).stdout)
    assert found["repairs"] == {Repair.REPAIRED.value: 1, Repair.BEYOND_GUARDS.value: 1}
    assert found["guards"] == [Guard.PRICE_STEP.value]
    store.until(lambda: Decimal(store.shown()[near]["price"]) == store.prices[near], "Pusher")
    assert Decimal(store.shown()[far]["price"]) == store.prices[far] * 9
    run("catalogue", "repair", store.store_id, far, "--beyond-guards", *why)
    store.until(lambda: Decimal(store.shown()[far]["price"]) == store.prices[far], "Pusher")
    store.until(store.is_processed, "Pusher")
    store.set_back()
    report = store.next_export()
    assert (report.different, report.left) == (0, 0)


def test_request_budget_is_held(store: StoreOnPlatform) -> None:
    """A day's export takes one request, or two where its callback does not come, and never one a product."""
    before = platform(store.stack, "GET", "catalogue")["requests"]
    store.next_export()
    after = platform(store.stack, "GET", "catalogue")["requests"]
    assert after["export"] - before["export"] == 1
    assert after.get("list", 0) == before.get("list", 0)
