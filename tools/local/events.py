"""`make events`: write events/, one event for each function and case, for `sam local invoke` and `make invoke`.

The bodies come from the simulated platform. Here they get the shape in which AWS delivers them.
"""

import base64
import gzip
import json
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import boto3
from moto import mock_aws

from partner_orders.answers.endpoint import GET, LIST, POST
from partner_orders.order_events.message import RECONCILIATION, WEBHOOK, OrderEventMessage
from partner_orders.orders.event import Arrival, parse_event
from partner_orders.orders.rejected_table import RejectedTable
from partner_orders.orders.table import OrdersTable
from tools.local.emulator import ROOT
from tools.local.simulated_platform.lives import Body, Life, instant, to_text, trading_hour
from tools.local.table_stream import TableStream
from tools.local.up import CHAIN_ID

EVENTS = ROOT / "events"
# `make invoke` replaces it by the stack's own secret.
SECRET = "PASTE-THE-WEBHOOK-SECRET-HERE"  # noqa: S105
START = instant("2026-03-14T08:00:00Z")
RETENTION = timedelta(days=400)
UNKNOWN_ORDER = "00000000-0000-4000-8000-000000000000"


def webhook_request(body: str | bytes, authorization: str | None = SECRET, encoding: str | None = None) -> Body:
    """An HTTP API's request (payload format 2.0). Bytes are in base64, as API Gateway delivers them."""
    headers = {"content-type": "application/json", "host": "example.execute-api.eu-central-1.amazonaws.com"}
    if authorization is not None:
        headers["authorization"] = authorization
    if encoding is not None:
        headers |= {"content-type": "application/octet-stream", "content-encoding": encoding}
    return {
        "version": "2.0",
        "routeKey": "POST /order-events",
        "rawPath": "/order-events",
        "rawQueryString": "",
        "headers": headers,
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "example",
            "http": {
                "method": "POST",
                "path": "/order-events",
                "protocol": "HTTP/1.1",
                "sourceIp": "192.0.2.1",
                "userAgent": "platform",
            },
            "requestId": "6f2a9d34-8c55-4d0b-9c7e-51f0a2b7c801",
            "routeKey": "POST /order-events",
            "stage": "$default",
            "time": "14/Mar/2026:08:12:44 +0000",
            "timeEpoch": 1773475964107,
        },
        "body": body if isinstance(body, str) else base64.b64encode(body).decode(),
        "isBase64Encoded": isinstance(body, bytes),
    }


def answers_request(
    route: str, store_id: str, order_id: str, body: str | bytes | None = None, answer_id: str | None = None
) -> Body:
    """A signed request to the answers API (payload format 2.0). Bytes are in base64."""
    method, template = route.split(" ")
    named = {"store_id": store_id, "order_id": order_id} | ({} if answer_id is None else {"answer_id": answer_id})
    path = template.format(**named)
    context = webhook_request("")["requestContext"]
    role = "arn:aws:sts::123456789012:assumed-role/answers-caller/till-7"
    request: Body = {
        "version": "2.0",
        "routeKey": route,
        "rawPath": path,
        "rawQueryString": "",
        "headers": {"content-type": "application/json", "host": "example.execute-api.eu-central-1.amazonaws.com"},
        "pathParameters": named,
        "requestContext": context
        | {
            "routeKey": route,
            "authorizer": {"iam": {"accountId": "123456789012", "userArn": role}},
            "http": context["http"] | {"method": method, "path": path, "userAgent": "till"},
        },
        "isBase64Encoded": isinstance(body, bytes),
    }
    if body is not None:
        request["body"] = body if isinstance(body, str) else base64.b64encode(body).decode()
    return request


def queue_batch(*bodies: str | bytes, source: str = WEBHOOK) -> Body:
    """A batch of messages from the order-events queue."""
    records = []
    for number, body in enumerate(bodies, start=1):
        raw = body.encode() if isinstance(body, str) else body
        message = OrderEventMessage(source, START + timedelta(minutes=number), f"correlation-{number}", raw)
        records.append(_record(number, message.to_text()))
    return {"Records": records}


def wake_ups(*order_ids: str) -> Body:
    """A batch of messages from the answers queue."""
    texts = [json.dumps({"schema_version": 1, "order_id": order_id}) for order_id in order_ids]
    records = [_record(number, text, "answers") for number, text in enumerate(texts, start=1)]
    return {"Records": records}


def _record(number: int, text: str, queue: str = "order-events") -> Body:
    return {
        "messageId": f"00000000-0000-4000-8000-{number:012d}",
        "receiptHandle": f"receipt-{number}",
        "body": text,
        "attributes": {
            "ApproximateReceiveCount": "1",
            "SentTimestamp": "1773475964107",
            "SenderId": "AIDAEXAMPLE",
            "ApproximateFirstReceiveTimestamp": "1773475964207",
        },
        "messageAttributes": {},
        "md5OfBody": "",
        "eventSource": "aws:sqs",
        "eventSourceARN": f"arn:aws:sqs:eu-central-1:123456789012:{queue}",
        "awsRegion": "eu-central-1",
    }


def stream_batch(*bodies: str, rejected: bytes | None = None) -> Body:
    """The records that the publisher gets when these bodies are stored, one after another."""
    arrival, clock = Arrival(WEBHOOK, START + timedelta(minutes=1), "correlation-1"), (lambda: START)
    with mock_aws():
        client = boto3.client("dynamodb", "eu-central-1", aws_access_key_id="test", aws_secret_access_key="test")  # noqa: S106
        keys: Any = [("pk", "HASH"), ("sk", "RANGE")]
        client.create_table(
            TableName="orders",
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name, _ in keys],
            KeySchema=[{"AttributeName": name, "KeyType": kind} for name, kind in keys],
        )
        stream = TableStream(client, "orders")
        for body in bodies:
            OrdersTable(client, "orders", RETENTION).write([(parse_event(body.encode()), arrival)])
        if rejected is not None:
            RejectedTable(client, "orders", RETENTION, clock).keep(
                rejected, arrival, "not_an_order", ["order_id: Field required"]
            )
        return {"Records": stream.records}


def all_events() -> dict[str, Body]:
    """The content of every file in events/, by path."""
    lives = trading_hour(seed=7, orders=120, stores=3, start=START, chain_id=CHAIN_ID)
    steps: dict[str, str] = {}
    for life in lives:
        for step in life.steps:
            steps.setdefault(step.status, to_text(step.body))
    received, ready = _life_of(lives, "RECEIVED", "READY_FOR_PICKUP")
    after_pick_up = next(
        to_text(step.body)
        for life in lives
        for step in life.steps
        if step.body.get("cancellation", {}).get("post_picked_up")
    )
    cases: dict[str, str] = {
        **{status.lower(): text for status, text in steps.items()},
        "cancelled_after_pick_up": after_pick_up,
        **_variants(json.loads(steps["RECEIVED"])),
    }
    events: dict[str, Body] = {"order.json": json.loads(received)}
    for name, body in cases.items():
        events[f"webhook/{name}.json"] = webhook_request(body)
        events[f"consumer/{name}.json"] = queue_batch(body)
    events |= {
        "webhook/base64.json": webhook_request(received.encode()),
        "webhook/gzip.json": webhook_request(gzip.compress(received.encode(), mtime=0), encoding="gzip"),
        "webhook/bearer.json": webhook_request(received, f"Bearer {SECRET}"),
        "webhook/wrong_secret.json": webhook_request(received, "Basic Zm9vOmJhcg=="),
        "webhook/no_secret.json": webhook_request(received, None),
        "webhook/malformed.json": webhook_request(received[:200]),
        "webhook/no_object.json": webhook_request("[1, 2, 3]"),
        "webhook/empty.json": webhook_request(""),
        "webhook/invalid_utf8.json": webhook_request(b'{"order_id": "\xff\xfe"}'),
        "webhook/too_large.json": webhook_request('{"comment": "' + "x" * 262_144 + '"}'),
        "consumer/duplicate.json": queue_batch(received, received),
        "consumer/late.json": queue_batch(ready, received),
        "consumer/malformed.json": queue_batch(received[:200], ready),
        "consumer/reconciled.json": queue_batch(steps["PICKED_UP"], source=RECONCILIATION),
        "consumer/unreadable_message.json": {"Records": [_record(1, "not one of ours")]},
        "consumer/whole_life.json": queue_batch(received, ready),
        **{f"publisher/{status.lower()}.json": stream_batch(text) for status, text in steps.items()},
        "publisher/whole_life.json": stream_batch(received, ready),
        "publisher/updated.json": stream_batch(received, to_text(json.loads(received) | {"promised_for": None})),
        "publisher/late.json": stream_batch(ready, received),
        "publisher/unknown_status.json": stream_batch(cases["unknown_status"]),
        "publisher/rejected.json": stream_batch(rejected=b'{"status": "RECEIVED"}'),
        "reconciler/schedule.json": {},
        "reconciler/backfill.json": {"from": None, "to": None, "stores": [], "preview": False},
        "reconciler/preview.json": {"preview": True},
        "reconciler/one_store.json": {"stores": [lives[0].shop.store_id]},
        "reconciler/cancel.json": {"cancel": "2026-11-09T08:15:02.114000Z-5be6"},
        "reconciler/too_old.json": {"from": "2026-01-01T00:00:00Z", "to": "2026-01-02T00:00:00Z"},
        "reconciler/invalid.json": {"from": "yesterday"},
        "sender/schedule.json": {},
        "sender/wake_up.json": wake_ups(events["order.json"]["order_id"]),
        "sender/unknown_order.json": wake_ups(UNKNOWN_ORDER),
        "sender/unreadable_message.json": {"Records": [_record(1, "not one of ours", "answers")]},
    }
    events |= {f"answers/{name}.json": event for name, event in _answers(events["order.json"]).items()}
    return events | _catalogue(lives[0].shop.store_id)


def _catalogue(store_id: str) -> dict[str, Body]:
    """What the catalogue's functions are called with. Urgent messages state no version: theirs is when they were
    sent."""
    product: Body = {"store_id": store_id, "sku": "KW-100"}
    urgent: dict[str, Body] = {
        "off": product | {"active": False},
        "price_and_stock": product | {"price": "3.95", "active": "true", "quantity": 12, "cap": 6},
        "by_barcode": {"store_id": store_id, "barcode": "05012345678900", "quantity": 0},
        "price_as_written": product | {"price": "3,95"},
        "unknown_store": product | {"store_id": "nowhere", "active": False},
    }
    callback = (
        '{"job_id": "b1f0", "platform_vendor_id": "q7xk", "status": "COMPLETED", "download_url": "/v2/files/1.csv"}'
    )
    return {
        "loader/schedule.json": {},
        "pusher/schedule.json": {},
        "uploader/schedule.json": {},
        "uploader/one_store.json": {"store_id": store_id},
        "uploader/dry_run.json": {"store_id": store_id, "dry_run": True},
        **{
            f"urgent/{name}.json": {"Records": [_record(1, json.dumps(body), "urgent")]}
            for name, body in urgent.items()
        },
        "urgent/malformed.json": {"Records": [_record(1, "not JSON", "urgent")]},
        "catalogue_webhook/completed.json": _callback_request(callback),
        "catalogue_webhook/failed.json": _callback_request('{"job_id": 4711, "job_status": "FAILED"}'),
        "catalogue_webhook/no_secret.json": _callback_request(callback, None),
    }


def _callback_request(body: str, authorization: str | None = SECRET) -> Body:
    """A request to the catalogue's webhook."""
    request = webhook_request(body, authorization)
    route = "POST /catalogue-callbacks"
    context = request["requestContext"]
    context |= {"routeKey": route, "http": context["http"] | {"path": "/catalogue-callbacks"}}
    return request | {"routeKey": route, "rawPath": "/catalogue-callbacks", "requestContext": context}


def _answers(order: Body) -> dict[str, Body]:
    """Requests to the answers API about an order, by name."""
    store_id, order_id, line_id = order["client"]["store_id"], order["order_id"], order["items"][0]["_id"]
    answer_id = "till-7-000123"
    named = {"answer_id": answer_id, "sequence": 1}
    bag = {"sku": "BAG", "quantity": 1, "unit_price": 0.1}
    answers: dict[str, Body] = {
        "ready": named | {"kind": "ready"},
        "update": named | {"kind": "update", "lines": [{"id": line_id, "not_found": True}]},
        "replaced": named | {"kind": "ready", "lines": [{"id": line_id, "replaced_by": [bag]}]},
        "added": named | {"kind": "ready", "added": [bag]},
        "accept": named | {"kind": "accept", "ready_at": "2026-03-14T09:00:00Z"},
        "cancel": named | {"kind": "cancel", "reason": "ITEM_UNAVAILABLE"},
        "unknown_fields": named | {"kind": "ready", "found": "all"},
    }
    ready = json.dumps(answers["ready"])
    return {
        **{name: answers_request(POST, store_id, order_id, json.dumps(answer)) for name, answer in answers.items()},
        "base64": answers_request(POST, store_id, order_id, ready.encode()),
        "in_capitals": answers_request(POST, store_id, order_id.upper(), ready),
        "malformed": answers_request(POST, store_id, order_id, ready[:30]),
        "too_large": answers_request(POST, store_id, order_id, ready + " " * 65_536),
        "unknown_order": answers_request(POST, store_id, UNKNOWN_ORDER, ready),
        "other_store": answers_request(POST, f"{store_id}0", order_id, ready),
        "list": answers_request(LIST, store_id, order_id),
        "one": answers_request(GET, store_id, order_id, answer_id=answer_id),
    }


def _variants(plain: Body) -> dict[str, str]:
    """Bodies that differ from a plain order in one way each, by name."""
    return {
        "accepted": to_text(plain | {"status": "ACCEPTED"}),
        "unknown_status": to_text(plain | {"status": "HANDED_TO_DRONE"}),
        "unknown_fields": to_text(plain | {"order_type": "DRONE", "robot": {"name": "R2", "wheels": [1, 2, None]}}),
        "other_chain": to_text(
            plain | {"client": plain["client"] | {"chain_id": "41f7c3d8-9e02-4a6b-8f57-b3c90d1e6a25"}}
        ),
        "no_order_id": to_text({name: value for name, value in plain.items() if name != "order_id"}),
        "wrong_types": to_text(plain | {"items": "none", "payment": {"sub_total": "a lot"}}),
        "not_a_number": '{"order_id": "6f2a9d34", "status": "RECEIVED", "number": NaN}',
        "catalogue_callback": '{"job_id": "b1f0", "platform_vendor_id": "q7xk", "status": "COMPLETED"}',
    }


def _life_of(lives: list[Life], *statuses: str) -> list[str]:
    """The bodies of the first steps of an order with these statuses."""
    life = next(life for life in lives if tuple(step.status for step in life.steps)[: len(statuses)] == statuses)
    return [to_text(step.body) for step in life.steps[: len(statuses)]]


def write(folder: Path = EVENTS) -> int:
    """Write all events; returns how many."""
    events = all_events()
    for name, event in events.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(event, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    return len(events)


if __name__ == "__main__":
    print(f"{write()} events written to {EVENTS.relative_to(ROOT)}/")
    sys.exit(0)
