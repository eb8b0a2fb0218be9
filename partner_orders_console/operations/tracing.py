"""The path of one request, by its correlation id: from the webhook to the order, or to where it stopped."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from partner_orders.clock import from_text, now
from partner_orders_console.operations import answers, dead_letters
from partner_orders_console.operations.dead_letter_queue import Queue
from partner_orders_console.operations.errors import OperatorError
from partner_orders_console.operations.links import is_traced, link, trace_link
from partner_orders_console.operations.logs import FUNCTIONS, LogLine, log_lines
from partner_orders_console.operations.orders import read_in_order
from partner_orders_console.operations.progress import Progress, silent
from partner_orders_console.operations.stack import DeployedStack

MAX_ORDERS = 5_000  # of a store that are read, the newest ones
_BEFORE = timedelta(days=1)  # an order is listed by when it was created, which is before its events


@dataclass(frozen=True)
class Stage:
    """A stage that a request passed, when (UTC), and what happened there. ``trace_id`` is X-Ray's, if a log has it."""

    at: datetime
    where: str
    what: str
    trace_id: str = ""


def trace(stack: DeployedStack, correlation_id: str, since: datetime, progress: Progress = silent) -> list[Stage]:
    """The stages of a request, in order: what the functions logged of it, and where its event, or the answer that it
    brought, is stored.

    Orders created up to a day before ``since`` are searched, 5,000 at most of each store.
    Raises OperatorError for an empty id, and if nothing is found.
    """
    if not correlation_id.strip():
        raise OperatorError("the correlation id is empty", "`partner-orders orders show <order id> --json` has those.")
    progress("reading the logs")
    functions = tuple(name for name in FUNCTIONS if f"{name.title()}LogGroup" in stack.resources)
    stages = [_logged(line) for line in log_lines(stack, functions, since, correlation_id)]
    progress("reading the orders")
    stages += _stored(stack, correlation_id, since)
    stages += _rejected(stack, correlation_id, since)
    if not stages:
        progress("reading the dead-letter queue")
        stages += _dead(stack, correlation_id)
    if not stages:
        raise OperatorError(
            f"nothing of {correlation_id} was found",
            "It may still wait in the queue (`partner-orders doctor`), or be part of an order that was created before"
            " --since: look further back, such as --since 300d. An order's correlation ids are in"
            " `partner-orders orders show <order id> --json`.",
        )
    return sorted(stages, key=lambda stage: stage.at)


def _logged(line: LogLine) -> Stage:
    return Stage(line.at, f"{line.function}'s log", f"{line.level} {line.message}", line.trace_id)


def trace_links(stack: DeployedStack, stages: Sequence[Stage]) -> list[str]:
    """Where X-Ray shows the traces of a request, if the stack is traced: those that its logs name, or all."""
    if not is_traced(stack):
        return []
    ids = dict.fromkeys(stage.trace_id for stage in stages if stage.trace_id)
    return [trace_link(stack, trace_id) for trace_id in ids] or [link(stack, "traces")]


def _stored(stack: DeployedStack, correlation_id: str, since: datetime) -> list[Stage]:
    stages = []
    for store in stack.stores.all():
        for listing in store.listings:
            ids = stack.orders.of_store(listing, since - _BEFORE, now())[-MAX_ORDERS:]
            for order in read_in_order(stack, ids):
                for entry in order.history:
                    if entry.correlation_id == correlation_id:
                        what = f"order {order.order_id}, {entry.status}, by {entry.source}"
                        stages.append(Stage(from_text(entry.received_at), "received and stored", what))
            stages += _answered(stack, correlation_id, ids)
    return stages


def _answered(stack: DeployedStack, correlation_id: str, order_ids: Sequence[str]) -> Iterator[Stage]:
    for answered in answers.to_orders(stack, order_ids):
        if answered.stored.correlation_id == correlation_id:
            for step in answers.timeline([answered]):
                what = f"order {answered.order_id}, answer {step.answer_id}: {step.what}"
                yield Stage(step.at, "answer", f"{what}, {step.note}" if step.note else what)


def _rejected(stack: DeployedStack, correlation_id: str, since: datetime) -> list[Stage]:
    return [
        Stage(from_text(event.first_received_at), "rejected", f"{event.digest}: {event.reason}")
        for event in stack.rejected.newest(since=since)
        if event.correlation_id == correlation_id
    ]


def _dead(stack: DeployedStack, correlation_id: str) -> list[Stage]:
    found = dead_letters.messages(stack, Queue.ORDER_EVENTS, limit=1_000)
    about = "`partner-orders dead-letters redrive order-events` brings it back"
    return [
        Stage(letter.sent_at, "dead-letter queue", f"{letter.about}; {about}")
        for letter in found
        if correlation_id in letter.about
    ]
