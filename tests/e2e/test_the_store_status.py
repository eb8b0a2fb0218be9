"""A store is closed and opened on the platform by command: through the deployed pusher, and read back."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from tests.support.deployed import CommandLine, invoke, platform
from tools.local.stack import Stack

pytestmark = pytest.mark.slow

WHY = ("--why", "tried end to end", "--yes")


@pytest.fixture
def store_id(stack: Stack, run: CommandLine) -> str:
    """A new store that the platform knows, registered here."""
    name = f"s{uuid4().hex[:10]}"
    platform(stack, "POST", "catalogue-fill", {"vendor": name, "products": 1})
    assert run("stores", "set", name, "--currency", "PKR", "--time-zone", "UTC").returncode == 0
    return name


@pytest.fixture
def followed(stack: Stack, run: CommandLine) -> Callable[..., Any]:
    """What the command shows of a store once its newest wish has an outcome."""
    beside = replace(stack, outputs=stack.catalogue_outputs)

    def follow(store_id: str, outcome: str) -> Any:
        # The schedules are off, and other stores may come first.
        for _ in range(6):
            invoke(beside, "Pusher", {})
            found = run.json("stores", "status", store_id)
            if found["wish"]["outcome"] == outcome:
                return found
        pytest.fail(f"{store_id} is not {outcome}: {found}")

    return follow


def on_platform(stack: Stack, store_id: str) -> str:
    return str(platform(stack, "GET", "catalogue")["statuses"][store_id]["status"])


def test_a_store_is_closed_and_opened(
    stack: Stack, run: CommandLine, store_id: str, followed: Callable[..., Any]
) -> None:
    """A closing is shown by the platform, the newer opening too, and the history has both with who and why."""
    until = (datetime.now(UTC) + timedelta(hours=2)).strftime("%Y-%m-%dT%H:%M:%SZ")
    closing = ("--until", until, "--reason", "TECHNICAL_PROBLEM")
    dry = run("stores", "close", store_id, *closing, *WHY, "--dry-run")
    assert (dry.returncode, "would close" in dry.stderr) == (0, True), dry.stderr
    closed = run("stores", "close", store_id, *closing, *WHY)
    assert closed.returncode == 0, closed.stderr
    found = followed(store_id, "shown")
    assert (found["shown"]["status"], on_platform(stack, store_id)) == ("CLOSED_UNTIL", "CLOSED_UNTIL")
    assert run("stores", "open", store_id, *WHY).returncode == 0
    followed(store_id, "done")
    assert on_platform(stack, store_id) == "OPEN"
    live = run.json("stores", "status", store_id, "--live")
    assert (live["live"]["status"], live["difference"]) == ("OPEN", None)
    wishes = [record["wish"] for record in live["history"] if "wish" in record]
    assert [(wish["status"], wish["outcome"], wish["why"]) for wish in wishes] == [
        ("OPEN", "done", "tried end to end"),
        ("CLOSED_UNTIL", "overtaken", "tried end to end"),
    ]


def test_a_refusal_is_shown(run: CommandLine, followed: Callable[..., Any]) -> None:
    """A store that the platform does not know ends its wish as refused, and nothing is repeated."""
    name = f"s{uuid4().hex[:10]}"
    assert run("stores", "set", name, "--currency", "PKR").returncode == 0
    assert run("stores", "open", name, *WHY).returncode == 0
    found = followed(name, "refused")
    assert (found["wish"]["sends"], "not_found" in found["wish"]["refusal"]) == (1, True)
