"""The consumer writes the orders of a batch side by side: none waits for another's write to end."""

from threading import Barrier
from types import SimpleNamespace
from typing import Any

import pytest

from partner_orders.clock import now
from partner_orders.order_events.message import OrderEventMessage
from tests.support.orders import CHAIN_ID, as_bytes, order
from tests.support.orders_table import TABLE
from tools.fresh_handler import fresh_handler

# For all writers to come to their first call, on a machine that is busy.
SECONDS = 20.0


@pytest.mark.parametrize("orders", [2, 10])
def test_batch_is_written_in_parallel(dynamodb: Any, monkeypatch: pytest.MonkeyPatch, orders: int) -> None:
    """The orders of a batch are written in parallel: none waits for another."""
    settings = {
        "ORDERS_TABLE_NAME": TABLE,
        "ORDER_EVENTS_QUEUE_URL": "https://queue.example.com/order-events",
        "CHAIN_ID": CHAIN_ID,
        "ORDER_RETENTION_DAYS": "36500",
        "REJECTED_RETENTION_DAYS": "90",
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    # Whoever comes waits until all have come; too late, and the calls of all of them fail.
    all_are_writing = Barrier(orders, timeout=SECONDS)

    def wait_for_the_others(params: Any, **_: Any) -> None:
        if b'"ORDER#' in params["body"]:
            all_are_writing.wait()

    dynamodb.meta.events.register("before-call.dynamodb.UpdateItem", wait_for_the_others)
    app: Any = fresh_handler("consumer")
    monkeypatch.setattr(app, "clients", SimpleNamespace(client=lambda service, _: {"dynamodb": dynamodb}.get(service)))
    monkeypatch.setattr(app, "visibility", lambda: SimpleNamespace(put_off=dict))
    records = [
        {
            "messageId": f"m{number}",
            "receiptHandle": f"h{number}",
            "body": OrderEventMessage("webhook", now(), f"c{number}", as_bytes(order(order_id=f"o{number}"))).to_text(),
            "attributes": {"ApproximateReceiveCount": "1"},
        }
        for number in range(orders)
    ]
    context = SimpleNamespace(get_remaining_time_in_millis=lambda: 60_000)
    assert app.handler({"Records": records}, context) == {"batchItemFailures": []}
