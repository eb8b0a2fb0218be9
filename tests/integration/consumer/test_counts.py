"""What the consumer counts of each batch: neither more nor less, and nothing else."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ClientError

from partner_orders.consumer.intake import Delivery, Intake
from partner_orders.order_events.message import RECONCILIATION, WEBHOOK, OrderEventMessage
from partner_orders.orders.rejected_table import RejectedTable
from partner_orders.orders.table import OrdersTable
from partner_orders.stores.table import StoresTable
from tests.support.fixed_clock import NOW, clock
from tests.support.orders import as_bytes, order


def batch(*bodies: Any, source: str = WEBHOOK) -> list[Delivery]:
    """A batch of messages; what the reconciler found was shown now."""
    shown_at = NOW if source == RECONCILIATION else None
    raw = [body if isinstance(body, bytes) else as_bytes(body) for body in bodies]
    return [
        Delivery(f"m{number}", OrderEventMessage(source, clock(), f"c{number}", body, shown_at).to_text())
        for number, body in enumerate(raw)
    ]


FOREIGN = {"id": "x", "chain_id": "another", "store_id": "elsewhere"}
BOTH = (order(12, order_id="a"), order(12, order_id="b"))


@pytest.mark.parametrize(
    ("before", "now", "counts"),
    [
        ([], batch(*BOTH), {"Stored": 2}),
        ([], batch(order(12), order(13), order(14)), {"Stored": 3}),
        (batch(order(15)), batch(order(11), order(12)), {"Stored": 2, "Late": 2}),
        (batch(order(15)), batch(order(15), order(15)), {"Duplicate": 2}),
        (batch(order(15)), batch(order(15, comment="x"), order(15, comment="y")), {"Stored": 2, "Conflict": 2}),
        (batch(*BOTH), batch(*BOTH, source=RECONCILIATION), {"Duplicate": 2, "Confirmed": 2}),
        ([], batch(*(one | {"status": "DRONE"} for one in BOTH)), {"Stored": 2, "UnknownStatus": 2}),
        ([], batch(*(one | {"payment": {"order_total": "690.00"}} for one in BOTH)), {"Stored": 2}),
        ([], batch(*(one | {"items": 7} for one in BOTH)), {"Stored": 2, "EventProblems": 2}),
        ([], batch(*(one | {"client": FOREIGN} for one in BOTH)), {"Stored": 2, "ForeignChain": 2}),
        (
            [],
            batch(b"{", b"}", {"status": "RECEIVED"}),
            {"Rejected": 3, "RejectedMalformedJson": 2, "RejectedNotAnOrder": 1},
        ),
        ([], [Delivery("m0", "no message")], {"Rejected": 1, "RejectedUnreadableMessage": 1}),
    ],
)  # fmt: skip
def test_batch_is_counted(
    intake: Intake, before: Sequence[Delivery], now: Sequence[Delivery], counts: dict[str, int]
) -> None:
    """Each event is counted once, for all that it is."""
    intake.process(before, lambda: 30.0)
    outcome = intake.process(now, lambda: 30.0)
    assert {name: count for name, count in outcome.counts.items() if count} == counts
    assert outcome.failed == {}


def test_rejected_messages_are_named(intake: Intake) -> None:
    """Of each rejected message the id and the reason are told."""
    outcome = intake.process(batch(b"{", order(12), {"status": "RECEIVED"}), lambda: 30.0)
    assert sorted(outcome.rejected) == [("m0", "malformed_json"), ("m2", "not_an_order")]


def test_events_that_the_table_refuses_are_counted(intake: Intake, dynamodb: Any) -> None:
    """Each event that the table takes neither with others nor alone is rejected, and counted once."""

    def fail(params: Any, **_: Any) -> None:
        if b"ORDER#" in params["body"]:
            raise ClientError({"Error": {"Code": "ValidationException"}}, "UpdateItem")

    dynamodb.meta.events.register("before-call.dynamodb.UpdateItem", fail)
    outcome = intake.process(batch(order(12), order(13)), lambda: 30.0)
    dynamodb.meta.events.unregister("before-call.dynamodb.UpdateItem", fail)
    assert outcome.counts == {"Rejected": 2, "RejectedRefusedByTheTable": 2}
    assert sorted(outcome.rejected) == [(f"m{number}", "refused_by_the_table") for number in range(2)]


@pytest.mark.parametrize(("text", "named"), [("no message", "m0"), (batch(order())[0].text, "c0")])
def test_delivery_is_traced_by_its_correlation_id(text: str, named: str) -> None:
    """A message is traced by its correlation id, or else by the queue's id."""
    assert Delivery("m0", text).traced_by == named


@pytest.mark.privacy
def test_delivery_shows_no_text() -> None:
    """What is logged of a message has nothing of its text."""
    assert repr(Delivery("m0", "Amna", 2)) == "Delivery(message_id='m0', attempt=2)"
    assert Delivery("m0", "Amna").attempt == 1


def test_lost_callback_holds_up_no_order(orders: OrdersTable, stores: StoresTable, rejected: RejectedTable) -> None:
    """A catalogue that takes no callbacks delays the callback alone: the orders of its batch are stored."""

    def refuse(_: str) -> None:
        raise ClientError({"Error": {"Code": "AccessDenied"}}, "SendMessage")

    with ThreadPoolExecutor(4) as executor:
        forwarding = Intake(orders, stores, rejected, clock, executor, refuse)
        try:
            outcome = forwarding.process(batch(BOTH[0], b'{"job_id": "1"}', BOTH[1]), lambda: 30.0)
        except ClientError:
            pytest.fail("the callback fails the whole batch")
    assert outcome.failed == {"m1": "AccessDenied"}
    assert outcome.counts == {"Stored": 2}
