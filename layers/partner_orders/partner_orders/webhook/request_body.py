"""The body of a webhook request: decoded from the gateway's base64, inflated if it was compressed, and never parsed."""

import base64
from collections.abc import Mapping
from typing import Any

from partner_orders.content_encoding import TooLargeError, inflated
from partner_orders.order_events.message import MAX_BODY_BYTES

# The longest base64 of a body within the limit.
_MAX_BASE64_LENGTH = 4 * -(-MAX_BODY_BYTES // 3)


def request_body(request: Mapping[str, Any]) -> bytes:
    """The body of an HTTP API's request (payload format 2.0), of at most MAX_BODY_BYTES. One content encoding is taken
    off: gzip or deflate. A body under any other, or under one that it does not hold whole, is given as received. Raises
    TooLargeError."""
    received = _received(request)
    if len(received) > MAX_BODY_BYTES:
        raise TooLargeError
    encoding = (request.get("headers") or {}).get("content-encoding") or ""
    body = inflated(received, encoding, MAX_BODY_BYTES) if encoding else None
    return received if body is None else body


def _received(request: Mapping[str, Any]) -> bytes:
    text: str = request.get("body") or ""
    if request.get("isBase64Encoded"):
        if len(text) > _MAX_BASE64_LENGTH:
            raise TooLargeError
        try:
            return base64.b64decode(text, validate=True)
        except ValueError:
            pass  # Not base64 after all: kept as it stands.
    # Half a surrogate pair is not UTF-8; the consumer says so.
    return text.encode("utf-8", "surrogatepass")
