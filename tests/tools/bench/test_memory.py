"""What the benchmark measures the most memory with, and that it measures it."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from partner_orders.order_events.message import MAX_BODY_BYTES, OrderEventMessage
from partner_orders.orders.event import parse_event
from tests.support.template import expanded
from tools.bench import events, memory, money, timings
from tools.bench.artefacts import FLOOR, OURS, from_source
from tools.bench.stand_in import Listing


@pytest.mark.parametrize("kind", memory.FILLINGS)
def test_largest_bodies_are_taken(kind: str) -> None:
    """Each body of the consumer's largest batch is an order, and nearly as large as a body may be."""
    body = memory.largest_body(kind, "the-order")
    assert 0.9 * MAX_BODY_BYTES < len(body) <= MAX_BODY_BYTES
    assert parse_event(body).order_id == "the-order"
    [record] = events.batch(OURS, [body])["Records"]
    assert OrderEventMessage.from_text(record["body"]).body == body


def test_listing_pages_like_the_platform() -> None:
    """The listing shows the orders of a window, in pages of the size that is asked for and no larger than its own."""
    made_at = datetime(2026, 3, 14, 10, tzinfo=UTC)
    orders = [(made_at + timedelta(minutes=number), b'{"order_id": "%d"}' % number) for number in range(10)]
    window = "/orders?start_time=2026-03-14T10:02:00Z&end_time=2026-03-14T10:08:00"
    page = json.loads(Listing(orders, largest_page=4).page(f"{window}&page=2&page_size=500"))
    assert [order["order_id"] for order in page["orders"]] == ["6", "7", "8"]
    assert (page["page_size"], page["total_pages"], page["total_orders"]) == (4, 2, 7)
    smaller = json.loads(Listing(orders, largest_page=4).page(f"{window}&page=1&page_size=3"))
    assert len(smaller["orders"]) == smaller["page_size"] == 3


@pytest.mark.slow
def test_peak_of_larger_orders_is_larger() -> None:
    """The reconciler's peak is that of a whole process, and larger orders show in it."""
    artefact = from_source("reconciler", OURS)
    small, large = (memory.of_reconciler(artefact, 20, lines) for lines in (1, 200))
    assert 20 < small.mebibytes < large.mebibytes
    assert small.share == pytest.approx(small.mebibytes / money.MEMORY["reconciler"], abs=0.001)


def test_memory_is_the_templates() -> None:
    """The benchmark takes the memory of the functions from the template."""
    template = expanded()
    for function, megabytes in money.MEMORY.items():
        assert megabytes == template.properties(f"{function.capitalize()}Function")["MemorySize"]


def test_comparison_is_measured_beside_its_floor() -> None:
    """A comparison of orders in sync enqueues nothing, and is measured beside the reading of the same page."""
    measured = timings.comparison_cpu(2)
    assert measured.values[OURS].median > measured.values[FLOOR].median > 0
