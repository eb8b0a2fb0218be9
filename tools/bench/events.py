"""The events of the bench: orders of the simulated platform, as the functions get them."""

import base64
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from partner_orders.order_events.message import WEBHOOK, OrderEventMessage
from partner_orders.orders.event import Arrival, parse_event
from partner_orders.orders.table import OrdersTable
from partner_orders.stores.store import StoreSettings
from partner_orders.stores.table import StoresTable
from tools.bench.artefacts import EVENTS, OURS, Artefact
from tools.bench.stand_in import SECRET
from tools.bench.write_costs import START
from tools.local.emulator import ROOT
from tools.local.invoke import PLACEHOLDER
from tools.local.simulated_platform.lives import to_text, trading_hour
from tools.local.up import CHAIN_ID
from tools.simulation.table import DynamoDB

type Event = dict[str, Any]

RECEIVED_AT = datetime(2026, 3, 14, 10, 0, tzinfo=UTC)


def first_event(artefact: Artefact) -> Event:
    """The function's event from events/; the floor and the peer get a body on the queue as it is."""
    text = (ROOT / "events" / EVENTS[artefact.function]).read_text().replace(PLACEHOLDER, SECRET)
    event: Event = json.loads(text)
    if artefact.function == "consumer" and artefact.way != OURS:
        for record in event["Records"]:
            record["body"] = OrderEventMessage.from_text(record["body"]).body.decode()
    return event


def answered_rows() -> list[dict[str, Any]]:
    """The rows of the order that the event of the answers API is about, and of its store, as DynamoDB has them."""
    emulated = DynamoDB()
    try:
        table = emulated.new_table()
        event = parse_event((ROOT / "events" / "order.json").read_bytes())
        OrdersTable(emulated.client, table, timedelta(days=3650)).write([(event, Arrival(WEBHOOK, RECEIVED_AT))])
        stores = StoresTable(emulated.client, table, CHAIN_ID, lambda: RECEIVED_AT)
        stores.set(event.order.client.store_id or "", StoreSettings(is_answering=True))
        rows = emulated.client.scan(TableName=table)["Items"]
    finally:
        emulated.close()
    return [json.loads(json.dumps(row, default=lambda value: base64.b64encode(value).decode())) for row in rows]


def batch(way: str, bodies: Sequence[bytes]) -> Event:
    """A batch of the queue's for the consumer."""
    return {"Records": [_record(number, _message(way, body)) for number, body in enumerate(bodies)]}


def _message(way: str, body: bytes) -> str:
    if way == OURS:
        return OrderEventMessage(WEBHOOK, RECEIVED_AT, "correlation-1", body).to_text()
    return body.decode()


def _record(number: int, text: str) -> Event:
    return {
        "messageId": f"00000000-0000-4000-8000-{number:012d}",
        "receiptHandle": f"receipt-{number}",
        "body": text,
        "attributes": {
            "ApproximateReceiveCount": "1",
            "SentTimestamp": "1773475964107",
            "SenderId": "AROAEXAMPLE:webhook",
            "ApproximateFirstReceiveTimestamp": "1773475964120",
            "MessageGroupId": "webhook",
        },
        "messageAttributes": {},
        "md5OfBody": "0" * 32,
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:eu-central-1:000000000000:order-events",
        "awsRegion": "eu-central-1",
    }


@cache
def orders(count: int, stores: int = 1, lines: int | None = None) -> list[bytes]:
    """The first body of so many different orders; of as many lines as the platform makes them, or of ``lines``."""
    lives = trading_hour(seed=7, orders=count, stores=stores, start=START, chain_id=CHAIN_ID)
    bodies = [dict(life.steps[0].body) for life in lives]
    if lines is not None:
        stock = [line for life in trading_hour(7, 300, 1, START, CHAIN_ID) for line in life.steps[0].body["items"]]
        for body in bodies:
            body["items"] = stock[:lines]
    return [to_text(body).encode() for body in bodies]
