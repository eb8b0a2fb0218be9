"""``reconcile``, ``rejected``, ``dead-letters``, ``send``: what an operator mends."""

import io
import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import requests

from cli.stack import DeployedStack
from partner_orders.clock import now
from partner_orders.event import Arrival
from partner_orders.intake import Delivery, Intake
from partner_orders.message import WEBHOOK, OrderEventMessage
from partner_orders.reconciliation_report import Repair, Report
from tests.cli.conftest import Ran
from tests.integration.conftest import NOW
from tests.orders import as_bytes, order

type Run = Callable[..., Ran]

BODY = as_bytes({"status": "RECEIVED", "customer": {"first_name": "Amna"}})
ARRIVAL = Arrival("webhook", NOW, "request-1")


@pytest.fixture
def rejected(stack: DeployedStack) -> str:
    stack.rejected.keep(BODY, ARRIVAL, "not_an_order", ["order_id: Field required"])
    return stack.rejected.newest()[0].digest


class Reconciler:
    """The function, as Lambda calls it: a backfill that takes three calls."""

    def __init__(self, missing: int = 3, failed: dict[str, str] | None = None) -> None:
        self.events: list[dict[str, Any]] = []
        self._missing = missing
        self._failed = failed or {}

    def invoke(self, Payload: bytes, **_: str) -> dict[str, Any]:  # noqa: N803
        event = json.loads(Payload)
        self.events.append(event)
        if event.get("from") == "yesterday":
            answer: dict[str, Any] = {"error": '"from" should be a time in ISO 8601'}
        elif event == {}:
            answer = {"stopped": ""}
        else:
            preview = event.get("preview", self.events[0].get("preview", False))
            answer = {"backfill": "b1", "state": "done" if "backfill" in event else "running", "preview": preview}
            answer |= {"from": "a", "to": "b", "stores": 2, "stores_done": 1, "orders_checked": 9, "in_step": 6}
            answer |= {"missing": self._missing, "different": 0, "not_understood": 0, "failed_stores": self._failed}
            answer |= {"enqueued": 0 if preview else self._missing}
        return {"Payload": io.BytesIO(json.dumps(answer).encode())}


@pytest.fixture
def reconciler(stack: DeployedStack, monkeypatch: pytest.MonkeyPatch) -> Reconciler:
    made = Reconciler()
    plain = DeployedStack.client

    def client(its: DeployedStack, name: str, **options: Any) -> Any:
        return made if name == "lambda" else plain(its, name, **options)

    monkeypatch.setattr(DeployedStack, "client", client)
    stack.outputs["ReconcilerFunctionName"] = "reconciler"
    return made


# -- reconcile --------------------------------------------------------------------------------------------------------


def test_a_preview_comes_first_and_nothing_is_queued_without_a_yes(run: Run, reconciler: Reconciler) -> None:
    ran = run("reconcile", "run", "--from", "2026-03-14T08:00:00Z", "--store", "q7xk")
    assert ran.status == 3
    assert "say --yes" in ran.err
    assert [event["preview"] for event in reconciler.events if "preview" in event] == [True]
    assert reconciler.events[0]["stores"] == ["q7xk"]


def test_after_a_yes_the_backfill_is_followed_to_its_report(run: Run, reconciler: Reconciler) -> None:
    ran = run("reconcile", "run", "--yes", "--json")
    assert ran.status == 0
    assert [event["preview"] for event in reconciler.events if "preview" in event] == [True, False]
    assert {} in reconciler.events  # it is worked on, not waited for
    assert json.loads(ran.out.splitlines()[-1])["missing"] == 3


def test_a_window_that_is_none_is_refused_with_the_reconcilers_own_words(run: Run, reconciler: Reconciler) -> None:
    ran = run("reconcile", "run", "--from", "yesterday")
    assert (ran.status, "ISO 8601" in ran.err) == (1, True)


def test_the_drift_is_told_by_day_and_store(run: Run, stack: DeployedStack) -> None:
    report = Report(now() - timedelta(minutes=3))
    for number in range(3):
        report.add(Repair(f"o{number}", "q7xk", "missing", "RECEIVED", webhook_missed=number < 2))
    report.failed_stores["k7mf"] = "server_error:503"
    stack.reconciliation.keep_report(report.to_json())
    ran = run("reconcile", "reports")
    [found] = run("reconcile", "reports", "--json").json
    assert found["stores"]["q7xk"] == {"missing": 3, "webhooks_missed": 2}
    assert "q7xk" in ran.out
    assert "server_error:503 (1)" in ran.out


# -- rejected ---------------------------------------------------------------------------------------------------------


def test_the_rejected_are_listed_and_shown_without_the_customer(run: Run, rejected: str) -> None:
    [listed] = run("rejected", "list", "--json").json
    assert (listed["digest"], listed["problems"]) == (rejected, ["order_id: Field required"])
    assert "Amna" not in run("rejected", "show", rejected[:8]).out
    assert "Amna" in run("rejected", "show", rejected[:8], "--show-personal-data").out


def test_a_replayed_event_that_is_understood_leaves_the_list_and_one_that_is_not_stays(
    run: Run, stack: DeployedStack, rejected: str, inline_executor: Any
) -> None:
    good = as_bytes(order())
    stack.rejected.keep(good, ARRIVAL, "not_an_order", ["a field that this version understands"])
    assert run("rejected", "replay", "--all").status == 0
    intake = Intake(stack.orders, stack.stores, stack.rejected, now, inline_executor)
    messages = stack.client("sqs").receive_message(
        QueueUrl=stack.output("OrderEventsQueueUrl"), MaxNumberOfMessages=10
    )["Messages"]
    assert len(messages) == 2
    assert intake.process([Delivery(m["MessageId"], m["Body"]) for m in messages], lambda: 60.0).failed == {}
    assert [entry["digest"] for entry in run("rejected", "list", "--json").json] == [rejected]
    assert stack.orders.get(order()["order_id"]) is not None
    history = stack.orders.get(order()["order_id"]).history  # type: ignore[union-attr]
    assert [entry.source for entry in history] == ["replay"]


def test_a_webhooks_event_resolves_nothing(stack: DeployedStack, inline_executor: Any) -> None:
    good = as_bytes(order())
    stack.rejected.keep(good, ARRIVAL, "not_an_order", ["once"])
    intake = Intake(stack.orders, stack.stores, stack.rejected, now, inline_executor)
    intake.process([Delivery("1", OrderEventMessage(WEBHOOK, NOW, "c", good).to_text())], lambda: 60.0)
    assert len(stack.rejected.newest()) == 1


def test_what_is_discarded_is_gone_and_only_after_a_yes(run: Run, rejected: str) -> None:
    assert run("rejected", "discard", rejected).status == 3
    assert len(run("rejected", "list", "--json").json) == 1
    assert run("rejected", "discard", rejected, "--yes").status == 0
    assert run("rejected", "list", "--json").json == []
    assert run("rejected", "show", rejected).status == 1


# -- dead letters -----------------------------------------------------------------------------------------------------


def test_order_events_go_back_on_their_queue_as_they_were(run: Run, stack: DeployedStack) -> None:
    sqs, text = stack.client("sqs"), OrderEventMessage(WEBHOOK, NOW, "request-7", as_bytes(order())).to_text()
    sqs.send_message(QueueUrl=stack.output("OrderEventsDeadLettersUrl"), MessageBody=text)
    [listed, *_] = run("dead-letters", "list", "--json").json
    assert (listed["letters"], listed["about"]) == (1, ["webhook request-7"])
    assert "1 letters would be" in run("dead-letters", "redrive", "order-events", "--preview").err
    assert "0 letters are" in run("dead-letters", "redrive", "order-events", "--filter", "request-8").err


def test_a_redriven_letter_is_gone_from_its_queue(run: Run, stack: DeployedStack) -> None:
    sqs, text = stack.client("sqs"), OrderEventMessage(WEBHOOK, NOW, "request-7", as_bytes(order())).to_text()
    sqs.send_message(QueueUrl=stack.output("OrderEventsDeadLettersUrl"), MessageBody=text)
    assert run("dead-letters", "redrive", "order-events", "--rate", "1000").status == 0
    [message] = sqs.receive_message(QueueUrl=stack.output("OrderEventsQueueUrl"))["Messages"]
    assert message["Body"] == text
    assert run("dead-letters", "list", "--json").json[0]["letters"] == 0


def test_what_the_bus_refused_is_published_again_in_its_present_state(
    run: Run, stack: DeployedStack, store_order: Callable[..., None], rejected: str
) -> None:
    store_order(order())
    sqs, url = stack.client("sqs"), stack.output("PublisherDeadLettersUrl")
    for pk in (f"ORDER#{order()['order_id']}", f"REJECTED#{rejected}", "ORDER#gone"):
        sqs.send_message(QueueUrl=url, MessageBody=json.dumps({"pk": pk, "fault": "MalformedDetail"}))
    ran = run("dead-letters", "redrive", "publisher", "--rate", "1000")
    assert ran.status == 1
    assert "left where it is: ORDER#gone" in ran.err
    again = stack.orders.get(order()["order_id"])
    assert again is not None
    assert (again.sequence, again.republished) == (2, 2)


# -- send -------------------------------------------------------------------------------------------------------------


def test_files_are_posted_as_the_platform_would_and_the_secret_is_not_shown(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    posted: list[dict[str, Any]] = []

    def post(url: str, **request: Any) -> Any:
        posted.append({"url": url, **request})
        return SimpleNamespace(status_code=200 if b"RECEIVED" in request["data"] else 400, text="said")

    monkeypatch.setattr(requests, "post", post)
    events = Path(__file__).parents[2] / "events"
    assert run("send", str(events / "order.json")).status == 0
    ran = run("send", str(events / "webhook" / "received.json"))
    assert ran.status == 0
    assert run("send", str(events / "webhook" / "empty.json")).status == 1
    assert posted[0]["headers"]["Authorization"] == "the webhook secret"
    assert json.loads(posted[1]["data"])["status"] == "RECEIVED"  # the body, not the request around it
    assert "the webhook secret" not in ran.out + ran.err
