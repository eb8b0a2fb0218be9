"""`make run`: a busy trading hour through the whole stack, in seconds, with all that goes wrong on the way; then the
stored orders are held against the platform's own, and nothing may be missing or differ."""

import contextlib
import json
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import requests
from botocore.config import Config
from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from partner_orders.clock import now, to_text
from partner_orders.exact_json import parse
from partner_orders.order_events.message import RECONCILIATION
from partner_orders.orders.digest import changed_fields
from partner_orders.orders.event import parse_event
from partner_orders.orders.rejected import digest_of
from partner_orders.orders.rejected_table import RejectedTable
from partner_orders.orders.stored import StoredOrder
from partner_orders.orders.table import OrdersTable
from tools.local.process import ProcessFailedError, end_on_signals
from tools.local.simulated_platform.courier import IGNORED_GARBAGE
from tools.local.simulated_platform.profiles import PROFILES
from tools.local.stack import Stack
from tools.local.up import running_stack

HOUR: dict[str, Any] = {
    "seed": 20,
    "orders": 120,
    "stores": 4,
    "wall_seconds": 15,
    "faults": {"duplicate": 0.1, "reorder": 0.15, "delay": 0.1, "drop": 0.05, "garbage": 0.05},
}
# A chain is on one platform, so the brands are played one after another.
MIX = [
    {**HOUR, "profile": profile.name, "seed": 20 + number, "orders": 30, "stores": 1, "wall_seconds": 5}
    for number, profile in enumerate(PROFILES)
]
PLATFORM_SETTINGS = {"retry_delay_seconds": 0.5, "timeout_seconds": 10}
LONGEST_WAIT_SECONDS = 120.0
MOST_RECONCILIATIONS = 10


class NotFinishedError(RuntimeError):
    """Something that should have come to an end did not."""


@dataclass
class Figures:
    """What has happened so far."""

    phase: str = ""
    orders: int = 0
    events: int = 0
    sent: int = 0
    acknowledged: int = 0
    settled: int = 0
    never_sent: int = 0
    garbage: int = 0
    stored: int = 0
    rejected: int = 0
    recovered: int = 0
    waiting: int = 0
    lost: int = 0

    def __add__(self, other: "Figures") -> "Figures":
        """The figures of two hours together. The rejected were counted in the one table of both."""
        summed = {name: value + getattr(other, name) for name, value in vars(self).items() if name != "phase"}
        return Figures(other.phase, **summed | {"rejected": other.rejected})

    def __str__(self) -> str:
        return (
            f"sent {self.sent}  acknowledged {self.acknowledged}  stored {self.stored}  rejected {self.rejected}"
            f"  recovered {self.recovered}  waiting {self.waiting}"
        )


@dataclass
class Screen:
    """Shows the figures: in place on a terminal, else a line now and then."""

    console: Console
    figures: Figures = field(default_factory=Figures)
    brand: str = ""
    _live: Live | None = None
    _next_line_at: float = 0.0

    def __post_init__(self) -> None:
        self._bar = Progress(
            TextColumn("  {task.description:<14}"), BarColumn(50), TextColumn("{task.percentage:>3.0f} %"),
            TimeElapsedColumn(), console=self.console,
        )  # fmt: skip
        self._task = self._bar.add_task("", total=None)

    @contextlib.contextmanager
    def shown(self) -> Iterator[None]:
        if not self.console.is_terminal:
            yield
            return
        with Live(self._content(), console=self.console, refresh_per_second=8) as self._live:
            yield

    def phase(self, name: str) -> None:
        self.figures.phase = f"{self.brand} {name}".strip()
        self._next_line_at = 0.0
        self.update()

    def update(self) -> None:
        self._bar.update(
            self._task,
            description=self.figures.phase,
            total=self.figures.events or None,
            completed=self.figures.settled,
        )
        if self._live:
            self._live.update(self._content())
        elif time.monotonic() >= self._next_line_at:
            self._next_line_at = time.monotonic() + 5
            self.console.print(f"  {self.figures.phase}: {self.figures}")

    def _content(self) -> Group:
        return Group(self._bar, Text(f"  {self.figures}"))


class Hour:
    """One trading hour, from the first event to the comparison; ``played`` is what the simulated platform is told."""

    def __init__(self, stack: Stack, screen: Screen, played: Mapping[str, Any] = HOUR) -> None:
        self._played = dict(played)
        self._stack = stack
        self._screen = screen
        self._figures = screen.figures
        self._http = requests.Session()
        self._sqs = stack.client("sqs")
        self._dynamodb = stack.client("dynamodb")
        self._lambda = stack.client("lambda", config=Config(read_timeout=300, retries={"total_max_attempts": 1}))
        self._table = OrdersTable(self._dynamodb, stack.outputs["OrdersTableName"], timedelta(days=400))
        self._rejected = RejectedTable(self._dynamodb, stack.outputs["OrdersTableName"], timedelta(days=90), now)

    def play(self) -> None:
        self._screen.phase("playing")
        self._platform("POST", "configure", {**self._webhook(), **PLATFORM_SETTINGS})
        self._platform("POST", "play", self._played)
        while self._look()["state"] != "done":
            time.sleep(0.5)
        self._look()

    def wait_until_stored(self) -> None:
        """Until the queue is empty. Raises NotFinishedError."""
        self._screen.phase("storing")
        deadline, quiet = time.monotonic() + LONGEST_WAIT_SECONDS, 0
        while quiet < 3:
            self._look()
            quiet = 0 if self._figures.waiting else quiet + 1
            if time.monotonic() > deadline:
                raise NotFinishedError(f"{self._figures.waiting} events still wait in the queue")
            time.sleep(0.3)

    def reconcile(self) -> None:
        """Backfill the hour until the reconciler finds nothing more in it. Raises NotFinishedError."""
        for _ in range(MOST_RECONCILIATIONS):
            self._screen.phase("reconciling")
            report = self._invoke_reconciler()
            self._figures.recovered += report["enqueued"]
            self.wait_until_stored()
            if report["state"] == "done" and not report["enqueued"] and not report["failed_stores"]:
                return
        raise NotFinishedError(f"the reconciler does not come to an end: {json.dumps(report)}")

    def compare(self) -> list[str]:
        """Hold the table against the platform's truth; gives what is wrong, one line for each order."""
        self._screen.phase("comparing")
        truth = self._platform("GET", "truth")
        sent: dict[str, list[str]] = {}
        for event in truth["events"]:
            if event["outcome"] == "acknowledged":
                sent.setdefault(event["order_id"], []).append(event["body_text"])
        wrong, found, recovered = [], 0, 0
        for order in truth["orders"]:
            order_id = order["order_id"]
            stored = self._table.get(order_id)
            fault = _fault(stored, order, sent.get(order_id, []))
            if fault:
                wrong.append(f"order {order_id}: {fault}")
            if stored:
                found += 1
                recovered += any(entry.source == RECONCILIATION for entry in stored.history)
        for garbage in truth["garbage"]:
            digest = digest_of(bytes.fromhex(garbage["body_hex"]))
            is_rejected = garbage["kind"] not in IGNORED_GARBAGE and garbage["status_code"] == requests.codes.ok
            if is_rejected and self._rejected.get(digest) is None:
                wrong.append(f"rejected event {digest}: {garbage['kind']}, acknowledged and not kept")
        figures = self._figures
        figures.orders, figures.stored, figures.recovered = len(truth["orders"]), found, recovered
        figures.lost = len(wrong)
        self._screen.update()
        return wrong

    def events(self) -> list[dict[str, Any]]:
        """The order events that the webhook has acknowledged."""
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
        figures.sent, figures.acknowledged = progress["attempts"], progress["acknowledged"]
        figures.never_sent, figures.garbage = progress["never_sent"], progress["garbage_sent"]
        figures.settled = progress["acknowledged"] + progress["failed"] + progress["never_sent"]
        figures.rejected = self._count(
            "query",
            KeyConditionExpression="listed_under = :rejected",
            ExpressionAttributeValues={":rejected": {"S": "REJECTED"}},
        )
        figures.stored = self._count("scan") - figures.rejected
        figures.waiting = self._waiting()
        self._screen.update()
        return progress

    def _count(self, operation: str, **arguments: Any) -> int:
        pages = self._dynamodb.get_paginator(operation).paginate(
            TableName=self._stack.outputs["OrdersTableName"], IndexName="by-time", Select="COUNT", **arguments
        )
        return sum(page["Count"] for page in pages)

    def _waiting(self) -> int:
        attributes = self._sqs.get_queue_attributes(
            QueueUrl=self._stack.outputs["OrderEventsQueueUrl"],
            AttributeNames=[
                "ApproximateNumberOfMessages",
                "ApproximateNumberOfMessagesNotVisible",
                "ApproximateNumberOfMessagesDelayed",
            ],
        )["Attributes"]
        return sum(map(int, attributes.values()))

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


def _fault(stored: StoredOrder | None, order: dict[str, Any], acknowledged: list[str]) -> str:
    """What is wrong with a stored order; empty if nothing is."""
    if stored is None:
        return "lost"
    if stored.snapshot.body is None:
        return "stored without its body"
    shown = json.dumps(order["body"]).encode()
    if stored.status != (status := parse_event(shown).status):
        return f"stored as {stored.status}, is {status}"
    differing = changed_fields(parse(stored.snapshot.body), parse(shown))
    if _is_masked(order["body"]):
        # The platform shows this customer masked by now; what the webhook said of them stays.
        differing = [field for field in differing if not field.startswith("customer.")]
    if differing:
        return f"differs from the platform in {', '.join(differing)}"
    missing = sum(parse_event(text.encode()).digest not in stored.digests for text in acknowledged)
    return f"{missing} of its acknowledged events are not in its history" if missing else ""


def _is_masked(body: dict[str, Any]) -> bool:
    return any("**" in value for value in body["customer"].values() if isinstance(value, str))


def summary(figures: Figures, seconds: float) -> str:
    return (
        f"\n  {figures.orders} orders of {len(MIX)} brands, {figures.events} events, in {seconds:.0f} s"
        f"\n  {figures.acknowledged} events acknowledged, {figures.never_sent} never sent,"
        f" {figures.garbage} bodies of garbage sent"
        f"\n  {figures.stored} orders stored, {figures.recovered} of them with the reconciler's help;"
        f" {figures.rejected} bodies kept as rejected\n"
    )


def _told(hour: Hour, screen: Screen) -> list[str]:
    """One hour of one brand; gives what is wrong after it, one line each."""
    wrong: list[str] = []
    with screen.shown():
        try:
            hour.play()
            hour.wait_until_stored()
            hour.reconcile()
        except NotFinishedError as error:
            wrong.append(str(error))
        wrong += hour.compare()
    return wrong


def main() -> int:
    end_on_signals()
    console = Console(soft_wrap=True, highlight=False)
    begun = time.monotonic()
    wrong: list[str] = []
    figures = Figures()
    try:
        # The reconciler is called here, when it is time.
        with running_stack(console, {"ReconciliationState": "DISABLED"}) as stack:
            for played in MIX:
                screen = Screen(console, brand=played["profile"])
                wrong += _told(Hour(stack, screen, played), screen)
                figures += screen.figures
    except KeyboardInterrupt:
        console.print("\nstopped")
        return 130
    except ProcessFailedError as error:
        console.print(str(error), style="red", markup=False)
        return 1
    console.print(summary(figures, time.monotonic() - begun))
    for line in wrong:
        console.print(line, style="red", markup=False)
    print(
        f"run: orders={figures.orders} events={figures.events} stored={figures.stored} rejected={figures.rejected}"
        f" recovered={figures.recovered} lost={figures.lost}"
    )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
