"""Files on the deployed stacks, with OpenSSH's own sshd: trusted, switched on and checked by the command line, sent by
the uploader, and picked up by the simulated platform, which then shows what the chain wants."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from partner_orders.catalogue.channel import Channel
from partner_orders.catalogue.store_settings import CatalogueSettings
from partner_orders.catalogue.tables import Tables
from partner_orders.catalogue.to_send import to_send
from partner_orders.promotions.bodies import Bodies
from partner_orders.promotions.promotion import Discount, Kind, Promotion, Subtype, body_of, ended
from partner_orders.promotions.table import PromotionsTable
from partner_orders.promotions.wish import Channel as PromotionChannel
from partner_orders.promotions.wish import Outcome, Wish
from partner_orders.stores.store import StoreSettings
from partner_orders_console.operations.catalogue_stack import CatalogueStack
from tests.support.deployed import CommandLine, platform
from tests.support.sftp_server import needs_sshd
from tools.local.sftp_server import Sshd
from tools.local.stack import Stack

pytestmark = [pytest.mark.slow, needs_sshd]
PREFIX = "morning"


@pytest.fixture(scope="module")
def server(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    """The server at the place that the stack was deployed with."""
    found = CatalogueStack.of(stack.deployed())
    assert found is not None
    running = Sshd(tmp_path_factory.mktemp("sftp"), port=int(found.parameters["SftpPort"]))
    running.start()
    yield running
    running.stop()


class StoreOfFiles:
    """A store with five products, which the loader has taken a list of."""

    def __init__(self, stack: Stack, server: Sshd) -> None:
        self.stack, self.server, self.store_id = stack, server, f"f{uuid4().hex[:12]}"
        self.table = stack.catalogue_outputs["CatalogueTableName"]
        self.tables = Tables.named(stack.client("dynamodb"), self.table)
        self.promotions = PromotionsTable(stack.client("dynamodb"), self.table)
        self.bodies = Bodies(stack.client("s3"), stack.catalogue_outputs["FilesBucketName"])
        self.tables.settings.put(CatalogueSettings(self.store_id, is_promoting=True))
        stack.deployed().stores.set(self.store_id, StoreSettings(currency="PKR"))
        filled = platform(stack, "POST", "catalogue-fill", {"vendor": self.store_id, "products": 5})["products"]
        self.prices = {product["sku"]: Decimal(product["price"]) + Decimal("0.05") for product in filled}
        self.load({sku: (price, 300) for sku, price in self.prices.items()})

    def load(self, products: dict[str, tuple[Decimal, int]]) -> None:
        rows = "".join(f"{sku},{price},{quantity}\n" for sku, (price, quantity) in products.items())
        bucket, key = self.stack.catalogue_outputs["FilesBucketName"], f"changes/{self.store_id}/{uuid4().hex}.csv"
        self.stack.client("s3").put_object(Bucket=bucket, Key=key, Body=f"sku,price,quantity\n{rows}".encode())
        for _ in range(20):
            self.run("Loader")
            wanted = {sku: (row.values.price, row.values.quantity) for sku, row in self.rows().items()}
            if all(wanted.get(sku) == values for sku, values in products.items()):
                return
        pytest.fail("the loader did not take the file")

    def rows(self) -> dict[str, Any]:
        return {row.sku: row for row in self.tables.products.all_of(self.store_id)}

    def run(self, name: str) -> Any:
        answer = self.stack.client("lambda").invoke(
            FunctionName=self.stack.catalogue_outputs[f"{name}FunctionName"], Payload=b"{}"
        )
        content = json.load(answer["Payload"])
        assert "FunctionError" not in answer, content
        return content

    def pick_up(self) -> Any:
        """The platform picks up what is there, without a fault."""
        folders = {"catalogue": self.server.home / "catalog", "promotions": self.server.home / "promotions"}
        content = {"prefix": PREFIX, "folders": {kind: str(folder) for kind, folder in folders.items()}}
        picked = platform(self.stack, "POST", "catalogue-pick-up", content)
        assert [one for one in picked["files"] if one["problem"] or one["errors"]] == []
        return picked

    def is_shown(self) -> bool:
        """Whether the platform shows what the chain wants."""
        shown = platform(self.stack, "GET", "catalogue")["shown"][self.store_id]
        wanted = {sku: to_send(row) for sku, row in self.rows().items()}
        return {sku: (Decimal(shown[sku]["price"]), shown[sku]["active"]) for sku in wanted} == {
            sku: (values.price, values.active) for sku, values in wanted.items()
        }

    def wish(self, promotion: Promotion) -> None:
        digest, at = self.bodies.write(promotion.promotion_id, body_of(promotion)), datetime.now(UTC)
        is_end = not promotion.is_active
        self.promotions.wish(
            promotion,
            lambda number: Wish(number, digest, is_end, "anna", "a test", at),
            lambda: datetime.now(UTC),
            PromotionChannel.FILES,
        )


@pytest.fixture
def store(stack: Stack, server: Sshd) -> Iterator[StoreOfFiles]:
    found = StoreOfFiles(stack, server)
    yield found
    found.tables.settings.put(CatalogueSettings(found.store_id))  # It is nothing to the next test.


@pytest.fixture
def trusted(server: Sshd, run: CommandLine) -> None:
    """The key is trusted and the login stored, as an operator does it."""
    assert run("files", "trust", "--yes").returncode == 0
    stored = run("secrets", "set-sftp", stdin=server.private_key)
    assert (stored.returncode, "accepts" in stored.stderr) == (0, True), stored.stderr


@pytest.mark.usefixtures("trusted")
def test_catalogue_by_files(store: StoreOfFiles, run: CommandLine) -> None:
    """A store is switched on, its catalogue goes as a file, and a change with the next one; the platform shows what the
    chain wants, and the pusher sends nothing."""
    assert not store.is_shown()
    assert run("files", "on", store.store_id, "--prefix", PREFIX, "--yes").returncode == 0
    dry = run.json("files", "send", store.store_id, "--dry-run")
    assert [(one["rows"], one["is_sent"]) for one in dry["files"] if one["kind"] == "catalogue"] == [(5, False)]
    store.run("Uploader")
    store.pick_up()
    assert store.is_shown()
    first, second, *_ = store.prices
    store.load({first: (store.prices[first] + Decimal("0.10"), 300), second: (store.prices[second], 0)})
    store.run("Pusher")
    store.run("Uploader")
    store.pick_up()
    assert store.is_shown()
    assert not store.tables.changes.first(store.store_id, 1)
    sent = run.json("files", "list", store.store_id)
    assert [(one["state"], one["is_atomic"], one["rows"]) for one in sent] == [("submitted", True, 5)] * 2
    jobs = [job for job in platform(store.stack, "GET", "catalogue")["jobs"] if job["vendor"] == store.store_id]
    assert [job for job in jobs if job["lines"]] == []
    faults = run.faults()
    assert not [part for part in faults if "SFTP" in part or part == "uploader"], faults
    refused = run("catalogue", "resume", store.store_id, "--reason", "by mistake", "--yes")
    assert (refused.returncode, "overwrite each other" in refused.stderr) == (1, True)


@pytest.mark.usefixtures("trusted")
def test_promotions_by_files(store: StoreOfFiles, run: CommandLine) -> None:
    """A promotion begins and ends by file; its end is the row that was sent, and its state is submitted."""
    assert run("files", "on", store.store_id, "--prefix", PREFIX, "--yes").returncode == 0
    first, second, *_ = store.prices
    start = datetime.now(UTC).replace(microsecond=0)
    discount = Discount((first, second), Subtype.FINAL_PRICE, Decimal("0.10"))
    names, days = {"en_PK": f"Dairy week {store.store_id}"}, timedelta(days=7)
    promotion = Promotion(
        (store.store_id,), Kind.STRIKETHROUGH, "COMPETITIVENESS", names, start, start + days, (discount,)
    )
    store.wish(promotion)
    store.run("Uploader")
    running = store.pick_up()["promotions"][store.store_id]
    assert {row["sku"]: row["discounted_price"] for row in running} == {first: "0.1", second: "0.1"}
    state = store.promotions.get(promotion.promotion_id)
    assert state is not None
    assert (state.outcome, state.channel) == (Outcome.SUBMITTED, PromotionChannel.FILES)
    store.wish(ended(promotion))
    store.run("Uploader")
    assert store.pick_up()["promotions"][store.store_id] == []
    settings = store.tables.settings.get(store.store_id)
    assert settings is not None
    assert settings.channel is Channel.FILES


@pytest.mark.usefixtures("trusted")
def test_changed_host_key_stops_all(store: StoreOfFiles, server: Sshd, run: CommandLine) -> None:
    """Another host key gets nothing, until a person trusts it."""
    assert run("files", "on", store.store_id, "--prefix", PREFIX, "--yes").returncode == 0
    server.stop()
    server.make_host_key()
    server.start()
    assert "key" in store.run("Uploader")["problems"]["server"]
    name = f"{PREFIX}_{store.store_id}.csv"
    assert not (Path(server.home) / "catalog" / name).exists()
    status = run.json("files", "status")
    assert status["server"]["trouble"] == "host_key_changed"
    assert any("host-key" in one["advice"] for one in run.json("doctor") if one["part"] == "SFTP server")
    assert run("files", "trust", "--yes").returncode == 0
    assert store.run("Uploader")["problems"] == {}
    assert (Path(server.home) / "catalog" / name).exists()
