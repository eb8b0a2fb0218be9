"""The webhook, the parser and the consumer, each with its laws: ``TARGETS[name]()`` makes one that takes bytes."""

import base64
import io
import json
import os
import re
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import redirect_stderr, redirect_stdout, suppress
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, Protocol
from unittest.mock import patch

from pydantic import BaseModel

from partner_orders.exact_json import parse, write
from partner_orders.order_events.message import MAX_BODY_BYTES, OrderEventMessage, UnreadableMessageError
from partner_orders.orders import model as order
from partner_orders.orders.event import CatalogueCallbackError, OrderEvent, RejectedError, parse_event
from partner_orders.orders.packed_body import pack, unpack
from partner_orders.orders.reading import Field, known_fields
from partner_orders.orders.rejected import digest_of
from partner_orders.orders.rejected_table import RejectedTable
from partner_orders.orders.table import OrdersTable
from tools.fresh_handler import fresh_handler
from tools.fuzz import inputs
from tools.fuzz.laws import Violation, logs_say_nothing, problems_quote_nothing
from tools.fuzz.page_target import PageTarget
from tools.simulation.table import DynamoDB

NOW = datetime(2026, 10, 14, 9, tzinfo=UTC)
RETENTION_DAYS = 400
QUEUE_BYTES = 2**20
# The window sizes by which zlib reads a content encoding; deflate is sent with and without zlib's frame.
_GZIP, _DEFLATE = (31,), (15, -15)
_SETTINGS = {
    "AWS_DEFAULT_REGION": "eu-central-1",
    "POWERTOOLS_METRICS_NAMESPACE": "PartnerOrders",
    "POWERTOOLS_SERVICE_NAME": "fuzz",
    "POWERTOOLS_LOG_LEVEL": "DEBUG",
    "ORDER_EVENTS_QUEUE_URL": "https://queue.example.com/order-events",
    "WEBHOOK_SECRET_ARN": "webhook",
    "CHAIN_ID": "8c6a1f0e-52b7-4d39-b1e8-0f4f7d2a9c11",
    "ORDER_RETENTION_DAYS": str(RETENTION_DAYS),
    "REJECTED_RETENTION_DAYS": "90",
}
_ANSWERS = {
    200: {"Accepted", "Accepted, but the body is empty"},
    401: {"Unauthorized"},
    413: {f"The body is over the limit of {MAX_BODY_BYTES} bytes"},
}


class Target(Protocol):
    """Takes one input, and raises Violation if a law does not hold for it. It may take ``cpu_seconds``, and
    ``mebibytes`` above what was needed before it."""

    cpu_seconds: float
    mebibytes: int

    def __call__(self, data: bytes) -> None: ...

    def close(self) -> None: ...


class _Function:
    """A function's handler, as Lambda loads it, with what it writes to its log."""

    def __init__(self, name: str, clients: dict[str, Any]) -> None:
        self._log = io.StringIO()
        with redirect_stdout(self._log), patch.dict(os.environ, _SETTINGS):
            app: Any = fresh_handler(name)
        app.clients = SimpleNamespace(client=lambda service, _: clients[service])
        app.now = lambda: NOW
        self.app = app

    def call(self, event: dict[str, Any], **settings: str) -> tuple[Any, dict[str, int]]:
        """Its answer, and what its metrics counted. Raises Violation for any exception, and for a log that tells."""
        self._log.seek(0)
        self._log.truncate()
        environment = patch.dict(os.environ, _SETTINGS | settings)
        with redirect_stdout(self._log), redirect_stderr(self._log), environment:
            try:
                answer = self.app.handler(event, SimpleNamespace(get_remaining_time_in_millis=lambda: 30_000))
            except Exception as error:
                raise Violation(f"{type(error).__name__} from the handler") from error
        return answer, logs_say_nothing(self._log.getvalue())


class WebhookTarget:
    cpu_seconds = 2.0
    mebibytes = 64

    def __init__(self) -> None:
        self._sent: list[str] = []
        queue = SimpleNamespace(send_message=lambda **message: self._sent.append(message["MessageBody"]))
        missing = type("ResourceNotFoundException", (Exception,), {})
        secrets = SimpleNamespace(
            get_secret_value=lambda **_: {"SecretString": inputs.SECRET},
            exceptions=SimpleNamespace(ResourceNotFoundException=missing),
        )
        self._function = _Function("webhook", {"sqs": queue, "secretsmanager": secrets})

    def close(self) -> None:
        pass

    def __call__(self, data: bytes) -> None:
        request = inputs.request(data)
        self._sent.clear()
        answer, counted = self._function.call(request)
        status, message = answer["statusCode"], json.loads(answer["body"])["message"]
        if message not in _ANSWERS.get(status, ()):
            raise Violation(f"an answer that is not in the list: {status}")
        if sum(counted.values()) != 1:
            raise Violation("an answer that was not counted once")
        if (status == 401) == _is_the_platform(request):
            raise Violation(f"{status} to a caller who {'knows' if status == 401 else 'does not know'} the secret")
        body = _expected(request)
        if status == 401:
            expected, said = None, 401
        elif len(body) > MAX_BODY_BYTES:
            expected, said = None, 413
        else:
            expected, said = body if body.strip() else None, 200
        if status != said:
            raise Violation(f"{status} to a body of {len(body)} bytes")
        if ("EmptyBodies" in counted) != (said == 200 and expected is None):
            raise Violation("an empty body that is not counted as one, or another that is")
        if len(self._sent) != (expected is not None):
            raise Violation(f"{status}, and {len(self._sent)} messages on the queue")
        for text in self._sent:
            if OrderEventMessage.from_text(text).body != expected:
                raise Violation("a message with another body")
            if len(text) > QUEUE_BYTES or not text.isascii():
                raise Violation("a message that the queue would refuse")


def _is_the_platform(request: dict[str, Any]) -> bool:
    presented = (request.get("headers") or {}).get("authorization", "").strip()
    return presented in (inputs.SECRET, f"Bearer {inputs.SECRET}")


def _expected(request: dict[str, Any]) -> bytes:
    """The body that belongs on the queue, or one that is over the limit: a second opinion, which inflates without a
    bound."""
    text = request.get("body") or ""
    body = text.encode("utf-8", "surrogatepass")
    if request.get("isBase64Encoded"):
        with suppress(ValueError):
            body = base64.b64decode(body, validate=True)
    encoding = (request.get("headers") or {}).get("content-encoding", "").strip().lower()
    inflate = {"gzip": _GZIP, "x-gzip": _GZIP, "deflate": _DEFLATE}.get(encoding, ())
    for window_bits in inflate if len(body) <= MAX_BODY_BYTES else ():
        inflating = zlib.decompressobj(window_bits)
        with suppress(zlib.error):
            inflated = inflating.decompress(body)
            if len(inflated) > MAX_BODY_BYTES or (inflating.eof and not inflating.unused_data.strip(b"\0")):
                return inflated
    return body


class ParserTarget:
    cpu_seconds = 2.0
    mebibytes = 40  # ten bodies fit the 512 MB of the function

    def close(self) -> None:
        pass

    def __call__(self, data: bytes) -> None:
        body = inputs.stretched(data)
        try:
            event = _understood(body)
        except Violation:
            raise
        except Exception as error:
            raise Violation(f"{type(error).__name__} from parse_event()") from error
        if unpack(pack(body)) != body:
            raise Violation("a body that changes when it is kept")
        if not isinstance(event, OrderEvent):
            if isinstance(event, RejectedError) and event.reason != "malformed_json" and _names_an_order(body):
                raise Violation("an order is rejected for an optional part")
            return
        if not (event.order_id and event.status and event.digest.startswith("1.") and len(event.digest) == 34):
            raise Violation("an event without identity")
        if not {*event.problems} <= _PATHS:
            raise Violation("a problem that names no field of ours")
        again = parse_event(write(parse(body)).encode("ascii"))
        if (again.digest, again.snapshot_key) != (event.digest, event.snapshot_key):
            raise Violation("another event when its JSON is written in another way")


def _names_an_order(body: bytes) -> bool:
    """Whether a body that is JSON has an id and a status that nobody can doubt."""
    order = json.loads(body.decode("utf-8-sig"))
    names = [order.get(name) for name in ("order_id", "status")] if isinstance(order, dict) else []
    return len(names) == 2 and all(
        isinstance(name, str) and re.fullmatch(r"[A-Za-z0-9_-]{1,60}", name) for name in names
    )


def _understood(body: bytes) -> OrderEvent | RejectedError | CatalogueCallbackError:
    try:
        return parse_event(body)
    except RejectedError as refusal:
        problems_quote_nothing(refusal.problems, _NAMES)
        return refusal
    except CatalogueCallbackError as callback:
        return callback


class ConsumerTarget:
    # Ten messages, twice, with moto's own time and copies.
    cpu_seconds = 20.0
    mebibytes = 256

    def __init__(self) -> None:
        self._dynamodb = DynamoDB()
        queue = SimpleNamespace(change_message_visibility_batch=lambda **_: None)
        self._function = _Function("consumer", {"dynamodb": self._dynamodb.client, "sqs": queue})
        self._threads = ThreadPoolExecutor(2)
        self._function.app.ThreadPoolExecutor = lambda **_: self._threads

    def close(self) -> None:
        self._threads.shutdown()
        self._dynamodb.close()

    def __call__(self, data: bytes) -> None:
        texts = inputs.batch(data)
        if not texts:
            return
        table = self._dynamodb.new_table()
        try:
            first = self._deliver(table, texts)
            self._look(table, texts)
            if (again := self._deliver(table, texts)).get("Stored"):
                raise Violation(f"stored again when it came again: {again}")
            if first.get("Rejected", 0) != again.get("Rejected", 0):
                raise Violation(f"not rejected again: {first}, then {again}")
            self._look(table, texts)
        finally:
            self._dynamodb.drop_table(table)

    def _deliver(self, table: str, texts: Sequence[str]) -> dict[str, int]:
        self._function.app.intake.cache_clear()
        records = [
            {
                "messageId": f"m{number}",
                "receiptHandle": f"r{number}",
                "body": text,
                "attributes": {"ApproximateReceiveCount": "1"},
            }
            for number, text in enumerate(texts)
        ]
        answer, counted = self._function.call({"Records": records}, ORDERS_TABLE_NAME=table)
        if answer != {"batchItemFailures": []}:
            raise Violation("a message that comes again and again")
        done = sum(counted.get(name, 0) for name in ("Stored", "Duplicate", "Rejected", "CatalogueCallback"))
        if done != len(texts):
            raise Violation(f"{len(texts)} messages, and {counted}")
        return counted

    def _look(self, table: str, texts: Sequence[str]) -> None:
        """See that each message is in the table as what it is."""
        orders = OrdersTable(self._dynamodb.client, table, timedelta(days=RETENTION_DAYS))
        rejected = RejectedTable(self._dynamodb.client, table, timedelta(days=90), lambda: NOW)
        greatest: dict[str, OrderEvent] = {}
        reasons: dict[bytes, set[str]] = {}
        for text in texts:
            try:
                body = OrderEventMessage.from_text(text).body
                event = _understood(body)
            except UnreadableMessageError:
                body, event = text.encode("utf-8", "surrogatepass"), RejectedError("unreadable_message", [])
            if isinstance(event, RejectedError):
                reasons.setdefault(body, set()).add(event.reason)
            elif isinstance(event, OrderEvent):
                stored = orders.get(event.order_id)
                if stored is None or event.digest not in stored.digests:
                    raise Violation("acknowledged, but not in its order's history")
                if event.supersedes(greatest[event.order_id].snapshot_key if event.order_id in greatest else None):
                    greatest[event.order_id] = event
        for body, given in reasons.items():
            kept = rejected.get(digest_of(body))
            if kept is None or kept.body != body or kept.reason not in given:
                raise Violation(f"rejected, but not kept as {sorted(given)}")
        for order_id, event in greatest.items():
            stored = orders.get(order_id)
            if stored is None or stored.snapshot_key != event.snapshot_key:
                raise Violation("an order that does not show its greatest event")


def _field_names(model: type[BaseModel]) -> set[str]:
    return {field.alias or name for name, field in model.model_fields.items()} | {model.__name__}


def _paths(fields: Mapping[str, Field]) -> Iterator[str]:
    """The path of each field that we know, and of those below it."""
    for described in fields.values():
        yield described.path
        below = described.element or described
        yield from _paths(below.fields or described.fields or {})


# Beside the fields, how pydantic names the alternatives of a union.
_ALTERNATIVES = frozenset({"str", "dict[str,any]", "list[any]"})
FIELDS = frozenset[str]().union(
    *(_field_names(model) for model in vars(order).values() if isinstance(model, type) and issubclass(model, BaseModel))
)
_PATHS = frozenset(_paths(known_fields()))
_NAMES = FIELDS | _ALTERNATIVES

TARGETS: dict[str, Callable[[], Target]] = {
    "webhook": WebhookTarget,
    "parser": ParserTarget,
    "page": PageTarget,
    "consumer": ConsumerTarget,
}
