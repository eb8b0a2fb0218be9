"""A trace goes on from the webhook to the consumer: the queue gets the header that Lambda gives the webhook."""

import os
from types import SimpleNamespace
from typing import Any

import boto3
import pytest

from tests.support.orders import as_bytes, order
from tools.fresh_handler import fresh_handler

TRACE = "Root=1-5f84c7a1-0123456789abcdef01234567;Parent=53995c3f42cd8ad8;Sampled=1"


@pytest.mark.parametrize("trace", [TRACE, ""])
def test_queue_gets_the_trace(aws: None, queue_url: str, monkeypatch: pytest.MonkeyPatch, trace: str) -> None:
    """The request that enqueues an event has Lambda's trace header, from which SQS links the consumer's trace; without
    a trace it has none. The SDK does it: no part of ours traces."""
    secret = boto3.client("secretsmanager").create_secret(Name="webhook", SecretString="the-secret")
    monkeypatch.setitem(os.environ, "WEBHOOK_SECRET_ARN", secret["ARN"])
    monkeypatch.setitem(os.environ, "ORDER_EVENTS_QUEUE_URL", queue_url)
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "the-webhook")
    monkeypatch.setenv("_X_AMZN_TRACE_ID", trace)
    app: Any = fresh_handler("webhook")
    plain, sent = app.clients.client, []

    def client(service: str, config: Any) -> Any:
        made = plain(service, config)
        made.meta.events.register("before-send.sqs", lambda request, **_: sent.append(dict(request.headers)))
        return made

    monkeypatch.setattr(app, "clients", SimpleNamespace(client=client))
    body = as_bytes(order()).decode()
    request = {"headers": {"authorization": "the-secret"}, "requestContext": {"requestId": "r"}, "body": body}
    assert app.handler(request, SimpleNamespace(aws_request_id="a"))["statusCode"] == 200
    [headers] = sent
    found = headers.get("X-Amzn-Trace-Id")
    assert (found.decode() if isinstance(found, bytes) else found) == (trace or None)
