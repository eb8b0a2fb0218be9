"""The log filters of the runbooks, run against log lines of each kind that a function's log group holds."""

import io
import json
import re
import shlex

import pytest
from aws_lambda_powertools import Logger

from tests.support.log_filter import matches
from tests.unit.docs.test_runbooks import ROOT, RUNBOOKS

REQUEST = "6f2a9d34-8c55-4d0b-9c7e-51f0a2b7c801"
TIME = "2026-03-14T09:26:53.589Z"
TRACE = ['  File "/opt/python/partner_orders/consumer/handler.py", line 79, in handler\n    outcome = intake()\n']


def _ours(level: str) -> str:
    """A line as Powertools' logger writes it."""
    stream = io.StringIO()
    logger = Logger(service=f"a-line-of-level-{level}", stream=stream)
    getattr(logger, level)("failed, to come again", faults={"ClientError": ["c1"]})
    return stream.getvalue().strip()


def _lambdas(kind: str, status: str, **more: str) -> str:
    """A record of Lambda's own, in its JSON format for system logs."""
    record = {"requestId": REQUEST, "status": status, **more, "metrics": {"durationMs": 30000.0, "memorySizeMB": 512}}
    return json.dumps({"time": TIME, "type": f"platform.{kind}", "record": record})


def _uncaught(level: str) -> str:
    """What Lambda's Python runtime writes of an exception that leaves the handler, in the JSON log format."""
    error = {"errorMessage": "ORDERS_TABLE_NAME is not set", "errorType": "MissingSettingError", "requestId": REQUEST}
    return json.dumps({"timestamp": TIME, level: "ERROR", **error, "stackTrace": TRACE})


FAULTS = {
    "an error of ours": _ours("error"),
    "a critical one": _ours("critical"),
    "an uncaught exception": _uncaught("log_level"),
    "the same by newer runtimes": _uncaught("level"),
    "a timeout": _lambdas("report", "timeout"),
    "an invocation out of memory": _lambdas("report", "error", errorType="Runtime.OutOfMemory"),
    "a process that ended": _lambdas("runtimeDone", "failure", errorType="Runtime.ExitError"),
    "a start that failed": _lambdas("initRuntimeDone", "error", phase="init"),
}
METRICS = {"Timestamp": 1773475964107, "CloudWatchMetrics": [{"Namespace": "PartnerOrders", "Metrics": []}]}
NO_FAULTS = {
    "news of ours": _ours("info"),
    "a warning": _ours("warning"),
    "metrics": json.dumps({"_aws": METRICS, "service": "partner-orders-consumer", "Failed": [0.0]}),
    "a report": _lambdas("report", "success"),
    "a line that is not JSON": "RequestId: 6f2a9d34 level ERROR",
    "other JSON": '["ERROR", {"record": "timeout"}]',
}


def _patterns(text: str) -> list[str]:
    calls = re.findall(r"^ {4,}(aws logs tail (?:.*\\\n)*.*)$", text, re.MULTILINE)
    words = [shlex.split(call.replace("\\\n", " ")) for call in calls]
    return [call[call.index("--filter-pattern") + 1] for call in words if "--filter-pattern" in call]


def _filters() -> list[str]:
    return [pattern for page in RUNBOOKS for pattern in _patterns(page.read_text(encoding="utf-8"))]


def _filter_of_faults() -> str:
    [found] = [pattern for pattern in _filters() if pattern.startswith("{")]
    return found


@pytest.mark.parametrize("kind", FAULTS)
def test_filter_finds_every_kind_of_fault(kind: str) -> None:
    """The runbooks' filter finds errors of ours, uncaught exceptions, timeouts and killed processes."""
    assert matches(_filter_of_faults(), FAULTS[kind])


@pytest.mark.parametrize("kind", NO_FAULTS)
def test_filter_leaves_out_what_is_no_fault(kind: str) -> None:
    """The runbooks' filter shows neither news nor metrics nor reports of what went well."""
    assert not matches(_filter_of_faults(), NO_FAULTS[kind])


def test_filters_by_words_find_our_lines() -> None:
    """A filter by words finds the line that has them."""
    words = [pattern for pattern in _filters() if not pattern.startswith("{")]
    assert words
    for pattern in words:
        assert matches(pattern, FAULTS["an error of ours"])
        assert not matches(pattern, FAULTS["a timeout"])


def test_filter_is_short_enough() -> None:
    """CloudWatch Logs takes patterns of up to 1,024 characters."""
    assert all(len(pattern) <= 1_024 for pattern in _filters())


def test_no_page_has_a_filter_of_its_own() -> None:
    """Every other page refers to the runbooks' first page for the log, so that one filter serves all."""
    pages = [page for page in (ROOT / "docs").rglob("*.md") if "$.level" in page.read_text(encoding="utf-8")]
    assert [page.relative_to(ROOT).as_posix() for page in pages] == ["docs/runbooks/README.md"]


@pytest.mark.parametrize(
    "pattern", ["{ $.level }", "{ $.level = }", "{ ($.a = 1 }", "{ level = 1 }", "word", "{ $.a > }"]
)
def test_invalid_filter_is_noticed(pattern: str) -> None:
    """The check notices a pattern that is none."""
    with pytest.raises(ValueError, match=r"condition|filter|bracket"):
        matches(pattern, '{"level": "ERROR", "a": 1}')


def test_filter_conditions_combine() -> None:
    """AND binds closer than OR, brackets closer still, and a missing value equals nothing."""
    line = json.dumps({"a": "x", "b": {"c": "long word"}, "n": 1})
    assert matches('{ $.a = "x" || $.a = "y" && $.n = 2 }', line)
    assert not matches('{ ($.a = "x" || $.a = "y") && $.n = 2 }', line)
    assert matches('{ $.b.c = "long*" && $.n != 2 }', line)
    assert not matches('{ $.d != "x" }', line)
