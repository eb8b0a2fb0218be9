"""The rows of a platform's file at their bounds, and the texts of what cannot be read."""

import csv
import gzip
import zlib

import pytest

from partner_orders.catalogue import result_rows
from partner_orders.catalogue.job_result import ExportedProduct, read_export
from partner_orders.catalogue.result_json import MAX_OBJECT_CHARACTERS, objects
from partner_orders.catalogue.result_rows import MAX_ROW_CHARACTERS, Rows, UnreadableResultError, inflated

HEADER = b"sku,price\n"


def rows(content: bytes) -> list[list[str]]:
    return [*Rows(inflated([content]), ("sku", "price"), frozenset({"price"}))]


def refusal(content: bytes) -> str:
    with pytest.raises(UnreadableResultError) as error:
        rows(content)
    return str(error.value)


def unreadable(content: bytes) -> str:
    with pytest.raises(UnreadableResultError) as error:
        [*objects([content])]
    return str(error.value)


def test_rows() -> None:
    """Rows are read after empty lines, whichever the line ends are; a last line may have none."""
    assert rows(b"\r\n \n" + HEADER + b'"A","1\n2"\r\nB,2') == [["A", "1\n2"], ["B", "2"]]
    assert Rows([b" SKU ; Price \n"], ("sku", "price"), frozenset({"price"})).names == ["sku", "price"]


def test_file_cut_inside_quotes() -> None:
    """The last cell of a file that ends inside quotes is left out."""
    assert rows(HEADER + b'A,"1"\nB,"2') == [["A", "1"], ["B"]]


def test_file_cut_inside_a_character() -> None:
    """The half of a character at the end of a file is shown as one that cannot be read."""
    assert rows(HEADER + b"A,1\xc3") == [["A", "1\N{REPLACEMENT CHARACTER}"]]


def test_cell_too_long_for_csv() -> None:
    """A cell or a header that the csv module refuses is a file that cannot be read."""
    before = csv.field_size_limit(5)
    try:
        assert refusal(HEADER + b"A,123456\n") == "the file is not CSV, or a cell of it does not end"
        assert refusal(b"sku,price,colour\n") == "the file has no header with sku, price"
    finally:
        csv.field_size_limit(before)


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"", "the file has no header with sku, price"),
        (b"sku\nA\n", "the file has no header with sku, price"),
        (b"price\n1\n", "the file has no header with sku, price"),
        (b"s" * MAX_ROW_CHARACTERS + b"\n", "a row of the file has more than 131,072 characters"),
        (b"s" * (MAX_ROW_CHARACTERS + 1), "a row of the file has more than 131,072 characters"),
        (HEADER + b"A," + b"x" * MAX_ROW_CHARACTERS, "a row of the file has more than 131,072 characters"),
        (gzip.compress(HEADER, mtime=0)[:-1], "the file is a gzip that was cut off"),
        (b"\x1f\x8bxx", "the file is a damaged gzip"),
        (gzip.compress(HEADER, mtime=0) + b"\0" + b"x" * 20, "the file is a damaged gzip"),
    ],
)
def test_refused_with_a_reason(content: bytes, text: str) -> None:
    """A file that cannot be read says why, and quotes nothing."""
    assert refusal(content) == text


def test_longest_row() -> None:
    """A row of 131,072 characters with its line end is taken, however many rows there are."""
    longest = b"A," + b"x" * (MAX_ROW_CHARACTERS - 3) + b"\n"
    assert len(longest) == MAX_ROW_CHARACTERS
    assert [len(cells) for cells in rows(HEADER + b"A,1\n" + longest * 3)] == [2, 2, 2, 2]
    assert [len(cells) for cells in rows(HEADER + b"A,1\n" + longest.replace(b"\n", b"x"))] == [2, 2]
    assert "131,072" in refusal(HEADER + b"A,1\n" + longest.replace(b"x\n", b"xx\n"))


def test_bounds_of_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file may have so many rows and bytes, and not one more."""
    monkeypatch.setattr(result_rows, "MAX_ROWS", 3)
    assert len(rows(HEADER + b"A,1\nB,1\n")) == 2
    assert refusal(HEADER + b"A,1\nB,1\nC,1\n") == "the file has more than 3 rows"
    monkeypatch.setattr(result_rows, "MAX_BYTES", len(HEADER) + 4)
    assert len(rows(HEADER + b"A,1\n")) == 1
    assert refusal(HEADER + b"A,1\nB") == "the file has more than 14 bytes"
    with pytest.raises(UnreadableResultError, match="more than 14 bytes"):
        [*inflated([HEADER, b"A,1\n", b"B"])]


def test_gzip_in_parts() -> None:
    """A gzip may have parts, and zeros between and after them."""
    content = gzip.compress(HEADER) + b"\0\0" + gzip.compress(b"A,1\n") + b"\0"
    assert rows(content) == [["A", "1"]]
    assert [*Rows(inflated([content, b"\0" * 5_000, b"\0"]), ("sku",), frozenset({"price"}))] == [["A", "1"]]


def test_blocks_of_a_gzip() -> None:
    """Zeros at the beginning of a block are padding only where a part has ended; anything else is damage."""
    cell = "x" * 5_000 + "\0\0y"
    first = gzip.compress(HEADER + f"A,{cell}\n".encode(), compresslevel=0, mtime=0)
    at = first.index(b"\0\0y")
    blocks = [first[:at], first[at:].ljust(5_000, b"\0"), b"\0\0" + gzip.compress(b"B,1\n", mtime=0)]
    assert [*Rows(inflated(blocks), ("sku",), frozenset({"price"}))] == [["A", cell], ["B", "1"]]
    for damaged in ([first + b"X" * 20], [first, b"X" * 20], [first, zlib.compress(b"B,1\n")]):
        with pytest.raises(UnreadableResultError, match="damaged gzip"):
            [*inflated(damaged)]


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"", "the file is JSON without a list"),
        (b"{}", "the file is JSON without a list"),
        (b"[{}", "the file is JSON that was cut off"),
        (b'[{"a":"', "the file is JSON that was cut off"),
        (b"[{]", "the file is not JSON: its brackets do not match"),
        (b"[" * 65, "the file is nested more than 64 levels"),
        (b"[{" + b" " * MAX_OBJECT_CHARACTERS, "an object of the file has more than 131,072 characters"),
    ],
)
def test_json_that_cannot_be_read(content: bytes, text: str) -> None:
    """JSON that cannot be read says why."""
    assert unreadable(content) == text


def test_objects_in_any_pieces() -> None:
    """Objects are found wherever the pieces of a file are cut, and whatever stands between them."""
    content = b'{"page":{"a":[{"x":1}]},"list":[{"sku":"A","b":{"c":["]"]}}, 7, {"sku":"\xffB"}],"end":"{"}'
    found = [{"sku": "A", "b": {"c": ["]"]}}, {"sku": "\N{REPLACEMENT CHARACTER}B"}]
    for size in (1, 2, 3, 7, 20, len(content)):
        assert [*objects(content[at : at + size] for at in range(0, len(content), size))] == found
    longest = b'{"a":"' + b"x" * (MAX_OBJECT_CHARACTERS - 8) + b'"}'
    assert len([*objects([b"[" + longest, b"]"])]) == 1
    begun = longest.replace(b'"}', b'x"')
    assert len([*objects([b"[" + begun, b"}]"])]) == 1


def test_first_block_may_be_anything() -> None:
    """An export begins with a byte order mark, white space or nothing, and is CSV unless it begins like JSON."""
    assert [*read_export([b"\xef\xbb\xbf\n [", b'{"sku":"A"}]'])] == [ExportedProduct("A")]
    assert [*read_export([b"sku,", b"barcode\nA,1\n"])] == [ExportedProduct("A", ("1",))]
    with pytest.raises(UnreadableResultError, match="no header"):
        [*read_export([])]
