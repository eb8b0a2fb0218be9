"""Taking off the content encoding of a body from outside, within bounds of bytes."""

import zlib

_GZIP, _ZLIB, _BARE_DEFLATE = 31, 15, -15
# The window sizes that make zlib read a content encoding. HTTP's deflate is zlib's format (RFC 9110, 8.4.1.2); some
# send it bare.
_FORMATS = {"gzip": (_GZIP,), "x-gzip": (_GZIP,), "deflate": (_ZLIB, _BARE_DEFLATE)}


class TooLargeError(ValueError):
    """The body is larger than it may be."""


def inflated(content: bytes, encoding: str, most_bytes: int) -> bytes | None:
    """The body under one content encoding, gzip or deflate. None under any other, and where the content does not hold
    it whole. Raises TooLargeError for one of over ``most_bytes``, without inflating it further."""
    for window_bits in _FORMATS.get(encoding.strip().lower(), ()):
        inflating = zlib.decompressobj(window_bits)
        try:
            # One byte over the limit is enough to tell.
            body = inflating.decompress(content, most_bytes + 1)
        except zlib.error:
            continue
        if len(body) > most_bytes:
            raise TooLargeError
        # Some pad what they send with zeros.
        if inflating.eof and not inflating.unused_data.strip(b"\0"):
            return body
    return None
