"""``reconcile``, ``rejected``, ``dead-letters``, ``send``: what an operator mends."""

import gzip
import io
import json
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import requests

from partner_orders.clock import now
from partner_orders.consumer.intake import Delivery, Intake
from partner_orders.order_events.message import WEBHOOK, OrderEventMessage
from partner_orders.order_events.queue import OrderEventsQueue, QueueRefusedError
from partner_orders.orders.erasure import Erasure
from partner_orders.orders.event import Arrival
from partner_orders.orders.rejected import digest_of
from partner_orders.orders.table import OrdersTable
from partner_orders.reconciler.backfill import NO_STORE
from partner_orders.reconciler.report import Repair, Report
from partner_orders.reconciler.table import Backfill
from partner_orders_console.operations import reconciliation
from partner_orders_console.operations.stack import DeployedStack
from partner_orders_console.operations.words import at
from tests.support.console import Ran
from tests.support.fixed_clock import NOW
from tests.support.orders import as_bytes, order
from tests.support.orders_table import TABLE

type Run = Callable[..., Ran]

BODY = as_bytes({"status": "RECEIVED", "customer": {"first_name": "Amna"}})
ARRIVAL = Arrival("webhook", NOW, "request-1")


@pytest.fixture
def rejected(stack: DeployedStack) -> str:
    stack.rejected.keep(BODY, ARRIVAL, "not_an_order", ["order_id: Field required"])
    return stack.rejected.newest()[0].digest


class Reconciler:
    """The function, as Lambda calls it: a backfill of two stores that takes two more calls, each of which ends as
    ``stops`` says, or well."""

    def __init__(self, stack: DeployedStack, stops: Sequence[str] = ()) -> None:
        self.requests: list[dict[str, Any]] = []
        self._table = stack.reconciliation
        self._stops = [*stops]
        self._backfill = Backfill("", NOW, NOW, preview=False, pending=(), stores=2)

    def invoke(self, Payload: bytes, **_: str) -> dict[str, Any]:  # noqa: N803
        event = json.loads(Payload)
        if event:
            self.requests.append(event)
        return {"Payload": io.BytesIO(json.dumps(self._answer(event)).encode())}

    def _answer(self, event: dict[str, Any]) -> dict[str, Any]:
        if event.get("from") == "yesterday":
            return {"error": '"from" should be a time in ISO 8601'}
        if event.get("stores") == ["nowhere"]:
            return {"error": NO_STORE}
        if not event:
            stopped = self._stops.pop(0) if self._stops else ""
            if not stopped:
                self._backfill = self._backfill.after_first_store(failure=None)
                self._table.add(self._backfill)
            return {"stopped": stopped}
        counts = {"orders_checked": 9, "in_step": 6, "missing": 3, "enqueued": 0 if event["preview"] else 3}
        self._backfill = Backfill(
            f"b{len(self.requests)}", NOW, NOW, event["preview"], ("k7mf", "q7xk"), stores=2, counts=counts
        )
        self._table.add(self._backfill)
        return self._backfill.to_json()


@pytest.fixture
def reconciler(stack: DeployedStack, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Reconciler]:
    plain = DeployedStack.client
    stack.outputs["ReconcilerFunctionName"] = "reconciler"
    monkeypatch.setattr(reconciliation, "_PAUSE_SECONDS", 0.0)

    def make(*stops: str) -> Reconciler:
        made = Reconciler(stack, stops)

        def client(its: DeployedStack, name: str, **options: Any) -> Any:
            return made if name == "lambda" else plain(its, name, **options)

        monkeypatch.setattr(DeployedStack, "client", client)
        return made

    return make


# -- reconcile --------------------------------------------------------------------------------------------------------


def test_preview_comes_before_yes(run: Run, reconciler: Callable[..., Reconciler]) -> None:
    """A run starts with a preview, and enqueues nothing without ``--yes``."""
    function = reconciler()
    ran = run("reconcile", "run", "--from", "2026-03-14T08:00:00Z", "--store", "q7xk")
    assert ran.status == 3
    assert "add --yes" in ran.err
    assert "missing" in ran.out
    assert f"to              {at(NOW)}" in ran.out
    assert "times in UTC" in ran.err
    assert [request["preview"] for request in function.requests] == [True]
    assert function.requests[0]["stores"] == ["q7xk"]


def test_backfill_is_followed_to_its_report(run: Run, reconciler: Callable[..., Reconciler]) -> None:
    """After ``--yes`` the backfill is followed to its end, and ``--json`` prints only the report."""
    function = reconciler()
    ran = run("reconcile", "run", "--yes", "--json")
    assert ran.status == 0
    assert [request["preview"] for request in function.requests] == [True, False]
    assert (ran.json["state"], ran.json["stores_done"], ran.json["enqueued"]) == ("done", 2, 3)


def test_transient_stops_do_not_end_a_run(run: Run, reconciler: Callable[..., Reconciler]) -> None:
    """Transient stop reasons do not end ``reconcile run``."""
    reconciler(
        "another_worker_holds_the_lease",
        "out_of_time",
        "rate_limited",
        "server_error:503",
        "blocked",
        "the_platform_wants_to_be_asked_later",
        "the_queue_is_behind",
    )
    ran = run("reconcile", "run", "--preview", "--json")
    assert (ran.status, ran.json["state"]) == (0, "done")


def test_lasting_stop_ends_a_run(run: Run, reconciler: Callable[..., Reconciler]) -> None:
    """A stop reason that needs an operator ends ``reconcile run`` and is named."""
    reconciler("out_of_time", "unauthorized")
    ran = run("reconcile", "run", "--preview")
    assert ran.status == 1
    assert "the reconciler stopped: unauthorized" in ran.err
    assert "doctor" in ran.err
    # The preview was cancelled, so the schedule has nothing to continue.
    assert ("nothing was enqueued" in ran.err, "continues" in ran.err) == (True, False)


def test_backfill_is_cancelled(run: Run, stack: DeployedStack) -> None:
    """A backfill under way is cancelled, and says so."""
    stack.reconciliation.add(Backfill("b1", NOW, NOW, preview=False, pending=("k7mf",), stores=1))
    assert run("reconcile", "cancel", "b1", "--json").json["state"] == "cancelled"
    stored = stack.reconciliation.backfill("b1")
    assert stored is not None
    assert stored.is_cancelled


def test_done_backfill_is_not_cancelled(run: Run, stack: DeployedStack) -> None:
    """A backfill that is done stays done, and one that is unknown is an error."""
    stack.reconciliation.add(Backfill("b1", NOW, NOW, preview=False, pending=(), stores=1))
    assert run("reconcile", "cancel", "b1", "--json").json["state"] == "done"
    ran = run("reconcile", "cancel", "b2")
    assert (ran.status, "no backfill 'b2'" in ran.err) == (1, True)


def test_invalid_window_is_rejected(run: Run, reconciler: Callable[..., Reconciler]) -> None:
    """An invalid window is rejected with the reconciler's own message."""
    reconciler()
    ran = run("reconcile", "run", "--from", "yesterday")
    assert (ran.status, "--from should be a time in ISO 8601" in ran.err) == (1, True)


def test_run_without_known_store_explains(run: Run, reconciler: Callable[..., Reconciler]) -> None:
    """If no store is known, ``reconcile run`` fails with the reconciler's explanation."""
    function = reconciler()
    ran = run("reconcile", "run", "--store", "nowhere")
    said = " ".join(ran.err.split())
    assert (ran.status, NO_STORE in said, ran.out) == (1, True, "")
    assert len(function.requests) == 1


def test_reports_group_by_day_and_store(run: Run, stack: DeployedStack) -> None:
    """Reports give the drift by day and store."""
    report = Report(now() - timedelta(minutes=3))
    for number in range(3):
        report.add(Repair(f"o{number}", "q7xk", "missing", "RECEIVED", webhook_missed=number < 2))
    report.add(Repair("old", "q7xk", "missing", "RECEIVED", webhook_missed=False, before_registration=True))
    report.failed_stores["k7mf"] = "server_error:503"
    stack.reconciliation.save_report(report.started_at, report.to_json())
    ran = run("reports", "list")
    [found] = run("reports", "list", "--json").json
    assert found["stores"]["q7xk"] == {"missing": 4, "webhooks_missed": 2, "before_registration": 1}
    [columns, row, *_] = ran.out.splitlines()
    assert columns.split()[2:6] == ["missing", "before_registration", "different", "webhooks_missed"]
    assert row.split()[1:5] == ["q7xk", "4", "1", "2"]
    assert "q7xk" in ran.out
    assert "server_error:503 (1)" in ran.out


# -- rejected ---------------------------------------------------------------------------------------------------------


def test_rejected_events_are_shown_redacted(run: Run, rejected: str) -> None:
    """Rejected events are listed with their problems, and shown without personal data unless requested."""
    [listed] = run("rejected", "list", "--json").json
    assert (listed["digest"], listed["problems"]) == (rejected, ["order_id: Field required"])
    assert listed["correlation_id"] == ARRIVAL.correlation_id
    assert f"correlation_id     {ARRIVAL.correlation_id}" in run("rejected", "show", rejected[:8]).out
    assert f"first_received_at  {at(ARRIVAL.received_at)} " in run("rejected", "show", rejected[:8]).out
    assert "Amna" not in run("rejected", "show", rejected[:8]).out
    assert "Amna" in run("rejected", "show", rejected[:8], "--show-personal-data").out


def test_replay_resolves_parsed_events_only(
    run: Run, stack: DeployedStack, rejected: str, inline_executor: Any
) -> None:
    """A replayed event leaves the list if it can be parsed now; otherwise it stays."""
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


def test_replay_unwraps_readable_message(run: Run, stack: DeployedStack, inline_executor: Any) -> None:
    """A rejected message that this version can read is replayed as the event inside."""
    text = OrderEventMessage(WEBHOOK, NOW, "c", as_bytes(order())).to_text()
    stack.rejected.keep(text.encode(), ARRIVAL, "unreadable_message", ["a message of an unknown schema version"])
    assert run("rejected", "replay", "--all").status == 0
    [message] = stack.client("sqs").receive_message(QueueUrl=stack.output("OrderEventsQueueUrl"))["Messages"]
    intake = Intake(stack.orders, stack.stores, stack.rejected, now, inline_executor)
    assert intake.process([Delivery("1", message["Body"])], lambda: 60.0).failed == {}
    assert stack.orders.get(order()["order_id"]) is not None
    assert run("rejected", "list", "--json").json == []


def test_foreign_message_is_not_replayed(run: Run, stack: DeployedStack) -> None:
    """A message that is not ours is not replayed and keeps its reason."""
    stack.rejected.keep(b"hello", ARRIVAL, "unreadable_message", ["a message that is not in our envelope"])
    ran = run("rejected", "replay", "--all")
    assert (ran.status, "left" in ran.err) == (1, True)
    assert "Messages" not in stack.client("sqs").receive_message(QueueUrl=stack.output("OrderEventsQueueUrl"))
    assert [entry["reason"] for entry in run("rejected", "list", "--json").json] == ["unreadable_message"]


def reject_and_erase(stack: DeployedStack, body: bytes, reason: str = "not_an_order") -> str:
    stack.rejected.keep(body, ARRIVAL, reason, ["once"])
    Erasure(stack.dynamodb, TABLE, lambda _: True, now).erase_rejected(digest_of(body))
    return digest_of(body)


def take_in(stack: DeployedStack, executor: Any) -> None:
    """What waits on the queue, as the consumer would."""
    [message] = stack.client("sqs").receive_message(QueueUrl=stack.output("OrderEventsQueueUrl"))["Messages"]
    intake = Intake(stack.orders, stack.stores, stack.rejected, now, executor)
    assert intake.process([Delivery("1", message["Body"])], lambda: 60.0).failed == {}
    stack.client("sqs").delete_message(
        QueueUrl=stack.output("OrderEventsQueueUrl"), ReceiptHandle=message["ReceiptHandle"]
    )


def test_erased_event_is_replayed_redacted(run: Run, stack: DeployedStack, inline_executor: Any) -> None:
    """An erased event that is an order is replayed redacted and leaves the list."""
    digest = reject_and_erase(stack, as_bytes(order()))
    assert run("rejected", "show", digest, "--json").json["erased_at"]
    assert run("rejected", "replay", "--all").status == 0
    take_in(stack, inline_executor)
    found = stack.orders.get(order()["order_id"])
    assert found is not None
    assert b"Amna" not in (found.snapshot.body or b"Amna")
    assert run("rejected", "list", "--json").json == []


def test_erased_event_stays_listed_once(run: Run, stack: DeployedStack, rejected: str, inline_executor: Any) -> None:
    """An erased event that is still not an order stays on the list once, however often it is replayed."""
    assert reject_and_erase(stack, BODY) == rejected
    for _ in range(3):
        assert run("rejected", "replay", "--all").status == 0
        take_in(stack, inline_executor)
        [listed] = run("rejected", "list", "--json").json
        assert listed["problems"] == ["order_id: Field required"]


@pytest.mark.parametrize("reason", ["malformed_json", "unreadable_message"])
@pytest.mark.parametrize("body", [b'{"x": NaN, "name": "Amna"}', b'["Amna"]', b'{"name": "Amna"}'])
def test_fully_erased_event_is_not_replayed(run: Run, stack: DeployedStack, body: bytes, reason: str) -> None:
    """An event with nothing left after erasure is not replayed, and the error suggests discarding it."""
    digest = reject_and_erase(stack, body, reason)
    ran = run("rejected", "replay", digest)
    assert (ran.status, f"rejected discard {digest}" in ran.err) == (1, True)
    assert "Messages" not in stack.client("sqs").receive_message(QueueUrl=stack.output("OrderEventsQueueUrl"))
    assert [entry["digest"] for entry in run("rejected", "list", "--json").json] == [digest]


def test_replay_reports_queue_refusal(run: Run, rejected: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the queue refuses a message, the command fails with the queue's reason."""

    def refuse(*_: Any) -> None:
        raise QueueRefusedError("the queue refused 1 of 1 messages: InternalError")

    monkeypatch.setattr(OrderEventsQueue, "send_all", refuse)
    ran = run("rejected", "replay", rejected)
    assert (ran.status, "the queue refused 1 of 1" in ran.err) == (1, True)


def test_webhook_event_resolves_nothing(stack: DeployedStack, inline_executor: Any) -> None:
    """The same event from the webhook leaves the rejected event on the list."""
    good = as_bytes(order())
    stack.rejected.keep(good, ARRIVAL, "not_an_order", ["once"])
    intake = Intake(stack.orders, stack.stores, stack.rejected, now, inline_executor)
    intake.process([Delivery("1", OrderEventMessage(WEBHOOK, NOW, "c", good).to_text())], lambda: 60.0)
    assert len(stack.rejected.newest()) == 1


def test_discard_needs_yes(run: Run, rejected: str) -> None:
    """A rejected event is discarded only after ``--yes``, and is gone then."""
    assert run("rejected", "discard", rejected).status == 3
    assert len(run("rejected", "list", "--json").json) == 1
    assert run("rejected", "discard", rejected, "--yes").status == 0
    assert run("rejected", "list", "--json").json == []
    assert run("rejected", "show", rejected).status == 1


# -- dead letters -----------------------------------------------------------------------------------------------------


def put_dead_letter(stack: DeployedStack, **fields: Any) -> str:
    text = OrderEventMessage(WEBHOOK, NOW, "request-7", as_bytes(order(**fields))).to_text()
    stack.client("sqs").send_message(QueueUrl=stack.output("OrderEventsDeadLettersUrl"), MessageBody=text)
    return text


def test_dead_letters_are_listed(run: Run, stack: DeployedStack) -> None:
    """Dead-letter messages are counted and listed with source, order and correlation id."""
    put_dead_letter(stack)
    [listed, *_] = run("dead-letters", "list", "--json").json
    assert (listed["messages"], listed["about"]) == (1, [f"webhook {order()['order_id']} request-7"])


def test_redrive_preview_moves_nothing(run: Run, stack: DeployedStack) -> None:
    """A redrive preview lists every dead-letter message and moves none."""
    for number in range(23):
        put_dead_letter(stack, order_id=f"o{number}")
    ran = run("dead-letters", "redrive", "order-events", "--preview")
    assert "23 messages would be" in ran.err
    assert all(f" o{number} " in ran.err for number in range(23))
    assert "23 messages are" in run("dead-letters", "redrive", "order-events", "--rate", "1000").err


def test_redrive_moves_only_filtered(run: Run, stack: DeployedStack) -> None:
    """A filtered redrive moves only the matching messages; the others stay available."""
    for number in range(23):
        put_dead_letter(stack, order_id=f"o{number}-")
    ran = run("dead-letters", "redrive", "order-events", "--filter", "o22-", "--rate", "1000")
    assert (ran.status, "1 message is" in ran.err) == (0, True)
    assert "22 messages would be" in run("dead-letters", "redrive", "order-events", "--preview").err


def test_redrive_ends_despite_new_failures(
    run: Run, stack: DeployedStack, store_order: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A message that fails again at once does not keep a redrive running."""
    store_order(order())
    sqs, url = stack.client("sqs"), stack.output("PublisherDeadLettersUrl")
    letter = json.dumps({"pk": f"ORDER#{order()['order_id']}", "fault": "AccessDeniedException"})
    sqs.send_message(QueueUrl=url, MessageBody=letter)
    publish_again = OrdersTable.publish_again

    def refused_again(table: OrdersTable, order_id: str) -> bool:
        sqs.send_message(QueueUrl=url, MessageBody=letter)
        return publish_again(table, order_id)

    monkeypatch.setattr(OrdersTable, "publish_again", refused_again)
    ran = run("dead-letters", "redrive", "publisher", "--rate", "1000")
    assert ran.status == 1
    assert "1 message is brought back" in ran.err
    assert "1 came meanwhile" in ran.err
    assert run("dead-letters", "list", "--json").json[1]["messages"] == 1


def test_redrive_sends_message_unchanged(run: Run, stack: DeployedStack) -> None:
    """A redriven order event is back on its queue unchanged, and no longer a dead-letter message."""
    text = put_dead_letter(stack)
    assert run("dead-letters", "redrive", "order-events", "--rate", "1000").status == 0
    [message] = stack.client("sqs").receive_message(QueueUrl=stack.output("OrderEventsQueueUrl"))["Messages"]
    assert message["Body"] == text
    assert run("dead-letters", "list", "--json").json[0]["messages"] == 0


def test_publisher_redrive_sends_state(
    run: Run, stack: DeployedStack, store_order: Callable[..., None], rejected: str
) -> None:
    """A redrive of the publisher publishes the current state; a message of a missing order stays."""
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


def test_stream_dead_letter_is_left(run: Run, stack: DeployedStack) -> None:
    """A dead-letter message of the stream stays where it is, with its times and the runbook to follow."""
    batch = {
        "batchSize": 47,
        "approximateArrivalOfFirstRecord": "2026-03-14T08:00:00Z",
        "approximateArrivalOfLastRecord": "2026-03-14T08:03:00Z",
    }
    letter = json.dumps({"requestContext": {"condition": "RecordAgeExceeded"}, "DDBStreamBatchInfo": batch})
    stack.client("sqs").send_message(QueueUrl=stack.output("PublisherDeadLettersUrl"), MessageBody=letter)
    about = "a batch of the stream, 47 from 2026-03-14T08:00:00Z to 2026-03-14T08:03:00Z"
    assert run("dead-letters", "list", "--json").json[1]["about"] == [about]
    assert "0 messages would be brought back, 1 is left" in run("dead-letters", "redrive", "publisher", "--preview").err
    ran = run("dead-letters", "redrive", "publisher")
    assert (ran.status, f"left where it is: {about}" in ran.err) == (1, True)
    assert "docs/runbooks/publisher-dead-letters.md" in ran.err
    assert run("dead-letters", "list", "--json").json[1]["messages"] == 1


def test_schedule_is_never_redriven(run: Run) -> None:
    """Dead-letter messages of the schedule are not redriven, and their runbook is named."""
    assert "refused," in run("dead-letters", "redrive", "--help").out
    ran = run("dead-letters", "redrive", "reconciliation")
    assert (ran.status, "docs/runbooks/reconciliation-dead-letters.md" in ran.err) == (1, True)


# -- send -------------------------------------------------------------------------------------------------------------


def test_send_posts_like_the_platform(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """``send`` posts files as the platform does, and never prints the secret."""
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


def test_send_posts_a_packed_body_as_packed(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """``send`` posts a packed body with the header that says so."""
    posted: list[dict[str, Any]] = []

    def post(_: str, **request: Any) -> Any:
        posted.append(request)
        return SimpleNamespace(status_code=200, text="")

    monkeypatch.setattr(requests, "post", post)
    assert run("send", str(Path(__file__).parents[2] / "events" / "webhook" / "gzip.json")).status == 0
    [request] = posted
    assert request["headers"]["Content-Encoding"] == "gzip"
    assert request["headers"]["Content-Type"] == "application/octet-stream"
    assert json.loads(gzip.decompress(request["data"]))["status"] == "RECEIVED"


def test_send_hints_at_rotated_secret(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the webhook rejects the secret, ``send`` asks whether it was just rotated."""
    answers = [401, 200]
    monkeypatch.setattr(requests, "post", lambda *_, **__: SimpleNamespace(status_code=answers.pop(0), text=""))
    file = str(Path(__file__).parents[2] / "events" / "order.json")
    ran = run("send", file, "--json")
    assert (ran.status, ran.json[0]["status"], "rotated less than a minute ago?" in ran.err) == (1, 401, True)
    assert "rotated" not in run("send", file).err


def test_send_checks_the_secret_first(run: Run, stack: DeployedStack) -> None:
    """A secret that no header can hold is reported, and not printed."""
    stack.client("secretsmanager").put_secret_value(SecretId=stack.output("WebhookSecretArn"), SecretString="ключ")
    ran = run("send", str(Path(__file__).parents[2] / "events" / "order.json"))
    assert (ran.status, "no header can hold the webhook secret" in ran.err, "ключ" in ran.err) == (1, True, False)


def test_send_names_invalid_base64(run: Run, folder: Path) -> None:
    """A file with invalid base64 is named in the error; so is a folder without files."""
    file = folder / "broken.json"
    file.write_text(json.dumps({"requestContext": {}, "isBase64Encoded": True, "body": "a"}))
    ran = run("send", str(folder))
    assert (ran.status, "broken.json: the body is marked as base64" in ran.err) == (1, True)
    assert "Correct the body" in ran.err
    empty = folder / "empty"
    empty.mkdir()
    assert "Name a file" in run("send", str(empty)).err
