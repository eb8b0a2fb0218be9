"""At log level DEBUG Lambda opens the root logger to every library; ours keep theirs shut."""

import io
import logging
import warnings
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from aws_lambda_powertools import Metrics

from partner_orders.logs import LIBRARIES, function_logger
from tests.orders import as_bytes, order
from tests.unit.template.test_template_laws import function_module

SECRET = "the-webhook-secret-of-this-test"


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
    app = function_module("webhook")
    request = {
        "headers": {"authorization": SECRET},
        "requestContext": {"requestId": "r1"},
        "body": as_bytes(order()).decode(),
    }
    return lambda: app.handler(request, SimpleNamespace(aws_request_id="a"))


def test_no_library_logs_the_secret_at_debug(call_the_webhook: Any, heard: io.StringIO) -> None:
    assert call_the_webhook()["statusCode"] == 200
    assert SECRET not in heard.getvalue()


def test_they_would_if_they_were_let(call_the_webhook: Any, heard: io.StringIO) -> None:
    for name in LIBRARIES:
        logging.getLogger(name).setLevel(logging.NOTSET)
    assert call_the_webhook()["statusCode"] == 200
    assert SECRET in heard.getvalue()


def test_a_functions_own_logger_keeps_its_level(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POWERTOOLS_LOG_LEVEL", "DEBUG")
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "a-function-that-speaks")
    assert function_logger().log_level == logging.DEBUG


def test_an_invocation_that_counts_nothing_brings_no_warning_of_a_library() -> None:
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        function_logger()
        Metrics(namespace="PartnerOrders", service="idle").log_metrics(lambda _, __: None)({}, None)
    assert heard == []
