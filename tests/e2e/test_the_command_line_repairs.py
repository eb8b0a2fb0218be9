"""What an operator mends, against the deployed stack: rejected events, dead letters, and gaps."""

import json
from pathlib import Path
from uuid import uuid4

import pytest

from partner_orders.clock import now
from partner_orders.order_events.message import WEBHOOK, OrderEventMessage
from partner_orders.orders.event import Arrival
from partner_orders.orders.rejected_table import RejectedTable
from partner_orders.orders.table import OrdersTable
from tests.support.deployed import CommandLine, eventually, platform
from tests.support.orders import as_bytes, order
from tools.local.orders import HOUR
from tools.local.orders import main as place_orders
from tools.local.stack import Stack
from tools.local.up import CHAIN_ID


def an_order() -> tuple[str, bytes]:
    body = order(order_id=str(uuid4()))
    body["client"]["chain_id"] = CHAIN_ID
    return body["order_id"], as_bytes(body)


def letters(run: CommandLine, queue: str) -> int:
    return next(int(row["messages"]) for row in run.json("dead-letters", "list") if row["queue"] == queue)


@pytest.mark.slow
def test_replayed_event_leaves_the_list(run: CommandLine, orders: OrdersTable, rejected: RejectedTable) -> None:
    """A rejected event that can be parsed by now is stored by a replay and leaves the list."""
    order_id, body = an_order()
    rejected.keep(body, Arrival("webhook", now(), "request-1"), "not_an_order", ["a field of another kind"])
    digest = rejected.newest(1)[0].digest
    assert run("rejected", "replay", digest).returncode == 0
    assert [entry.source for entry in eventually(lambda: orders.get(order_id)).history] == ["replay"]
    eventually(lambda: run.json("rejected", "show", digest)["resolved_at"])
    assert digest not in {entry["digest"] for entry in run.json("rejected", "list")}


@pytest.mark.slow
def test_redriven_order_event_is_stored(run: CommandLine, stack: Stack, orders: OrdersTable) -> None:
    """A dead-letter message with an order event is previewed, redriven and stored."""
    order_id, body = an_order()
    text = OrderEventMessage(WEBHOOK, now(), "request-1", body).to_text()
    stack.client("sqs").send_message(QueueUrl=stack.outputs["OrderEventsDeadLettersUrl"], MessageBody=text)
    previewed = run("dead-letters", "redrive", "order-events", "--filter", order_id, "--preview")
    assert "1 message would be" in previewed.stderr
    redriven = run("dead-letters", "redrive", "order-events", "--filter", order_id)
    assert (redriven.returncode, "1 message is" in redriven.stderr) == (0, True)
    eventually(lambda: orders.get(order_id))
    assert letters(run, "order-events") == 0


@pytest.mark.slow
def test_redriven_change_has_next_sequence(run: CommandLine, stack: Stack, orders: OrdersTable, tmp_path: Path) -> None:
    """A change that the bus refused is published in its current state with the next sequence."""
    order_id, body = an_order()
    file = tmp_path / "order.json"
    file.write_bytes(body)
    assert run("send", str(file)).returncode == 0
    assert eventually(lambda: orders.get(order_id)).sequence == 1
    letter = json.dumps({"pk": f"ORDER#{order_id}", "fault": "MalformedDetail", "detail_type": "order.received"})
    stack.client("sqs").send_message(QueueUrl=stack.outputs["PublisherDeadLettersUrl"], MessageBody=letter)
    assert run("dead-letters", "redrive", "publisher", "--filter", order_id).returncode == 0
    assert eventually(lambda: orders.get(order_id)).sequence == 2
    assert letters(run, "publisher") == 0


@pytest.mark.slow
def test_missed_orders_are_in_sync_after_run(run: CommandLine, stack: Stack, orders: OrdersTable) -> None:
    """Orders whose webhooks never came are enqueued by a run, and in sync afterwards."""
    hour = {"seed": 41, "orders": 6, "stores": 1, "wall_seconds": 1.0, "faults": {"drop": 1.0}}
    platform(stack, "POST", "play", hour)
    eventually(lambda: platform(stack, "GET", "progress")["state"] == "done" or None)
    truth = platform(stack, "GET", "truth")["orders"]
    store = truth[0]["store_id"]
    assert run("stores", "set", store, "--currency", "PKR").returncode == 0
    ran = run("reconcile", "run", "--store", store, "--yes", "--json")
    assert ran.returncode == 0, ran.stderr
    report = json.loads(ran.stdout)
    assert (report["state"], report["enqueued"]) == ("done", report["missing"] + report["different"])

    def all_stored() -> bool | None:
        return all(orders.get(entry["order_id"]) for entry in truth) or None

    eventually(all_stored)
    after = run.json("reconcile", "run", "--store", store, "--preview")
    assert (after["missing"], after["different"]) == (0, 0)


@pytest.mark.slow
def test_make_orders_leaves_work_for_a_run(run: CommandLine, stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    """`make orders` leaves missing or different orders for the reconciler."""
    monkeypatch.setattr(Stack, "load", lambda: stack)
    monkeypatch.setitem(HOUR, "wall_seconds", 3)
    assert place_orders() == 0
    played = {entry["store_id"] for entry in platform(stack, "GET", "truth")["orders"]}
    eventually(lambda: played <= {store["store_id"] for store in run.json("stores", "list")} or None)
    stores = [argument for store_id in played for argument in ("--store", store_id)]
    report = run.json("reconcile", "run", *stores, "--preview")
    assert report["missing"] + report["different"] > 0
    assert report["failed_stores"] == {}
