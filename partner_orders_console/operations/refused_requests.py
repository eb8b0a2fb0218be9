"""Requests that the webhook refused, as its log tells of them: when, why, and from which network."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from partner_orders.clock import now
from partner_orders.webhook.refusals import REFUSED, Reason
from partner_orders_console.operations.logs import LogLine, functions_of, log_lines
from partner_orders_console.operations.stack import DeployedStack

_WEBHOOKS = ("webhook", "catalogue-webhook")
# For people, with the status that the caller got.
_WORDS = {
    Reason.NO_AUTHORIZATION: "no Authorization (401)",
    Reason.WRONG_SECRET: "a wrong secret (401)",
    Reason.SECRET_UNREADABLE: "our secret could not be read (503)",
    Reason.TOO_LARGE: "a body over the limit (413)",
}
# CloudWatch shows a line some seconds late.
_LATE = timedelta(seconds=20)


@dataclass(frozen=True)
class RefusedRequest:
    """``at`` is in UTC. ``network`` is the /24 or /48 that the request came from, empty if unknown. ``unlisted`` are
    requests of this reason that were refused before it and have no line of their own."""

    at: datetime
    webhook: str
    reason: str
    has_body: bool
    network: str
    request_id: str
    unlisted: int = 0

    @property
    def why(self) -> str:
        """The reason for a person."""
        return why(self.reason, self.has_body)


@dataclass(frozen=True)
class RefusedRequests:
    """The newest first. ``total`` are all that were listed, ``unlisted`` those that a flood left without a line."""

    requests: Sequence[RefusedRequest]
    total: int
    unlisted: int
    networks: Sequence[tuple[str, int]]


def refused_requests(stack: DeployedStack, since: datetime, limit: int) -> RefusedRequests:
    """The requests that were refused since a time (UTC), at most ``limit``, the newest first; also those of the
    catalogue's webhook, if there is one. ``networks`` are the five with the most. Raises OperatorError and botocore's
    errors."""
    found = [*_refused(log_lines(stack, _webhooks(stack), since, REFUSED))]
    networks = Counter(request.network for request in found if request.network).most_common(5)
    unlisted = sum(request.unlisted for request in found)
    return RefusedRequests(found[: -limit - 1 : -1], len(found), unlisted, networks)


def is_silent(stack: DeployedStack) -> bool:
    """Whether the stack's log level leaves out most refused requests."""
    return stack.parameters.get("LogLevel") == "ERROR"


class NewRefusals:
    """The requests that are refused from now on."""

    def __init__(self, stack: DeployedStack) -> None:
        self._stack = stack
        self._webhooks = _webhooks(stack)
        self._since = now()
        self._seen: dict[RefusedRequest, datetime] = {}

    def since_last_look(self) -> Iterator[RefusedRequest]:
        """Each one that was refused since the last call, once. Raises botocore's errors."""
        began = now()
        found = [*_refused(log_lines(self._stack, self._webhooks, self._since, REFUSED))]
        new = [request for request in found if request not in self._seen]
        self._since = max(self._since, began - _LATE)
        self._seen = {request: request.at for request in found if request.at >= self._since}
        yield from new


def line_of_refusal(request: RefusedRequest) -> str:
    """A refused request as a line for people, as ``watch`` shows it."""
    place = f", from {request.network}" if request.network else ""
    more = f"; {request.unlisted:,} more before it" if request.unlisted else ""
    return f"refused     {request.why}{place}{more}"


def line_of_log(message: str) -> str | None:
    """A line of the webhook's log as a line for people; None if it is not about a request that was refused."""
    try:
        content = json.loads(message)
    except ValueError:
        return None
    if not isinstance(content, dict):
        return None
    if content.get("message") == "unavailable":
        return "refused     the queue could not be reached (503)"
    if content.get("message") != REFUSED:
        return None
    return line_of_refusal(_request(LogLine(now(), _WEBHOOKS[0], "", REFUSED, content)))


def why(reason: str, has_body: bool) -> str:
    """A reason for a person: ``a wrong secret (401), no body``."""
    words = _WORDS[Reason(reason)] if reason in {*Reason} else reason
    return words if has_body else f"{words}, no body"


def _webhooks(stack: DeployedStack) -> tuple[str, ...]:
    return tuple(name for name in functions_of(stack) if name in _WEBHOOKS)


def _refused(lines: Sequence[LogLine]) -> Iterator[RefusedRequest]:
    return (_request(line) for line in lines if line.message == REFUSED)


def _request(line: LogLine) -> RefusedRequest:
    facts: dict[str, Any] = line.facts
    return RefusedRequest(
        at=line.at,
        webhook=line.function,
        reason=str(facts.get("reason", "")),
        has_body=facts.get("has_body") is not False,
        network=str(facts.get("network", "")),
        request_id=str(facts.get("correlation_id", "")),
        unlisted=int(facts.get("unlisted", 0)),
    )
