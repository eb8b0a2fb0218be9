"""Every state that the platform lists reaches the table, however often and in whichever order it lists them."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from partner_orders.exact_json import parse
from partner_orders.orders.event import parse_event
from partner_orders.reconciler.comparison import Comparison, ComparisonScope
from partner_orders.reconciler.report import Report
from partner_orders.stores.store import Store
from tests.support.in_memory import MemoryOrders, MemoryQueue
from tests.support.orders import as_bytes, order
from tests.support.platform import VirtualTime

BODIES = [
    as_bytes(order(minute, order_id=order_id, status=status))
    for order_id in ("a", "b")
    for minute, status in ((12, "RECEIVED"), (20, "READY_FOR_PICKUP"), (20, "DISPATCHED"), (40, "CANCELLED"))
]
PAGES = st.lists(st.lists(st.sampled_from(BODIES), max_size=6), min_size=1, max_size=5)


@given(PAGES)
def test_every_listed_state_is_stored(pages: list[list[bytes]]) -> None:
    """What was listed is known once the queue is empty; each state is found once, and each order missing once."""
    time = VirtualTime()
    orders, queue, report = MemoryOrders(time), MemoryQueue(time), Report(time.now())
    rejected: Any = None  # Every body can be parsed.
    comparison = Comparison(orders, rejected, queue, time.now)
    for page in pages:
        scope = ComparisonScope(Store("q7xk"), report, "run", damps=True)
        comparison.compare(scope, [parse(body) for body in page], time.now)
    listed = {parse_event(body).digest: parse_event(body) for page in pages for body in page}
    assert report.counts["enqueued"] == len(queue.messages) == len(listed)
    assert report.counts["missing"] == len({event.order_id for event in listed.values()})
    for message in queue.messages:
        orders.put(message.body, message.shown_at)
    known = orders.known(["a", "b"])
    assert {digest for each in known.values() for digest in each.digests} == listed.keys()
