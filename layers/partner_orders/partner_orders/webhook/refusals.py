"""What the webhook's log says of a request that was refused: why, and from which network. Neither a header nor content,
and not the caller's whole address."""

import socket
import time
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any

from partner_orders.platform.webhook_secret import SecretUnavailableError
from partner_orders.webhook.endpoint import Response

# The message of such a line.
REFUSED = "refused"
# Of each reason and environment. The rest of a flood is counted, and costs no line.
LINES_A_MINUTE = 10


class Reason(StrEnum):
    """Why a request was refused: no secret, not ours, ours could not be read (503), a body over the limit (413)."""

    NO_AUTHORIZATION = "no_authorization"
    WRONG_SECRET = "wrong_secret"  # noqa: S105 (a reason)
    SECRET_UNREADABLE = "secret_unreadable"  # noqa: S105 (a reason)
    TOO_LARGE = "too_large"


def reason_of(request: Mapping[str, Any], response: Response) -> Reason | None:
    """Why the webhook refused a request; None if it took it, or if a fault of ours other than the secret stood in the
    way."""
    if response.status == 401:
        presented = _headers(request).get("authorization", "").strip()
        return Reason.WRONG_SECRET if presented else Reason.NO_AUTHORIZATION
    if response.status == 413:
        return Reason.TOO_LARGE
    return Reason.SECRET_UNREADABLE if response.fault == SecretUnavailableError.__name__ else None


class _Minute:
    """The lines of a reason since a time. A plain class: making a dataclass would take a part of the cold start."""

    def __init__(self, began_at: float) -> None:
        self.began_at = began_at
        self.lines = 0
        self.unlisted = 0


class Refusals:
    """The refused requests of one environment: at most LINES_A_MINUTE lines a minute for each reason."""

    def __init__(self, seconds: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._minutes: dict[Reason, _Minute] = {}

    def line(self, reason: Reason, request: Mapping[str, Any]) -> dict[str, Any] | None:
        """The fields of the log line for a refused request of an HTTP API; None once the minute has its lines.
        ``unlisted`` counts the requests that were refused without a line since the line before."""
        if (unlisted := self._unlisted(reason)) is None:
            return None
        context = request.get("requestContext") or {}
        return {
            "reason": reason,
            "has_body": _headers(request).get("content-length") != "0",
            "network": network_of((context.get("http") or {}).get("sourceIp") or ""),
            "unlisted": unlisted,
            "correlation_id": context.get("requestId", ""),
        }

    def _unlisted(self, reason: Reason) -> int | None:
        """How many went unlisted before this one, which is listed; None if it is not."""
        now = self._seconds()
        minute = self._minutes.setdefault(reason, _Minute(now))
        if now - minute.began_at >= 60:
            minute.began_at, minute.lines = now, 0
        if minute.lines == LINES_A_MINUTE:
            minute.unlisted += 1
            return None
        minute.lines += 1
        unlisted, minute.unlisted = minute.unlisted, 0
        return unlisted


def network_of(address: str) -> str:
    """The /24 of an IPv4 address, or the /48 of an IPv6 address, such as ``203.0.113.0/24``; empty for anything
    else."""
    for family, kept, suffix in ((socket.AF_INET, 3, "/24"), (socket.AF_INET6, 6, "/48")):
        try:
            packed = socket.inet_pton(family, address)
        except (OSError, ValueError):
            continue
        return socket.inet_ntop(family, packed[:kept].ljust(len(packed), b"\0")) + suffix
    return ""


def _headers(request: Mapping[str, Any]) -> Mapping[str, str]:
    return request.get("headers") or {}
