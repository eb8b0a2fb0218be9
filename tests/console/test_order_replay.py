"""``orders replay``: stored events on the queue again, byte for byte."""

import io
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from random import Random

import pytest

from partner_orders.aws import keys
from partner_orders.aws.dynamodb import Table
from partner_orders.clock import now
from partner_orders.consumer.intake import Delivery, Intake
from partner_orders.order_events.message import OrderEventMessage
from partner_orders.orders.event import Arrival
from partner_orders_console.operations.stack import DeployedStack
from tests.support.console import Ran
from tests.support.fixed_clock import NOW
from tests.support.orders import as_bytes, order

type Run = Callable[..., Ran]
type StoreOrder = Callable[..., None]

ORDER_ID = order()["order_id"]
LONG = Random(1).randbytes(8_000).hex()  # A packed body of this length has a row of its own.


def waiting(stack: DeployedStack) -> list[str]:
    """The messages on the queue, which are taken off it."""
    found = stack.client("sqs").receive_message(
        QueueUrl=stack.output("OrderEventsQueueUrl"), MaxNumberOfMessages=10, VisibilityTimeout=0
    )
    return [message["Body"] for message in found.get("Messages", [])]


def consume(stack: DeployedStack, texts: list[str], executor: ThreadPoolExecutor) -> None:
    """Do the consumer's work."""
    intake = Intake(stack.orders, stack.stores, stack.rejected, now, executor)
    deliveries = [Delivery(str(number), text) for number, text in enumerate(texts)]
    assert intake.process(deliveries, lambda: 30.0).failed == {}


def test_replay_enqueues_what_was_received(
    run: Run, stack: DeployedStack, store_order: StoreOrder, inline_executor: ThreadPoolExecutor
) -> None:
    """All events of an order are enqueued byte for byte, and change nothing once they are consumed."""
    first, second = order(12), order(30, status="DISPATCHED", comment=LONG)
    store_order(first, second)
    before = stack.orders.get(ORDER_ID)
    ran = run("orders", "replay", ORDER_ID)
    assert (ran.status, "2 events are enqueued again" in ran.err) == (0, True)
    assert ran.out.count("nothing: it is known") == 2
    texts = waiting(stack)
    messages = [OrderEventMessage.from_text(text) for text in texts]
    assert sorted(message.body for message in messages) == sorted(map(as_bytes, (first, second)))
    assert {message.source for message in messages} == {"replay"}
    consume(stack, texts, inline_executor)
    assert stack.orders.get(ORDER_ID) == before


@pytest.mark.parametrize("how", ["number", "digest"])
def test_one_event_is_replayed(run: Run, stack: DeployedStack, store_order: StoreOrder, how: str) -> None:
    """``--event`` takes the number that ``--dry-run`` shows, or the beginning of a digest."""
    store_order(order(12), order(30, status="DISPATCHED"))
    listed = run("orders", "replay", ORDER_ID, "--dry-run", "--json").json
    assert (listed["enqueued"], [event["number"] for event in listed["events"]]) == (0, [1, 2])
    assert waiting(stack) == []
    event = listed["events"][1]
    chosen = str(event["number"]) if how == "number" else event["digest"][:12]
    assert run("orders", "replay", ORDER_ID, "--event", chosen, "--json").json["enqueued"] == 1
    [text] = waiting(stack)
    assert OrderEventMessage.from_text(text).body == as_bytes(order(30, status="DISPATCHED"))


@pytest.mark.parametrize("event", ["3", "0", "1", "1."])
def test_event_has_to_be_clear(run: Run, store_order: StoreOrder, event: str) -> None:
    """An event that is not there, or not one alone, is an error that says where the numbers are."""
    store_order(order(12), order(30, status="DISPATCHED"))
    ran = run("orders", "replay", ORDER_ID, "--event", event)
    assert ran.status == (0 if event == "1" else 1)
    assert ("--dry-run` lists" in ran.err) == (event != "1")


def test_lost_row_is_stored_anew(
    run: Run, stack: DeployedStack, store_order: StoreOrder, inline_executor: ThreadPoolExecutor
) -> None:
    """Of an order whose own row is gone, the events with rows of their own are stored again."""
    store_order(order(12, comment=LONG), order(30, status="DISPATCHED", comment=LONG))
    Table(stack.dynamodb, stack.table_name).delete(keys.order(ORDER_ID))
    assert run("orders", "show", ORDER_ID).status == 1
    listed = run("orders", "replay", ORDER_ID, "--dry-run").out
    assert listed.count("the order's row is gone") == 2
    assert run("orders", "replay", ORDER_ID).status == 0
    consume(stack, waiting(stack), inline_executor)
    found = stack.orders.get(ORDER_ID)
    assert found is not None
    assert (found.status, len(found.history), found.snapshot.source) == ("DISPATCHED", 2, "replay")


def test_preview_names_what_would_change(run: Run, stack: DeployedStack, store_order: StoreOrder) -> None:
    """A preview says that a store is registered anew, and that a rejected event is resolved."""
    store_order(order(12))
    Table(stack.dynamodb, stack.table_name).delete(keys.store("q7xk"))
    stack.rejected.keep(as_bytes(order(12)), Arrival("webhook", NOW, "r"), "not_an_order", ["status: Field required"])
    [event] = run("orders", "replay", ORDER_ID, "--dry-run", "--json").json["events"]
    assert event["changes"] == ["store q7xk is registered anew", "the same body leaves the list of rejected events"]


@pytest.mark.privacy
def test_erased_events_are_left(
    run: Run, stack: DeployedStack, store_order: StoreOrder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An erased order is not replayed: what was received is gone."""
    store_order(order(12))
    monkeypatch.setattr("sys.stdin", io.StringIO("+92300123441\n"))
    assert run("forget", "--yes").status == 0
    ran = run("orders", "replay", ORDER_ID)
    assert (ran.status, "its customer was erased" in ran.out) == (1, True)
    assert waiting(stack) == []


def test_event_that_cannot_be_parsed_is_left(
    run: Run, stack: DeployedStack, store_order: StoreOrder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An event that this version would reject is not enqueued."""
    store_order(order(12))
    monkeypatch.setattr("partner_orders_console.operations.order_replay._parsed", lambda _: None)
    [event] = run("orders", "replay", ORDER_ID, "--json").json["events"]
    assert "cannot parse it" in event["left"]
    assert waiting(stack) == []


def test_unknown_order_is_explained(run: Run) -> None:
    """An order that is not there is an error."""
    assert "no order unknown-1" in run("orders", "replay", "unknown-1").err
