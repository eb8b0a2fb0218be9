"""A file on disk while it is written, in as many parts as its rows need, with the digest of all of them."""

import gzip
import hashlib
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from tempfile import TemporaryFile
from typing import IO, NamedTuple, Self

from partner_orders.uploader.csv_text import line


class Spooled(NamedTuple):
    """``digest``: of the bytes of all parts, one after the other. ``rows``: without the lines with the columns.
    ``size`` is in bytes."""

    parts: list[IO[bytes]]
    digest: str
    rows: int
    size: int


class Spool:
    """``most_rows``: of one part. Every method raises OSError where the disk is full."""

    def __init__(self, columns: Iterable[str], most_rows: int) -> None:
        self._head = line(columns).encode()
        self._most_rows = most_rows

    def __enter__(self) -> Self:
        self._parts: list[IO[bytes]] = []
        self._digest, self._size, self._rows = hashlib.sha256(), 0, 0
        self._begin()
        return self

    def __exit__(self, *_: object) -> None:
        for part in self._parts:
            part.close()

    def add(self, cells: Iterable[str]) -> None:
        if self._rows and self._rows % self._most_rows == 0:
            self._begin()
        self._write(line(cells).encode())
        self._rows += 1

    def finished(self) -> Spooled:
        """Each part at its beginning. They are there until the context ends."""
        for part in self._parts:
            part.seek(0)
        return Spooled(self._parts, self._digest.hexdigest(), self._rows, self._size)

    def _begin(self) -> None:
        self._parts.append(TemporaryFile())  # noqa: SIM115 - closed with the spool
        self._write(self._head)

    def _write(self, content: bytes) -> None:
        self._parts[-1].write(content)
        self._digest.update(content)
        self._size += len(content)


@contextmanager
def packed(content: IO[bytes]) -> Iterator[IO[bytes]]:
    """The same with gzip, at its beginning, until the context ends. Equal contents are equal bytes."""
    content.seek(0)
    with TemporaryFile() as file:
        with gzip.GzipFile("", "wb", fileobj=file, mtime=0) as target:
            shutil.copyfileobj(content, target, 1_048_576)
        file.seek(0)
        content.seek(0)
        yield file
