"""The message on the order-events queue: a body as received, and how it came."""

import base64
import binascii
import json
import re
import zlib
from dataclasses import dataclass, field
from datetime import datetime

from partner_orders.clock import from_text, to_text

SCHEMA_VERSION = 2
# What the queue (1 MiB, base64 in it) and an item of the table (400 KB) hold whatever the content.
MAX_BODY_BYTES = 262_144
# The queue charges by 64 KB; ten such bodies in one call stay below that as they are.
MAX_STORED_BYTES = 4_096
_MAX_SEARCHED_BYTES = 16 * MAX_BODY_BYTES
_ZLIB_OR_GZIP = 47

# json.dumps() would make an encoder for each message.
_encode = json.JSONEncoder(separators=(",", ":")).encode

WEBHOOK = "webhook"
RECONCILIATION = "reconciliation"
REPLAY = "replay"
ANSWER = "answer"

# As API Gateway, the reconciler and a replay give it. Anything else in its place is somebody's text: not repeated.
_CORRELATION_ID = re.compile(r"[A-Za-z0-9=_/.-]{1,64}")


class UnreadableMessageError(ValueError):
    """A message that is not one of ours."""


@dataclass(frozen=True)
class OrderEventMessage:
    """``body`` is the raw bytes; ``received_at`` is UTC; ``source`` is webhook, reconciliation, replay or answer.
    ``shown_at`` is the time, by the platform's clock, at which it showed the body as the order's present state in a
    response, if it did."""

    source: str
    received_at: datetime
    correlation_id: str
    body: bytes = field(repr=False)
    shown_at: datetime | None = None

    def to_text(self) -> str:
        """The message as it travels: base64 of zlib, since the queue refuses some characters. A short body is stored in
        zlib's frame without being compressed: that would take longer than sending it."""
        # With the memory of zlib's defaults, getting it would take longer than compressing.
        if len(self.body) > MAX_STORED_BYTES:
            compressor = zlib.compressobj(level=1, wbits=14, memLevel=5)
        else:
            compressor = zlib.compressobj(level=0, wbits=9, memLevel=1)
        return _encode(
            {
                "schema_version": SCHEMA_VERSION,
                "source": self.source,
                "received_at": to_text(self.received_at),
                "correlation_id": self.correlation_id,
                **({"shown_at": to_text(self.shown_at)} if self.shown_at else {}),
                "body": base64.b64encode(compressor.compress(self.body) + compressor.flush()).decode("ascii"),
            }
        )

    @classmethod
    def from_text(cls, text: str) -> "OrderEventMessage":
        """Raises UnreadableMessageError for what to_text() of this schema version did not write."""
        try:
            envelope = json.loads(text)
            if envelope["schema_version"] != SCHEMA_VERSION:
                raise UnreadableMessageError("a message of an unknown schema version")
            # One byte over the limit is enough to tell; no message makes us inflate without bound.
            inflate = zlib.decompressobj()
            body = inflate.decompress(base64.b64decode(envelope["body"], validate=True), MAX_BODY_BYTES + 1)
            if len(body) > MAX_BODY_BYTES or not inflate.eof:
                raise UnreadableMessageError("a message whose body is cut short or too large")
            return cls(
                source=str(envelope["source"]),
                received_at=from_text(envelope["received_at"]),
                correlation_id=_of_our_form(envelope["correlation_id"]),
                body=body,
                shown_at=from_text(envelope["shown_at"]) if "shown_at" in envelope else None,
            )
        except UnreadableMessageError:
            raise
        except (ValueError, KeyError, TypeError, RecursionError, binascii.Error, zlib.error):
            raise UnreadableMessageError("a message that is not in our envelope") from None


def body_within(text: bytes) -> bytes:
    """The body in a message of whatever version, as far as it can be decoded; nothing of what is no message. Good for a
    search, not for an order."""
    try:
        packed = base64.b64decode(json.loads(text)["body"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return b""
    try:
        return zlib.decompressobj(wbits=_ZLIB_OR_GZIP).decompress(packed, _MAX_SEARCHED_BYTES)
    except zlib.error:
        return packed


def correlation_id_of(text: str) -> str:
    """The correlation id of a message, also of one that cannot be read; empty if it has none of our form."""
    try:
        envelope = json.loads(text)
    except (ValueError, RecursionError):
        return ""
    return _of_our_form(envelope.get("correlation_id")) if isinstance(envelope, dict) else ""


def _of_our_form(value: object) -> str:
    return value if isinstance(value, str) and _CORRELATION_ID.fullmatch(value) else ""
