"""The webhook: authenticates the caller and enqueues the body. It parses nothing: the consumer does."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from partner_orders.clock import Clock
from partner_orders.content_encoding import TooLargeError
from partner_orders.order_events.message import MAX_BODY_BYTES, WEBHOOK, OrderEventMessage
from partner_orders.order_events.queue import OrderEventsQueue
from partner_orders.platform.webhook_secret import SecretUnavailableError, SecretVersion, WebhookSecret
from partner_orders.webhook.request_body import request_body


@dataclass(frozen=True)
class Response:
    """What the platform gets, and the name under which it is counted. ``also_counted_as`` is a second name for what an
    operator asks about the secrets; ``fault`` is the kind of error behind a 503."""

    status: int
    message: str
    counted_as: str
    fault: str = ""
    also_counted_as: str = ""

    def to_http(self) -> dict[str, Any]:
        return {"statusCode": self.status, "headers": {"content-type": "application/json"}, "body": self._body}

    @cached_property
    def _body(self) -> str:
        return json.dumps({"message": self.message})


ACCEPTED = Response(200, "Accepted", "Enqueued")
EMPTY = Response(200, "Accepted, but the body is empty", "EmptyBodies")
UNAUTHORIZED = Response(401, "Unauthorized", "RefusedUnauthorized")
# Not an order event that was lost, as a scanner's or the doctor's request is none.
UNAUTHORIZED_WITHOUT_BODY = replace(UNAUTHORIZED, also_counted_as="RefusedWithoutBody")
BY_PREVIOUS = "ByPreviousSecret"
TOO_LARGE = Response(413, f"The body is over the limit of {MAX_BODY_BYTES} bytes", "RefusedTooLarge")


class Webhook:
    def __init__(self, secret: WebhookSecret, queue: OrderEventsQueue, clock: Clock) -> None:
        self._secret = secret
        self._queue = queue
        self._clock = clock

    def receive(self, request: Mapping[str, Any]) -> Response:
        """Respond to one request of an HTTP API (payload format 2.0). Raises nothing: a fault of ours is a 503, so that
        the platform tries again."""
        headers = request.get("headers") or {}
        try:
            version = self._secret.admitted_by(headers.get("authorization", ""))
        except SecretUnavailableError as error:
            return _unavailable(error)
        if version is None:
            return UNAUTHORIZED_WITHOUT_BODY if headers.get("content-length") == "0" else UNAUTHORIZED
        response = self._enqueue(request)
        if version is SecretVersion.PREVIOUS:
            return replace(response, also_counted_as=BY_PREVIOUS)
        return response

    def _enqueue(self, request: Mapping[str, Any]) -> Response:
        """Respond to a request of the platform."""
        try:
            body = request_body(request)
        except TooLargeError:
            return TOO_LARGE
        if not body or body.isspace():
            return EMPTY
        message = OrderEventMessage(
            source=WEBHOOK,
            received_at=self._clock(),
            correlation_id=(request.get("requestContext") or {}).get("requestId", ""),
            body=body,
        )
        try:
            self._queue.send(message)
        except Exception as error:
            return _unavailable(error)
        return ACCEPTED


def _unavailable(error: Exception) -> Response:
    return Response(503, "Not available, try again", "Unavailable", fault=type(error).__name__)
