"""``trace`` and ``open``: where a request went, and where a part of the stack is shown."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from partner_orders.answers.judgement import Outcome
from partner_orders.clock import now
from partner_orders.order_events.message import WEBHOOK, OrderEventMessage
from partner_orders.orders.event import Arrival, parse_event
from partner_orders_console.desk.desk import Options
from partner_orders_console.desk.guard import Guard
from partner_orders_console.operations.errors import OperatorError
from partner_orders_console.operations.links import link
from partner_orders_console.operations.stack import DeployedStack
from tests.support.accepted_answers import accept, end
from tests.support.console import Ran
from tests.support.orders import as_bytes, order

type Run = Callable[..., Ran]

STARTED = now()


@pytest.fixture
def logged(stack: DeployedStack) -> DeployedStack:
    """A stack with one log group, and a webhook that logged a fault of a request."""
    stack.__dict__["resources"] = {"WebhookLogGroup": "/logs/webhook"}
    logs = stack.client("logs")
    logs.create_log_group(logGroupName="/logs/webhook")
    logs.create_log_stream(logGroupName="/logs/webhook", logStreamName="s")
    at = int((STARTED - timedelta(minutes=5)).timestamp() * 1000)
    message = '{"level":"ERROR","message":"unavailable","correlation_id":"request-9"}'
    logs.put_log_events(
        logGroupName="/logs/webhook", logStreamName="s", logEvents=[{"timestamp": at, "message": message}]
    )
    return stack


def stored(stack: DeployedStack, **changes: Any) -> None:
    body = order(**changes)
    body["sys"] = {"created_at": (STARTED - timedelta(minutes=9)).isoformat()}
    event = parse_event(as_bytes(body))
    stack.orders.write([(event, Arrival("webhook", STARTED - timedelta(minutes=4), "request-9"))])
    stack.stores.register(event.order.client)


def test_trace_follows_a_request(run: Run, logged: DeployedStack) -> None:
    """A request is followed from the log to its order, with the time between."""
    stored(logged)
    found = run("trace", "request-9", "--json").json
    assert [stage["where"] for stage in found] == ["webhook's log", "received and stored"]
    ran = run("trace", "request-9")
    assert (order()["order_id"] in ran.out, "+60.0 s" in ran.out, "Amna" in ran.out) == (True, True, False)


@pytest.mark.parametrize("trace_id", ["1-5f84c7a1-0123456789abcdef01234567", ""])
def test_trace_names_the_trace(run: Run, logged: DeployedStack, trace_id: str) -> None:
    """With Tracing=XRAY the trace that a log names is linked, or else all traces; without it there is no link."""
    message = {"level": "ERROR", "message": "unavailable", "correlation_id": "request-5", "xray_trace_id": trace_id}
    at = int((STARTED - timedelta(minutes=5)).timestamp() * 1000)
    logged.client("logs").put_log_events(
        logGroupName="/logs/webhook", logStreamName="s", logEvents=[{"timestamp": at, "message": json.dumps(message)}]
    )
    assert "X-Ray" not in run("trace", "request-5").err
    assert "sends no traces" in run("open", "traces").err
    logged.parameters["Tracing"] = "XRAY"
    page = f"https://eu-central-1.console.aws.amazon.com/cloudwatch/home?region=eu-central-1#xray:traces/{trace_id}"
    assert f"X-Ray: {page}{'' if trace_id else 'query'}" in run("trace", "request-5").err
    assert run("open", "traces", "--print").out.strip().endswith("#xray:traces/query")


def test_trace_follows_an_answer(run: Run, logged: DeployedStack) -> None:
    """An answer's request is followed to when it was accepted and how it ended. An empty id is refused."""
    stored(logged)
    end(logged.answers, accept(logged.answers, "till-1"), Outcome.REFUSED, "order_changed")
    found = run("trace", "request-7", "--json").json
    assert [stage["where"] for stage in found] == ["answer", "answer"]
    assert "answer till-1: ready accepted" in found[0]["what"]
    assert "ready refused, order_changed" in found[1]["what"]
    assert (run("trace", "").status, "is empty" in run("trace", "").err) == (1, True)


def test_trace_finds_a_rejected_event(run: Run, logged: DeployedStack) -> None:
    """A request that was rejected is found with its reason."""
    logged.rejected.keep(b"{", Arrival("webhook", now(), "request-8"), "malformed_json", [])
    [stage] = run("trace", "request-8", "--json").json
    assert (stage["where"], "malformed_json" in stage["what"]) == ("rejected", True)


def test_trace_finds_a_dead_letter(run: Run, logged: DeployedStack) -> None:
    """A request that is nowhere else is looked for among the dead-letter messages."""
    text = OrderEventMessage(WEBHOOK, now(), "request-7", as_bytes(order())).to_text()
    logged.client("sqs").send_message(QueueUrl=logged.output("OrderEventsDeadLettersUrl"), MessageBody=text)
    [stage] = run("trace", "request-7", "--json").json
    assert stage["where"] == "dead-letter queue"
    ran = run("trace", "request-6")
    assert (ran.status, "nothing of request-6" in ran.err, "--since" in ran.err) == (1, True, True)
    assert "orders show <order id> --json" in ran.err


@pytest.mark.parametrize(
    ("region", "host"),
    [
        ("eu-central-1", "eu-central-1.console.aws.amazon.com"),
        ("cn-north-1", "console.amazonaws.cn"),
        ("us-gov-west-1", "console.amazonaws-us-gov.com"),
    ],
)
def test_link_is_of_the_regions_console(stack: DeployedStack, region: str, host: str) -> None:
    """A link leads to the console of the region's partition."""
    there = replace(stack, region=region)
    there.__dict__.update({"outputs": stack.outputs, "resources": {"ConsumerLogGroup": "/aws/x y"}})
    assert link(there, "table").startswith(f"https://{host}/dynamodbv2/")
    assert "log-group/$252Faws$252Fx$2520y" in link(there, "log", "consumer")
    assert "queues/https%3A%2F%2F" in link(there, "queue")
    for place in ("stack", "secrets"):
        assert region in link(there, place)


def test_open_prints_and_opens(run: Run, stack: DeployedStack, monkeypatch: pytest.MonkeyPatch) -> None:
    """``open`` prints the address and opens the browser, unless it is only to print."""
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    printed = run("open", "dashboard", "--print").out
    assert "#dashboards/dashboard/partner-orders-eu-central-1" in printed
    assert opened == []
    assert run("open", "dashboard").status == 0
    assert opened == [printed.strip()]


@pytest.mark.parametrize("options", [(), ("--allow-changes", "--show-personal-data")])
def test_desk_opens_its_page(
    run: Run, stack: DeployedStack, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...]
) -> None:
    """``desk`` opens the address that it prints, of the chosen stack, and lasts; it only prints with --no-browser."""
    opened: list[str] = []
    desks: list[Any] = []

    @contextmanager
    def serving(find: Callable[[], DeployedStack], asked: Options) -> Iterator[Any]:
        assert find() is stack
        assert asked == Options(bool(options), bool(options))
        desks.append(SimpleNamespace(guard=Guard("127.0.0.1:8", f"token-{len(desks)}")))
        yield desks[-1]

    def wait(_: float) -> None:
        waits.append(1)
        if len(waits) % 3 == 0:
            raise KeyboardInterrupt

    waits: list[int] = []
    monkeypatch.setattr("partner_orders_console.desk.serving.serving", serving)
    monkeypatch.setattr("webbrowser.open", opened.append)
    monkeypatch.setattr("time.sleep", wait)
    for no_browser in ((), ("--no-browser",)):
        assert run("desk", *options, *no_browser).out.strip() == desks[-1].guard.address
        assert opened == [desks[0].guard.address] == ["http://127.0.0.1:8/enter?token=token-0"]
    assert (len(desks), len(waits)) == (2, 6)


@pytest.mark.parametrize(
    ("arguments", "why"),
    [(("moon",), "no 'moon' to open"), (("log",), "which function's log?"), (("log", "moon"), "which function's log?")],
)
def test_wrong_place_is_explained(run: Run, arguments: tuple[str, ...], why: str) -> None:
    """A place that there is not is explained with those that there are."""
    ran = run("open", *arguments)
    assert (ran.status, why in ran.err, "Name one of" in ran.err) == (1, True, True)


def test_local_stack_has_no_console(stack: DeployedStack) -> None:
    """The stack on this machine is shown in no console."""
    with pytest.raises(OperatorError, match="has no console"):
        link(replace(stack, endpoint_url="http://127.0.0.1:1"), "table")
