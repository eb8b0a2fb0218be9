"""Laws of reading a chain's list: the same lines in whatever chunks, from whatever line, and of whatever bytes."""

import csv
import io
import json
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from partner_orders.catalogue.line_columns import COLUMNS
from partner_orders.catalogue.list_file import (
    MAX_LINE_BYTES,
    BadLine,
    FileError,
    Line,
    Position,
    read_lines,
)

pytestmark = pytest.mark.slow

type Lines = list[Line | BadLine]

BOMS = st.sampled_from([b"", b"\xef\xbb\xbf"])
FORMATS = st.sampled_from(["csv", "jsonl", "list.txt"])
LINE_ENDS = st.sampled_from(["\n", "\r\n"])
DELIMITERS = st.sampled_from([",", ";", "\t"])
CELLS = st.text(alphabet=st.sampled_from('aÄ€😀 ",;\t3.'), max_size=6)
# What lines are made of, good and bad, and some that are too long.
PIECES = st.sampled_from([
    *(b"A,1\n", b"B;2\r\n", b'"C","3"\r\n', b'"D\n', b"\n", b"\r", b" \t\n", b",\n", b"\xff,1\n", b"\0,1\n"),
    *(b'{"sku":"A","price":3.50}\n', b'{"sku":"A","size":1}\n', b"[]\n", b"{\n", b"\xef\xbb\xbf", b"E,4", b'"'),
    *(b"F" * (MAX_LINE_BYTES - 2), b"F" * MAX_LINE_BYTES, b"F" * (3 * MAX_LINE_BYTES), b",5\n"),
])  # fmt: skip
HEADERS = st.sampled_from([b"", b"sku,price\n", b"\xef\xbb\xbfsku;price\r\n", b'\n"Sku"\tprice\tsize\n', b"sku,price"])
FILES = st.builds(lambda header, pieces: header + b"".join(pieces), HEADERS, st.lists(PIECES, max_size=12))


@st.composite
def chunked(draw: st.DrawFn, content: bytes) -> list[bytes]:
    """The bytes in some chunks, of which some may be empty."""
    cuts = draw(st.lists(st.integers(0, len(content)), max_size=12).map(sorted))
    return [content[start:end] for start, end in pairwise([0, *cuts, len(content)])]


def outcome(chunks: list[bytes], file_format: str, position: Position | None = None) -> tuple[Lines, list[str], str]:
    """All that reading gives: the lines, the unknown columns, and why the file was refused."""
    lines: Lines = []
    try:
        file = read_lines(chunks, file_format, position)
        lines.extend(file)
    except FileError as error:
        return lines, [], str(error)
    return lines, file.unknown_columns, ""


def positions(content: bytes, file_format: str) -> Iterator[tuple[Position, int]]:
    """The position before each line, and that after the last one, with how many lines were given until then."""
    try:
        file = read_lines([content], file_format)
    except FileError:
        return
    yield file.position, 0
    for number, _ in enumerate(file, 1):
        yield file.position, number


@given(st.data(), FILES, FORMATS)
def test_chunks_do_not_matter(data: st.DataObject, content: bytes, file_format: str) -> None:
    """A file gives the same lines, unknown columns and refusal in whatever chunks it comes."""
    assert outcome(data.draw(chunked(content)), file_format) == outcome([content], file_format)


@given(st.data(), FILES, FORMATS)
def test_reading_goes_on_from_any_line(data: st.DataObject, content: bytes, file_format: str) -> None:
    """From a stored position reading gives exactly the lines that are left, and the same unknown columns at its end."""
    lines, unknown, refusal = outcome([content], file_format)
    for position, given_lines in positions(content, file_format):
        stored = Position.from_json(json.loads(json.dumps(position.to_json())))
        rest = data.draw(chunked(content[stored.offset :]))
        assert outcome(rest, "any", stored) == (lines[given_lines:], unknown, refusal)


@given(st.binary(max_size=80) | FILES, FORMATS)
def test_any_bytes_are_lines_or_a_refusal(content: bytes, file_format: str) -> None:
    """Any bytes are lines in their order, with text that can be stored, or a refusal that can be shown."""
    lines, unknown, refusal = outcome([content], file_format)
    assert refusal.isprintable()
    assert all(name.isprintable() for name in unknown)
    assert [line.number for line in lines] == sorted({line.number for line in lines})
    assert all(before.ends_at <= line.begins_at for before, line in pairwise(lines))
    for line in lines:
        assert line.number == 1 + content[: line.begins_at].count(b"\n")
        assert b"\n" not in content[line.begins_at : line.ends_at - 1]
        if isinstance(line, Line):
            assert all(name == name.strip().lower() for name in line.columns)
            assert "".join(line.columns.values()).encode() is not None
        else:
            assert line.problem.isprintable()


@given(st.data(), DELIMITERS, LINE_ENDS, BOMS, st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]))
def test_agrees_with_csv(data: st.DataObject, delimiter: str, line_end: str, bom: bytes, quoting: Any) -> None:
    """What the csv module writes is read as it was, cell by cell."""
    names = data.draw(st.permutations([*COLUMNS, "name"]))
    rows = data.draw(
        st.lists(st.lists(CELLS, min_size=len(names), max_size=len(names)).filter(has_content), max_size=5)
    )
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, lineterminator=line_end, quoting=quoting)
    writer.writerows([names, *rows])
    lines, unknown, _ = outcome([bom + text.getvalue().encode()], "csv")
    assert [line.columns if isinstance(line, Line) else line.problem for line in lines] == [
        dict(zip(names, row, strict=True)) for row in rows
    ]
    assert unknown == ["name"]


def has_content(row: list[str]) -> bool:
    """Whether a row is more than delimiters and white space: others are skipped, unless they are quoted."""
    return "a" in "".join(row)


@given(st.lists(st.dictionaries(st.sampled_from([*COLUMNS, "name"]), CELLS | st.booleans() | st.none())), LINE_ENDS)
def test_agrees_with_json(rows: list[dict[str, Any]], line_end: str) -> None:
    """What the json module writes is read as it was; null is left out."""
    text = "".join(json.dumps(row, ensure_ascii=False) + line_end for row in rows)
    lines, _, refusal = outcome([text.encode()], "jsonl")
    assert [line.columns for line in lines if isinstance(line, Line)] == [
        {name: str(cell).lower() if cell in (True, False) else cell for name, cell in row.items() if cell is not None}
        for row in rows
    ]
    assert bool(refusal) is not bool(rows)
