"""A stand-in for AWS and the Partner API on one port of this machine: it answers the calls that functions make, at once
or after a fixed delay, and notes them down. DynamoDB's calls can go on to a DynamoDB Local, and are metered then.

It answers out of the measured process, so that none of its work is counted.
"""

import http.client
import json
import os
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tools.bench.write_costs import Cost
from tools.local.emulator import REGION

SECRET = "the-secret-of-the-bench"  # noqa: S105 (nobody's)
TOKEN = json.dumps({"token": "the-token-of-the-bench"})
STORE = {
    "pk": {"S": "STORES"},
    "sk": {"S": "STORE#148020"},
    "store_id": {"S": "148020"},
    "registered_at": {"S": "2026-03-14T08:00:00.000000Z"},
}
SERVICES = {
    "DynamoDB_20120810": "DynamoDB",
    "AmazonSQS": "SQS",
    "AWSEvents": "EventBridge",
    "secretsmanager": "SecretsManager",
}
AS_JSON: Mapping[str, str] = {"Content-Type": "application/x-amz-json-1.0"}
READS = {"GetItem", "Query", "BatchGetItem"}
FAILED_CONDITIONS = {"ConditionalCheckFailedException", "TransactionCanceledException"}


@dataclass(frozen=True)
class Listing:
    """The orders that the Partner API shows, each with the time when it was made: bodies as they are, in pages of at
    most ``largest_page`` orders."""

    orders: Sequence[tuple[datetime, bytes]] = ()
    largest_page: int = 500

    def page(self, target: str) -> bytes:
        query = {name: values[0] for name, values in parse_qs(urlsplit(target).query).items()}
        # With or without a zone.
        start, end = (
            datetime.fromisoformat(query[name][:19]).replace(tzinfo=UTC) for name in ("start_time", "end_time")
        )
        shown = [body for at, body in self.orders if start <= at <= end]
        number, size = int(query["page"]), min(int(query["page_size"]), self.largest_page)
        orders = b",".join(shown[(number - 1) * size : number * size])
        counts = {"page": number, "page_size": size, "total_pages": -(-len(shown) // size), "total_orders": len(shown)}
        return b'{"orders":[' + orders + b"]," + json.dumps(counts).encode()[1:]


@dataclass
class StandIn:
    """``calls`` are those made so far, such as ``SQS.SendMessage``; ``cost`` is what those of DynamoDB cost;
    ``listing`` is what the Partner API shows; ``rows`` are those that a BatchGetItem finds."""

    url: str = ""
    delay_seconds: float = 0.0
    dynamodb_url: str | None = None
    listing: Listing = field(default_factory=Listing, repr=False)
    rows: Sequence[dict[str, Any]] = field(default=(), repr=False)
    calls: list[str] = field(default_factory=list)
    cost: Cost = field(default_factory=Cost)
    lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def answer(self, target: str, request: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        service, _, operation = target.partition(".")
        service = SERVICES[service]
        with self.lock:
            self.calls.append(f"{service}.{operation}")
        if service == "DynamoDB" and self.dynamodb_url:
            return self._metered(target, operation, request)
        if self.delay_seconds:
            time.sleep(self.delay_seconds)
        if operation == "BatchGetItem":
            return 200, self._found(request)
        return 200, _canned(operation, request)

    def put(self, path: str, content: bytes) -> tuple[int, bytes]:  # noqa: ARG002 (for those that tell requests apart)
        """The response to a PUT: that of an order."""
        with self.lock:
            self.calls.append("PartnerApi.PutOrder")
        return 200, b"{}"

    def get(self, path: str, method: str) -> tuple[int, bytes, Mapping[str, str]]:  # noqa: ARG002
        """The response to a GET or HEAD: a page of orders."""
        with self.lock:
            self.calls.append("PartnerApi.GetOrders")
        return 200, self.listing.page(path), AS_JSON

    def _found(self, request: dict[str, Any]) -> dict[str, Any]:
        [(table, wanted)] = request["RequestItems"].items()
        found = [row for row in self.rows if {name: row[name] for name in ("pk", "sk")} in wanted["Keys"]]
        return {"Responses": {table: found}, "UnprocessedKeys": {}}

    @contextmanager
    def measured(self) -> Iterator[Cost]:
        """What DynamoDB's calls cost meanwhile."""
        with self.lock:
            self.cost = Cost()
            cost = self.cost
        yield cost

    def _metered(self, target: str, operation: str, request: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        status, answer = _forwarded(str(self.dynamodb_url), target, request | {"ReturnConsumedCapacity": "TOTAL"})
        reported = answer.get("ConsumedCapacity", [])
        units = sum(one["CapacityUnits"] for one in (reported if isinstance(reported, list) else [reported]))
        unreported = 0.0
        if answer.get("__type", "").rpartition("#")[2] in FAILED_CONDITIONS:
            unreported = self._units_of_existing(request)
        with self.lock:
            self.cost.requests += 1
            self.cost.unreported += unreported
            if operation in READS:
                self.cost.read_units += units
            else:
                self.cost.write_units += units
        return status, answer

    def _units_of_existing(self, request: dict[str, Any]) -> float:
        """DynamoDB charges a failed condition as a write of the item that is there, and reports nothing of it."""
        key_names = ("id",) if "id" in request.get("Item", {}) else ("pk", "sk")
        key = request.get("Key") or {name: request["Item"][name] for name in key_names}
        _, answer = _forwarded(
            str(self.dynamodb_url),
            "DynamoDB_20120810.UpdateItem",
            {
                "TableName": request["TableName"],
                "Key": key,
                "UpdateExpression": "REMOVE no_such_attribute",
                "ReturnConsumedCapacity": "TOTAL",
            },
        )
        return float(answer["ConsumedCapacity"]["CapacityUnits"])


def _forwarded(url: str, target: str, request: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=30)
    headers = {
        "X-Amz-Target": target,
        "Content-Type": "application/x-amz-json-1.0",
        # DynamoDB Local tells accounts and regions apart by them.
        "Authorization": f"AWS4-HMAC-SHA256 Credential={os.environ['AWS_ACCESS_KEY_ID']}/20260101/{REGION}/dynamodb"
        "/aws4_request, SignedHeaders=host, Signature=none",
    }
    connection.request("POST", "/", json.dumps(request), headers)
    answer = connection.getresponse()
    content = json.loads(answer.read())
    connection.close()
    return answer.status, content


def _canned(operation: str, request: dict[str, Any]) -> dict[str, Any]:
    match operation:
        case "GetSecretValue":
            text = TOKEN if "partner-api" in request["SecretId"] else SECRET
            return {"SecretString": text, "CreatedDate": 1773475964.0}
        case "SendMessage":
            return {"MessageId": "00000000-0000-4000-8000-000000000000"}
        case "PutEvents":
            return {"FailedEntryCount": 0, "Entries": [{"EventId": "1"} for _ in request["Entries"]]}
        case "GetQueueAttributes":
            return {"Attributes": dict.fromkeys(request["AttributeNames"], "0")}
        case "Query":
            stores = '"STORES"' in json.dumps(request)
            return {"Items": [STORE] if stores else [], "Count": int(stores), "ScannedCount": int(stores)}
        case _:
            return {}


@contextmanager
def started(
    delay_seconds: float = 0.0, dynamodb_url: str | None = None, rows: Sequence[dict[str, Any]] = ()
) -> Iterator[StandIn]:
    with serving(StandIn(delay_seconds=delay_seconds, dynamodb_url=dynamodb_url, rows=rows)) as stand_in:
        yield stand_in


@contextmanager
def serving[Served: StandIn](stand_in: Served) -> Iterator[Served]:
    """Serve a stand-in until the context ends."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = -1  # An answer's head and body leave together.

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status, answer = stand_in.answer(self.headers["X-Amz-Target"], json.loads(body))
            self._send(status, json.dumps(answer).encode())

        def do_PUT(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self._send(*stand_in.put(self.path, body))

        def do_HEAD(self) -> None:
            self._send(*stand_in.get(self.path, "HEAD"), is_head=True)

        def do_GET(self) -> None:
            self._send(*stand_in.get(self.path, "GET"))

        def _send(
            self, status: int, content: bytes, headers: Mapping[str, str] = AS_JSON, is_head: bool = False
        ) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if not is_head:
                self.wfile.write(content)
            self.wfile.flush()

        def log_message(self, *_: Any) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    stand_in.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield stand_in
    finally:
        server.shutdown()
        server.server_close()
