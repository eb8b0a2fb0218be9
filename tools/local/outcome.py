"""What became of an event that `make invoke` gave to a function, and where to look for it."""

import json
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

from partner_orders.aws.attribute_values import from_stream_image
from partner_orders.clock import now
from partner_orders.order_events.message import OrderEventMessage, UnreadableMessageError
from partner_orders.orders.event import CatalogueCallbackError, RejectedError, parse_event
from partner_orders.orders.rejected import digest_of
from partner_orders.orders.rejected_table import RejectedTable
from partner_orders.orders.table import OrdersTable
from partner_orders.pusher.urgent_message import UrgentRefusedError, urgent_change
from partner_orders.webhook.request_body import request_body
from tools.local.stack import Stack

COMMAND = ".venv/bin/partner-orders"
IGNORED = "It is a catalogue callback: counted, not stored."
LONGEST_WAIT_SECONDS = 30.0


class Tables:
    """What the stack's table says of orders and of rejected events."""

    def __init__(self, stack: Stack) -> None:
        client, name = stack.client("dynamodb"), stack.outputs["OrdersTableName"]
        self._orders = OrdersTable(client, name, timedelta(days=400))
        self._rejected = RejectedTable(client, name, timedelta(days=90), now)

    def order(self, order_id: str) -> str | None:
        """An order and its events in a line; None if it is not stored."""
        order = self._orders.get(order_id)
        if order is None:
            return None
        events = f"{len(order.history)} event{'s' if len(order.history) > 1 else ''}"
        return f"stored: order {order_id} is {order.status}, {events} in its history"

    def rejected(self, digest: str) -> str | None:
        """A rejected event and its reason in a line; None if it is not stored."""
        event = self._rejected.get(digest)
        return None if event is None else f"rejected: {digest}, {event.reason}"


def outcome_of(function: str, payload: str, response: object, tables: Tables) -> list[str]:
    """Lines for people: what became of the event, each with the command that shows more.

    ``function`` is the logical id; ``payload`` is the event as JSON; ``response`` is the function's own.
    """
    event = json.loads(payload)
    failed = isinstance(response, dict) and ("errorType" in response or response.get("batchItemFailures"))
    if failed:
        return ["The function failed, see its log lines above. In AWS the event would be delivered again."]
    match function:
        case "WebhookFunction":
            return [*_after_webhook(event, response, tables)]
        case "CatalogueWebhookFunction" if not _is_accepted(response):
            return [_refused(response)]
        case "CatalogueWebhookFunction":
            return [f"Enqueued. The pusher takes it within a minute. More: {COMMAND} catalogue status"]
        case "LoaderFunction":
            return [f"The loader took the files that wait in its queue. More: {COMMAND} catalogue status"]
        case "PusherFunction":
            return [f"The pusher settled and sent what waits. More: {COMMAND} catalogue status"]
        case "UploaderFunction":
            return [f"The uploader sent the files that are due. More: {COMMAND} files status"]
        case "UrgentFunction":
            return [line for record in event["Records"] for line in _after_urgent(record["body"])]
        case "ConsumerFunction":
            return [line for record in event["Records"] for line in _after_consumer(record["body"], tables, _once)]
        case "PublisherFunction":
            return [*_after_publisher(event)]
        case _:
            return [f"The response is the report of the run. More: {COMMAND} reports list"]


def _after_webhook(event: dict[str, Any], response: object, tables: Tables) -> Iterator[str]:
    if not _is_accepted(response):
        yield _refused(response)
        return
    body = request_body(event)
    if not body or body.isspace():
        yield "The body is empty: counted, not enqueued."
        return
    yield from _of_body(body, tables, _until_stored)


def _is_accepted(response: object) -> bool:
    return isinstance(response, dict) and response.get("statusCode") == 200


def _refused(response: object) -> str:
    status = response.get("statusCode") if isinstance(response, dict) else None
    return f"The webhook refused the request with {status}. Nothing was enqueued."


def _after_urgent(text: str) -> Iterator[str]:
    """Where to see a message that was taken, and one that was refused."""
    yield "Taken, unless a log line above says that it was refused, and why."
    try:
        change = urgent_change(text, now(), now())
    except UrgentRefusedError:
        yield f"  {COMMAND} dead-letters show urgent"
    else:
        yield f"  {COMMAND} catalogue show {change.store_id} {change.product.sku or ''}".rstrip()
        yield f"  {COMMAND} dead-letters show urgent"


def _after_consumer(text: str, tables: Tables, look: "Look") -> Iterator[str]:
    """What became of a message of the queue."""
    try:
        body = OrderEventMessage.from_text(text).body
    except UnreadableMessageError:
        yield from _rejected(text.encode("utf-8", "surrogatepass"), tables, look)
        return
    yield from _of_body(body, tables, look)


def _of_body(body: bytes, tables: Tables, look: "Look") -> Iterator[str]:
    try:
        order_id = parse_event(body).order_id
    except RejectedError:
        yield from _rejected(body, tables, look)
        return
    except CatalogueCallbackError:
        yield IGNORED
        return
    yield look(lambda: tables.order(order_id)) or f"order {order_id} is not stored yet"
    yield f"  {COMMAND} orders show {order_id}"


def _rejected(body: bytes, tables: Tables, look: "Look") -> Iterator[str]:
    digest = digest_of(body)
    yield look(lambda: tables.rejected(digest)) or f"rejected event {digest} is not stored yet"
    yield f"  {COMMAND} rejected show {digest}"


def _after_publisher(event: dict[str, Any]) -> Iterator[str]:
    for record in event["Records"]:
        image = record["dynamodb"].get("NewImage")
        row = from_stream_image(image) if image else {}
        what = str(row.get("pk", "")).replace("ORDER#", "order ").replace("REJECTED#", "rejected event ")
        yield f"published: the change of {what}. It is on the event bus; the publisher stores nothing."


type Look = Callable[[Callable[[], str | None]], str | None]


def _once(read: Callable[[], str | None]) -> str | None:
    return read()


def _until_stored(read: Callable[[], str | None]) -> str | None:
    """What ``read`` gives as soon as it gives something: the consumer takes the event from the queue first."""
    deadline = time.monotonic() + LONGEST_WAIT_SECONDS
    while (line := read()) is None and time.monotonic() < deadline:
        time.sleep(0.5)
    return line
