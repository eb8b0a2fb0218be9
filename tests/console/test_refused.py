"""``refused``: requests that the webhook refused, from its log; also in ``watch`` and on the desk."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from partner_orders.clock import now
from partner_orders.webhook.refusals import Reason
from partner_orders_console.operations import refused_requests
from partner_orders_console.operations.logs import CATALOGUE_FUNCTIONS, FUNCTIONS
from partner_orders_console.operations.refused_requests import NewRefusals, line_of_refusal
from partner_orders_console.operations.stack import DeployedStack
from tests.support.aws_calls import answer_calls
from tests.support.console import Ran, on_moto

type Run = Callable[..., Ran]
type Write = Callable[..., None]

GROUP = "/aws/lambda/webhook"
LINE = {
    "level": "WARNING",
    "message": "refused",
    "reason": "wrong_secret",
    "has_body": True,
    "network": "203.0.113.0/24",
    "unlisted": 0,
    "correlation_id": "r-1",
}
METRIC = {"_aws": {"Timestamp": 1}, "RefusedUnauthorized": [1.0]}


@pytest.fixture
def write(stack: DeployedStack) -> Write:
    """Write lines to the webhook's log, some minutes ago."""
    stack.__dict__["resources"] = {"WebhookLogGroup": GROUP}
    client = stack.client("logs")
    client.create_log_group(logGroupName=GROUP)
    client.create_log_stream(logGroupName=GROUP, logStreamName="one")

    def put(*lines: Any, minutes: float = 5) -> None:
        at = int((now().timestamp() - minutes * 60) * 1000)
        events = [{"timestamp": at + number, "message": json.dumps(line)} for number, line in enumerate(lines)]
        client.put_log_events(logGroupName=GROUP, logStreamName="one", logEvents=events)

    return put


def test_refused_requests_are_listed(run: Run, write: Write) -> None:
    """Each refused request is listed with its reason, network and id, the newest first; other lines are not."""
    write(LINE, METRIC, {"level": "ERROR", "message": "unavailable", "fault": "ClientError"})
    without_body = LINE | {"reason": "no_authorization", "has_body": False, "network": "2001:db8::/48", "unlisted": 41}
    write(without_body, minutes=4)
    ran = run("refused", "--json")
    assert [(one["reason"], one["has_body"], one["network"]) for one in ran.json["refused"]] == [
        ("no_authorization", False, "2001:db8::/48"),
        ("wrong_secret", True, "203.0.113.0/24"),
    ]
    assert (ran.json["total"], ran.json["unlisted"]) == (2, 41)
    assert ran.json["networks"] == {"203.0.113.0/24": 1, "2001:db8::/48": 1}
    assert (ran.json["refused"][0]["request_id"], ran.json["refused"][0]["webhook"]) == ("r-1", "webhook")


def test_every_reason_is_listed(run: Run, write: Write) -> None:
    """Requests of every reason are listed, a fault of ours too, which is logged as an error."""
    write(*(LINE | {"reason": reason, "level": level} for reason in Reason for level in ("WARNING", "ERROR")))
    listed = run("refused", "--json").json["refused"]
    assert sorted(one["reason"] for one in listed) == sorted([*Reason, *Reason])


def test_both_webhooks_are_asked(stack: DeployedStack, monkeypatch: pytest.MonkeyPatch) -> None:
    """The logs of both webhooks are read, where there is a catalogue beside the stack."""
    monkeypatch.setattr(refused_requests, "functions_of", lambda _: (*FUNCTIONS, *CATALOGUE_FUNCTIONS))
    asked: list[tuple[str, ...]] = []

    def log_lines(_: DeployedStack, functions: tuple[str, ...], *_rest: Any) -> list[Any]:
        asked.append(functions)
        return []

    monkeypatch.setattr(refused_requests, "log_lines", log_lines)
    refused_requests.refused_requests(stack, now(), 10)
    assert asked == [("webhook", "catalogue-webhook")]


def test_people_read_the_reason(run: Run, write: Write) -> None:
    """For people a reason is in words with its status, and a flood is said to be counted only."""
    write(LINE | {"unlisted": 4_100}, LINE | {"reason": "secret_unreadable"}, LINE | {"has_body": False})
    ran = run("refused", "--limit", "2")
    assert "a wrong secret (401), no body" in ran.out
    assert "our secret could not be read (503)" in ran.out
    assert ran.out.count("203.0.113.0/24") == 2
    assert "3 refused requests since" in ran.err
    assert "the newest 2 shown" in ran.err
    assert "4,100 more came in a flood" in ran.err


def test_since_leaves_older_ones_out(run: Run, write: Write) -> None:
    """``--since`` takes an age, a day if it is not given."""
    write(LINE, minutes=90)
    assert run("refused", "--json").json["total"] == 1
    assert run("refused", "--since", "1h", "--json").json["total"] == 0


def test_log_level_may_hide_them(run: Run, write: Write, stack: DeployedStack) -> None:
    """With LogLevel=ERROR the command says that most are not logged."""
    stack.parameters["LogLevel"] = "ERROR"
    assert "LogLevel=ERROR" in run("refused").err


def test_stack_without_a_log_lists_none(run: Run) -> None:
    """A webhook that never ran has refused nothing."""
    ran = run("refused")
    assert ran.status == 0
    assert "0 refused requests" in ran.err


def test_new_refusals_are_told_once(stack: DeployedStack, write: Write) -> None:
    """``watch`` shows each refused request once, from its beginning on."""
    write(LINE, minutes=5)
    new = NewRefusals(stack)
    write(LINE | {"correlation_id": "r-2"}, minutes=-0.01)
    assert [line_of_refusal(one) for one in new.since_last_look()] == [
        "refused     a wrong secret (401), from 203.0.113.0/24"
    ]
    assert [*new.since_last_look()] == []
    write(LINE | {"correlation_id": "r-3"}, minutes=-0.02)
    assert [one.request_id for one in new.since_last_look()] == ["r-3"]


def test_late_line_of_the_log_is_told(stack: DeployedStack, write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    """A line that CloudWatch shows some seconds after it was written is told all the same."""
    passed = [0.0]
    monkeypatch.setattr(refused_requests, "now", lambda: now() + timedelta(seconds=passed[0]))
    new = NewRefusals(stack)
    passed[0] = 60.0
    assert [*new.since_last_look()] == []
    write(LINE, minutes=-50 / 60)
    assert len([*new.since_last_look()]) == 1


@on_moto
def test_watch_goes_on_without_the_right(
    run: Run, write: Write, stack: DeployedStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the webhook's log may not be read, ``watch`` says so once and shows the rest."""
    looks = iter((None, None, KeyboardInterrupt()))

    def sleep(_: float) -> None:
        if error := next(looks):
            raise error

    def answer(operation: str, _: dict[str, Any], call: Callable[[], Any]) -> Any:
        if operation == "FilterLogEvents":
            raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": ""}}, operation)
        return call()

    monkeypatch.setattr("time.sleep", sleep)
    answer_calls(monkeypatch, answer)
    ran = run("watch")
    assert ran.status == 130
    assert ran.err.count("refused requests are not shown: AWS refused FilterLogEvents") == 1
