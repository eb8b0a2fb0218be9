"""The logs of a stack's functions, read from CloudWatch Logs."""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from partner_orders_console.operations.errors import OperatorError
from partner_orders_console.operations.stack import DeployedStack

FUNCTIONS = ("webhook", "consumer", "reconciler", "publisher", "answers", "sender")
# One page of CloudWatch Logs has up to 10,000 lines; a search may take many empty pages.
MAX_PAGES = 200
_PAUSE_SECONDS = 2.0
# What Powertools puts in each line, shown apart from the rest.
_COMMON = frozenset({"level", "location", "message", "timestamp", "service", "cold_start", "xray_trace_id"})
_FUNCTION_FACTS = frozenset({"function_name", "function_memory_size", "function_arn", "function_request_id"})
# The lines by which Lambda begins and ends a call. In AWS the template turns them off; the local AWS writes them.
_BEGIN_AND_END = ("INIT_START ", "START RequestId: ", "END RequestId: ", "REPORT RequestId: ")
_ERRORS = frozenset({"ERROR", "CRITICAL", "WARNING"})


@dataclass(frozen=True)
class LogLine:
    """A line of a function's log. ``facts`` are its structured fields; a line of Lambda itself has only its message."""

    at: datetime
    function: str
    level: str
    message: str
    facts: dict[str, Any] = field(default_factory=dict)
    event_id: str = ""

    @property
    def is_error(self) -> bool:
        return self.level in _ERRORS


def log_lines(
    stack: DeployedStack, functions: tuple[str, ...], since: datetime, pattern: str = "", errors_only: bool = False
) -> list[LogLine]:
    """The lines since a time (UTC) of some functions, oldest first. ``pattern`` is text that a line holds, such as a
    correlation id or an order id. Metrics are left out, and so are the lines by which Lambda begins and ends each call.
    Raises OperatorError if there is no such function."""
    lines = [line for function in functions for line in _lines_of(stack, function, since, pattern)]
    kept = (line for line in lines if line.is_error or not errors_only)
    return sorted(kept, key=lambda line: line.at)


def follow(
    stack: DeployedStack, functions: tuple[str, ...], since: datetime, pattern: str = "", errors_only: bool = False
) -> Iterator[LogLine]:
    """Each line once, as it is there; without end."""
    seen: set[str] = set()
    newest = since
    while True:
        # CloudWatch shows a line some seconds late, so the last ten seconds are read anew.
        for line in log_lines(stack, functions, newest - timedelta(seconds=10), pattern, errors_only):
            if line.event_id not in seen:
                seen.add(line.event_id)
                newest = max(newest, line.at)
                yield line
        time.sleep(_PAUSE_SECONDS)


def log_group(stack: DeployedStack, function: str) -> str:
    """The log group of a function. Raises OperatorError."""
    name = f"{function.title()}LogGroup"
    if name not in stack.resources:
        raise OperatorError(
            f"the stack {stack.name} has no {function}",
            "Deploy it with ChangeEvents=ENABLED." if function == "publisher" else "Deploy the stack again.",
        )
    return stack.resources[name]


def _lines_of(stack: DeployedStack, function: str, since: datetime, pattern: str) -> Iterator[LogLine]:
    client = stack.client("logs")
    arguments: dict[str, Any] = {
        "logGroupName": log_group(stack, function),
        "startTime": int(since.timestamp() * 1000),
    }
    if pattern:
        arguments["filterPattern"] = json.dumps(pattern)
    try:
        for _ in range(MAX_PAGES):
            page = client.filter_log_events(**arguments)
            for event in page["events"]:
                if (line := _line(function, event)) and (not pattern or pattern in event["message"]):
                    yield line
            if not page.get("nextToken"):
                return
            arguments["nextToken"] = page["nextToken"]
        raise OperatorError(
            f"the {function}'s log is too long to be read from there", "Choose a later --since, or name an id."
        )
    except ClientError as error:
        if error.response["Error"]["Code"] == "ResourceNotFoundException":
            return  # A function that never ran has no log yet.
        raise


def _line(function: str, event: dict[str, Any]) -> LogLine | None:
    at = datetime.fromtimestamp(event["timestamp"] / 1000, UTC)
    text, event_id = event["message"].rstrip(), str(event.get("eventId", event["message"]))
    try:
        content = json.loads(text)
    except ValueError:
        content = None
    if not isinstance(content, dict):
        if text.startswith(_BEGIN_AND_END) and "Status: " not in text:
            return None
        level = "ERROR" if "Task timed out" in text or "Traceback" in text or "[ERROR]" in text else "INFO"
        return LogLine(at, function, level, text, event_id=event_id)
    if "_aws" in content:
        return None  # A metric.
    facts = {name: value for name, value in content.items() if name not in _COMMON | _FUNCTION_FACTS}
    return LogLine(at, function, str(content.get("level", "INFO")), str(content.get("message", "")), facts, event_id)
