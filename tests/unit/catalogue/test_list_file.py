"""A chain's list of products is read line by line; a bad line is reported, and a file that is no list is refused."""

import gzip
import tracemalloc
from collections.abc import Iterator
from functools import partial
from itertools import islice, repeat
from typing import Any

import pytest

from partner_orders.catalogue import list_file
from partner_orders.catalogue.line_columns import MAX_COLUMN_NAME, MAX_COLUMNS
from partner_orders.catalogue.list_file import (
    MAX_BYTES,
    MAX_LINE_BYTES,
    BadLine,
    FileError,
    Line,
    Position,
    read_lines,
)

# Without the time of packing: a test is named by its content.
packed = partial(gzip.compress, mtime=0)

HEADER = b"sku,price\n"


def columns(content: bytes, name: str = "csv") -> list[dict[str, str] | None]:
    """The columns of each line; None stands for a bad line."""
    return [dict(line.columns) if isinstance(line, Line) else None for line in read_lines([content], name)]


def problem(content: bytes, name: str = "csv") -> str:
    """What is wrong with the only line of a file."""
    [line] = read_lines([content], name)
    assert isinstance(line, BadLine)
    return line.problem


def refusal(content: bytes, name: str = "csv") -> FileError:
    with pytest.raises(FileError) as error:
        [*read_lines([content], name)]
    return error.value


def test_lines_have_number_and_offsets() -> None:
    """The header is line 1; a line begins where the one before it ended, or after empty lines."""
    assert [*read_lines([b"sku,price\r\nA,1\r\n\r\nB,2"], "csv")] == [
        Line(2, 11, 16, {"sku": "A", "price": "1"}),
        Line(4, 18, 21, {"sku": "B", "price": "2"}),
    ]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"])
def test_delimiter_is_sniffed(delimiter: str, bom: bytes) -> None:
    """Comma, semicolon and tab are told apart by the header, with or without a byte order mark."""
    content = '"SKU"| Price |name\nA|3.50|"x, y; ""z""\t"\n'.replace("|", delimiter).encode()
    assert columns(bom + content) == [{"sku": "A", "price": "3.50", "name": 'x, y; "z"\t'}]


def test_delimiter_shows_known_columns() -> None:
    """A delimiter inside a column's name is not taken for the one between columns."""
    assert columns(b"sku;price;name, short, long\nA;1;x\n") == [{"sku": "A", "price": "1", "name, short, long": "x"}]


def test_unknown_columns_are_carried_and_told() -> None:
    """Columns that we do not know stay on the line, and are listed once; unnamed ones are only listed."""
    lines = read_lines([b"sku,price,Colour,,\nA,1,red,x,y\n"], "csv")
    assert lines.unknown_columns == ["colour", "(no name)"]
    assert [*lines] == [Line(2, 19, 31, {"sku": "A", "price": "1", "colour": "red"})]
    assert read_lines([b"sku,barcode,price,active,quantity,cap,version\n"], "csv").unknown_columns == []


def test_unknown_columns_of_json_are_bounded() -> None:
    """Those of JSON Lines are collected while they are read, up to the most columns of a line."""
    names = [f'{{"sku":"A","c{number}":1}}\n'.encode() for number in range(2 * MAX_COLUMNS)]
    lines = read_lines(names, "jsonl")
    assert lines.unknown_columns == []
    next(lines)
    assert lines.unknown_columns == ["c0"]
    assert len([*lines]) == 2 * MAX_COLUMNS - 1
    assert lines.unknown_columns == [f"c{number}" for number in range(MAX_COLUMNS)]


@pytest.mark.parametrize("blank", [b"\n", b"\r\n", b" \t\n", b",\n", b" , \n"])
def test_lines_without_content_are_skipped(blank: bytes) -> None:
    """Empty lines, and those of delimiters only, as spreadsheets leave them, are not lines of a product."""
    assert columns(blank.replace(b",", b"") + HEADER + blank + b"A,1\n" + blank) == [{"sku": "A", "price": "1"}]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (b"A", "has 1 cells and the header 2"),
        (b"X", "has 1 cells and the header 2"),
        (b"A,1,", "has 3 cells and the header 2"),
        (b'A,"1\n', "line break"),
        (b'A,1"', "quote"),
        (b'A,"1"2', "quote"),
        (b"A\rB,1", "carriage return"),
        (b"\xff,1", "UTF-8"),
        (b"A" * MAX_LINE_BYTES + b",1", "longer than 16,384 bytes"),
    ],
)
def test_bad_csv_line(line: bytes, words: str) -> None:
    """A bad line says what is wrong, quotes nothing of it, and costs no other line."""
    content = HEADER + line.removesuffix(b"\n") + b"\nB,2\n"
    bad, good = read_lines([content], "csv")
    assert isinstance(bad, BadLine)
    assert words in bad.problem
    assert (bad.number, bad.begins_at, bad.ends_at) == (2, 10, len(content) - 4)
    assert good == Line(3, len(content) - 4, len(content), {"sku": "B", "price": "2"})


def test_line_break_in_quotes_is_told() -> None:
    """Both halves of a record with a line break are bad lines: neither half is taken for a product."""
    content = b'sku,name,price\nA,"Milk\nB,x",3.50\nC,y,1\n'
    assert columns(content) == [None, None, {"sku": "C", "name": "y", "price": "1"}]


def test_longest_line_is_read() -> None:
    """A line of the most bytes is read, with CRLF and as the first after a byte order mark."""
    name = "n" * (MAX_LINE_BYTES - len('{"sku":"","price":1}'))
    line = f'{{"sku":"{name}","price":1}}'.encode()
    assert len(line) == MAX_LINE_BYTES
    for content in (line + b"\r\n", b"\xef\xbb\xbf" + line + b"\r\n", line):
        assert columns(content, "jsonl") == [{"sku": name, "price": "1"}]
        assert columns(content.replace(b"nn", b"nnn", 1), "jsonl") == [None]


def test_json_values_become_text() -> None:
    """Numbers keep the decimals that were written, booleans are words, and null says nothing."""
    line = b'{"SKU":"A","price":3.50,"active":true,"quantity":7,"cap":null,"big":12345678901234567890.10,"exp":1e2}'
    [found] = read_lines([line], "jsonl")
    assert isinstance(found, Line)
    assert found.columns == {
        "sku": "A",
        "price": "3.50",
        "active": "true",
        "quantity": "7",
        "big": "12345678901234567890.10",
        "exp": "100",
    }


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (b'{"sku":', "not JSON"),
        (b"[1]", "no JSON object"),
        (b'"A"', "no JSON object"),
        (b'{"sku":"A","sku":"B"}', "duplicate key"),
        (b'{"sku":"A"," Sku ":"B"}', "twice"),
        (b'{"sku":null,"SKU":"B"}', "twice"),
        (b'{"sku":["A"]}', "list or an object"),
        (b'{"sku":{"a":1}}', "list or an object"),
        (b'{"sku":"\\ud800"}', "surrogate"),
        (b'{"sku":"A","price":NaN}', "NaN"),
        (b'{"":"A"}', "column name"),
        (b'{"a\\u0007":"A"}', "column name"),
        (b'{"' + b"n" * (MAX_COLUMN_NAME + 1) + b'":1}', "column name"),
        (b"{" + b",".join(b'"c%d":1' % number for number in range(MAX_COLUMNS + 1)) + b"}", "more than 64 columns"),
        (b"[" * MAX_LINE_BYTES, "nested"),
        (b'{"sku":"\xff"}', "UTF-8"),
    ],
)
def test_bad_json_line(line: bytes, words: str) -> None:
    """A line of JSON Lines that is no plain object says why."""
    assert words in problem(line, "jsonl")


@pytest.mark.parametrize(
    ("name", "content", "is_json"),
    [
        ("incoming/store-1/list.CSV", b"sku,price\nA,1\n", False),
        ("list.jsonl", b'{"sku":"A","price":1}', True),
        ("list.ndjson", b'{"sku":"A","price":1}', True),
        ("list.txt", b' \n  {"sku":"A","price":1}', True),
        ("list", b"\xef\xbb\xbf\n{}", True),
        ("list.json", b"\n sku,price\nA,1\n", False),
    ],
)
def test_format_by_name_else_first_byte(name: str, content: bytes, is_json: bool) -> None:
    """The file's name decides its format; of any other name the first byte does."""
    lines = read_lines([content], name)
    assert (lines.position.delimiter == "") is is_json
    assert len([*lines]) == 1


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b"\xef\xbb\xbf\r\n \n", "empty"),
        ("sku,price\nA,1\n".encode("utf-16"), "UTF-16"),
        ("\nsku,price\nA,1\n".encode("utf-16-le"), "UTF-16"),
        ("sku,price\nA,1\n".encode("utf-16-be"), "UTF-16"),
        ("sku,price\nA,1\n".encode("utf-32"), "UTF-16"),
        ("código,sku,price\n".encode("latin-1"), "not UTF-8"),
        (packed(b"sku,price\n" * 9), "compressed"),
        (b"PK\x03\x04" + b"x" * 99_999, "compressed"),
        (b"s" * (MAX_LINE_BYTES + 1), "longer than 16,384 bytes"),
        (b" " * (MAX_LINE_BYTES + 1) + b"\nsku,price\n", "longer than 16,384 bytes"),
        (b"price,active\n", 'The header "price,active" has neither sku nor barcode.'),
        (b"sku,barcode,version\n", "has none of price, active, quantity, cap"),
        (b"sku,price,PRICE \n", "has a column twice (price)"),
        (b"sku|price\n", 'The header "sku|price" has neither'),
        (b'sku,"price\n', "has neither"),
        (b'{"sku":"A"}\n', "has neither"),
        (b"sku,price," + b",".join(b"c%d" % number for number in range(MAX_COLUMNS)), "more than 64 columns"),
        (b"sku,price,a\x07b\n", 'The header "sku,price,a\N{REPLACEMENT CHARACTER}b" has a column name'),
        (b"sku,price," + b"n" * (MAX_COLUMN_NAME + 1), "column name of over 128"),
        (b"sku,price\rA,1\r", "not printable"),
    ],
)
def test_refused_file(content: bytes, words: str) -> None:
    """A file that is no list is refused whole, before any line, and the error says what to do."""
    error = refusal(content)
    assert words in error.problem
    assert error.remedy.endswith(".")
    assert str(error) == f"{error.problem} {error.remedy}"


def test_refusal_names_the_expected_columns() -> None:
    """The error of a wrong header shows a bounded part of it, and the columns that it should have."""
    error = refusal("\N{SNOWMAN}".encode() * 3_000)
    assert error.problem.partition(" has a column name ")[0] == f'The header "{"\N{SNOWMAN}" * 200}"'
    assert all(name in error.remedy for name in ("sku", "barcode", "price", "active", "quantity", "cap", "version"))


def test_json_list_is_refused() -> None:
    """A JSON list under a name that says nothing is refused whole; it is not a million bad lines."""
    assert "JSON list" in refusal(b'[\n{"sku":"A"}\n]', "list.json").problem


def test_number_of_lines_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """The line after the last one allowed refuses the file, empty lines counted."""
    monkeypatch.setattr(list_file, "MAX_LINES", 3)
    assert len(columns(HEADER + b"A,1\n\n")) == 1
    assert "more than 3 lines" in refusal(HEADER + b"A,1\n\nB,2").problem


def test_last_line_of_the_longest_file() -> None:
    """A file has at most two million lines."""
    lines = read_lines([b"A,1\nB,2"], "csv", Position(10, 2_000_000, ",", ("sku", "price")))
    assert next(lines) == Line(2_000_000, 10, 14, {"sku": "A", "price": "1"})
    with pytest.raises(FileError, match="more than 2,000,000 lines"):
        next(lines)


def test_number_of_bytes_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file of more bytes than allowed is refused, also after going on from a position."""
    monkeypatch.setattr(list_file, "MAX_BYTES", len(HEADER) + 4)
    assert len(columns(HEADER + b"A,1\n")) == 1
    assert "more than 14 bytes" in refusal(HEADER + b"A,1\nB").problem
    with pytest.raises(FileError, match="more than 14 bytes"):
        next(read_lines([b"A,1\n"], "csv", Position(12, 3, ",", ("sku", "price"))))


@pytest.mark.limits
def test_endless_line_is_not_buffered() -> None:
    """A line without an end is passed over in flat memory until the file is too large."""
    block = bytearray(8 * 1024 * 1024)
    block[:] = b"x" * len(block)

    def chunks() -> Iterator[bytes]:
        yield HEADER
        yield from islice(repeat(bytes(block)), MAX_BYTES // len(block))

    with pytest.raises(FileError, match="more than 1,073,741,824 bytes"):
        next(read_lines(chunks(), "csv"))


def test_long_line_takes_no_memory() -> None:
    """What follows the most bytes of a line is passed over, and not held."""
    block = bytes(1024 * 1024)
    tracemalloc.start()
    try:
        [line] = read_lines([HEADER, *repeat(block, 16)], "csv")
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert isinstance(line, BadLine)
    assert most < len(block)


def test_lines_in_any_pieces() -> None:
    """A file that comes byte by byte has the same lines."""
    content = HEADER + b"A,1\r\n\nB" + b"x" * MAX_LINE_BYTES + b",2\nC,3"
    pieces = (bytes([byte]) for byte in content)
    assert [*read_lines(pieces, "csv")] == [*read_lines([content], "csv")]


def test_line_after_an_endless_one_is_read() -> None:
    """A line of many chunks is one bad line, and the next one is read."""
    chunks = [HEADER, *repeat(b"x" * 1_000, 500), b"\nA,1\n"]
    assert [*read_lines(chunks, "csv")][1] == Line(3, 500_011, 500_015, {"sku": "A", "price": "1"})


def test_position_is_plain_data() -> None:
    """A position is stored as JSON and read back; anything else is refused."""
    position = read_lines([b"sku;price;x\n"], "csv").position
    assert position == Position(12, 2, ";", ("sku", "price", "x"))
    assert Position.from_json(position.to_json()) == position
    damages: list[Any] = [{"offset": -1}, {"number": 0}, {"delimiter": "|"}, {"columns": [1]}, {"offset": "12"}]
    for damage in damages:
        with pytest.raises(ValueError, match="not a position"):
            Position.from_json({**position.to_json(), **damage})
    with pytest.raises(ValueError, match="not a position"):
        Position.from_json(None)


def test_header_alone_has_no_lines() -> None:
    """A list without products is a list; whether that may be is for the guards to say."""
    assert columns(HEADER) == []


EMPTY = "The file is empty. Check the export that wrote it, and upload it again."
COMPRESSED = "The file is compressed, or an Excel workbook. Upload it uncompressed, as CSV or as JSON Lines."
UTF_8 = "Save it as UTF-8 (in Excel: CSV UTF-8) and upload it again."
EXPECTED = (
    "Start the file with a line of column names: sku or barcode, at least one of price, active, quantity, cap, and "
    "version if you have one; separate them by comma, semicolon or tab."
)


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"", EMPTY),
        (b" \t\n\r\n", EMPTY),
        (b"[{}]", "The file is a JSON list. Write one JSON object a line, and end its name in .jsonl."),
        (b"\n [", "The file is a JSON list. Write one JSON object a line, and end its name in .jsonl."),
        (b"PK\x05\x06", COMPRESSED),
        (b"\xff\xfes\0", f"The file is in UTF-16 or UTF-32, or is no text. {UTF_8}"),
        ("\ufeff\u4ef7\u683c".encode("utf-16-le"), f"The file is in UTF-16 or UTF-32, or is no text. {UTF_8}"),
        ("\ufeff\u4ef7\u683c".encode("utf-16-be"), f"The file is in UTF-16 or UTF-32, or is no text. {UTF_8}"),
        (b"\xffsku", f"The header is not UTF-8. {UTF_8}"),
        (b"s" * (MAX_LINE_BYTES + 1), f"The header is longer than 16,384 bytes. {EXPECTED}"),
        (b"price", f'The header "price" has neither sku nor barcode. {EXPECTED}'),
    ],
)
def test_refusal_says_what_to_do(content: bytes, text: str) -> None:
    """The text of a refused file says what is wrong and what to do."""
    assert str(refusal(content, "list")) == text


def test_bounds_of_a_file_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that is too long says how long it may be."""
    monkeypatch.setattr(list_file, "MAX_LINES", 1_000)
    assert str(refusal(HEADER + b"A,1\n" * 1_000)) == (
        "The file has more than 1,000 lines. Split it into several files."
    )
    monkeypatch.setattr(list_file, "MAX_BYTES", 2_000)
    assert str(refusal(HEADER + b"A,1\n" * 1_000)) == (
        "The file has more than 2,000 bytes. Split it into several files."
    )


def test_reading_goes_on_from_any_line() -> None:
    """The position after a line is where the next one begins, with its number; reading from there gives the rest."""
    content = HEADER + b"A,1\n\nB" + b"x" * MAX_LINE_BYTES + b",2\nC,3\n"
    lines = read_lines([content], "csv")
    assert (next(lines), lines.position) == (
        Line(2, 10, 14, {"sku": "A", "price": "1"}),
        Position(14, 3, ",", ("sku", "price")),
    )
    bad, good = [*read_lines([content[14:]], "csv", lines.position)]
    assert bad == BadLine(4, 15, len(content) - 4, "the line is longer than 16,384 bytes; shorten it")
    assert good == Line(5, len(content) - 4, len(content), {"sku": "C", "price": "3"})


def test_beginning_of_a_file_is_a_position() -> None:
    """The first byte of the first line is a position, and a column without a name makes none."""
    start = Position(0, 1, "", ())
    assert Position.from_json(start.to_json()) == start
    with pytest.raises(ValueError, match=r"^not a position in a list file$"):
        Position.from_json({**start.to_json(), "columns": ["a", 1]})


@pytest.mark.parametrize("blank", [b"\t;\r", b" ; ", b";;;\t"])
def test_line_of_delimiters_only(blank: bytes) -> None:
    """A line of delimiters and spaces, in any order, is none of a product."""
    assert columns(b"sku;price\nA;1\n" + blank + b"\n") == [{"sku": "A", "price": "1"}]


def test_name_of_a_format_alone() -> None:
    """The format may be given by its name, and a file's name decides by what follows its last dot."""
    line = b'{"sku":"A","price":1}\n'
    assert columns(line, "jsonl") == columns(line, "list.csv.JSONL") == [{"sku": "A", "price": "1"}]
    assert columns(b"[]\n" + line, "list.NDJSON") == [None, {"sku": "A", "price": "1"}]
    assert "has neither" in refusal(line, "list.jsonl.csv").problem
