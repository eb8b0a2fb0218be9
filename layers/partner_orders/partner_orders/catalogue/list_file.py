"""Reading a chain's list of products line by line, from a CSV or JSON Lines file of any size.

The file is streamed: one line is in memory at a time, and reading can go on later from the end of any line. A line
that cannot be read costs no other line. A file that is not a list at all is refused whole.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import NamedTuple, Self

from partner_orders.catalogue.line_columns import (
    COLUMNS,
    MAX_COLUMNS,
    LineProblemError,
    csv_columns,
    header_columns,
    json_columns,
    problem_of_header,
)
from partner_orders.catalogue.product import FIELDS, printable
from partner_orders.exact_json import Json

MAX_LINE_BYTES = 16 * 1024  # without the line end
MAX_LINES = 2_000_000
MAX_BYTES = 1024 * 1024 * 1024
UNNAMED = "(no name)"  # stands for columns whose header cell is empty
_MOST_SHOWN = 200  # characters of a header
# So many bytes tell that a line is too long, whatever mark of order and carriage return are among them.
_ENOUGH = MAX_LINE_BYTES + 5
_BOM = b"\xef\xbb\xbf"
_IS_JSON = {"csv": False, "jsonl": True, "ndjson": True}
_EXPECTED = (
    f"Start the file with a line of column names: sku or barcode, at least one of {', '.join(FIELDS)}, "
    "and version if you have one; separate them by comma, semicolon or tab."
)
_UTF_8 = "Save it as UTF-8 (in Excel: CSV UTF-8) and upload it again."


class Line(NamedTuple):
    """A line: its number (the first of the file is 1), the bytes at which it and the next line begin, and its columns
    as text, with names in lower case."""

    number: int
    begins_at: int
    ends_at: int
    columns: Mapping[str, str]


class BadLine(NamedTuple):
    """A line that cannot be read. ``problem`` says what is wrong and what to do, and quotes nothing of the line."""

    number: int
    begins_at: int
    ends_at: int
    problem: str


class FileError(ValueError):
    """The whole file is refused. ``problem``: a sentence that says what is wrong; ``remedy``: one that says what to
    do."""

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(f"{problem} {remedy}")
        self.problem = problem
        self.remedy = remedy


@dataclass(frozen=True, slots=True)
class Position:
    """Where reading goes on: the offset of the next byte and the number of the line that begins there.

    ``delimiter`` is empty for JSON Lines. ``columns`` are the header's, or the unknown ones seen so far in JSON Lines.
    """

    offset: int
    number: int
    delimiter: str
    columns: tuple[str, ...]

    def to_json(self) -> dict[str, Json]:
        return {
            "offset": self.offset,
            "number": self.number,
            "delimiter": self.delimiter,
            "columns": list(self.columns),
        }

    @classmethod
    def from_json(cls, value: Json) -> Self:
        """Inverse of to_json(). Raises ValueError."""
        match value:
            case {
                "offset": int(offset),
                "number": int(number),
                "delimiter": ("" | "," | ";" | "\t") as delimiter,
                "columns": list(columns),
            } if offset >= 0 and number >= 1 and all(isinstance(name, str) for name in columns):
                return cls(offset, number, str(delimiter), tuple(map(str, columns)))
            case _:
                raise ValueError("not a position in a list file")


class ListFile(Iterator[Line | BadLine]):
    """The lines of a file, each once. ``position`` is that after the line that was given last."""

    def __init__(self, texts: Iterator["_Text"], position: Position) -> None:
        self.position = position
        self._texts = texts

    @property
    def unknown_columns(self) -> list[str]:
        """The columns that mean nothing to us, for one report: all of a CSV file's, or those of JSON Lines so far (at
        most 64)."""
        return list(dict.fromkeys(name or UNNAMED for name in self.position.columns if name not in COLUMNS))

    def __next__(self) -> Line | BadLine:
        delimiter, names = self.position.delimiter, self.position.columns
        # Spreadsheets end a list with lines that are delimiters only; they say nothing of a product.
        blank = b" \t\r" + delimiter.encode()
        text = next(text for text in self._texts if text.is_cut or text.content.strip(blank))
        result: Line | BadLine
        try:
            if text.is_cut:
                raise LineProblemError(f"the line is longer than {MAX_LINE_BYTES:,} bytes; shorten it")
            columns = csv_columns(text.content, delimiter, names) if delimiter else json_columns(text.content)
            result = Line(text.number, text.begins_at, text.ends_at, columns)
            names = names if delimiter else _with_unknown(names, columns)
        except LineProblemError as error:
            result = BadLine(text.number, text.begins_at, text.ends_at, str(error))
        self.position = Position(text.ends_at, text.number + 1, delimiter, names)
        return result


def read_lines(chunks: Iterable[bytes], name_or_format: str, position: Position | None = None) -> ListFile:
    """The lines of a file. ``chunks``: its bytes in order, from ``position`` on if one is given. ``name_or_format``:
    the file's name, or csv or jsonl; without a known ending, the first byte decides.

    Empty lines are skipped, and counted. Raises FileError for a file that is no list, here if its beginning says so,
    else while the lines are read.
    """
    if position is not None:
        return ListFile(_texts(chunks, position.offset, position.number), position)
    texts = _texts(chunks, 0, 1)
    first = next((text for text in texts if _is_readable(text) and (text.is_cut or text.content.strip())), None)
    if first is None:
        raise FileError("The file is empty.", "Check the export that wrote it, and upload it again.")
    is_json = _IS_JSON.get(name_or_format.lower().rpartition(".")[2])
    if is_json is None:
        beginning = first.content.lstrip()[:1]
        if beginning == b"[":
            raise FileError("The file is a JSON list.", "Write one JSON object a line, and end its name in .jsonl.")
        is_json = beginning == b"{"
    if is_json:
        return ListFile(chain([first], texts), Position(first.begins_at, first.number, "", ()))
    delimiter, header = _header(first)
    return ListFile(texts, Position(first.ends_at, first.number + 1, delimiter, header))


class _Text(NamedTuple):
    """A line without its line end; one that is too long is cut, and its rest is passed over."""

    number: int
    begins_at: int
    ends_at: int
    content: bytes
    is_cut: bool


def _texts(chunks: Iterable[bytes], offset: int, number: int) -> Iterator[_Text]:
    begins_at, at, begun = offset, offset, bytearray()
    for chunk in chunks:
        if at + len(chunk) > MAX_BYTES:
            raise FileError(f"The file has more than {MAX_BYTES:,} bytes.", "Split it into several files.")
        start = 0
        while (end := chunk.find(b"\n", start)) >= 0:
            begun += chunk[start : min(end, start + _ENOUGH)]
            start = end + 1
            yield _text(number, begins_at, at + start, begun)
            begins_at, number, begun = at + start, number + 1, bytearray()
        begun += chunk[start : start + max(0, _ENOUGH - len(begun))]
        at += len(chunk)
    if at > begins_at:
        yield _text(number, begins_at, at, begun)


def _text(number: int, begins_at: int, ends_at: int, content: bytearray) -> _Text:
    if number > MAX_LINES:
        raise FileError(f"The file has more than {MAX_LINES:,} lines.", "Split it into several files.")
    whole = bytes(content)
    if begins_at == 0:
        whole = whole.removeprefix(_BOM)
    whole = whole.removesuffix(b"\r")
    return _Text(number, begins_at, ends_at, whole[:MAX_LINE_BYTES], len(whole) > MAX_LINE_BYTES)


def _is_readable(text: _Text) -> bool:
    """True. Raises FileError if the file begins like something that is neither CSV nor JSON Lines."""
    content = text.content
    if content.startswith((b"\x1f\x8b", b"PK\x03\x04", b"PK\x05\x06")):
        raise FileError(
            "The file is compressed, or an Excel workbook.", "Upload it uncompressed, as CSV or as JSON Lines."
        )
    if content.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in content:
        raise FileError("The file is in UTF-16 or UTF-32, or is no text.", _UTF_8)
    return True


def _header(first: _Text) -> tuple[str, tuple[str, ...]]:
    """The delimiter and the names of the columns. Raises FileError."""
    if first.is_cut:
        raise FileError(f"The header is longer than {MAX_LINE_BYTES:,} bytes.", _EXPECTED)
    try:
        text = first.content.decode()
    except UnicodeDecodeError:
        raise FileError("The header is not UTF-8.", _UTF_8) from None
    delimiter, names = header_columns(text)
    if problem := problem_of_header(names):
        raise FileError(f'The header "{printable(text, _MOST_SHOWN)}" {problem}.', _EXPECTED)
    return delimiter, names


def _with_unknown(names: tuple[str, ...], columns: Mapping[str, str]) -> tuple[str, ...]:
    unknown = [name for name in columns if name not in COLUMNS and name not in names]
    return (names + tuple(unknown))[:MAX_COLUMNS]
