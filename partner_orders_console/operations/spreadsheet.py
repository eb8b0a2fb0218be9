"""CSV that a spreadsheet opens without running anything of it."""

import re
from collections.abc import Iterable
from decimal import Decimal

# A spreadsheet takes a text for a formula that begins with one of these, maybe after spaces or quotes. It splits cells
# at the separator of its own locale, whatever ours is, and then sees a beginning within a text.
_FORMULA = "(?=[ \u00a0\"']*[=+\\-@\t\r\n\uff1d\uff0b\uff0d\uff20])"
_BEGINS_A_FORMULA = re.compile(f"(^|[;,\t\r\n]){_FORMULA}")
_MARKED_AS_TEXT = re.compile(f"(^|[;,\t\r\n])'{_FORMULA}")
_NEEDS_QUOTES = re.compile('[;,\t\r\n"]')


def csv_cell(value: object) -> object:
    """A value for a CSV file: numbers exact, and whatever of a text a spreadsheet would run as a formula marked as
    text by an apostrophe."""
    if isinstance(value, Decimal):
        return format(value, "f")
    return _BEGINS_A_FORMULA.sub(r"\1'", value) if isinstance(value, str) else value


def from_csv_cell(text: str) -> str:
    """The text of which ``csv_cell`` made this."""
    return _MARKED_AS_TEXT.sub(r"\1", text)


def csv_line(values: Iterable[object]) -> str:
    """A line of a CSV file, with its end. A cell with a separator of any locale is quoted, not only one with ours."""
    cells = ("" if value is None else str(csv_cell(value)) for value in values)
    return ",".join(f'"{cell.replace('"', '""')}"' if _NEEDS_QUOTES.search(cell) else cell for cell in cells) + "\n"
