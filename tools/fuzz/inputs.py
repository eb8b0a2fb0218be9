"""How bytes become a call: one form for the fuzzer, the generator and the corpus.

The first bytes choose, the rest is the body, so most of what a fuzzer changes is the body. A body may be stretched:
what stands between two unit separators is repeated, so that few bytes make a large or a deep one.
"""

import base64
import json
import zlib
from typing import Any, NamedTuple

from partner_orders.order_events.message import MAX_BODY_BYTES
from tools.local.simulated_platform.bad_orders import BAD_ORDERS

SECRET = "Basic fuzzing-is-allowed"  # noqa: S105 (of the fuzzer's own world)
REQUEST_ID = "fuzz"
TOO_LONG = 300_000
_UNIT, _RECORD = b"\x1f", b"\x1e"

_MISSING: Any = object()
_NAMES = ("authorization", "Authorization", "AUTHORIZATION", "x-authorization", "authorization\u0131")
_VALUES = (
    *(
        SECRET,
        f" {SECRET}\t",
        f"Bearer {SECRET}",
        f"bearer {SECRET}",
        f"{SECRET},{SECRET}",
        SECRET[:-1],
        SECRET.upper(),
    ),
    *(SECRET.encode("utf-16").decode("latin-1"), "", "\ud800", "\x00", "Bearer " * 2_000, _MISSING),
)
_LEFT_OUT = ("", "headers", "requestContext", "body", "isBase64Encoded", "requestId")
_FORMS = (
    *("text", "latin-1", "base64", "base64 in lines", "base64 unpadded", "flag only", "surrogates", "none"),
    *("packed", "packed and cut", "packed twice"),
)
_ENCODINGS = ("", "identity", "gzip", "X-GZip ", "deflate", "br", "gzip, gzip", "gzip;q=1", "\ud800", "gzip" * 4_000)
WEBHOOK_CHOICES = (len(_VALUES), len(_NAMES), 2 * len(_LEFT_OUT), len(_FORMS), len(_ENCODINGS))
_NEIGHBOURS = (b'{"order_id":"n-1","status":"RECEIVED","amount":1.10}', b'{"order_id":"n-2","status":"\xc3\x89 \\"]}"}')
# Before, between and after the orders; the decoy has a list of the same name deeper down.
_ENVELOPES = (
    (b'{"orders":[', b",", b'],"page_number":1,"page_size":20,"total_pages":1}'),
    (b'\xef\xbb\xbf {"total_pages":"1",\n"orders" :\t[ ', b" ,\r\n", b" ]\n} "),
    (b'{"filters":{"orders":["OPEN",{"orders":[1]}]},"orders":[', b",", b'],"links":{"orders":[]}}'),
)
PAGE_CHOICES = (2 + len(BAD_ORDERS), 3 * len(_ENVELOPES))


def stretched(data: bytes) -> bytes:
    """The body in ``data``: its first byte says how often to repeat what stands between the unit separators. It fits
    the largest body that there may be, or, with the last choice, does not."""
    power, body = data[0] % 20 if data else 0, data[1:]
    head, first, rest = body.partition(_UNIT)
    unit, second, tail = rest.partition(_UNIT)
    if not (first and unit and second):
        return body
    room = (MAX_BODY_BYTES if power < 19 else TOO_LONG) - len(head) - len(tail)
    return head + unit * min(1 << power, room // len(unit)) + tail


def request(data: bytes) -> dict[str, Any]:
    """A request of the HTTP API, complete or not."""
    count = len(WEBHOOK_CHOICES)
    value, name, left_out, form, encoding = (
        byte % choices for byte, choices in zip(data[:count].ljust(count, b"\0"), WEBHOOK_CHOICES, strict=True)
    )
    text, encoded = _body(stretched(data[count:]), _FORMS[form], _ENCODINGS[encoding])
    made: dict[str, Any] = {
        "version": "2.0",
        "headers": {_NAMES[name]: _VALUES[value], "content-encoding": _ENCODINGS[encoding] or _MISSING},
        "requestContext": {"requestId": REQUEST_ID, "http": {"sourceIp": "203.0.113.77"}},
        "body": text,
        "isBase64Encoded": encoded,
    }
    made["headers"] = {name: text for name, text in made["headers"].items() if text is not _MISSING}
    missing = _LEFT_OUT[left_out % len(_LEFT_OUT)]
    if missing == "requestId":
        made["requestContext"] = {}
    elif missing and left_out < len(_LEFT_OUT):
        del made[missing]
    elif missing:
        made[missing] = None
    return made


def _packed(body: bytes, encoding: str) -> bytes:
    compressor = zlib.compressobj(level=1, wbits=15 if encoding == "deflate" else 31)
    return compressor.compress(body) + compressor.flush()


def _body(body: bytes, form: str, encoding: str) -> tuple[str | None, bool]:
    match form:
        case "packed":
            return base64.b64encode(_packed(body, encoding)).decode(), True
        case "packed and cut":
            return base64.b64encode(_packed(body, encoding)[:-5]).decode(), True
        case "packed twice":
            return base64.b64encode(_packed(_packed(body, encoding), encoding)).decode(), True
        case "text":
            return body.decode("utf-8", "replace"), False
        case "latin-1":
            return body.decode("latin-1"), False
        case "surrogates":
            return body.decode("utf-8", "surrogateescape"), False
        case "base64":
            return base64.b64encode(body).decode(), True
        case "base64 in lines":
            return base64.encodebytes(body).decode(), True
        case "base64 unpadded":
            return base64.b64encode(body).decode().rstrip("="), True
        case "flag only":
            return body.decode("utf-8", "replace"), True
        case _:
            return None, False


class Page(NamedTuple):
    """``orders`` are the texts of a page's orders; ``is_whole`` if each is an object by itself, or broken in a way that
    leaves its brackets and strings whole."""

    content: bytes
    orders: list[bytes]
    is_whole: bool


def page(data: bytes) -> Page:
    """A page of the platform's orders. The first byte says how the order in the middle is broken, if it is, and the
    second what is around it; the rest is that order, or, by the first byte or if it is no object, a page by itself."""
    kind, form = (byte % count for byte, count in zip(data[:2].ljust(2, b"\0"), PAGE_CHOICES, strict=True))
    body = stretched(data[2:])
    if kind > len(BAD_ORDERS) or not _is_object(body):
        return Page(body, [], is_whole=False)
    broken = [*BAD_ORDERS.values()][kind - 1](body) if kind else body
    orders = [*_NEIGHBOURS[: form % 3], broken, *_NEIGHBOURS[form % 3 :]]
    beginning, between, end = _ENVELOPES[form // 3]
    return Page(beginning + between.join(orders) + end, orders, is_whole=True)


def _is_object(body: bytes) -> bool:
    """Whether a body is a JSON object with a member, and nothing around it."""
    try:
        value = json.loads(body.decode("utf-8"))
    except (ValueError, RecursionError):
        return False
    return isinstance(value, dict) and bool(value) and body[:1] == b"{" and body[-1:] == b"}"


def batch(data: bytes) -> list[str]:
    """Up to ten messages of the queue. Of each the first byte tells whether it is one of ours, one of ours with fields
    changed, or anything."""
    return [_message(part) for part in data.split(_RECORD)[:10] if part]


def _message(part: bytes) -> str:
    body = stretched(part[1:])
    envelope: dict[str, Any] = {
        "schema_version": 2,
        "source": "webhook",
        "received_at": "2026-10-14T08:59:00.000000Z",
        "correlation_id": REQUEST_ID,
        "body": base64.b64encode(zlib.compress(body)).decode(),
    }
    match part[0] % 3:
        case 0:
            return json.dumps(envelope)
        case 1:
            return body.decode("utf-8", "replace")
        case _:
            try:
                changed = json.loads(body)
            except (ValueError, RecursionError):
                changed = None
            return json.dumps(
                envelope | {"body": body.decode("latin-1")} | (changed if isinstance(changed, dict) else {})
            )
