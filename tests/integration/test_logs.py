"""At log level DEBUG Lambda opens the root logger to every library; ours keep theirs shut. And what went wrong is
logged so that it can be traced."""

import io
import json
import logging
import re
import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from aws_lambda_powertools import Metrics

from partner_orders.logs import LIBRARIES, function_logger
from partner_orders.order_events.message import WEBHOOK, OrderEventMessage
from partner_orders.publisher.publish import Published
from tests.support.fixed_clock import NOW
from tests.support.orders import as_bytes, order
from tests.support.orders_table import dynamodb_with_table
from tests.support.template import TEMPLATE
from tools.fresh_handler import fresh_handler, fresh_module

pytestmark = pytest.mark.privacy

SECRET = "the-webhook-secret-of-this-test"
HANDLERS = sorted(
    re.findall(r"^from (\S+) import handler", path.read_text(encoding="utf-8"), re.MULTILINE)[0]
    for path in (TEMPLATE.parent / "functions").glob("*/app.py")
)


@pytest.fixture
def heard() -> Iterator[io.StringIO]:
    text, root = io.StringIO(), logging.getLogger()
    handler, level = logging.StreamHandler(text), root.level
    handler.setFormatter(logging.Formatter("%(name)s %(message)s"))
    levels = {name: logging.getLogger(name).level for name in LIBRARIES}
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield text
    root.removeHandler(handler)
    root.setLevel(level)
    for name, its in levels.items():
        logging.getLogger(name).setLevel(its)


@pytest.fixture
def call_the_webhook(aws: None, sqs: Any, queue_url: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    secret = boto3.client("secretsmanager").create_secret(Name="webhook", SecretString=SECRET)
    monkeypatch.setenv("WEBHOOK_SECRET_ARN", secret["ARN"])
    monkeypatch.setenv("ORDER_EVENTS_QUEUE_URL", queue_url)
    app = fresh_handler("webhook")
    request = {"requestContext": {"requestId": "r1"}, "body": as_bytes(order()).decode()}

    def call(presented: str = SECRET) -> Any:
        return app.handler(request | {"headers": {"authorization": presented}}, SimpleNamespace(aws_request_id="a"))

    return call


def test_no_library_logs_the_secret_at_debug(call_the_webhook: Any, heard: io.StringIO) -> None:
    """At log level DEBUG no library logs the secret."""
    assert call_the_webhook()["statusCode"] == 200
    assert SECRET not in heard.getvalue()


@pytest.mark.parametrize("presented", [SECRET, SECRET.upper()])
def test_webhook_prints_nothing_of_a_request(
    call_the_webhook: Any, capsys: pytest.CaptureFixture[str], presented: str
) -> None:
    """The lines of the webhook, its metrics among them, have nothing of the header nor of the body."""
    assert call_the_webhook(presented)["statusCode"] == (200 if presented == SECRET else 401)
    written = capsys.readouterr()
    assert '"_aws"' in written.out
    for word in (SECRET, SECRET.upper(), "Amna", "+92300123441", order()["order_id"]):
        assert word not in written.out + written.err


def test_unmuted_libraries_log_the_secret(call_the_webhook: Any, heard: io.StringIO) -> None:
    """Without our levels the libraries would log the secret."""
    for name in LIBRARIES:
        logging.getLogger(name).setLevel(logging.NOTSET)
    assert call_the_webhook()["statusCode"] == 200
    assert SECRET in heard.getvalue()


@pytest.mark.parametrize(
    "name", ["urllib3.connection", "urllib3.connectionpool", "requests.sessions", "botocore.hooks"]
)
def test_no_library_logs_what_a_server_sent(heard: io.StringIO, name: str) -> None:
    """A library's warning or error about a malformed response, which quotes headers and the body, is not logged."""
    function_logger()
    for level in (logging.WARNING, logging.ERROR, logging.CRITICAL):
        logging.getLogger(name).log(level, "Failed to parse headers: Set-Cookie: %s, Amna +92300123441", SECRET)
    assert heard.getvalue() == ""


@pytest.mark.parametrize("name", HANDLERS)
def test_each_function_mutes_the_libraries(heard: io.StringIO, name: str) -> None:
    """Every function has the logger that keeps the libraries silent."""
    for library in LIBRARIES:
        logging.getLogger(library).setLevel(logging.NOTSET)
    fresh_module(name)
    assert {logging.getLogger(library).level for library in LIBRARIES} == {logging.CRITICAL + 1}


@pytest.mark.parametrize("name", HANDLERS)
def test_no_function_logs_its_event(
    capsys: pytest.CaptureFixture[str], heard: io.StringIO, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """No function logs what it is called with, at any level, before it has read it."""
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", f"{name}-that-speaks")
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "PartnerOrders")
    monkeypatch.setenv("POWERTOOLS_LOG_LEVEL", "DEBUG")
    context = SimpleNamespace(
        function_name=name,
        memory_limit_in_mb=512,
        invoked_function_arn="arn:aws:lambda:eu-central-1:111122223333:function:f",
        aws_request_id="a",
        get_remaining_time_in_millis=lambda: 30_000,
    )
    app = fresh_module(name)
    with suppress(Exception):  # Nothing is set up that it would work on.
        app.handler({"Records": [], "body": "Amna"}, context)
    written = capsys.readouterr()
    assert "Amna" not in written.out + written.err + heard.getvalue()


def test_function_logger_keeps_its_level(monkeypatch: pytest.MonkeyPatch) -> None:
    """A function's own logger keeps the configured level."""
    monkeypatch.setenv("POWERTOOLS_LOG_LEVEL", "DEBUG")
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "a-function-that-speaks")
    assert function_logger().log_level == logging.DEBUG


@pytest.mark.parametrize("level", ["DEBUG", "INFO", "WARN", "ERROR"])
def test_level_holds_beside_lambdas_own(monkeypatch: pytest.MonkeyPatch, level: str) -> None:
    """The template's log level holds although Lambda's own level, which metrics need, is another."""
    monkeypatch.setenv("POWERTOOLS_LOG_LEVEL", level)
    monkeypatch.setenv("AWS_LAMBDA_LOG_LEVEL", "DEBUG" if level == "DEBUG" else "INFO")
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", f"a-function-at-{level}")
    text = io.StringIO()
    logger = function_logger()
    logging.getLogger(f"a-function-at-{level}").handlers[0].setStream(text)  # type: ignore[attr-defined]
    for method in (logger.debug, logger.info, logger.warning, logger.error):
        method("said")
    written = [json.loads(line)["level"] for line in text.getvalue().splitlines()]
    assert written == ["DEBUG", "INFO", "WARNING", "ERROR"][["DEBUG", "INFO", "WARN", "ERROR"].index(level) :]


def test_idle_invocation_causes_no_warning() -> None:
    """An invocation that counts nothing causes no warning from a library."""
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        function_logger()
        Metrics(namespace="PartnerOrders", service="idle").log_metrics(lambda _, __: None)({}, None)
    assert heard == []


# -- what fails or is rejected can be traced --------------------------------------------------------------------------


class Heard:
    """A function's logger that remembers, as JSON."""

    def __init__(self) -> None:
        self.lines: list[dict[str, Any]] = []

    def __call__(self, message: str, **fields: Any) -> None:
        self.lines.append(json.loads(json.dumps({"message": message, **fields})))


@pytest.fixture
def dynamodb(aws: None) -> Any:
    """moto's, since the handlers make their own clients."""
    return dynamodb_with_table()


@pytest.fixture
def consumer(dynamodb: Any, queue_url: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Calls the consumer with texts, and answers the lines that it logged."""
    settings = {"ORDERS_TABLE_NAME": "orders", "ORDER_EVENTS_QUEUE_URL": queue_url, "CHAIN_ID": "c"}
    for name, value in (settings | {"ORDER_RETENTION_DAYS": "400", "REJECTED_RETENTION_DAYS": "90"}).items():
        monkeypatch.setenv(name, value)
    app: Any = fresh_handler("consumer")

    def call(*texts: str) -> list[dict[str, Any]]:
        heard = Heard()
        app.logger = SimpleNamespace(warning=heard, error=heard)
        records = [
            {"messageId": f"m{n}", "receiptHandle": "h", "body": text, "attributes": {"ApproximateReceiveCount": "1"}}
            for n, text in enumerate(texts)
        ]
        app.handler({"Records": records}, SimpleNamespace(get_remaining_time_in_millis=lambda: 30_000))
        return heard.lines

    return call


def message(correlation_id: str, body: bytes) -> str:
    return OrderEventMessage(WEBHOOK, NOW, correlation_id, body).to_text()


def test_rejections_log_correlation_ids(consumer: Any) -> None:
    """Rejected messages are logged by correlation id, or by SQS message id if they have none."""
    newer = message("c2", b"{}").replace('"schema_version":2', '"schema_version":3')
    foreign = '{"correlation_id": "Amna R.", "customer": "Amna"}'
    [line] = consumer(message("c0", b'{"status": 1}'), message("c1", as_bytes(order())), newer, foreign, "Amna")
    assert line == {
        "message": "rejected",
        "reasons": {"not_an_order": ["c0"], "unreadable_message": ["c2", "m3", "m4"]},
    }


def test_metrics_hold_no_message(consumer: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """The line of the consumer's metrics has the counts of a batch, and nothing of its messages."""
    texts = [message("c0", as_bytes(order())), message("c1", b'{"customer": "Amna"}')]
    consumer(*texts)
    written = capsys.readouterr().out
    assert '"Stored"' in written
    assert all(hidden not in written for hidden in ("Amna", *(json.loads(text)["body"] for text in texts)))


def test_failures_log_correlation_ids(consumer: Any, dynamodb: Any) -> None:
    """Messages to be redelivered are logged by correlation id under their fault."""
    dynamodb.delete_table(TableName="orders")
    [line] = consumer(message("c0", as_bytes(order())), message("c1", b"{}"), "Amna")
    assert line == {
        "message": "failed, to come again",
        "faults": {"ResourceNotFoundException": ["c0", "c1", "m2"]},
    }


def test_unpublished_log_correlation_ids() -> None:
    """Changes that are not published are logged with their correlation ids."""
    app: Any = fresh_handler("publisher")
    heard = Heard()
    app.logger = SimpleNamespace(error=heard)
    published = Published(Counter(Held=1), ["1"], Counter(ThrottlingException=1), ["c0"])
    app.publisher = lambda: SimpleNamespace(process=lambda *_: published)
    app.handler({"Records": []}, SimpleNamespace(get_remaining_time_in_millis=lambda: 30_000))
    assert heard.lines == [
        {"message": "not published", "faults": {"ThrottlingException": 1}, "correlation_ids": ["c0"]}
    ]
