"""The stored formats of 0.1.0 (docs/decisions/0012): a change of any of these is a new version."""

import base64
import json
import zlib
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from partner_orders.order_events.message import OrderEventMessage, UnreadableMessageError
from partner_orders.orders.event import Arrival, parse_event
from partner_orders.orders.packed_body import unpack
from partner_orders.orders.table import OrdersTable, Written
from tests.support.fixed_clock import NOW
from tests.support.orders import as_bytes, order
from tests.support.orders_table import TABLE

ARRIVAL = Arrival("webhook", NOW, "c1")
SHOWN_AT = datetime(2026, 10, 14, 9, 0, tzinfo=UTC)


def test_message_is_read_as_it_was_written() -> None:
    """A message of version 2 as 0.1.0 writes it, with and without the time of a GET."""
    body = as_bytes(order())
    envelope = {
        "schema_version": 2,
        "source": "webhook",
        "received_at": "2026-03-14T08:12:46.000000Z",
        "correlation_id": "request-1",
        "body": base64.b64encode(zlib.compress(body)).decode(),
    }
    message = OrderEventMessage.from_text(json.dumps(envelope))
    assert (message.body, message.shown_at) == (body, None)
    shown = OrderEventMessage.from_text(json.dumps(envelope | {"shown_at": "2026-10-14T09:00:00.000000Z"}))
    assert shown.shown_at == SHOWN_AT


@pytest.mark.parametrize("version", [1, 3])
def test_message_of_another_version_is_unreadable(version: int) -> None:
    """A message of a version that this code does not know is rejected whole, never guessed at."""
    text = OrderEventMessage("webhook", NOW, "c1", b"{}").to_text()
    with pytest.raises(UnreadableMessageError):
        OrderEventMessage.from_text(text.replace('"schema_version":2', f'"schema_version":{version}'))


def test_digest_and_snapshot_key_are_frozen() -> None:
    """The digest and the key of one body, as 0.1.0 computes them."""
    event = parse_event(as_bytes(order()))
    assert event.digest == "1.29e5d528a523cdcfc2f09d80bd8b24aa"
    assert (
        event.snapshot_key_at(SHOWN_AT)
        == "0|063927562364107001|1|000009|063927565200000001|000040|1.29e5d528a523cdcfc2f09d80bd8b24aa"
    )


def test_packed_body_is_frozen() -> None:
    """A body that 0.1.0 packed is unpacked: the dictionary that it was packed with never changes."""
    body = (
        b'"cancelled_by":"CUSTOMER","promotion_status":"UNAVAILABLE","weighted_pieces":1,"status":"ADDITION",'
        b'"external_partner_config_id":"","difference_to_minimum":0,"webhook_status":"DELIVERED"'
    )
    assert unpack(base64.b64decode("AcPXyCbQ+MRaQGAmFEI1Eb44xuN0AA==")) == body


def test_counts_in_a_key_have_six_digits() -> None:
    """However much an event says, its key sorts as before: the counts end at 999,999, and without a clock are zeros."""
    event = parse_event(as_bytes(order(sys=None)))
    much = replace(event, unmasked=1_000_000, richness=1_000_000)
    assert much.snapshot_key == f"0|{'0' * 18}|1|999999|{'0' * 18}|999999|{event.digest}"


def test_blind_write_needs_a_row_of_its_version(orders: OrdersTable, dynamodb: Any) -> None:
    """Keys of two versions do not compare, so an event is merged under the version of the row that was read."""
    first, second = (parse_event(as_bytes(order(minute))) for minute in (12, 13))
    orders.write([(first, ARRIVAL)])
    key = {"pk": {"S": f"ORDER#{first.order_id}"}, "sk": {"S": "ORDER"}}
    dynamodb.update_item(
        TableName=TABLE,
        Key=key,
        UpdateExpression="SET schema_version = :other",
        ExpressionAttributeValues={":other": {"N": "1"}},
    )
    assert orders.write([(second, ARRIVAL)]) == Written(stored=1)
    row = dynamodb.get_item(TableName=TABLE, Key=key)["Item"]
    assert (row["version"], row["schema_version"]) == ({"N": "2"}, {"N": "2"})
