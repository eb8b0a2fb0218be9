"""The logs of a stack's functions, read from CloudWatch Logs."""

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from partner_orders_console.operations.catalogue.access import catalogue_of
from partner_orders_console.operations.catalogue_stack import CatalogueStack
from partner_orders_console.operations.errors import OperatorError
from partner_orders_console.operations.stack import DeployedStack
from partner_orders_console.operations.uploads.server import has_sftp

FUNCTIONS = ("webhook", "consumer", "reconciler", "publisher", "answers", "sender")
# Those of the catalogue beside the stack, with what their names begin with in its template.
CATALOGUE_FUNCTIONS = {
    "loader": "Loader",
    "pusher": "Pusher",
    "uploader": "Uploader",
    "urgent": "Urgent",
    "catalogue-webhook": "CatalogueWebhook",
}
_NEEDS = {"publisher": "Deploy it with ChangeEvents=ENABLED.", "uploader": "Deploy the catalogue with SftpHost."}
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
    """A line of a function's log. ``facts`` are its structured fields; a line of Lambda itself has only its message.
    ``trace_id`` is X-Ray's, whether or not it kept a trace."""

    at: datetime
    function: str
    level: str
    message: str
    facts: dict[str, Any] = field(default_factory=dict)
    event_id: str = ""
    trace_id: str = ""

    @property
    def is_error(self) -> bool:
        return self.level in _ERRORS


def log_lines(
    stack: DeployedStack, functions: tuple[str, ...], since: datetime, pattern: str = "", errors_only: bool = False
) -> list[LogLine]:
    """The lines since a time (UTC) of some functions, oldest first. ``pattern`` is text that a line holds, such as a
    correlation id or an order id. Metrics are left out, and so are the lines by which Lambda begins and ends each call.
    Raises OperatorError if there is no such function."""
    return _chosen(stack, _log_groups(stack, functions), since, pattern, errors_only)


def _chosen(
    stack: DeployedStack, groups: Mapping[str, str], since: datetime, pattern: str, errors_only: bool
) -> list[LogLine]:
    lines = [line for name, group in groups.items() for line in _lines_of(stack, name, group, since, pattern)]
    kept = (line for line in lines if line.is_error or not errors_only)
    return sorted(kept, key=lambda line: line.at)


def follow(
    stack: DeployedStack, functions: tuple[str, ...], since: datetime, pattern: str = "", errors_only: bool = False
) -> Iterator[LogLine]:
    """Each line once, as it is there; without end."""
    seen: set[str] = set()
    newest, groups = since, _log_groups(stack, functions)
    while True:
        # CloudWatch shows a line some seconds late, so the last ten seconds are read anew.
        for line in _chosen(stack, groups, newest - timedelta(seconds=10), pattern, errors_only):
            if line.event_id not in seen:
                seen.add(line.event_id)
                newest = max(newest, line.at)
                yield line
        time.sleep(_PAUSE_SECONDS)


def functions_of(stack: DeployedStack) -> tuple[str, ...]:
    """The functions that a stack has, and those of the catalogue beside it."""
    found = tuple(name for name in FUNCTIONS if f"{name.title()}LogGroup" in stack.resources)
    beside = CatalogueStack.beside(stack)
    if beside is None:
        return found
    # The uploader is there only with an SFTP server.
    left_out = () if has_sftp(beside) else ("uploader",)
    return (*found, *(name for name in CATALOGUE_FUNCTIONS if name not in left_out))


def _log_groups(stack: DeployedStack, functions: Sequence[str]) -> dict[str, str]:
    """The log group of each function. Raises OperatorError."""
    is_beside = any(function in CATALOGUE_FUNCTIONS for function in functions)
    beside = catalogue_of(stack).deployed if is_beside else stack
    return {name: log_group(beside if name in CATALOGUE_FUNCTIONS else stack, name) for name in functions}


def log_group(stack: DeployedStack, function: str) -> str:
    """The log group of a function of this very stack. Raises OperatorError."""
    name = f"{CATALOGUE_FUNCTIONS.get(function, function.title())}LogGroup"
    if name not in stack.resources:
        raise OperatorError(
            f"the stack {stack.name} has no {function}",
            _NEEDS.get(function, "Deploy the stack again."),
        )
    return stack.resources[name]


def _lines_of(stack: DeployedStack, function: str, group: str, since: datetime, pattern: str) -> Iterator[LogLine]:
    client = stack.client("logs")
    arguments: dict[str, Any] = {"logGroupName": group, "startTime": int(since.timestamp() * 1000)}
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
    level, message = str(content.get("level", "INFO")), str(content.get("message", ""))
    return LogLine(at, function, level, message, facts, event_id, str(content.get("xray_trace_id") or ""))
