"""A CSV file with gzip, on disk while it is written, whatever its length."""

import csv
import gzip
import io
from collections.abc import Iterable
from tempfile import TemporaryFile
from typing import IO, Self


class PackedCsv:
    """``columns``: the first line. Every method raises OSError where the disk is full."""

    def __init__(self, columns: Iterable[str]) -> None:
        self._columns = columns

    def __enter__(self) -> Self:
        self._file = TemporaryFile()
        # Without a name and a time, equal lines are equal bytes.
        packed = gzip.GzipFile("", "wb", fileobj=self._file, mtime=0)
        self._text = io.TextIOWrapper(packed, "utf-8", newline="")
        self._writer = csv.writer(self._text, lineterminator="\n")
        self._writer.writerow(self._columns)
        return self

    def __exit__(self, *_: object) -> None:
        self._text.close()
        self._file.close()

    def add(self, lines: Iterable[Iterable[str]]) -> None:
        self._writer.writerows(lines)

    def finished(self) -> IO[bytes]:
        """The file, at its beginning. Nothing can be added any more."""
        self._text.close()
        self._file.seek(0)
        return self._file
