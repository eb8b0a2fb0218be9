"""A webhook that was dead for days, against the deployed stack: made whole by a backfill that is killed three times,
while live orders come in."""

import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from partner_orders.clock import now, to_text
from partner_orders.orders.event import parse_event
from partner_orders.orders.table import OrdersTable
from tests.support.deployed import Answer, eventually, platform
from tests.support.orders import as_bytes, order
from tools.local.stack import Stack

pytestmark = [pytest.mark.crash, pytest.mark.slow]

ORDERS, STORES, KILLS = 10_000, 8, 3
# What "within seconds" means for a live order while a backfill runs, on a machine that does all of it.
LIVE_SECONDS = 15.0


def say(what: str) -> None:
    sys.stderr.write(f"\n  {what}")


class Backfill(threading.Thread):
    """Invokes the reconciler again and again, as the schedule would, until the backfill is done."""

    def __init__(self, stack: Stack) -> None:
        super().__init__(daemon=True)
        self._name = stack.outputs["ReconcilerFunctionName"]
        settings = Config(read_timeout=900, retries={"total_max_attempts": 1})
        self._lambda = stack.client("lambda", config=settings)
        self.progress: dict[str, Any] = {}
        self.done = threading.Event()

    def invoke(self, event: dict[str, Any]) -> dict[str, Any]:
        answer = self._lambda.invoke(FunctionName=self._name, Payload=json.dumps(event).encode())
        content: dict[str, Any] = json.load(answer["Payload"])
        return content

    def run(self) -> None:
        backfill_id = ""
        while not self.done.is_set():
            with suppress(BotoCoreError, ClientError, ValueError):
                if not backfill_id:
                    started = self.invoke({"from": None, "preview": False})
                    backfill_id = started.get("backfill", "")
                self.invoke({})
                self.progress = self.invoke({"backfill": backfill_id})
                if self.progress.get("state") == "done":
                    self.done.set()
            time.sleep(2)


def kill_the_reconciler(stack: Stack) -> bool:
    """Kill the function's process, as a machine that goes away does; whether one was running."""
    found = subprocess.run(
        ["/usr/bin/pgrep", "-f", f"ministack-lambda-{stack.outputs['ReconcilerFunctionName']}"],
        capture_output=True,
        text=True,
        check=False,
    )
    for pid in found.stdout.split():
        subprocess.run(["/bin/kill", f"-{signal.SIGKILL.value}", pid], check=False)
    return bool(found.stdout.split())


def test_backfill_survives_three_kills(
    stack: Stack, post: Callable[..., Answer], secret: bytes, orders: OrdersTable
) -> None:
    """A backfill of 10,000 orders is complete after three kills, and live orders stay fast meanwhile."""
    seed = 77
    # One webhook in a hundred arrives: from these the stores are known.
    platform(
        stack,
        "POST",
        "play",
        {"seed": seed, "orders": ORDERS, "stores": STORES, "wall_seconds": 5.0, "faults": {"drop": 0.99}},
    )
    eventually(lambda: platform(stack, "GET", "progress")["state"] == "done" or None, seconds=120)
    truth = platform(stack, "GET", "truth")["orders"]
    assert len(truth) == ORDERS
    backfill, began, kills, slowest = Backfill(stack), time.monotonic(), 0, 0.0
    backfill.start()
    number = 0
    while not backfill.done.is_set():
        assert time.monotonic() - began < 1_500, backfill.progress
        number += 1
        live = order(order_id=f"live-{seed}-{number}", sys={"created_at": to_text(now()), "updated_at": to_text(now())})
        sent = time.monotonic()
        assert post(as_bytes(live), secret).status == 200
        eventually(lambda live=live: orders.known([live["order_id"]]).get(live["order_id"]))  # type: ignore[misc]
        slowest = max(slowest, time.monotonic() - sent)
        if kills < KILLS and number % 3 == 0:
            kills += kill_the_reconciler(stack)
            say(f"{time.monotonic() - began:4.0f} s  killed {kills} times, {backfill.progress}")
        time.sleep(1.5)
    say(f"{time.monotonic() - began:4.0f} s  {backfill.progress}")
    say(f"{number} live orders meanwhile, the slowest stored within {slowest:.1f} s")
    assert kills == KILLS
    assert slowest <= LIVE_SECONDS

    def wrong() -> list[str]:
        known = orders.known(entry["order_id"] for entry in truth)
        return [
            entry["order_id"]
            for entry in truth
            if entry["order_id"] not in known
            or parse_event(json.dumps(entry["body"]).encode()).digest not in known[entry["order_id"]].digests
        ]

    eventually(lambda: True if not wrong() else None, seconds=300)
