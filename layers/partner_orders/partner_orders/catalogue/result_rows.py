"""The rows of a CSV file of the platform, streamed and bounded, whatever its delimiter, byte order mark or gzip."""

import codecs
import csv
import io
import zlib
from collections.abc import Iterable, Iterator
from itertools import chain

MAX_BYTES = 512 * 1024 * 1024  # as received, and as inflated
MAX_ROWS = 2_000_000
MAX_ROW_CHARACTERS = 128 * 1024
_LEAST_BLOCK_BYTES, _INFLATED_BLOCK_BYTES = 4 * 1024, 64 * 1024
_GZIP = b"\x1f\x8b"
_GZIP_WINDOW = 31  # makes zlib read gzip


class UnreadableResultError(ValueError):
    """The file cannot be read, or not further. The message quotes nothing of it."""


class Rows:
    """The rows of a CSV file, each by the names of its columns in lower case.

    The header is read at once. Raises UnreadableResultError, also after some rows.
    """

    def __init__(self, blocks: Iterable[bytes], known: tuple[str, ...], needed: frozenset[str]) -> None:
        """``known``: the columns that tell the delimiter; the header must have the sku and one of ``needed``."""
        self._quotes = self._characters = 0
        lines = self._counted(_lines(blocks))
        header = next((line for line in lines if line.strip()), "")
        names = {delimiter: _names(header, delimiter) for delimiter in (",", ";")}
        delimiter = max(names, key=lambda candidate: len({*names[candidate]} & {*known}))
        self.names = names[delimiter]
        if "sku" not in self.names or not needed & {*self.names}:
            raise UnreadableResultError(f"the file has no header with {', '.join(known)}")
        self._reader = csv.reader(lines, delimiter=delimiter)

    def __iter__(self) -> Iterator[list[str]]:
        last: list[str] = []
        try:
            for cells in self._reader:
                self._characters = 0
                if last:
                    yield last
                last = cells
        except csv.Error:
            raise UnreadableResultError("the file is not CSV, or a cell of it does not end") from None
        # A file that ends inside quotes was cut, and so was its last cell.
        if last := last[:-1] if self._quotes % 2 else last:
            yield last

    def _counted(self, lines: Iterator[str]) -> Iterator[str]:
        for number, line in enumerate(lines, 1):
            self._quotes += line.count('"')
            self._characters += len(line)
            if self._characters > MAX_ROW_CHARACTERS:
                raise UnreadableResultError(f"a row of the file has more than {MAX_ROW_CHARACTERS:,} characters")
            if number > MAX_ROWS:
                raise UnreadableResultError(f"the file has more than {MAX_ROWS:,} rows")
            yield line


def inflated(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The bytes of a file in blocks, at least one, without gzip if it has it. Raises UnreadableResultError for more
    than MAX_BYTES, and for a gzip that is cut or damaged."""
    received = _blocks(chunks)
    beginning = next(received)
    blocks = chain([beginning], received)
    return _blocks(_without_gzip(blocks)) if beginning.startswith(_GZIP) else blocks


def _blocks(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The bytes in blocks, at least one, that are not tiny, since a host may send a file byte by byte."""
    total, begun = 0, bytearray()
    for chunk in chunks:
        total += len(chunk)
        if total > MAX_BYTES:
            raise UnreadableResultError(f"the file has more than {MAX_BYTES:,} bytes")
        begun += chunk
        if len(begun) >= _LEAST_BLOCK_BYTES:
            yield bytes(begun)
            begun.clear()
    yield bytes(begun)


def _without_gzip(chunks: Iterable[bytes]) -> Iterator[bytes]:
    inflater = zlib.decompressobj(_GZIP_WINDOW)
    try:
        for chunk in chunks:
            # Some pad what they send with zeros.
            packed = chunk.lstrip(b"\0") if inflater.eof else chunk
            while packed:
                if inflater.eof:
                    inflater = zlib.decompressobj(_GZIP_WINDOW)
                yield inflater.decompress(packed, _INFLATED_BLOCK_BYTES)
                packed = inflater.unconsumed_tail or inflater.unused_data.lstrip(b"\0")
    except zlib.error:
        raise UnreadableResultError("the file is a damaged gzip") from None
    if not inflater.eof:
        raise UnreadableResultError("the file is a gzip that was cut off")


def _lines(blocks: Iterable[bytes]) -> Iterator[str]:
    """The lines of the text, each with LF. A character that is not UTF-8 is replaced, and spoils only its cell."""
    decoder = io.IncrementalNewlineDecoder(codecs.getincrementaldecoder("utf-8-sig")("replace"), translate=True)
    begun = ""
    for block in blocks:
        *lines, begun = (begun + decoder.decode(block)).split("\n")
        yield from (line + "\n" for line in lines)
        if len(begun) > MAX_ROW_CHARACTERS:
            raise UnreadableResultError(f"a row of the file has more than {MAX_ROW_CHARACTERS:,} characters")
    if begun := begun + decoder.decode(b"", final=True):
        yield begun


def _names(header: str, delimiter: str) -> list[str]:
    try:
        return [cell.strip().lower() for cell in next(csv.reader([header], delimiter=delimiter), [])]
    except csv.Error:
        return []
