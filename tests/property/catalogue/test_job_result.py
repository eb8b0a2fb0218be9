"""Laws of the platform's files: any bytes end in results or the named error, and no cut file shows more success."""

import csv
import gzip
import io
import json
from collections.abc import Iterable, Iterator
from decimal import Decimal
from functools import partial
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from partner_orders.catalogue.job_result import (
    MAX_TEXT,
    ExportedProduct,
    LineResult,
    comparable_barcode,
    read_export,
    read_results,
)
from partner_orders.catalogue.result_rows import UnreadableResultError
from partner_orders.catalogue.settlement import Outcome

pytestmark = pytest.mark.slow

# Without the time of packing: a test is named by its content.
packed = partial(gzip.compress, mtime=0)

SKUS = st.text(alphabet="aé,;\" '", min_size=1, max_size=6).map(str.strip).filter(bool)
# The platform's words may have line breaks.
WORDS = st.text(alphabet='aé,;"\n ', max_size=8).map(lambda text: "x" + text + "x")
ROWS = st.lists(
    st.tuples(SKUS, st.sampled_from([("SUCCESS", ""), ("QUEUED", "")]) | WORDS.map(lambda words: ("FAILED", words)))
)
PIECES = st.sampled_from([
    *(b"sku,state,errors\n", b"\xef\xbb\xbf", b'"sku";"errors"\n', b"sku,barcode,price,active\n"),
    *(b"A,OK,\n", b"A,", b"\n"),
    *(b'"', b'""', b"\r", b"\0", b"\xff", b"\x1f\x8b", b"[", b"]", b"{", b"}", b'{"sku":"A"}', b'"products":', b"\\"),
    packed(b"sku,state,errors\nA,OK,\n"),
])  # fmt: skip
BYTES = st.binary(max_size=60) | st.lists(PIECES, max_size=12).map(b"".join)


def until_error(lines: Iterable[LineResult | ExportedProduct]) -> Iterator[LineResult | ExportedProduct | str]:
    """The lines, and at the end of a file that cannot be read its error."""
    try:
        yield from lines
    except UnreadableResultError as error:
        yield str(error)


def result_file(rows: list[tuple[str, tuple[str, str]]], delimiter: str = ",") -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, lineterminator="\n", quoting=csv.QUOTE_ALL)
    writer.writerows([("sku", "state", "errors"), *((sku, *said) for sku, said in rows)])
    return text.getvalue().encode()


def processed(content: bytes) -> list[str]:
    lines = until_error(read_results([content]))
    return [line.sku for line in lines if isinstance(line, LineResult) and line.outcome is Outcome.PROCESSED]


@given(st.data(), BYTES)
def test_any_bytes_end_in_results_or_an_error(data: st.DataObject, content: bytes) -> None:
    """Any bytes give bounded, printable results or the named error, the same in whatever chunks."""
    cuts = data.draw(st.lists(st.integers(0, len(content)), max_size=5).map(sorted))
    chunks = [content[start:end] for start, end in pairwise([0, *cuts, len(content)])]
    results = [*until_error(read_results([content]))]
    products = [*until_error(read_export([content]))]
    assert [*until_error(read_results(chunks))] == results
    assert [*until_error(read_export(chunks))] == products
    for line in [*results, *products]:
        assert (line if isinstance(line, str) else line.sku).isprintable()
        assert not isinstance(line, LineResult) or (len(line.text) <= MAX_TEXT and line.text.isprintable())
        assert not isinstance(line, ExportedProduct) or (line.sku and all(map(str.isprintable, line.barcodes)))


@given(ROWS, st.sampled_from([",", ";"]))
def test_written_result_is_read(rows: list[tuple[str, tuple[str, str]]], delimiter: str) -> None:
    """Each line of a result that a CSV writer wrote has its SKU and its outcome."""
    outcomes = {"SUCCESS": Outcome.PROCESSED, "QUEUED": Outcome.UNKNOWN, "FAILED": Outcome.REFUSED}
    found = [*read_results([result_file(rows, delimiter)])]
    assert [(line.sku, line.outcome) for line in found] == [(sku, outcomes[state]) for sku, (state, _) in rows]


@given(ROWS, st.integers(0, 400))
def test_cut_result_shows_no_more_success(rows: list[tuple[str, tuple[str, str]]], length: int) -> None:
    """A result that a broken transfer has cut shows as processed what the whole one does, and nothing else."""
    content = result_file(rows)
    whole, cut = processed(content), processed(content[:length])
    assert cut == whole[: len(cut)]


@given(st.lists(st.tuples(SKUS, st.integers(1, 10**9), st.booleans(), st.integers(1, 99), st.integers(0, 10**13))))
def test_csv_and_json_export_agree(rows: list[tuple[str, int, bool, int, int]]) -> None:
    """An export says the same in CSV and in JSON, with and without gzip."""
    expected = [
        ExportedProduct(sku, (f"0{barcode}",), Decimal(price) / 1000, active, cap)
        for sku, price, active, cap, barcode in rows
    ]
    names = ("sku", "barcode", "price", "active", "maximum_sales_quantity")
    cells = [
        (sku, f"0{barcode}", f"{price // 1000}.{price % 1000:03}", str(active).lower(), cap)
        for sku, price, active, cap, barcode in rows
    ]
    text = io.StringIO()
    csv.writer(text, quoting=csv.QUOTE_ALL).writerows([names, *cells])
    as_json = json.dumps({"products": [dict(zip(names, row, strict=True)) for row in cells]})
    for content in (text.getvalue().encode(), as_json.encode()):
        assert [*read_export([content])] == [*read_export([packed(content)])] == expected


@given(st.text(alphabet="0123456789", min_size=1, max_size=14), st.integers(0, 3))
def test_leading_zeros_do_not_matter(barcode: str, zeros: int) -> None:
    """Barcodes are the same if they differ in leading zeros only, and else they are not."""
    assert comparable_barcode("0" * zeros + barcode) == comparable_barcode(barcode)
    assert int(comparable_barcode(barcode)) == int(barcode)
