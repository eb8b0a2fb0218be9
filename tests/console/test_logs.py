"""``logs``: what the functions logged, from CloudWatch Logs."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from partner_orders.clock import now
from partner_orders_console.operations.stack import DeployedStack
from tests.support.console import Ran

type Run = Callable[..., Ran]

GROUPS = {"ConsumerLogGroup": "/aws/lambda/consumer", "WebhookLogGroup": "/aws/lambda/webhook"}
STORED = {"level": "INFO", "message": "stored", "correlation_id": "request-1", "service": "consumer"}
FAILED = {"level": "ERROR", "message": "not stored", "correlation_id": "request-2", "service": "consumer"}
METRIC = {"_aws": {"Timestamp": 1}, "level": "ERROR", "message": "a metric", "OrdersStored": [1]}


@pytest.fixture(autouse=True)
def written(stack: DeployedStack) -> Callable[..., None]:
    """Write lines to the consumer's log, some minutes ago."""
    stack.__dict__["resources"] = dict(GROUPS)
    client = stack.client("logs")
    client.create_log_group(logGroupName=GROUPS["ConsumerLogGroup"])
    client.create_log_stream(logGroupName=GROUPS["ConsumerLogGroup"], logStreamName="one")

    def write(*lines: Any, minutes: int = 5) -> None:
        at = int(now().timestamp() * 1000) - minutes * 60_000
        events = [
            {"timestamp": at + number, "message": line if isinstance(line, str) else json.dumps(line)}
            for number, line in enumerate(lines)
        ]
        client.put_log_events(logGroupName=GROUPS["ConsumerLogGroup"], logStreamName="one", logEvents=events)

    write(STORED, FAILED, METRIC, "Task timed out after 30.00 seconds")
    return write


def messages(ran: Ran) -> list[str]:
    assert ran.status == 0, ran.err
    return [line["message"] for line in ran.json]


def test_logs_leave_metrics_out(run: Run) -> None:
    """Metrics are left out, and lines stand in the order of their times."""
    assert messages(run("logs", "consumer", "--json")) == ["stored", "not stored", "Task timed out after 30.00 seconds"]


def test_logs_leave_out_begin_and_end(run: Run, written: Callable[..., None]) -> None:
    """The lines by which Lambda begins and ends a call are left out, unless they tell a status."""
    written(
        "START RequestId: 1 Version: $LATEST", "END RequestId: 1", "REPORT RequestId: 1\tDuration: 43 ms", minutes=4
    )
    written("REPORT RequestId: 1\tDuration: 30000 ms\tStatus: timeout", minutes=3)
    assert messages(run("logs", "consumer", "--json"))[3:] == [
        "REPORT RequestId: 1\tDuration: 30000 ms\tStatus: timeout"
    ]


def test_empty_log_says_what_is_logged(run: Run) -> None:
    """Without lines, a person reads that a function logs problems and runs, and where orders are seen."""
    assert "`partner-orders watch`" in run("logs", "webhook").err
    assert "watch" not in run("logs", "consumer").err


def test_errors_include_timeouts(run: Run) -> None:
    """``--errors`` shows errors and what Lambda says of a function that took too long."""
    found = messages(run("logs", "consumer", "--errors", "--json"))
    assert found == ["not stored", "Task timed out after 30.00 seconds"]


def test_id_selects_lines(run: Run) -> None:
    """An id selects the lines that hold it."""
    assert messages(run("logs", "consumer", "request-1", "--json")) == ["stored"]
    assert messages(run("logs", "consumer", "request-3", "--json")) == []


def test_since_takes_an_age(run: Run, written: Callable[..., None]) -> None:
    """``--since`` takes an age, an hour if it is not given."""
    written(STORED | {"message": "long ago"}, minutes=90)
    assert "long ago" not in messages(run("logs", "consumer", "--json"))
    assert "long ago" in messages(run("logs", "consumer", "--since", "2h", "--json"))


@pytest.mark.parametrize("since", ["yesterday", "2 weeks", "-1h", "2026-13-01", "99999999d", "999999d", ""])
def test_wrong_since_is_explained(run: Run, since: str) -> None:
    """A wrong ``--since`` is quoted, with examples of right ones."""
    ran = run("logs", "consumer", "--since", since)
    assert (ran.status, ran.out) == (1, "")
    assert repr(since) in ran.err
    assert "2h" in ran.err


def test_people_see_one_line_each(run: Run) -> None:
    """For people each line has its time, function, level and structured fields."""
    ran = run("logs", "consumer", "request-2")
    [line] = ran.out.splitlines()
    assert all(part in line for part in ("consumer", "ERROR", "not stored", "correlation_id=request-2"))
    assert "1 line since" in ran.err


def test_function_that_never_ran_has_no_lines(run: Run) -> None:
    """A function without a log group yet has no lines, and that is no error."""
    assert messages(run("logs", "webhook", "--json")) == []


def test_all_reads_the_functions_there_are(run: Run) -> None:
    """``all`` leaves out a function that the stack does not have."""
    assert len(messages(run("logs", "all", "--json"))) == 3


@pytest.mark.parametrize(
    ("function", "said"), [("publisher", "ChangeEvents=ENABLED"), ("nobody", "webhook, consumer, reconciler")]
)
def test_unknown_function_is_explained(run: Run, function: str, said: str) -> None:
    """A function that the stack, or nobody, has is an error with what to do."""
    ran = run("logs", function)
    assert (ran.status, ran.out) == (1, "")
    assert said in ran.err


def test_follow_ends_at_ctrl_c(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """``--follow`` shows each line once, and ends with 130 at Ctrl-C."""
    pauses = iter((None, KeyboardInterrupt()))

    def sleep(_: float) -> None:
        if error := next(pauses):
            raise error

    monkeypatch.setattr("time.sleep", sleep)
    ran = run("logs", "consumer", "--follow", "--errors")
    assert ran.status == 130
    assert ran.out.count("not stored") == 1
    assert "Traceback" not in ran.err
