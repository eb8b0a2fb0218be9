"""A CSV document of promotions: a line for each SKU. Lines with the same promotion's columns are one promotion."""

import csv
import io
from collections.abc import Iterator
from typing import TYPE_CHECKING

from partner_orders_console.operations.promotions.draft import (
    MOST_PROMOTIONS,
    DocumentError,
    Draft,
    DraftDiscount,
    Drafts,
    Problem,
    Said,
)
from partner_orders_console.operations.spreadsheet import from_csv_cell

if TYPE_CHECKING:
    import _csv

# The names are those of the platform's call, so that both documents speak of one thing by one word.
LIMITS = ("global_limit", "max_discount_per_order", "max_items_per_order")
OF_PROMOTION = (
    *("display_name", "locale", "vendors", "type", "reason", "start_time", "end_time"),
    *("purchased_quantity", "discounted_quantity", *LIMITS),
)
OF_DISCOUNT = ("discount_subtype", "discount_value", "max_quantity", "active")
COLUMNS = ("sku", *OF_DISCOUNT, *OF_PROMOTION)
NEEDED = ("sku", "discount_subtype", "discount_value", "display_name", "vendors", "type", "start_time", "end_time")
_DELIMITERS = ",;\t"
_EXAMPLE = "docs/promotions.md has an example."


def drafts_of_csv(content: bytes) -> Drafts:
    """The promotions of a document. Raises DocumentError for one that holds none."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise DocumentError("the document is not UTF-8", "Save it as CSV in UTF-8.") from None
    names, lines = _lines(text)
    problems: list[Problem] = []
    groups: dict[tuple[str, ...], list[tuple[int, dict[str, str]]]] = {}
    for number, cells in lines:
        if len(cells) != len(names):
            problems.append(
                Problem(f"line {number}", f"has {len(cells)} cells and the header {len(names)}; write one for each")
            )
            continue
        row = {name: from_csv_cell(cell).strip() for name, cell in zip(names, cells, strict=True)}
        groups.setdefault(tuple(row.get(name, "") for name in OF_PROMOTION), []).append((number, row))
    if not groups and not problems:
        raise DocumentError("the document has a header and no line", _EXAMPLE)
    if len(groups) > MOST_PROMOTIONS:
        raise DocumentError(
            f"the document has more than {MOST_PROMOTIONS} promotions",
            f"Lines belong to one promotion where they agree in {', '.join(OF_PROMOTION)}.",
        )
    return Drafts([_draft(rows) for rows in groups.values()], problems)


def _lines(text: str) -> tuple[list[str], Iterator[tuple[int, list[str]]]]:
    """The columns' names, and the lines with their numbers. Raises DocumentError."""
    first = text.split("\n", 1)[0]
    delimiter = max(_DELIMITERS, key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    names = [name.strip().lower() for name in next(_readable(reader), (0, []))[1]]
    missing = [name for name in NEEDED if name not in names]
    unknown = [name for name in names if name not in COLUMNS]
    if missing or unknown or len({*names}) < len(names):
        what = f"the header lacks {', '.join(missing)}" if missing else "the header has columns that are not known"
        what = f"{what}: {', '.join(unknown)}"[:300] if unknown and not missing else what
        what = "the header has a column twice" if not missing and not unknown else what
        raise DocumentError(what, f"The columns are {', '.join(COLUMNS)}. {_EXAMPLE}")
    return names, _readable(reader)


def _readable(reader: "_csv.Reader") -> Iterator[tuple[int, list[str]]]:
    """The lines that are not empty. Raises DocumentError where the quotes do not match."""
    try:
        while True:
            number = reader.line_num + 1
            cells = next(reader)
            if any(cell.strip() for cell in cells):
                yield number, cells
    except StopIteration:
        return
    except csv.Error:
        raise DocumentError(
            f"line {reader.line_num} cannot be read as CSV", "Does every quoted cell have its closing quote?"
        ) from None


def _draft(rows: list[tuple[int, dict[str, str]]]) -> Draft:
    """The promotion of the lines that agree in its columns."""
    first, row = rows[0]

    def said(name: str) -> Said:
        return Said(row.get(name, ""), f"line {first}, {name}")

    name = said("display_name")
    vendors = tuple(Said(text, f"line {first}, vendors") for text in row.get("vendors", "").replace(",", " ").split())
    return Draft(
        f"line {first}",
        vendors,
        said("type"),
        Said("", f"line {first}"),
        said("reason"),
        {row.get("locale", ""): name},
        said("start_time"),
        said("end_time"),
        said("purchased_quantity"),
        said("discounted_quantity"),
        limits={limit: said(limit) for limit in LIMITS if row.get(limit)},
        discounts=tuple(_discounts(rows)),
    )


def _discounts(rows: list[tuple[int, dict[str, str]]]) -> Iterator[DraftDiscount]:
    """A discount for the SKUs that get the same, in the order of the lines."""
    groups: dict[tuple[str, ...], list[tuple[int, dict[str, str]]]] = {}
    for number, row in rows:
        groups.setdefault(tuple(row.get(name, "") for name in OF_DISCOUNT), []).append((number, row))
    for of_one in groups.values():
        first, row = of_one[0]
        values = {name: Said(row.get(name, ""), f"line {first}, {name}") for name in OF_DISCOUNT}
        yield DraftDiscount(
            tuple(Said(of_sku["sku"], f"line {number}, sku") for number, of_sku in of_one),
            values["discount_subtype"],
            values["discount_value"],
            values["max_quantity"],
            values["active"],
        )
