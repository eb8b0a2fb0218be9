"""Sending to the order-events queue: nothing is lost in silence, however the messages fall into batches."""

from random import Random
from types import SimpleNamespace
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from partner_orders.order_events.message import OrderEventMessage
from partner_orders.order_events.queue import BATCH_BYTES, BATCH_ENTRIES, OrderEventsQueue, QueueRefusedError
from tests.support.fixed_clock import NOW


@given(
    st.lists(st.sampled_from((1, 1_000, 150_000)), max_size=25),
    st.sets(st.integers(0, 24), max_size=3),
)
@example([150_000] * 10, set())
def test_send_all_sends_or_says_so(sizes: list[int], refused: set[int]) -> None:
    """Every message is offered once, in calls within the limits of SQS; any refusal is an error."""
    offered: list[str] = []

    def send_message_batch(QueueUrl: str, Entries: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803
        assert len(Entries) <= BATCH_ENTRIES
        assert len(Entries) == 1 or sum(len(entry["MessageBody"]) for entry in Entries) <= BATCH_BYTES
        failed = []
        for entry in Entries:
            if len(offered) in refused:
                failed.append({"Id": entry["Id"], "Code": "InternalError"})
            offered.append(entry["MessageBody"])
        return {"Failed": failed} if failed else {}

    client: Any = SimpleNamespace(send_message_batch=send_message_batch)
    messages = [OrderEventMessage("replay", NOW, f"c{n}", Random(n).randbytes(size)) for n, size in enumerate(sizes)]
    has_failed = False
    try:
        OrderEventsQueue(client, "https://queue.example.com").send_all(messages)
    except QueueRefusedError:
        has_failed = True
    assert has_failed == any(number < len(sizes) for number in refused if number < len(offered))
    assert offered == [message.to_text() for message in messages[: len(offered)]]
    assert has_failed or len(offered) == len(messages)


def test_message_is_visible_at_once() -> None:
    """A message has a group per source and nothing else that SQS goes by: no delay, alone or in a batch."""
    calls: list[dict[str, Any]] = []

    def send(**call: Any) -> dict[str, Any]:
        calls.append(call)
        return {}

    client: Any = SimpleNamespace(send_message=send, send_message_batch=send)
    queue, message = OrderEventsQueue(client, "the-url"), OrderEventMessage("webhook", NOW, "c", b"{}")
    queue.send(message)
    queue.send_all([message])
    sent = {"MessageBody": message.to_text(), "MessageGroupId": "webhook"}
    assert calls == [{"QueueUrl": "the-url", **sent}, {"QueueUrl": "the-url", "Entries": [{"Id": "0", **sent}]}]
