"""Bodies packed as clients pack them, by the Content-Encoding that says so."""

import gzip
import zlib
from collections.abc import Callable

type Pack = Callable[[bytes], bytes]


def bare_deflate(body: bytes) -> bytes:
    """Without zlib's frame, as some clients send what they call deflate."""
    compressor = zlib.compressobj(wbits=-15)
    return compressor.compress(body) + compressor.flush()


PACK: dict[str, list[Pack]] = {
    "gzip": [gzip.compress],
    "x-gzip": [gzip.compress],
    "deflate": [zlib.compress, bare_deflate],
}
EACH_PACK = [(encoding, pack) for encoding, packs in PACK.items() for pack in packs]
