"""The columns of one line of a list file, from CSV or JSON Lines, as text."""

import re
from decimal import Decimal

from partner_orders.catalogue.product import FIELDS, printable
from partner_orders.exact_json import Json, MalformedJsonError, parse

COLUMNS = ("sku", "barcode", *FIELDS, "version")
DELIMITERS = (",", ";", "\t")
MAX_COLUMNS = 64
MAX_COLUMN_NAME = 128  # characters
_MOST_SHOWN = 200  # characters
# One cell of a CSV line; possessive, so that no text makes it try twice.
_CELLS = {
    delimiter: re.compile(rf'(?:"((?:[^"]++|"")*+)"|([^"{delimiter}]*+))({delimiter}|\Z)') for delimiter in DELIMITERS
}


class LineProblemError(ValueError):
    """A line that cannot be read. The message says what is wrong and what to do, and quotes nothing of the line."""


def header_columns(text: str) -> tuple[str, tuple[str, ...]]:
    """The delimiter and the names of a CSV file's columns: the delimiter that shows the most columns that we know,
    and else the most columns."""
    names = {
        delimiter: tuple(cell.strip().lower() for cell in _cells(text, delimiter) or ()) for delimiter in DELIMITERS
    }
    return max(names.items(), key=lambda found: (len({*found[1]} & {*COLUMNS}), len(found[1])))


def problem_of_header(names: tuple[str, ...]) -> str:
    """What is wrong with a header of these columns, as a predicate; empty if nothing is."""
    if len(names) > MAX_COLUMNS:
        return f"has more than {MAX_COLUMNS} columns"
    if any(len(name) > MAX_COLUMN_NAME or not name.isprintable() for name in names):
        return f"has a column name of over {MAX_COLUMN_NAME} characters, or one that is not printable"
    if twice := [name for name in dict.fromkeys(names) if name and names.count(name) > 1]:
        return f"has a column twice ({printable(', '.join(twice), _MOST_SHOWN)})"
    if not {"sku", "barcode"} & {*names}:
        return "has neither sku nor barcode"
    if not {*FIELDS} & {*names}:
        return f"has none of {', '.join(FIELDS)}"
    return ""


def csv_columns(content: bytes, delimiter: str, names: tuple[str, ...]) -> dict[str, str]:
    """The cells of a line by the header's names; those under no name are left out. Raises LineProblemError."""
    line = _decoded(content)
    if "\r" in line:
        raise LineProblemError("the line has a carriage return in the middle; end lines with LF or CRLF")
    cells = _cells(line, delimiter)
    if cells is None:
        raise LineProblemError(
            "a cell has a line break, or a quote that is not written as two inside a quoted cell; keep each product on "
            "one line"
        )
    if len(cells) != len(names):
        raise LineProblemError(
            f"the line has {len(cells)} cells and the header {len(names)}; write one for each column"
        )
    return {name: cell for name, cell in zip(names, cells, strict=True) if name}


def json_columns(content: bytes) -> dict[str, str]:
    """The members of a line's object as text: numbers in full, with the decimals as written; null is left out. Raises
    LineProblemError."""
    _decoded(content)
    try:
        value = parse(content)
    except MalformedJsonError as error:
        raise LineProblemError(f"{error}; write one JSON object a line, each column once") from None
    if not isinstance(value, dict):
        raise LineProblemError("the line is no JSON object; write one JSON object a line")
    if len(value) > MAX_COLUMNS:
        raise LineProblemError(f"the object has more than {MAX_COLUMNS} columns")
    columns: dict[str, str] = {}
    named = set()
    for written, item in value.items():
        name = written.strip().lower()
        if not name or len(name) > MAX_COLUMN_NAME or not name.isprintable():
            raise LineProblemError(f"a column name is empty, not printable, or over {MAX_COLUMN_NAME} characters")
        if name in named:
            raise LineProblemError("the object has a column twice, in upper and lower case")
        named.add(name)
        if item is not None:
            columns[name] = _text_of(item)
    return columns


def _text_of(item: Json) -> str:
    match item:
        case bool():
            return "true" if item else "false"
        case str():
            # Half a surrogate cannot be stored as UTF-8.
            if any("\ud800" <= letter <= "\udfff" for letter in item):
                raise LineProblemError("a value has half a character (a lone surrogate)")
            return item
        case int() | Decimal():
            return format(item, "f") if isinstance(item, Decimal) else str(item)
        case _:
            raise LineProblemError("a value is a list or an object; use text, a number, true, false or null")


def _cells(text: str, delimiter: str) -> list[str] | None:
    """The cells of a line of CSV; None if its quotes do not match."""
    if '"' not in text:
        return text.split(delimiter)
    cells, at = [], 0
    while match := _CELLS[delimiter].match(text, at):
        quoted, plain, end = match.groups()
        cells.append(plain if quoted is None else quoted.replace('""', '"'))
        at = match.end()
        if not end:
            return cells
    return None


def _decoded(content: bytes) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError:
        raise LineProblemError("the line is not UTF-8; save the file as UTF-8") from None
