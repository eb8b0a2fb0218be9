"""The platform's word on products: the result of an update job by line, and the export of a store's products.

Neither format is documented in full (docs/platform.md), so order of columns, delimiter and further columns may be any.
Both are streamed, and a file that cannot be read ends in UnreadableResultError.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from itertools import chain

from partner_orders.catalogue.product import MAX_SKU, printable
from partner_orders.catalogue.result_json import objects
from partner_orders.catalogue.result_rows import Rows, inflated
from partner_orders.catalogue.settlement import Outcome
from partner_orders.exact_json import Json
from partner_orders.platform_words import without_contacts

MAX_TEXT = 300  # characters of the platform's words
MAX_BARCODES = 50  # of one product
_MAX_BARCODE = 64  # characters of one that is shown
_BOM = b"\xef\xbb\xbf"
_RESULT_COLUMNS = ("sku", "state", "errors")
_CAPS = ("maximum_sales_quantity", "max_sales_quantity")
_EXPORT_COLUMNS = ("sku", "barcode", "price", "active", *_CAPS)
_NO_ERRORS = frozenset({"", "[]", "{}", "null", "none"})
# Words for a state; the platform's are not documented, so any other is unknown.
_FAILURE = re.compile("fail|error|reject|refus|invalid|denied|unsuccess|not.?found|missing|cancel")
_SUCCESS = frozenset({"success", "successful", "succeeded", "ok", "done", "completed", "processed", "updated"})
_BETWEEN_BARCODES = re.compile(r"[\s,;|\[\]\"']+")
_PRICE = re.compile(r"[0-9]{1,12}(?:\.[0-9]{1,20})?", re.ASCII)
_PIECES = re.compile(r"[0-9]{1,9}", re.ASCII)
_ACTIVE = {"true": True, "1": True, "false": False, "0": False}


@dataclass(frozen=True, slots=True)
class LineResult:
    """A line of a job's result. A state that we do not know is UNKNOWN, and not success. ``sku`` is empty where the
    line names none; ``text`` is why it was not processed."""

    sku: str
    outcome: Outcome
    text: str = ""


@dataclass(frozen=True, slots=True)
class ExportedProduct:
    """A product as the platform shows it: barcodes as written, price in major units, most pieces in one order. None:
    not shown, or not readable."""

    sku: str
    barcodes: tuple[str, ...] = ()
    price: Decimal | None = None
    active: bool | None = None
    cap: int | None = None


def comparable_barcode(barcode: str) -> str:
    """A barcode as it is compared: the platform's may have leading zeros that the till's has not."""
    return barcode.strip().lstrip("0") or "0"


def read_results(chunks: Iterable[bytes]) -> Iterator[LineResult]:
    """The lines of an update job's result, from the chunks of its CSV. Raises UnreadableResultError, also after some
    lines."""
    rows = Rows(inflated(chunks), _RESULT_COLUMNS, frozenset({"state", "errors"}))
    for cells in rows:
        # Errors that are last and not quoted may have the delimiter in them.
        if rows.names[-1] == "errors" and len(cells) > len(rows.names):
            cells[len(rows.names) - 1 :] = [", ".join(cells[len(rows.names) - 1 :])]
        named = dict(zip(rows.names, cells, strict=False))
        is_whole = len(cells) <= len(rows.names) and named.keys() >= {*_RESULT_COLUMNS} & {*rows.names}
        yield _line_result(named, is_whole)


def read_export(chunks: Iterable[bytes]) -> Iterator[ExportedProduct]:
    """The products of a store's export, from the chunks of its CSV or JSON, with or without gzip. Of a row that is cut,
    or has too many cells, only the SKU is known. Raises UnreadableResultError, also after some products."""
    blocks = inflated(chunks)
    beginning = next(blocks)
    blocks = chain([beginning], blocks)
    if beginning.removeprefix(_BOM).lstrip()[:1] in {b"[", b"{"}:
        products: Iterable[Mapping[str, str]] = _products_of_json(blocks)
    else:
        products = _products_of_csv(blocks)
    yield from (_exported(product) for product in products if product.get("sku", "").strip())


def _line_result(named: Mapping[str, str], is_whole: bool) -> LineResult:
    sku = printable(named.get("sku", "").strip(), MAX_SKU)
    if not is_whole:
        return LineResult(sku, Outcome.UNKNOWN, "the result has only a part of this line")
    errors, state = named.get("errors", "").strip(), named.get("state", "").strip()
    if errors.lower() not in _NO_ERRORS:
        return LineResult(sku, Outcome.REFUSED, _shown(errors))
    if _FAILURE.search(state.lower()):
        return LineResult(sku, Outcome.REFUSED, _shown(state))
    # Without a state, empty errors alone say success.
    if state.lower() in _SUCCESS or (not state and "errors" in named):
        return LineResult(sku, Outcome.PROCESSED)
    return LineResult(sku, Outcome.UNKNOWN, _shown(state) or "the result says nothing of this line")


def _shown(words: str) -> str:
    return printable(without_contacts(words), MAX_TEXT)


def _products_of_csv(blocks: Iterable[bytes]) -> Iterator[Mapping[str, str]]:
    rows = Rows(blocks, _EXPORT_COLUMNS, frozenset(_EXPORT_COLUMNS[1:]))
    for cells in rows:
        named = dict(zip(rows.names, cells, strict=False))
        # Cells of a row that has more or fewer may have moved under another name.
        yield named if len(cells) == len(rows.names) else {"sku": named.get("sku", "")}


def _products_of_json(blocks: Iterable[bytes]) -> Iterator[Mapping[str, str]]:
    for product in objects(blocks):
        named = {name.lower(): _text_of(value) for name, value in product.items()}
        yield {"barcode": named.get("barcodes", "")} | named


def _text_of(value: Json) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return value
        case int() | Decimal():
            return f"{value:f}" if isinstance(value, Decimal) else str(value)
        case list():
            return ",".join(item for item in map(_text_of_item, value) if item)
        case _:
            return ""


def _text_of_item(value: Json) -> str:
    return "" if isinstance(value, list) else _text_of(value)


def _exported(product: Mapping[str, str]) -> ExportedProduct:
    said = {name: product.get(name, "").strip() for name in _EXPORT_COLUMNS}
    cap = said[_CAPS[0]] or said[_CAPS[1]]
    barcodes = [printable(part, _MAX_BARCODE) for part in _BETWEEN_BARCODES.split(said["barcode"]) if part]
    return ExportedProduct(
        printable(said["sku"], MAX_SKU),
        tuple(dict.fromkeys(barcodes))[:MAX_BARCODES],
        Decimal(said["price"]) if _PRICE.fullmatch(said["price"]) else None,
        _ACTIVE.get(said["active"].lower()),
        int(cap) if _PIECES.fullmatch(cap) else None,
    )
