"""The body of a request arrives whole, whatever it is and however it travelled."""

import base64
from collections.abc import Callable
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from partner_orders.content_encoding import TooLargeError
from partner_orders.order_events.message import MAX_BODY_BYTES, OrderEventMessage
from partner_orders.webhook.request_body import request_body
from tests.support.fixed_clock import clock
from tests.support.packing import EACH_PACK, PACK, Pack

BODIES = st.binary(max_size=2_000) | st.builds(
    lambda unit, times: unit * times, st.binary(max_size=9), st.integers(0, 40_000)
)
TOO_LARGE = bytes(MAX_BODY_BYTES + 1)
HEADERS = (
    st.sampled_from(["", "identity", "br", "gzip", "GZip", "x-gzip", "deflate", "gzip, gzip", "\ud83e", "\x00"])
    | st.text()
)


def request(body: bytes, encoding: str) -> dict[str, Any]:
    return {
        "headers": {"content-encoding": encoding},
        "body": base64.b64encode(body).decode(),
        "isBase64Encoded": True,
    }


@example(TOO_LARGE, EACH_PACK[0], str.lower)
@given(BODIES, st.sampled_from(EACH_PACK), st.sampled_from([str.lower, str.upper, str.title]))
def test_packed_body_arrives_as_packed(body: bytes, way: tuple[str, Pack], case: Callable[[str], str]) -> None:
    """A body under any content encoding that we know is inflated exactly, or is over the limit."""
    encoding, pack = way
    packed = pack(body)
    try:
        assert request_body(request(packed, case(encoding))) == body
    except TooLargeError:
        assert max(len(body), len(packed)) > MAX_BODY_BYTES


@given(st.binary(min_size=1, max_size=2_000), st.sampled_from(EACH_PACK), st.data())
def test_broken_packing_arrives_as_received(body: bytes, way: tuple[str, Pack], data: st.DataObject) -> None:
    """A packed body that is cut short, or that has more than zeros after its end, arrives as received and not in
    part."""
    encoding, pack = way
    packed = pack(body)
    cut = packed[: data.draw(st.integers(1, len(packed) - 1))]
    for received in (cut, packed + b"\n", packed + packed):
        assert request_body(request(received, encoding)) == received
    assert request_body(request(packed + bytes(7), encoding)) == body


@example(TOO_LARGE, "gzip")
@given(BODIES, HEADERS)
def test_unpacked_body_arrives_as_received(body: bytes, encoding: str) -> None:
    """A body that is not what its header says arrives as received, through the queue's message too."""
    try:
        arrived = request_body(request(body, encoding))
    except TooLargeError:
        assert len(body) > MAX_BODY_BYTES
    else:
        if encoding.strip().lower() not in PACK:
            assert arrived == body
        message = OrderEventMessage("webhook", clock(), "c1", arrived)
        assert OrderEventMessage.from_text(message.to_text()).body == arrived


@given(st.text(), st.booleans(), HEADERS)
def test_any_text_arrives(text: str, is_base64: bool, encoding: str) -> None:
    """Any text that a gateway hands over is read without an error, and none is lost."""
    body = request_body({"headers": {"content-encoding": encoding}, "body": text, "isBase64Encoded": is_base64})
    if encoding.strip().lower() not in PACK:
        assert bool(body) == bool(text)
        if not is_base64:
            assert body == text.encode("utf-8", "surrogatepass")
