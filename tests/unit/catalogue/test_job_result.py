"""The platform's result files and exports are read in whatever form they come, within bounds."""

import gzip
import json
import zlib
from collections.abc import Iterator
from decimal import Decimal
from functools import partial
from itertools import islice, repeat
from typing import Any

import pytest

from partner_orders.catalogue import result_rows
from partner_orders.catalogue.job_result import (
    ExportedProduct,
    LineResult,
    comparable_barcode,
    read_export,
    read_results,
)
from partner_orders.catalogue.result_json import MAX_OBJECT_CHARACTERS
from partner_orders.catalogue.result_rows import MAX_ROW_CHARACTERS, UnreadableResultError
from partner_orders.catalogue.settlement import Outcome

# Without the time of packing: a test is named by its content.
packed = partial(gzip.compress, mtime=0)

EXPORT = b'"sku","barcode","price","active","maximum_sales_quantity"\n"KW-100","05012345678900","3.55","true","6"\n'
PRODUCT = ExportedProduct("KW-100", ("05012345678900",), Decimal("3.55"), True, 6)
PART = "the result has only a part of this line"


def results(content: bytes) -> list[LineResult]:
    return [*read_results([content])]


def exported(content: bytes) -> list[ExportedProduct]:
    return [*read_export([content])]


def outcome(state: str, errors: str) -> LineResult:
    [result] = results(f'sku,state,errors\nA,"{state}","{errors}"\n'.encode())
    return result


@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("delimiter", [b",", b";"])
def test_result_is_read(bom: bytes, delimiter: bytes) -> None:
    """Each line of a result is processed, or refused in the platform's words."""
    content = b'"sku","state","errors"\n"KW-100","SUCCESS",""\n"KW-220","FAILED","product not found, in ""catalog"""\n'
    text = 'product not found, in "catalog"'.replace(",", delimiter.decode())
    assert results(bom + content.replace(b",", delimiter)) == [
        LineResult("KW-100", Outcome.PROCESSED),
        LineResult("KW-220", Outcome.REFUSED, text),
    ]


def test_columns_may_be_any_and_in_any_order() -> None:
    """The order of columns is free, and further ones are passed over."""
    content = b"Row_Number,errors,code,SKU,state\r\n1,,200,A,SUCCESS\r\n2,bad price,400,B,FAILED\r\n"
    assert results(content) == [LineResult("A", Outcome.PROCESSED), LineResult("B", Outcome.REFUSED, "bad price")]


@pytest.mark.parametrize(
    "state", ["SUCCESS", "ok", "Completed", "", "successful", "succeeded", "DONE", "processed", "updated"]
)
@pytest.mark.parametrize("errors", ["", " ", "[]", "null", "{}", "None"])
def test_empty_errors_mean_processed(state: str, errors: str) -> None:
    """A line without errors, in a state that says success or nothing, was processed."""
    assert outcome(state, errors) == LineResult("A", Outcome.PROCESSED, "")


@pytest.mark.parametrize("state", ["FAILED", "error", "Rejected", "NOT_FOUND", "unsuccessful"])
def test_failed_state_means_refused(state: str) -> None:
    """A state that says failure is a refusal, and all there is to show of it."""
    assert outcome(state, "") == LineResult("A", Outcome.REFUSED, state)


def test_errors_outweigh_the_state() -> None:
    """A line with errors was refused, whatever its state says."""
    assert outcome("SUCCESS", "bad price") == LineResult("A", Outcome.REFUSED, "bad price")


@pytest.mark.parametrize(("state", "errors"), [("FAILED", "{}"), ("{}", ""), ("FAILED {}", ""), ("SUCCESS", "{}")])
def test_shown_words_have_no_contacts(state: str, errors: str) -> None:
    """What is shown of a line's errors, or of its state, has no email address and no telephone number."""
    said, shown = "ask ['a.khan@example.com'] or +92 (300) 1234567, not SKU A+17", "ask ['…'] or …, not SKU A+17"
    result = outcome(state.format(said), errors.format(said))
    assert result.text == (errors or state).format(shown)


@pytest.mark.parametrize("state", ["QUEUED", "PARTIALLY_DONE", "17"])
def test_unknown_state_is_no_success(state: str) -> None:
    """A state that we do not know is shown, and is not success."""
    assert outcome(state, "") == LineResult("A", Outcome.UNKNOWN, state)


def test_state_alone_says_nothing_if_empty() -> None:
    """Without the column of errors, an empty state is no success."""
    assert results(b"sku,state\nA,\nB,OK\n") == [
        LineResult("A", Outcome.UNKNOWN, "the result says nothing of this line"),
        LineResult("B", Outcome.PROCESSED),
    ]


def test_errors_alone() -> None:
    """Without the column of states, empty errors are success."""
    assert results(b"sku,errors\nA,\nB,bad price\n") == [
        LineResult("A", Outcome.PROCESSED),
        LineResult("B", Outcome.REFUSED, "bad price"),
    ]


def test_words_are_cut_and_printable() -> None:
    """The platform's words are shown in part, without line breaks and control characters."""
    result = outcome("FAILED", "a\r\nb\x07" + "x" * 999)
    assert result.text == "a b\N{REPLACEMENT CHARACTER}" + "x" * 296


def test_unquoted_errors_with_delimiter() -> None:
    """Errors that are last and not quoted are read to the end of the line; elsewhere nothing is guessed."""
    assert results(b"sku,state,errors\nA,FAILED,price, too low\n") == [
        LineResult("A", Outcome.REFUSED, "price,  too low")
    ]
    assert results(b"sku,errors,state\nA,price, too low,FAILED\n") == [LineResult("A", Outcome.UNKNOWN, PART)]


@pytest.mark.parametrize("end", ["", '"KW-2', '"KW-2","SUC', '"KW-2","SUCCESS"', '"KW-2","SUCCESS","', "KW-2,SUCCESS"])
def test_cut_line_is_no_success(end: str) -> None:
    """A line that a broken transfer has cut is never taken for processed; the lines before it are read."""
    found = results(b'sku,state,errors\n"KW-1","SUCCESS",""\n' + end.encode())
    assert found[0] == LineResult("KW-1", Outcome.PROCESSED)
    assert [result for result in found[1:] if result.outcome is not Outcome.UNKNOWN] == []


def test_character_that_is_not_utf8_spoils_its_cell() -> None:
    """Bytes that are not UTF-8 cost no other cell."""
    assert results(b"sku,state,errors\nA,FAILED,caf\xe9\nB,OK,\n") == [
        LineResult("A", Outcome.REFUSED, "caf\N{REPLACEMENT CHARACTER}"),
        LineResult("B", Outcome.PROCESSED),
    ]


@pytest.mark.parametrize("content", [b"", b"\n\n", b"<html>", b"sku\nA\n", b"state,errors\nOK,\n", b"\xff\xfes\0k\0"])
def test_other_file_is_unreadable(content: bytes) -> None:
    """A file without the columns of a result is refused by name, and not quoted."""
    with pytest.raises(UnreadableResultError, match="no header with sku, state, errors") as error:
        results(content)
    assert "html" not in str(error.value)


def test_empty_result_has_no_lines() -> None:
    """A header alone is a result of no lines; blank lines are none."""
    assert results(b"\nsku,state,errors\n\n") == []


@pytest.mark.parametrize("delimiter", [b",", b";"])
@pytest.mark.parametrize("is_packed", [False, True])
def test_export_is_read(delimiter: bytes, is_packed: bool) -> None:
    """An export is read with either delimiter, with or without gzip."""
    content = b"\xef\xbb\xbf" + EXPORT.replace(b",", delimiter)
    assert exported(packed(content) if is_packed else content) == [PRODUCT]


@pytest.mark.parametrize("cell", ["5012,0777", "5012;0777", " 5012 | 0777 ", '[""5012"",""0777""]', "5012 5012,0777"])
def test_several_barcodes_in_a_cell(cell: str) -> None:
    """A cell may have several barcodes, which stay as they are written."""
    [product] = exported(f'sku,barcode,active\nA,"{cell}",1\n'.encode())
    assert product == ExportedProduct("A", ("5012", "0777"), active=True)


@pytest.mark.parametrize("price", ["", "3,55", "-1", "1e3", "NaN", "\N{ARABIC-INDIC DIGIT THREE}", "9" * 99])
def test_unreadable_value_is_not_shown(price: str) -> None:
    """A value that has no plain meaning is one that is not shown."""
    content = f'sku,price,active,maximum_sales_quantity\nA,"{price}",maybe,6.5\n'
    assert exported(content.encode()) == [ExportedProduct("A")]


def test_moved_cells_are_not_read() -> None:
    """Of a row with more or fewer cells than the header only the SKU is read; one without SKU is passed over."""
    content = b"sku,barcode,price\nA,5012,0777,3.55\nB,5012\n,5012,1\nC,5012,2\n"
    assert exported(content) == [
        ExportedProduct("A"),
        ExportedProduct("B"),
        ExportedProduct("C", ("5012",), Decimal(2)),
    ]


@pytest.mark.parametrize(
    "wrap",
    [
        lambda products: products,
        lambda products: {"page_number": 1, "filters": {"a": ["x"]}, "products": products},
        lambda products: {"products": products, "note": 'a "[{ b'},
    ],
)
def test_json_export_is_read(wrap: Any) -> None:
    """An export in JSON is a list, alone or in an object; values may be text or JSON's own."""
    products = [
        {"sku": "KW-100", "barcodes": ["05012345678900"], "price": 3.55, "active": True, "maximum_sales_quantity": 6},
        {
            "sku": 7,
            "barcode": "5012",
            "price": "2",
            "active": "false",
            "max_sales_quantity": None,
            "title": {"en": "]"},
        },
        {"price": 1},
        "text",
    ]
    content = b"\xef\xbb\xbf " + json.dumps(wrap(products), indent=1).encode()
    expected = [PRODUCT, ExportedProduct("7", ("5012",), Decimal(2), False)]
    assert exported(content) == exported(packed(content)) == expected
    assert [*read_export(bytes([byte]) for byte in content)] == expected


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b'[{"sku":"A"}', "cut off"),
        (b'[{"sku":"A"},{"sku":"B', "cut off"),
        (b'[{"sku":"A"]', "do not match"),
        (b'{"code":"NOT_FOUND"}', "without a list"),
        (b"[" * 99, "more than 64 levels"),
        (b'[{"sku":"' + b"x" * MAX_OBJECT_CHARACTERS, "more than 131,072 characters"),
    ],
)
def test_broken_json_is_unreadable(content: bytes, words: str) -> None:
    """JSON that is cut, mixed up or endless is refused by name."""
    with pytest.raises(UnreadableResultError, match=words):
        exported(content)


def test_unreadable_object_costs_no_other() -> None:
    """An object of the list that is not JSON is left out."""
    assert exported(b'[{"sku":"A"},{"sku":nul},{"sku":"B"}]') == [ExportedProduct("A"), ExportedProduct("B")]


def test_many_barcodes_are_cut() -> None:
    """A product has at most 50 barcodes, of at most 64 characters."""
    [product] = exported(b"sku,barcode\nA," + b" ".join(b"%d" % number for number in range(999)))
    assert product.barcodes == tuple(str(number) for number in range(50))
    assert exported(b"sku,barcode\nA," + b"1" * 70) == [ExportedProduct("A", ("1" * 64,))]


def test_cap_and_active_in_other_words() -> None:
    """The column of the cap has two names, and being on sale is a word or a digit."""
    content = b"sku,active,max_sales_quantity\nA,0,4\nB,1,\nC,False,\nD,TRUE,\n"
    assert exported(content) == [
        ExportedProduct("A", active=False, cap=4),
        ExportedProduct("B", active=True),
        ExportedProduct("C", active=False),
        ExportedProduct("D", active=True),
    ]


def test_barcodes_compare_without_leading_zeros() -> None:
    """The till's barcode and the platform's are the same if only leading zeros differ."""
    assert comparable_barcode("05012345678900") == comparable_barcode(" 5012345678900 ") == "5012345678900"
    assert comparable_barcode("5012345678900") != comparable_barcode("50123456789")
    assert comparable_barcode("000") == "0"
    assert comparable_barcode("X01") == "X01"


@pytest.mark.slow
@pytest.mark.limits
def test_zip_bomb_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A gzip that inflates to too much is refused before it is in memory, with and without line breaks."""
    with pytest.raises(UnreadableResultError, match="row of the file has more than 131,072 characters"):
        exported(packed(EXPORT + b"0" * 50_000_000))
    monkeypatch.setattr(result_rows, "MAX_BYTES", 1_000_000)
    with pytest.raises(UnreadableResultError, match="more than 1,000,000 bytes"):
        exported(packed(EXPORT + b"\n" * 50_000_000))


@pytest.mark.parametrize("content", [packed(EXPORT)[:-9], b"\x1f\x8b" + b"x" * 99, packed(EXPORT) + b"x"])
def test_damaged_gzip_is_unreadable(content: bytes) -> None:
    """A gzip that is cut or damaged is refused by name."""
    with pytest.raises(UnreadableResultError, match="gzip"):
        exported(content)


def test_gzip_may_have_parts_and_padding() -> None:
    """A gzip of several parts is one file, and zeros after it are nothing."""
    content = packed(EXPORT[:70]) + packed(EXPORT[70:])
    assert [*read_export([content, *repeat(b"\0" * 9_000, 3)])] == [PRODUCT]
    assert [*read_export(bytes([byte]) for byte in content + b"\0")] == [PRODUCT]


@pytest.mark.limits
def test_rows_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Too many rows end the reading after those that are allowed; so does a row without end, quoted or not."""
    monkeypatch.setattr(result_rows, "MAX_ROWS", 3)
    with pytest.raises(UnreadableResultError, match="more than 3 rows"):
        results(b"sku,state,errors\n" + b"A,OK,\n" * 3)
    monkeypatch.undo()
    for cell in (b'"a\n",', b"abc", b'"a,'):
        with pytest.raises(UnreadableResultError, match=f"more than {MAX_ROW_CHARACTERS:,} characters"):
            [*read_results([b"sku,state,errors\n", *repeat(cell, MAX_ROW_CHARACTERS)])]


@pytest.mark.limits
def test_long_result_is_streamed() -> None:
    """Lines are given while the file still arrives."""

    def chunks() -> Iterator[bytes]:
        yield b"sku,state,errors\n" + b"A,OK,\n" * 1_000
        raise ConnectionError

    lines = read_results(chunks())
    assert [*islice(lines, 999)] == [LineResult("A", Outcome.PROCESSED)] * 999
    with pytest.raises(ConnectionError):
        next(lines)


def test_bare_deflate_is_not_taken_for_csv() -> None:
    """Other packings are refused like any file that is no result."""
    with pytest.raises(UnreadableResultError):
        results(zlib.compress(b"sku,state,errors\n"))


def test_spaces_around_cells_mean_nothing() -> None:
    """SKU, state and errors are read without the spaces around them."""
    assert results(b"sku,state,errors\n A , SUCCESS , \n B ,FAILED, too low \n C , failed ,\n") == [
        LineResult("A", Outcome.PROCESSED),
        LineResult("B", Outcome.REFUSED, "too low"),
        LineResult("C", Outcome.REFUSED, "failed"),
    ]
    assert exported(b"sku,price,active\n A , 3.50 , TRUE \n , 1 , 1 \n") == [
        ExportedProduct("A", price=Decimal("3.50"), active=True)
    ]


def test_values_of_json() -> None:
    """JSON's own values are read as their texts would be; a list in a list, or an object, is none."""
    content = {
        "sku": "A",
        "price": 3.50,
        "active": False,
        "barcodes": ["5012", ["0777"], {"code": "1"}, None, 42, True],
        "maximum_sales_quantity": {"most": 5},
    }
    assert exported(json.dumps([content]).encode()) == [
        ExportedProduct("A", ("5012", "42", "true"), Decimal("3.5"), active=False)
    ]
    assert exported(b'[{"sku":"B","price":1e2,"active":true}]') == [ExportedProduct("B", (), Decimal(100), True)]


def test_line_without_a_sku() -> None:
    """A line of a result that is cut before its SKU names no product."""
    assert results(b"state,errors,sku\nOK,,A\nOK\n") == [
        LineResult("A", Outcome.PROCESSED),
        LineResult("", Outcome.UNKNOWN, PART),
    ]
    assert exported(b"price,sku\n1,A\n1\n") == [ExportedProduct("A", price=Decimal(1))]
