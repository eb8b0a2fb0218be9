"""A flood of strangers, through the real handler: it changes nothing, and is counted."""

import json
import os
from types import SimpleNamespace
from typing import Any

import boto3
import pytest

from tests.integration.conftest import Calls
from tests.orders import as_bytes, order
from tests.unit.template.test_template_laws import function_module

SECRET = "the-webhook-secret-of-this-test"
FLOOD = 100_000


@pytest.mark.parametrize("requests", [1_000, pytest.param(FLOOD, marks=pytest.mark.slow)])
def test_a_strangers_flood_changes_nothing_reads_the_secret_hardly_ever_and_is_counted(
    aws: None,
    sqs: Any,
    queue_url: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    requests: int,
) -> None:
    secret = boto3.client("secretsmanager").create_secret(Name="webhook", SecretString=SECRET)
    monkeypatch.setitem(os.environ, "WEBHOOK_SECRET_ARN", secret["ARN"])
    monkeypatch.setitem(os.environ, "ORDER_EVENTS_QUEUE_URL", queue_url)
    app = function_module("webhook")
    made: list[Calls] = []
    plain: Any = app.aws.client

    def client(service: str, config: Any) -> Any:
        found = plain(service, config)
        made.append(Calls(found))
        return found

    monkeypatch.setattr(app, "aws", SimpleNamespace(client=client))
    body, context = as_bytes(order()).decode(), SimpleNamespace(aws_request_id="a")
    refused = 0
    for number in range(requests):
        stranger = {"headers": {"authorization": f"guess {number}"}, "requestContext": {"requestId": "r"}, "body": body}
        answer = app.handler(stranger, context)
        assert answer["statusCode"] == 401
        if number % 1_000 == 999:
            lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
            refused += sum(int(sum(line["RefusedUnauthorized"])) for line in lines)
    assert refused == requests
    assert "Messages" not in sqs.receive_message(QueueUrl=queue_url)
    # Current and previous, once when cold and then at most once a minute.
    assert 1 <= len([call for calls in made for call in calls.made]) <= 12
    ours = {"headers": {"authorization": SECRET}, "requestContext": {"requestId": "r"}, "body": body}
    assert app.handler(ours, context)["statusCode"] == 200
