"""The webhook: who is calling, and the body onto the queue. It judges no more of the body than a clear 4xx needs."""

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from partner_orders.clock import Clock
from partner_orders.order_events.message import MAX_BODY_BYTES, WEBHOOK, OrderEventMessage
from partner_orders.order_events.queue import OrderEventsQueue
from partner_orders.platform.webhook_secret import SecretUnavailableError, WebhookSecret


@dataclass(frozen=True)
class Response:
    """What the platform gets, and the name under which it is counted. ``fault`` is the kind of error behind a 503."""

    status: int
    message: str
    counted_as: str
    fault: str = ""

    def to_http(self) -> dict[str, Any]:
        return {
            "statusCode": self.status,
            "headers": {"content-type": "application/json"},
            "body": json.dumps({"message": self.message}),
        }


ACCEPTED = Response(200, "Accepted", "Enqueued")
UNAUTHORIZED = Response(401, "Unauthorized", "RefusedUnauthorized")
TOO_LARGE = Response(413, f"The body is over the limit of {MAX_BODY_BYTES} bytes", "RefusedTooLarge")


class _RefusedBodyError(ValueError):
    def __init__(self, response: Response) -> None:
        super().__init__(response.counted_as)
        self.response = response


class Webhook:
    def __init__(self, secret: WebhookSecret, queue: OrderEventsQueue, clock: Clock) -> None:
        self._secret = secret
        self._queue = queue
        self._clock = clock

    def receive(self, request: Mapping[str, Any]) -> Response:
        """Respond to one request of an HTTP API (payload format 2.0). Raises nothing: a fault of ours is a 503, so that
        the platform tries again."""
        try:
            if not self._secret.admits((request.get("headers") or {}).get("authorization", "")):
                return UNAUTHORIZED
        except SecretUnavailableError as error:
            return _unavailable(error)
        try:
            body = _body(request)
        except _RefusedBodyError as refused:
            return refused.response
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


def _body(request: Mapping[str, Any]) -> bytes:
    """The body as the platform sent it: a JSON object of at most MAX_BODY_BYTES in UTF-8."""
    text = request.get("body") or ""
    try:
        if request.get("isBase64Encoded"):
            body = base64.b64decode(text.encode("ascii"), validate=True)
        else:
            body = text.encode("utf-8")
        if len(body) > MAX_BODY_BYTES:
            raise _RefusedBodyError(TOO_LARGE)
        decoded = body.decode("utf-8-sig")
    except (UnicodeError, binascii.Error):
        raise _refused("The body is not valid UTF-8", "RefusedNotUtf8") from None
    if not decoded.strip():
        raise _refused("The body is empty; send the order as a JSON object", "RefusedEmpty")
    try:
        # Numbers are not built: size and sense of them are the consumer's to judge.
        value = json.loads(decoded, parse_int=len, parse_float=len)
    except RecursionError:
        if not decoded.lstrip().startswith("{"):
            raise _refused("The body is not a JSON object", "RefusedNotAnObject") from None
        return body  # Too deep to check here; the consumer keeps it among the rejected.
    except ValueError:
        raise _refused("The body is not JSON", "RefusedNotJson") from None
    if not isinstance(value, dict):
        raise _refused("The body is not a JSON object", "RefusedNotAnObject")
    return body


def _refused(message: str, counted_as: str) -> _RefusedBodyError:
    return _RefusedBodyError(Response(400, message, counted_as))
