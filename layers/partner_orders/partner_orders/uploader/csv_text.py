"""Lines of a CSV file: commas, LF, and quotes where a reader could mistake a cell."""

from collections.abc import Iterable

_FORMULA = "=+-@"
_SPECIAL = frozenset(',"\r\n\t;')


def line(cells: Iterable[str]) -> str:
    return ",".join(map(cell, cells)) + "\n"


def cell(text: str) -> str:
    """A cell, in quotes where it has a separator, a quote, a space at an end, or what a spreadsheet takes for a
    formula. A negative number would be one, too, and none is ever sent."""
    is_plain = text and text[0] not in _FORMULA and text.strip() == text and _SPECIAL.isdisjoint(text)
    if is_plain or not text:
        return text
    return '"' + text.replace('"', '""') + '"'
