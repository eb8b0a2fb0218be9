"""A flood of strangers, through the real handler: it changes nothing, and is counted."""

import json
import os
from types import SimpleNamespace
from typing import Any

import boto3
import pytest

from partner_orders.platform.webhook_secret import REFRESH_EVERY_SECONDS, WebhookSecret
from tests.support.orders import as_bytes, order
from tests.support.orders_table import Calls
from tools.fresh_handler import fresh_handler

pytestmark = pytest.mark.limits

SECRET = "the-webhook-secret-of-this-test"
FLOOD = 100_000


@pytest.mark.parametrize("requests", [1_000, pytest.param(FLOOD, marks=pytest.mark.slow)])
def test_flood_of_strangers_changes_nothing(
    aws: None,
    sqs: Any,
    queue_url: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    requests: int,
) -> None:
    """A flood of requests without the secret enqueues nothing, is counted, and hardly ever reads the secret."""
    secret = boto3.client("secretsmanager").create_secret(Name="webhook", SecretString=SECRET)
    monkeypatch.setitem(os.environ, "WEBHOOK_SECRET_ARN", secret["ARN"])
    monkeypatch.setitem(os.environ, "ORDER_EVENTS_QUEUE_URL", queue_url)
    # A name of its own: a logger of an earlier test would write to what was the standard output then.
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", f"strangers-{requests}")
    app = fresh_handler("webhook")
    made: list[Calls] = []
    plain: Any = app.clients.client

    def client(service: str, config: Any) -> Any:
        found = plain(service, config)
        made.append(Calls(found))
        return found

    monkeypatch.setattr(app, "clients", SimpleNamespace(client=client))
    body, context = as_bytes(order()).decode(), SimpleNamespace(aws_request_id="a")
    refused = listed = 0
    for number in range(requests):
        stranger = {"headers": {"authorization": f"guess {number}"}, "requestContext": {"requestId": "r"}, "body": body}
        answer = app.handler(stranger, context)
        assert answer["statusCode"] == 401
        if number % 1_000 == 999:
            lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
            refused += sum(int(sum(line.get("RefusedUnauthorized", [0]))) for line in lines)
            listed += sum(line.get("message") == "refused" for line in lines)
    assert refused == requests
    # A flood costs a few lines a minute.
    assert 1 <= listed <= 100
    assert "Messages" not in sqs.receive_message(QueueUrl=queue_url)
    # Current and previous, once when cold and then at most once a minute.
    assert 1 <= len([call for calls in made for call in calls.made]) <= 12
    ours = {"headers": {"authorization": SECRET}, "requestContext": {"requestId": "r"}, "body": body}
    assert app.handler(ours, context)["statusCode"] == 200


@pytest.mark.parametrize("was_read_once", [False, True])
def test_flood_while_secret_is_unreadable(
    aws: None,
    sqs: Any,
    queue_url: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    was_read_once: bool,
) -> None:
    """While the secret cannot be read, a flood gets 503, counts as our fault, and enqueues nothing."""
    secrets_manager = boto3.client("secretsmanager")
    secret = secrets_manager.create_secret(Name="webhook", SecretString=SECRET)
    monkeypatch.setitem(os.environ, "WEBHOOK_SECRET_ARN", secret["ARN"])
    monkeypatch.setitem(os.environ, "ORDER_EVENTS_QUEUE_URL", queue_url)
    app: Any = fresh_handler("webhook")
    seconds = [0.0]
    monkeypatch.setattr(
        app, "WebhookSecret", lambda client, arn: WebhookSecret(client, arn, seconds=lambda: seconds[0])
    )
    body, context = as_bytes(order()).decode(), SimpleNamespace(aws_request_id="a")
    ours = {"headers": {"authorization": SECRET}, "requestContext": {"requestId": "r"}, "body": body}
    if was_read_once:
        assert app.handler(ours, context)["statusCode"] == 200
        sqs.purge_queue(QueueUrl=queue_url)
    secrets_manager.delete_secret(SecretId="webhook", ForceDeleteWithoutRecovery=True)
    seconds[0] += REFRESH_EVERY_SECONDS
    capsys.readouterr()
    for number in range(1_000):
        stranger = {"headers": {"authorization": f"guess {number}"}, "requestContext": {"requestId": "r"}, "body": body}
        assert app.handler(stranger, context)["statusCode"] == 503
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert sum(int(sum(line.get("Unavailable", [0]))) for line in lines) == 1_000
    assert not any("RefusedUnauthorized" in line for line in lines)
    assert "Messages" not in sqs.receive_message(QueueUrl=queue_url)
    assert app.handler(ours, context)["statusCode"] == (200 if was_read_once else 503)
