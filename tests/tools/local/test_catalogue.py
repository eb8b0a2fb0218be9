"""`make catalogue` opens a store with products, writes lists that show the guards, and prints commands that exist."""

import json
import re
import shlex
import threading
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import requests
import typer

from partner_orders.catalogue.desired import Desired
from partner_orders.catalogue.guards import Limits, held_price
from partner_orders.catalogue.list_file import Line, read_lines
from partner_orders.catalogue.product import Values, product_and_values
from partner_orders.clock import now
from partner_orders.stores.store import Store
from partner_orders_console.cli.__main__ import app
from partner_orders_console.operations.promotions.json_document import drafts_of_json
from partner_orders_console.operations.promotions.rules import Checked, Stores, checked
from tests.support.fixed_clock import NOW
from tools.local import catalogue, second_terminal
from tools.local.simulated_platform.server import Platform, serve
from tools.local.stack import Stack
from tools.local.up import CHAIN_ID

SKUS = [f"150001-{number:05d}" for number in range(1, catalogue.PRODUCTS + 1)]


@pytest.fixture
def platform() -> Iterator[str]:
    server = serve(Platform(CHAIN_ID, "token", 1000, {}), 0)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def registered(platform: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The stores that the command registers, with their settings; the stack itself is not there."""
    stack, stores = Stack("", "", "partner-orders", "", {}, "secret", platform, {}), dict[str, Any]()
    monkeypatch.setattr(Stack, "load", lambda: stack)
    monkeypatch.setattr(Stack, "deployed", lambda _: None)
    monkeypatch.setattr(second_terminal, "is_up", lambda: True)
    monkeypatch.setattr(catalogue, "connect", lambda _: None)
    monkeypatch.setattr(catalogue, "set_store", lambda _, store_id, settings: stores.update({store_id: settings}))
    monkeypatch.setattr(catalogue, "ROOT", tmp_path)
    monkeypatch.setattr(catalogue, "LIST", tmp_path / ".local" / "prices.csv")
    monkeypatch.setattr(catalogue, "CHANGES", tmp_path / ".local" / "prices-2.csv")
    monkeypatch.setattr(catalogue, "PROMOTION", tmp_path / ".local" / "promotion.json")
    return stores


def lines(path: Path) -> dict[str, Values]:
    """A list as the loader reads it, by SKU."""
    found = {}
    for line in read_lines([path.read_bytes()], path.name):
        assert isinstance(line, Line)
        product, values = product_and_values(line.columns)
        found[str(product.sku)] = values
    return found


def printed(capsys: pytest.CaptureFixture[str]) -> list[list[str]]:
    return [shlex.split(line) for line in capsys.readouterr().out.splitlines() if line.startswith("  .venv")]


def test_each_store_is_new(platform: str, registered: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    """Each call opens another store, registers it, and names it in every command."""
    for store_id in ("150001", "150002"):
        assert catalogue.main() == 0
        of_the_store = [command for command in printed(capsys) if not names_a_promotion(command)]
        assert len(of_the_store) > 10
        assert all(store_id in command for command in of_the_store)
    assert [*registered] == ["150001", "150002"]
    assert {settings.currency for settings in registered.values()} == {"PKR"}
    shown = requests.get(f"{platform}/_platform/catalogue", timeout=10).json()["shown"]
    assert {store_id: len(products) for store_id, products in shown.items()} == {"150001": 500, "150002": 500}


def names_a_promotion(command: list[str]) -> bool:
    """A promotion's own id, or its document, stands for its store."""
    return command[1] == "promotions" and command[2] != "resume"


def test_promotion_is_good(registered: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is wrong with the promotion that is written, and the commands name it by the id that it will have."""
    assert catalogue.main() == 0
    store = Store("150001", time_zone="Asia/Karachi")
    content = json.loads(catalogue.PROMOTION.read_bytes())
    [draft] = drafts_of_json(catalogue.PROMOTION.read_bytes()).drafts
    found = checked(draft, Stores({"150001": store}, (store,)), now(), lambda _: False)
    assert isinstance(found, Checked), found
    listed = lines(catalogue.LIST)
    for one in found.promotion.discounts:
        price = listed[one.skus[0]].price
        assert price is not None
        assert Decimal(0) < one.value < price
    named = {
        command[3] for command in printed(capsys) if command[1:3] in (["promotions", "show"], ["promotions", "end"])
    }
    assert named == {found.promotion.promotion_id}
    assert content["active"] is True


def test_orders_of_the_store_can_be_listed(platform: str, registered: dict[str, Any]) -> None:
    """The reconciler may ask for the orders of the store: the platform knows it, without any."""
    assert catalogue.main() == 0
    url = f"{platform}/v2/chains/{CHAIN_ID}/vendors/{{}}/orders"
    headers = {"Authorization": "Bearer token"}
    responses = [requests.get(url.format(name), headers=headers, timeout=10) for name in (*registered, "nowhere")]
    assert [response.status_code for response in responses] == [200, 404]


@pytest.mark.usefixtures("registered")
def test_guard_holds_only_the_slipped_price() -> None:
    """Only the wrong price of the second list is held, once those of the first are confirmed."""
    assert catalogue.main() == 0
    first, second = lines(catalogue.LIST), lines(catalogue.CHANGES)
    assert [*first] == [*SKUS, "NEW-IN-ERP-1"]
    assert {*second} < {*SKUS}
    confirmed = {sku: Desired(sku, confirmed=values) for sku, values in first.items()}
    held = [sku for sku, values in second.items() if held_price(confirmed[sku], values, Limits(), NOW)[1].are_said]
    [wrong] = held
    assert second[wrong].price == (first[wrong].price or 0) * 10
    assert all(values != first[sku] for sku, values in second.items())
    assert [values.active for values in second.values()].count(False) == 1


@pytest.mark.usefixtures("registered")
def test_printed_commands_exist(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each command exists with its options, in the order of the tour, and each file was written."""
    assert catalogue.main() == 0
    commands = printed(capsys)
    verbs = " ".join(command[2] for command in commands)
    assert verbs == "set load load resume show refused load load held drop urgent show resume put put show end end"
    groups = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    monkeypatch.chdir(tmp_path)
    for program, group, verb, *arguments in commands:
        assert program == ".venv/bin/partner-orders"
        groups[group].commands[verb].make_context(verb, [*arguments])
    files = {word for command in commands for word in command if re.search(r"\.(csv|json)$", word)}
    assert all((tmp_path / name).is_file() for name in files)
    assert len(files) == 3


@pytest.mark.usefixtures("registered")
def test_urgent_product_is_for_sale(capsys: pytest.CaptureFixture[str]) -> None:
    """The product that goes off sale at the end is for sale, and the second list does not name it."""
    assert catalogue.main() == 0
    [sku] = [command[4] for command in printed(capsys) if command[2] == "urgent"]
    assert lines(catalogue.LIST)[sku].active
    assert sku not in lines(catalogue.CHANGES)
