"""The message on the queue: short bodies as they are, long ones compressed, each exact."""

import random
from datetime import timedelta

import pytest

from partner_orders.order_events.message import MAX_BODY_BYTES, MAX_STORED_BYTES, OrderEventMessage
from tests.support.fixed_clock import clock

# SQS charges by so many bytes of a call.
BYTES_CHARGED_AS_ONE = 65_536


def message(body: bytes) -> OrderEventMessage:
    return OrderEventMessage("reconciliation", clock(), "c" * 64, body, clock() - timedelta(seconds=7))


@pytest.mark.parametrize("size", [1, MAX_STORED_BYTES, MAX_STORED_BYTES + 1, MAX_BODY_BYTES])
def test_body_of_any_size_arrives_exact(size: int) -> None:
    """A body and its two times arrive exact on either side of the size from which it is compressed."""
    for body in (b"x" * size, random.Random(size).randbytes(size)):
        assert OrderEventMessage.from_text(message(body).to_text()) == message(body)


def test_ten_short_bodies_cost_one_request() -> None:
    """Ten of the longest bodies that are not compressed are charged as one request."""
    assert 10 * len(message(bytes(MAX_STORED_BYTES)).to_text()) < BYTES_CHARGED_AS_ONE


def test_long_body_is_compressed() -> None:
    """A longer body is compressed."""
    assert len(message(b"x" * (MAX_STORED_BYTES + 1)).to_text()) < 1_000
