"""Responses that are more than a status and a page: endless, inflating, dripping, compressed."""

import gzip
import io
import random
import zlib
from collections.abc import Callable
from functools import cache

import requests
from urllib3 import HTTPResponse

from tools.local.simulated_platform.partner_api import Response

# A response is larger than a function of 512 MiB could hold twice. Half of its memory is what one may take.
HUGE_BYTES = 96 * 2**20
INFLATED_BYTES = 256 * 2**20
MOST_BYTES = 64 * 2**20
# A response that drips ends before the lease does, or is given up.
LONGEST_SECONDS = 120.0


class HugeBody(io.RawIOBase):
    """A page that goes on with spaces and has no end. ``taken`` is how many bytes were read."""

    def __init__(self, beginning: bytes) -> None:
        self._beginning = beginning
        self.taken = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "memoryview") -> int:  # type: ignore[override]
        size = min(len(buffer), HUGE_BYTES - self.taken)
        content = self._beginning[self.taken : self.taken + size]
        buffer[:size] = content + b" " * (size - len(content))
        self.taken += size
        return size


class DrippingBody(io.BytesIO):
    """A body that comes a few bytes at a time, until the session's patience of some seconds is over. ``seconds`` is how
    long it was waited for."""

    def __init__(self, content: bytes, sleep: Callable[[float], None], chance: random.Random, patience: float) -> None:
        super().__init__(content)
        self._patience = patience
        self._sleep = sleep
        self._chance = chance
        self.seconds = 0.0

    def read1(self, size: int | None = -1, /) -> bytes:
        self._drip()
        return super().read1(min(64, size) if size and size > 0 else 64)

    def read(self, size: int | None = -1, /) -> bytes:
        parts: list[bytes] = []
        while part := self.read1(64):
            parts.append(part)
            if size is not None and 0 < size <= sum(map(len, parts)):
                break
        return b"".join(parts)

    def _drip(self) -> None:
        seconds = self._chance.uniform(2, 8)
        self.seconds += seconds
        self._sleep(seconds)
        if self.seconds > self._patience:
            raise TimeoutError


@cache
def inflating() -> bytes:
    """Some hundred kilobytes of gzip that are as many hundred megabytes of a page."""
    packed = zlib.compressobj(9, wbits=31)
    parts = [packed.compress(b'{"orders":[')]
    parts += [packed.compress(b" " * 2**20) for _ in range(INFLATED_BYTES >> 20)]
    parts += [packed.compress(b'],"page_number":1,"page_size":20,"total_pages":0}'), packed.flush()]
    return b"".join(parts)


def compressed(response: Response, encoding: str) -> Response:
    """The same response with a content encoding: gzip or deflate."""
    body = gzip.compress(response.body, mtime=0) if encoding == "gzip" else zlib.compress(response.body)
    return Response(response.status, {**response.headers, "Content-Encoding": encoding}, body)


def to_requests(response: Response, body: io.IOBase | None = None) -> requests.Response:
    """The response as a session of requests gives it, with another body where there is one."""
    answer = requests.Response()
    answer.status_code = response.status
    answer.headers.update(response.headers)
    answer.raw = HTTPResponse(
        body or io.BytesIO(response.body), headers=response.headers, status=response.status, preload_content=False
    )
    return answer
