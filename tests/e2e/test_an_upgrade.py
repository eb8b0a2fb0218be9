"""A stack of the last release, or of a named commit until there is one, is updated while orders flow."""

import json
import shutil
import subprocess
import tarfile
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from botocore.config import Config
from rich.console import Console

from partner_orders.aws import keys
from partner_orders.clock import now, to_text
from partner_orders.orders.event import parse_event
from partner_orders.orders.stored import StoredOrder
from partner_orders.orders.table import OrdersTable
from tests.support.deployed import eventually
from tools.local.emulator import ROOT, emulator
from tools.local.hour import HOUR, Hour
from tools.local.screen import Screen
from tools.local.stack import Stack, build, built_from, deploy, describe
from tools.local.up import PARAMETERS, simulated_platform, warm_up

pytestmark = pytest.mark.slow

GIT = shutil.which("git") or "git"
TAG = "v0.1.0"
# Until there is a tag: the commit that froze the formats of 0.1.0 (docs/decisions/0012).
FROZEN = "6809e85"
TOKEN = "the-token-of-an-upgrade"
# The local AWS cuts invocations off when it updates their function. Their events come again once they are visible.
CUT_OFF_SECONDS = 400.0
PLAYED = HOUR | {"seed": 41, "orders": 60, "wall_seconds": 60, "faults": {"duplicate": 0.1, "reorder": 0.1}}
# The schedule is off: the reconciler runs when the test calls it.
SETTINGS = PARAMETERS | {"ReconciliationState": "DISABLED"}


def git(*arguments: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([GIT, "-C", str(ROOT), *arguments], capture_output=True, check=False)


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The last release, or the named commit until there is one, built."""
    revision = TAG if git("rev-parse", "--verify", "--quiet", f"{TAG}^{{commit}}").returncode == 0 else FROZEN
    folder = tmp_path_factory.mktemp("release")
    archive = git("archive", "--format=tar", f"--output={folder / 'release.tar'}", revision)
    if archive.returncode:
        pytest.skip(f"the history does not go back to {revision}: git fetch --unshallow")
    with tarfile.open(folder / "release.tar") as files:
        files.extractall(folder / "source", filter="data")
    built_from(folder / "source", folder / "build")
    return folder / "build"


@pytest.fixture(scope="module")
def released(release: Path) -> Iterator[Stack]:
    """A stack of that version, with a simulated platform of its own."""
    with emulator() as endpoint_url, simulated_platform(TOKEN) as platform_url:
        outputs = deploy(endpoint_url, platform_url, SETTINGS, built=release)
        stack = describe(endpoint_url, platform_url, outputs)
        stack.client("secretsmanager").put_secret_value(
            SecretId=outputs["PartnerApiSecretArn"], SecretString=f'{{"token": "{TOKEN}"}}'
        )
        warm_up(stack)
        yield stack


def reconciler_run(stack: Stack, event: dict[str, Any]) -> dict[str, Any]:
    """The report of a run of the reconciler."""
    answer = stack.client("lambda", config=Config(read_timeout=300)).invoke(
        FunctionName=stack.outputs["ReconcilerFunctionName"], Payload=json.dumps(event).encode()
    )
    report: dict[str, Any] = json.load(answer["Payload"])
    assert "FunctionError" not in answer, report
    return report


def layer_of(stack: Stack) -> str:
    function = stack.client("lambda").get_function_configuration(FunctionName=stack.outputs["ConsumerFunctionName"])
    return str(function["Layers"][0]["Arn"])


def stored_orders(stack: Stack) -> dict[str, StoredOrder]:
    """Every order of the table, whole, by id."""
    client, name = stack.client("dynamodb"), stack.outputs["OrdersTableName"]
    orders = OrdersTable(client, name, timedelta(days=400))
    pages = client.get_paginator("scan").paginate(TableName=name, ProjectionExpression="pk, sk")
    keys_of = [item["pk"]["S"] for page in pages for item in page["Items"] if item["sk"]["S"] == keys.ORDER]
    found = {order_id: orders.get(order_id) for order_id in map(keys.order_id_of, keys_of)}
    return {order_id: order for order_id, order in found.items() if order is not None}


def test_upgrade_from_the_last_release(released: Stack) -> None:
    """Updated under traffic, the stack loses nothing, stores nothing twice, and finds no false difference."""
    stack, hour = released, Hour(released, Screen(Console(quiet=True)), PLAYED)
    old_layer = layer_of(stack)
    build()
    playing = threading.Thread(target=hour.play, daemon=True)
    playing.start()
    eventually(lambda: len(stored_orders(stack)) >= 10 or None, seconds=60)
    assert not reconciler_run(stack, {})["failed_stores"]
    before = stored_orders(stack)

    assert playing.is_alive()
    outputs = deploy(stack.endpoint_url, stack.platform_url, SETTINGS)
    # What was pasted into the portal and into other stacks still holds.
    assert stack.outputs.items() <= outputs.items()
    assert layer_of(stack) != old_layer
    was_playing = playing.is_alive()
    assert not reconciler_run(stack, {})["failed_stores"]
    playing.join(timeout=300)
    assert was_playing, "the hour was over before the update"

    hour.wait_until_stored(CUT_OFF_SECONDS)
    hour.reconcile()
    assert hour.compare() == []
    after = stored_orders(stack)
    assert before.keys() <= after.keys()
    assert any(len(after[order_id].history) > len(order.history) for order_id, order in before.items())
    for order_id, order in after.items():
        digests = [entry.digest for entry in order.history]
        # Under the new version's reading, each stored body is the event that it was stored as.
        assert digests == [parse_event(entry.body).digest for entry in order.history if entry.body], order_id
        assert len(digests) == len({*digests}), order_id

    # A day later the platform sends everything again, and the reconciler looks at all of it.
    for event in hour.events():
        answer = requests.post(
            stack.webhook_url,
            event["body_text"].encode(),
            headers=stack.webhook_headers | {"Authorization": stack.webhook_secret},
            timeout=30,
        )
        assert answer.status_code == requests.codes.ok
    hour.wait_until_stored(CUT_OFF_SECONDS)
    again = reconciler_run(stack, {"from": to_text(now() - timedelta(hours=2)), "preview": True})
    assert (again["missing"], again["different"], again["failed_stores"]) == (0, 0, {})
    assert {id_: order.history for id_, order in stored_orders(stack).items()} == {
        id_: order.history for id_, order in after.items()
    }
