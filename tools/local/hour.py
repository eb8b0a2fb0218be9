"""One trading hour through the stack: played, reconciled, and compared with what the platform knows."""

import json
import time
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import requests
from botocore.config import Config

from partner_orders.aws import keys
from partner_orders.clock import now, to_text
from partner_orders.exact_json import parse
from partner_orders.order_events.message import RECONCILIATION
from partner_orders.orders.digest import changed_fields
from partner_orders.orders.event import parse_event
from partner_orders.orders.rejected import digest_of
from partner_orders.orders.stored import LISTED_UNDER, StoredOrder
from partner_orders.orders.table import OrdersTable
from tools.local.screen import Screen
from tools.local.simulated_platform.courier import IGNORED_GARBAGE
from tools.local.stack import Stack

HOUR: dict[str, Any] = {
    "seed": 20,
    "orders": 120,
    "stores": 4,
    "wall_seconds": 15,
    "faults": {"duplicate": 0.1, "reorder": 0.15, "delay": 0.1, "drop": 0.05, "garbage": 0.05},
}
PLATFORM_SETTINGS = {"retry_delay_seconds": 0.5, "timeout_seconds": 10}
LONGEST_WAIT_SECONDS = 120.0
MOST_RECONCILIATIONS = 10


class NotFinishedError(RuntimeError):
    """The hour did not come to its end in time."""


class Hour:
    """One trading hour, from the first event to the comparison.

    ``played`` is what the simulated platform is told to play. Orders of the store ``apart`` belong to nobody's hour.
    """

    def __init__(self, stack: Stack, screen: Screen, played: Mapping[str, Any] = HOUR, apart: str = "") -> None:
        self._played = dict(played)
        self._apart = f"{LISTED_UNDER}{apart}"
        self._stack = stack
        self._screen = screen
        self._figures = screen.figures
        self._http = requests.Session()
        self._sqs = stack.client("sqs")
        self._dynamodb = stack.client("dynamodb")
        self._lambda = stack.client("lambda", config=Config(read_timeout=300, retries={"total_max_attempts": 1}))
        self._table = OrdersTable(self._dynamodb, stack.outputs["OrdersTableName"], timedelta(days=400))
        self._rejected_before = self._rejected_now()
        self._stored_before = self._orders_now()

    def play(self) -> None:
        self._screen.phase("playing")
        self._platform("POST", "configure", {**self._webhook(), **PLATFORM_SETTINGS})
        self._platform("POST", "play", self._played)
        while self._look()["state"] != "done":
            time.sleep(0.5)
        self._look()

    def wait_until_stored(self, longest_seconds: float = LONGEST_WAIT_SECONDS) -> None:
        """Wait until the queue is empty. Raises NotFinishedError."""
        self._screen.phase("storing")
        deadline, quiet = time.monotonic() + longest_seconds, 0
        while quiet < 3:
            self._look()
            quiet = 0 if self._figures.waiting else quiet + 1
            if time.monotonic() > deadline:
                raise NotFinishedError(f"{self._figures.waiting} events still wait in the queue")
            time.sleep(0.3)

    def reconcile(self) -> None:
        """Backfill the hour until the reconciler finds nothing more to enqueue. Raises NotFinishedError."""
        for _ in range(MOST_RECONCILIATIONS):
            self._screen.phase("reconciling")
            report = self._invoke_reconciler()
            self._figures.enqueued += report["enqueued"]
            self.wait_until_stored()
            if report["state"] == "done" and not report["enqueued"] and not report["failed_stores"]:
                return
        raise NotFinishedError(f"the reconciler does not stop enqueueing orders: {json.dumps(report)}")

    def compare(self) -> list[str]:
        """Compare the table with what the platform knows; gives what is wrong, a line for each."""
        self._screen.phase("comparing")
        truth = self._platform("GET", "truth")
        events: dict[str, list[dict[str, Any]]] = {}
        for event in truth["events"]:
            events.setdefault(event["order_id"], []).append(event)
        self._figures.orders, self._figures.stored = len(truth["orders"]), 0
        wrong = []
        for order in truth["orders"]:
            wrong += self._compare_order(order, events.get(order["order_id"], []))
        wrong += self._compare_garbage(truth["garbage"])
        self._figures.lost = len(wrong)
        self._screen.update()
        return wrong

    def _compare_order(self, order: dict[str, Any], events: list[dict[str, Any]]) -> list[str]:
        """Count an order by how it came to its last state; gives what is wrong with it."""
        stored, figures = self._table.get(order["order_id"]), self._figures
        figures.stored += stored is not None
        fault = _fault(stored, order, [event["body_text"] for event in events if event["outcome"] == "acknowledged"])
        if fault or stored is None:
            figures.wrong += 1
            return [f"order {order['order_id']}: {fault}"]
        setattr(figures, way := way_of(stored, order["status"], events), getattr(figures, way) + 1)
        return []

    def _compare_garbage(self, garbage: list[dict[str, Any]]) -> list[str]:
        """Count the bodies that are not order events by what became of them; gives what is wrong."""
        figures, rejected, wrong = self._figures, self._rejected_now(), []
        known = set(self._rejected_before)
        figures.rejected = 0
        for body in garbage:
            digest = digest_of(bytes.fromhex(body["body_hex"]))
            if body["status_code"] != requests.codes.ok:
                figures.refused += 1
            elif body["kind"] in IGNORED_GARBAGE:
                figures.ignored += 1
            elif digest in known:
                figures.repeated += 1
            elif digest in rejected:
                figures.rejected += 1
                known.add(digest)
            else:
                figures.garbage_lost += 1
                wrong.append(f"rejected event {digest}: {body['kind']}, acknowledged and not stored")
        # An order event among them would be a fault of ours; a refused body may have been enqueued all the same.
        sent = {digest_of(bytes.fromhex(body["body_hex"])) for body in garbage}
        wrong += [f"rejected event {digest}: it is an order event" for digest in rejected - known - sent]
        return wrong

    def events(self) -> list[dict[str, Any]]:
        """The order events that the webhook acknowledged."""
        return [event for event in self._platform("GET", "truth")["events"] if event["outcome"] == "acknowledged"]

    def _webhook(self) -> dict[str, Any]:
        stack = self._stack
        return {
            "webhook_url": stack.webhook_url,
            "webhook_headers": stack.webhook_headers,
            "webhook_secret": stack.webhook_secret,
        }

    def _look(self) -> dict[str, Any]:
        progress: dict[str, Any] = self._platform("GET", "progress")
        figures = self._figures
        figures.orders, figures.events = progress["orders"], progress["events"]
        figures.acknowledged, figures.dropped = progress["acknowledged"], progress["never_sent"]
        figures.given_up, figures.requests = progress["failed"], progress["attempts"]
        figures.retries, figures.duplicates = progress["retries"], progress["duplicates_sent"]
        figures.garbage = progress["garbage_sent"]
        figures.rejected = len(self._rejected_now() - self._rejected_before)
        figures.stored = self._orders_now() - self._stored_before
        figures.waiting = messages_of(self._sqs, self._stack.outputs["OrderEventsQueueUrl"])
        self._screen.update()
        return progress

    def _orders_now(self) -> int:
        """How many orders the table holds."""
        pages = self._dynamodb.get_paginator("scan").paginate(
            TableName=self._stack.outputs["OrdersTableName"],
            IndexName=keys.BY_TIME,
            Select="COUNT",
            FilterExpression="listed_under <> :apart",
            ExpressionAttributeValues={":apart": {"S": self._apart}},
        )
        return sum(int(page["Count"]) for page in pages) - len(self._rejected_now())

    def _rejected_now(self) -> set[str]:
        """The digests of the rejected events that the table holds."""
        pages = self._dynamodb.get_paginator("query").paginate(
            TableName=self._stack.outputs["OrdersTableName"],
            IndexName=keys.BY_TIME,
            KeyConditionExpression="listed_under = :rejected",
            ExpressionAttributeValues={":rejected": {"S": keys.REJECTED}},
        )
        return {keys.rejected_digest_of(row["pk"]["S"]) for page in pages for row in page["Items"]}

    def _invoke_reconciler(self) -> dict[str, Any]:
        window = {"from": to_text(now() - timedelta(hours=2))}
        answer = self._lambda.invoke(
            FunctionName=self._stack.outputs["ReconcilerFunctionName"], Payload=json.dumps(window).encode()
        )
        report: dict[str, Any] = json.load(answer["Payload"])
        if answer.get("FunctionError") or "error" in report:
            raise NotFinishedError(f"the reconciler failed: {report.get('errorMessage') or report.get('error')}")
        return report

    def _platform(self, method: str, what: str, content: object = None) -> Any:
        answer = self._http.request(method, f"{self._stack.platform_url}/_platform/{what}", json=content, timeout=60)
        answer.raise_for_status()
        return answer.json()


def messages_of(sqs: Any, queue_url: str) -> int:
    """About how many messages a queue has: those that wait, are being worked on, or are delayed."""
    names = [f"ApproximateNumberOfMessages{kind}" for kind in ("", "NotVisible", "Delayed")]
    return sum(map(int, sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=names)["Attributes"].values()))


def way_of(stored: StoredOrder, status: str, events: list[dict[str, Any]]) -> str:
    """How an order came to the state that the platform shows: the name of its figure.

    ``status`` is the one that the platform shows; ``events`` are the order's events with their outcomes.
    """
    # A masked copy from the reconciler may be in the history too; it is not the state.
    if stored.snapshot.source != RECONCILIATION:
        return "by_webhook"
    was_due = any(event["status"] == status and event["outcome"] != "acknowledged" for event in events)
    return "never_arrived" if was_due else "shown_only"


def _fault(stored: StoredOrder | None, order: dict[str, Any], acknowledged: list[str]) -> str:
    """What is wrong with a stored order; empty if nothing is.

    ``acknowledged`` are the bodies of its events that the webhook acknowledged.
    """
    if stored is None:
        return "lost"
    if stored.snapshot.body is None:
        return "stored without its body"
    shown = json.dumps(order["body"]).encode()
    if stored.status != (status := parse_event(shown).status):
        return f"stored as {stored.status}, is {status}"
    differing = changed_fields(parse(stored.snapshot.body), parse(shown))
    if _is_masked(order["body"]):
        # The Partner API masks this customer. The webhook's full copy stays.
        differing = [field for field in differing if not field.startswith("customer.")]
    if differing:
        return f"differs from the platform in {', '.join(differing)}"
    missing = sum(parse_event(text.encode()).digest not in stored.digests for text in acknowledged)
    return f"{missing} of its acknowledged events are not in its history" if missing else ""


def _is_masked(body: dict[str, Any]) -> bool:
    return any("**" in value for value in body["customer"].values() if isinstance(value, str))
