"""A promotion is put, changed and ended by command: through the deployed pusher, on the simulated platform."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from partner_orders.catalogue.desired import Desired
from partner_orders.catalogue.product import Values
from partner_orders.catalogue.store_settings import CatalogueSettings
from partner_orders_console.operations.catalogue_stack import CatalogueStack
from tests.support.deployed import CommandLine, invoke, platform
from tools.local.stack import Stack

pytestmark = pytest.mark.slow

WHY = ("--why", "tried end to end", "--yes")


@pytest.fixture
def store(stack: Stack, run: CommandLine) -> tuple[str, list[str]]:
    """A new store of the catalogue that takes promotions, with the SKUs that the platform has of it."""
    name = f"s{uuid4().hex[:10]}"
    filled = platform(stack, "POST", "catalogue-fill", {"vendor": name, "products": 3})
    assert run("stores", "set", name, "--currency", "PKR", "--time-zone", "UTC").returncode == 0
    catalogue = CatalogueStack.of(stack.deployed())
    assert catalogue is not None
    catalogue.tables.settings.put(CatalogueSettings(name))
    skus = [product["sku"] for product in filled["products"]]
    for sku, product in zip(skus, filled["products"], strict=True):
        values = Values(price=Decimal(product["price"]))
        catalogue.tables.products.change(name, sku, partial(known, values))
    switched = run("promotions", "resume", name, *WHY)
    assert switched.returncode == 0, switched.stderr
    return name, skus


def known(values: Values, row: Desired) -> Desired:
    """A product that the platform has as it is wished."""
    return replace(row, values=values, confirmed=values, versions={"price": datetime.now(UTC)})


@pytest.fixture
def followed(stack: Stack, run: CommandLine) -> Callable[[str, str], Any]:
    """What the command shows of a promotion once its newest wish has an outcome."""
    beside = replace(stack, outputs=stack.catalogue_outputs)

    def follow(promotion_id: str, outcome: str) -> Any:
        # The schedules are off, others may come first, and a job is asked for a minute after it was sent.
        until = datetime.now(UTC) + timedelta(seconds=150)
        while datetime.now(UTC) < until:
            invoke(beside, "Pusher", {})
            found = run.json("promotions", "show", promotion_id)
            if found["outcome"] == outcome:
                return found
        pytest.fail(f"{promotion_id} is not {outcome}: {found}")

    return follow


def document(folder: Path, store_id: str, skus: list[str], percent: int) -> Path:
    starts = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    path = folder / f"{percent}.json"
    path.write_text(
        json.dumps(
            {
                "vendors": [store_id],
                "type": "STRIKETHROUGH",
                "reason": "TRADING",
                "display_name": {"en_PK": f"Week of {store_id}"},
                "conditions": {
                    "start_time": starts.strftime("%Y-%m-%dT%H:%M:%SZ"),
                    "end_time": (starts + timedelta(days=5)).strftime("%Y-%m-%dT%H:%M:%SZ"),
                },
                "discount": [{"sku": skus, "discount_subtype": "PERCENTAGE", "discount_value": percent}],
            }
        )
    )
    return path


def on_platform(stack: Stack, store_id: str) -> list[dict[str, Any]]:
    """The bodies that the platform completed for a store, the oldest first."""
    jobs = platform(stack, "GET", "catalogue")["promotions"]["jobs"]
    return [job["body"] for job in jobs if job["body"]["vendors"] == [store_id] and job["status"] == "COMPLETED"]


def test_a_promotion_is_put_changed_and_ended(
    stack: Stack, run: CommandLine, store: tuple[str, list[str]], followed: Callable[[str, str], Any], tmp_path: Path
) -> None:
    """Each wish reaches the platform by one body, its job's end is shown, and the history has who and why."""
    store_id, skus = store
    put = run("promotions", "put", str(document(tmp_path, store_id, skus, 10)), *WHY)
    assert put.returncode == 0, put.stderr
    [listed] = run.json("promotions", "list", store_id)
    promotion_id = listed["promotion_id"]
    followed(promotion_id, "done")
    taken_out = run("promotions", "end", promotion_id, skus[0], *WHY)
    assert taken_out.returncode == 0, taken_out.stderr
    followed(promotion_id, "done")
    ended = run("promotions", "end", promotion_id, *WHY)
    assert ended.returncode == 0, ended.stderr
    shown = followed(promotion_id, "done")
    bodies = on_platform(stack, store_id)
    assert [body["active"] for body in bodies] == [True, True, False]
    assert [one["active"] for one in bodies[1]["discount"] if skus[0] in one["sku"]] == [False]
    assert [record["outcome"] for record in shown["history"]] == ["done", "done", "done"]
    assert "tried end to end" in json.dumps(shown["history"])
