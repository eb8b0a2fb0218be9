"""Bodies under a content encoding, at the edges of what is taken."""

import gzip
import zlib

import pytest

from partner_orders.content_encoding import TooLargeError, inflated

BODY = b'{"order_id":"1"}'


@pytest.mark.parametrize("encoding", ["gzip", " X-GZIP "])
def test_gzip(encoding: str) -> None:
    """gzip is taken under both of its names, however they are written."""
    assert inflated(gzip.compress(BODY), encoding, len(BODY)) == BODY
    assert inflated(zlib.compress(BODY), encoding, len(BODY)) is None


@pytest.mark.parametrize("window_bits", [15, -15])
def test_deflate(window_bits: int) -> None:
    """deflate is taken in zlib's format and bare."""
    compressing = zlib.compressobj(wbits=window_bits)
    assert inflated(compressing.compress(BODY) + compressing.flush(), "deflate", len(BODY)) == BODY


def test_zeros_behind_the_body_are_padding() -> None:
    """Zeros after the body are ignored; anything else is not."""
    assert inflated(gzip.compress(BODY) + b"\0\0", "gzip", len(BODY)) == BODY
    assert inflated(gzip.compress(BODY) + b"\0X\0", "gzip", len(BODY)) is None
    assert inflated(gzip.compress(BODY) + b"\0X", "gzip", len(BODY)) is None
    assert inflated(gzip.compress(BODY) + b"X\0", "gzip", len(BODY)) is None


def test_one_byte_too_many() -> None:
    """A body of one byte over the limit is refused, and so is one that ends too early."""
    with pytest.raises(TooLargeError):
        inflated(gzip.compress(BODY), "gzip", len(BODY) - 1)
    assert inflated(gzip.compress(BODY)[:-1], "gzip", len(BODY)) is None
