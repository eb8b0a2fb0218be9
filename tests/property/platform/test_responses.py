"""Laws of a response's body: whole and within the limit, or an error."""

import gzip
import io
import zlib

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st
from urllib3 import HTTPResponse

from partner_orders.platform.failures import Failure, PartnerApiError
from partner_orders.platform.responses import read_body

BODIES = st.binary(max_size=200) | st.builds(bytes, st.integers(0, 5_000))
ENCODINGS = st.sampled_from(["", "identity", "gzip", "X-GZIP", "deflate", "raw"])


def encoded(body: bytes, encoding: str) -> bytes:
    match encoding.lower():
        case "gzip" | "x-gzip":
            return gzip.compress(body)
        case "deflate":
            return zlib.compress(body)
        case "raw":
            packing = zlib.compressobj(wbits=-15)
            return packing.compress(body) + packing.flush()
        case _:
            return body


def read(content: bytes, encoding: str, most_bytes: int) -> bytes:
    response = requests.Response()
    response.headers["Content-Encoding"] = "deflate" if encoding == "raw" else encoding
    response.raw = HTTPResponse(io.BytesIO(content), preload_content=False)
    return read_body(response, most_bytes)


@given(BODIES, ENCODINGS, st.integers(0, 5_000))
def test_body_is_whole_or_too_large(body: bytes, encoding: str, most_bytes: int) -> None:
    """A body within the limit, raw and inflated, comes as it was; any other is too large."""
    content = encoded(body, encoding)
    if max(len(content), len(body)) <= most_bytes:
        assert read(content, encoding, most_bytes) == body
        return
    with pytest.raises(PartnerApiError) as error:
        read(content, encoding, most_bytes)
    assert error.value.failure is Failure.TOO_LARGE


@given(BODIES, st.sampled_from(["gzip", "deflate"]), st.integers(1, 20), st.binary(max_size=3))
def test_cut_body_is_an_error(body: bytes, encoding: str, missing: int, more: bytes) -> None:
    """A compressed body that was cut, or that something follows, is never taken for a whole one."""
    content = encoded(body, encoding)
    cut = content[: max(1, len(content) - missing)] if not more.strip(b"\0") else content + more
    with pytest.raises(PartnerApiError) as error:
        read(cut, encoding, 10_000)
    assert error.value.failure is Failure.NOT_JSON
