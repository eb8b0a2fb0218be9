"""What the webhook's log says of refused requests: why and from where, little of a flood, and nothing of the caller."""

import json
import os
from collections.abc import Callable
from itertools import count
from types import SimpleNamespace
from typing import Any

import boto3
import pytest

from partner_orders.webhook.refusals import LINES_A_MINUTE, Reason, Refusals, network_of
from tests.support.emitted_metrics import sums
from tests.support.orders import as_bytes, order
from tools.fresh_handler import fresh_handler

type Call = Callable[[dict[str, Any]], dict[str, Any]]

SECRET = "the-webhook-secret-of-this-test"
GUESS = "a-guess-of-a-stranger"
NUMBERS = count()
ADDRESS = "203.0.113.77"
FORWARDED = dict.fromkeys(("x-forwarded-for", "forwarded", "x-real-ip", "true-client-ip"), "192.0.2.9")


@pytest.fixture
def call(aws: None, queue_url: str, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Call:
    """Call the webhook's handler, which has a queue and a secret."""
    secret = boto3.client("secretsmanager").create_secret(Name="webhook", SecretString=SECRET)
    monkeypatch.setitem(os.environ, "WEBHOOK_SECRET_ARN", secret["ARN"])
    monkeypatch.setitem(os.environ, "ORDER_EVENTS_QUEUE_URL", queue_url)
    # A name of its own: a logger of an earlier test would write to what was the standard output then.
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", f"webhook-{next(NUMBERS)}")

    def handle(made: dict[str, Any]) -> dict[str, Any]:
        answer: dict[str, Any] = fresh_handler("webhook").handler(made, SimpleNamespace(aws_request_id="a"))
        return answer

    return handle


def a_request(authorization: str | None, body: str, address: str | None = ADDRESS) -> dict[str, Any]:
    """A request as the HTTP API hands it over. Anybody may name an address in ``x-forwarded-for``."""
    headers = {"content-length": str(len(body)), "user-agent": "a-stranger/1.0", **FORWARDED}
    if authorization is not None:
        headers["authorization"] = authorization
    http = {} if address is None else {"http": {"sourceIp": address, "userAgent": "a-stranger/1.0"}}
    return {"headers": headers, "requestContext": {"requestId": "r-1", **http}, "body": body}


def logged(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    """The lines of the log that are not metrics."""
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    return [line for line in lines if "_aws" not in line]


@pytest.mark.privacy
@pytest.mark.parametrize(
    ("authorization", "body", "reason", "has_body"),
    [
        (None, "whole", "no_authorization", True),
        ("  ", "", "no_authorization", False),
        (GUESS, "whole", "wrong_secret", True),
        (GUESS, "", "wrong_secret", False),
        (SECRET, "large", "too_large", True),
    ],
)
def test_refused_request_is_a_line(
    call: Call, capsys: pytest.CaptureFixture[str], authorization: str | None, body: str, reason: str, has_body: bool
) -> None:
    """A refused request is a line with its reason, network and id; nothing that the caller sent is in it."""
    text = {"whole": as_bytes(order()).decode(), "large": "x" * 300_000}.get(body, body)
    call(a_request(authorization, text))
    [line] = logged(capsys)
    assert {name: line[name] for name in ("level", "message", "reason", "has_body", "network", "unlisted")} == {
        "level": "WARNING",
        "message": "refused",
        "reason": reason,
        "has_body": has_body,
        "network": "203.0.113.0/24",
        "unlisted": 0,
    }
    assert line["correlation_id"] == "r-1"
    assert not [text for text in (GUESS, SECRET, ADDRESS, "192.0.2", "a-stranger", "Amna") if text in json.dumps(line)]


def test_accepted_requests_are_no_lines(call: Call, capsys: pytest.CaptureFixture[str]) -> None:
    """An accepted request and an empty one write nothing but metrics."""
    for body in (as_bytes(order()).decode(), ""):
        assert call(a_request(SECRET, body))["statusCode"] == 200
    assert logged(capsys) == []


def test_unreadable_secret_is_an_error(call: Call, capsys: pytest.CaptureFixture[str]) -> None:
    """While the secret cannot be read, a refused request is a line at level ERROR."""
    boto3.client("secretsmanager").delete_secret(SecretId="webhook", ForceDeleteWithoutRecovery=True)
    assert call(a_request(SECRET, "{}"))["statusCode"] == 503
    [line] = logged(capsys)
    assert (line["level"], line["reason"]) == ("ERROR", "secret_unreadable")


@pytest.mark.parametrize(("reason", "other"), [*zip(Reason, [*Reason][1:] + [*Reason][:1], strict=True)])
def test_flood_is_few_lines(reason: Reason, other: Reason) -> None:
    """Each minute a reason has ten lines, from however many networks; the first line after them says how many had
    none."""
    seconds = [0.0]
    refusals = Refusals(lambda: seconds[0])

    def flood(reason: Reason, requests: int) -> list[object]:
        addresses = (f"203.0.{number % 256}.77" for number in range(requests))
        lines = [refusals.line(reason, a_request(GUESS, "{}", address)) for address in addresses]
        return [line["unlisted"] for line in lines if line]

    assert flood(reason, 500) == [0] * LINES_A_MINUTE
    assert flood(other, 1) == [0]
    seconds[0] = 59.9
    assert flood(reason, 1) == []
    seconds[0] = 60.0
    assert flood(reason, 12) == [491, *[0] * (LINES_A_MINUTE - 1)]


@pytest.mark.privacy
@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.77", "203.0.113.0/24"),
        ("2001:db8:4711:8::77", "2001:db8:4711::/48"),
        ("::1", "::/48"),
        ("::ffff:203.0.113.77", "::/48"),
        ("", ""),
        ("203.0.113", ""),
        ("a name\x00", ""),
        ("\ud800", ""),
        ("fe80::1%eth0", ""),
    ],
)
def test_network_of_an_address(address: str, network: str) -> None:
    """Of an address only the /24 or the /48 is kept, and nothing of what is not an address."""
    assert network_of(address) == network


def test_each_request_is_counted(call: Call, capsys: pytest.CaptureFixture[str]) -> None:
    """A request counts once under each of its names."""
    call(a_request(SECRET, as_bytes(order()).decode()))
    assert sums(capsys.readouterr().out) == {"Enqueued": 1}
    call(a_request(None, ""))
    assert sums(capsys.readouterr().out) == {"RefusedUnauthorized": 1, "RefusedWithoutBody": 1}
    call(a_request(SECRET, ""))
    assert sums(capsys.readouterr().out) == {"EmptyBodies": 1}


def test_fault_of_ours_is_an_error(
    call: Call, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, queue_url: str
) -> None:
    """A queue that fails is an error in the log, with its kind and the request's id; a body that is empty is none."""
    assert call(a_request(SECRET, ""))["statusCode"] == 200
    assert logged(capsys) == []
    monkeypatch.setitem(os.environ, "ORDER_EVENTS_QUEUE_URL", f"{queue_url}-gone")
    assert call(a_request(SECRET, as_bytes(order()).decode()))["statusCode"] == 503
    [line] = logged(capsys)
    assert {name: line[name] for name in ("level", "message", "correlation_id")} == {
        "level": "ERROR",
        "message": "unavailable",
        "correlation_id": "r-1",
    }
    assert "QueueDoesNotExist" in line["fault"]
    assert order()["customer"]["first_name"] not in str(line)


def test_calls_are_short() -> None:
    """The queue is tried twice and the secret once, so that the platform has its response in time."""
    app = fresh_handler("webhook")
    queue, secrets = app.SQS_CALLS, app.SECRETS_MANAGER_CALLS
    assert (queue.connect_timeout, queue.read_timeout, queue.user_agent) == (0.5, 1.5, "partner-orders")
    assert queue.retries == {"total_max_attempts": 2, "mode": "standard"}
    assert (secrets.connect_timeout, secrets.read_timeout, secrets.retries) == (0.5, 1, {"total_max_attempts": 1})
    assert queue.parameter_validation is False
