"""The table of rejected events does the same on moto and on DynamoDB Local."""

from datetime import timedelta
from typing import Any

import pytest

from partner_orders.clock import to_text
from partner_orders.orders.erasure import Erasure
from partner_orders.orders.event import Arrival
from partner_orders.orders.rejected import digest_of
from partner_orders.orders.rejected_table import RejectedTable
from tests.support.fixed_clock import NOW, clock
from tests.support.orders_table import TABLE

BODY = b'{"order_id": 1}'
ARRIVAL = Arrival("webhook", NOW, "request-1")
LATER = Arrival("reconciliation", NOW + timedelta(minutes=5), "request-2")


@pytest.fixture
def rejected(dynamodb: Any) -> RejectedTable:
    return RejectedTable(dynamodb, TABLE, timedelta(days=90), clock)


def keep(rejected: RejectedTable, body: bytes = BODY, arrival: Arrival = ARRIVAL) -> str:
    rejected.keep(body, arrival, "invalid_order", ["order_id: Input should be a valid string"])
    return digest_of(body)


def test_kept(rejected: RejectedTable) -> None:
    """One body is one row, with its first arrival and how often it came."""
    digest = keep(rejected)
    keep(rejected, arrival=LATER)
    found = rejected.get(digest)
    assert found is not None
    assert (found.body, found.reason, found.problems) == (
        BODY,
        "invalid_order",
        ("order_id: Input should be a valid string",),
    )
    assert (found.first_received_at, found.source, found.correlation_id) == (to_text(NOW), "webhook", "request-1")
    assert (found.times_received, found.resolved_at, found.erased_at) == (2, None, None)


def test_newest(rejected: RejectedTable) -> None:
    """They are listed by their first arrival, newest first."""
    first, second = keep(rejected), keep(rejected, b"[]", LATER)
    keep(rejected, arrival=LATER)
    assert [event.digest for event in rejected.newest()] == [second, first]
    assert [event.digest for event in rejected.newest(limit=1)] == [second]


def test_resolved(rejected: RejectedTable) -> None:
    """A resolved event stays, and is listed again only when it comes again."""
    digest = keep(rejected)
    rejected.resolve(BODY)
    rejected.resolve(b"never seen")
    found = rejected.get(digest)
    assert found is not None
    assert found.resolved_at == to_text(NOW)
    assert rejected.newest() == []
    assert rejected.get(digest_of(b"never seen")) is None
    keep(rejected)
    assert [(event.digest, event.resolved_at) for event in rejected.newest()] == [(digest, None)]


def test_discarded(rejected: RejectedTable) -> None:
    """A discarded event is gone."""
    digest = keep(rejected)
    rejected.discard(digest)
    rejected.discard(digest)
    assert rejected.get(digest) is None


def test_publish_again(rejected: RejectedTable) -> None:
    """Publishing again changes an event that is there, and no other."""
    assert not rejected.publish_again(digest_of(BODY))
    assert rejected.publish_again(keep(rejected))


def test_erased(rejected: RejectedTable, dynamodb: Any) -> None:
    """What was erased does not come back with another copy."""
    body = b'{"order_id": 1, "customer": {"first_name": "Amina"}}'
    digest = keep(rejected, body)
    Erasure(dynamodb, TABLE, lambda _: True, clock).erase_rejected(digest)
    keep(rejected, body, LATER)
    found = rejected.get(digest)
    assert found is not None
    assert b"Amina" not in found.body
    assert (found.erased_at, found.times_received) == (to_text(NOW), 2)
