"""What an operator sets of a store's catalogue: whether it is sent, safety stock, caps, and what a whole list means."""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from partner_orders.catalogue.channel import Channel
from partner_orders.catalogue.product import MAX_PIECES, MAX_SKU
from partner_orders.catalogue.store_settings import MAX_SKUS, CatalogueSettings
from partner_orders.catalogue.to_send import Margins, is_waiting, to_send
from partner_orders.clock import now
from partner_orders_console.operations.callers import caller
from partner_orders_console.operations.catalogue.access import change_settings, settings_of, write_settings
from partner_orders_console.operations.catalogue.counting import rows_of
from partner_orders_console.operations.catalogue_stack import CatalogueStack
from partner_orders_console.operations.errors import OperatorError
from partner_orders_console.operations.words import counted

COLUMNS = ("sku", "safety_stock", "cap")
MAX_REASON = 300  # characters
MAX_FILE_BYTES = 1024 * 1024
_MOST_PROBLEMS = 20  # of a file that are shown
_MOST_DIGITS = 9


@dataclass(frozen=True)
class Wanted:
    """What is to be set of a store; what is None stays. ``cap``: 0 for none. ``exceptions``: safety stock and cap by
    SKU, in place of those that are there."""

    safety_stock: int | None = None
    cap: int | None = None
    exceptions: "Exceptions | None" = None
    switches_absent_off: bool | None = None

    @property
    def is_nothing(self) -> bool:
        return self == Wanted()


@dataclass(frozen=True)
class Exceptions:
    """Safety stock and caps of single products, by SKU."""

    safety_stock_of: dict[str, int]
    cap_of: dict[str, int]


def reason_given(reason: str) -> str:
    """Why something is done. Raises OperatorError where nothing is said, or too much."""
    given = reason.strip()
    if not 0 < len(given) <= MAX_REASON:
        raise OperatorError(
            f"a reason has 1 to {MAX_REASON} characters", "Say why, for whoever looks at it later: --reason TEXT."
        )
    return given


# -- sending -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Switch:
    """Whether a store is to be sent, and why."""

    is_sending: bool
    reason: str
    is_dry_run: bool = False


def to_switch(catalogue: CatalogueStack, store_ids: Sequence[str], wanted: Switch) -> list[CatalogueSettings]:
    """The settings of those of these stores for which it would be new. A store that is sent by files is not resumed
    here: of several it is left out. Raises OperatorError for one such alone, for a store that is not in the catalogue,
    and without a reason."""
    reason_given(wanted.reason)
    found = [settings_of(catalogue, store_id) for store_id in store_ids]
    if wanted.is_sending:
        by_files = [one for one in found if one.channel is Channel.FILES]
        if len(found) == 1 and by_files:
            store_id = by_files[0].store_id
            raise OperatorError(
                f"the store {store_id} is sent by files, and the API and the files would overwrite each other",
                f"`partner-orders files on {store_id}` resumes it by files; `partner-orders files off {store_id}` first"
                " makes room for the API.",
            )
        found = [one for one in found if one.channel is Channel.API]
    return [one for one in found if one.is_sending is not wanted.is_sending]


def switch(catalogue: CatalogueStack, stores: Sequence[CatalogueSettings], wanted: Switch) -> list[CatalogueSettings]:
    """Have what changes in stores be sent, or not, and record who did it, when and why. Files are taken either way."""
    by, at, reason = caller(catalogue.orders), now(), reason_given(wanted.reason)

    def switched(one: CatalogueSettings) -> CatalogueSettings:
        return replace(one, is_sending=wanted.is_sending, changed_at=at, changed_by=by, reason=reason)

    return [change_settings(catalogue, one.store_id, switched) for one in stores]


# -- settings ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Planned:
    """The settings of a store as they would be. ``is_new``: whether it comes into the catalogue by them. ``affected``:
    the products of which other values are to be sent with them."""

    settings: CatalogueSettings
    is_new: bool
    affected: list[str]


def planned(catalogue: CatalogueStack, store_id: str, wanted: Wanted) -> Planned:
    """What settings would do; with other margins, every row of the store is read. Raises OperatorError."""
    present = catalogue.tables.settings.get(store_id)
    if present is not None and wanted.is_nothing:
        raise OperatorError(
            f"the store {store_id} is in the catalogue already, and there is nothing to set",
            "Give a setting, such as --safety-stock 2. `partner-orders catalogue show STORE` shows the present ones.",
        )
    before = present or CatalogueSettings(store_id)
    absent = wanted.switches_absent_off
    after = replace(
        before,
        margins=_margins(before.margins, wanted),
        switches_absent_off=before.switches_absent_off if absent is None else absent,
    )
    return Planned(after, present is None, _affected(catalogue, store_id, before.margins, after.margins))


def _margins(before: Margins, wanted: Wanted) -> Margins:
    margins = before
    if wanted.safety_stock is not None:
        margins = replace(margins, safety_stock=wanted.safety_stock)
    if wanted.cap is not None:
        margins = replace(margins, cap=wanted.cap or None)
    if wanted.exceptions is not None:
        exceptions = wanted.exceptions
        margins = replace(margins, safety_stock_of=exceptions.safety_stock_of, cap_of=exceptions.cap_of)
    return margins


def _affected(catalogue: CatalogueStack, store_id: str, before: Margins, after: Margins) -> list[str]:
    if before == after:
        return []
    rows = rows_of(catalogue, store_id)
    return [row.sku for row in rows if to_send(row, before) != to_send(row, after) and is_waiting(row, after)]


def store(catalogue: CatalogueStack, wanted: Planned) -> CatalogueSettings:
    """Write the settings of a store, with who wrote them when, and have what they change be sent. Raises
    OperatorError."""
    settings = wanted.settings
    written = replace(settings, changed_at=now(), changed_by=caller(catalogue.orders))
    write_settings(catalogue, written)
    catalogue.tables.changes.add(settings.store_id, wanted.affected, now())
    return written


# -- exceptions by SKU -------------------------------------------------------------------------------------------------


def exceptions_of_file(file: Path) -> Exceptions:
    """The exceptions of a CSV file in UTF-8 with the columns sku, safety_stock and cap. Every line is checked. Raises
    OperatorError, with a line for each problem."""
    found = Exceptions({}, {})
    seen: dict[str, int] = {}
    problems: list[str] = []
    for line, cells in _rows(file):
        try:
            sku = _sku(cells.get("sku") or "")
            if sku in seen:
                raise ValueError(f"the SKU is in line {seen[sku]} already")
            seen[sku] = line
            given = {name: _pieces(name, cells.get(name) or "", least) for name, least in _LEAST.items()}
            if not any(number is not None for number in given.values()):
                raise ValueError("give a safety_stock, a cap, or both")
        except ValueError as error:
            problems.append(f"line {line}: {error}")
            continue
        for name, by_sku in (("safety_stock", found.safety_stock_of), ("cap", found.cap_of)):
            if (number := given[name]) is not None:
                by_sku[sku] = number
    if len(seen) > MAX_SKUS:
        problems.append(f"the file has more than {MAX_SKUS:,} SKUs")
    if problems:
        rest = len(problems) - _MOST_PROBLEMS
        more = [f"and {counted(rest, 'more problem')}"] if rest > 0 else []
        what = "\n".join([*problems[:_MOST_PROBLEMS], *more])
        raise OperatorError(what, f"Nothing was changed. Correct {file.name} and try again.")
    return found


_LEAST = {"safety_stock": 0, "cap": 1}


def _rows(file: Path) -> Iterator[tuple[int, dict[str, str | None]]]:
    """The rows of a CSV file with their line numbers. Raises OperatorError for what is none."""
    expected = "Its first line names the columns: sku, and safety_stock, cap or both, separated by commas."
    if file.stat().st_size > MAX_FILE_BYTES:
        raise OperatorError(f"{file.name} has more than {MAX_FILE_BYTES:,} bytes", expected)
    try:
        with file.open(encoding="utf-8-sig", newline="") as content:
            reader = csv.DictReader(content, strict=True)
            columns = [name.strip().lower() for name in reader.fieldnames or ()]
            if "sku" not in columns or {*columns} - {*COLUMNS} or len({*columns}) != len(columns):
                raise OperatorError(f"{file.name}: the first line should name the columns", expected)
            reader.fieldnames = columns
            for row in reader:
                if None in row or None in row.values():
                    raise OperatorError(f"{file.name}, line {reader.line_num}: a cell too many or too few", expected)
                yield reader.line_num, row
    except UnicodeDecodeError:
        raise OperatorError(f"{file.name} is not UTF-8", "Save it as UTF-8.") from None
    except csv.Error:
        raise OperatorError(f"{file.name} is not CSV", expected) from None


def _sku(text: str) -> str:
    sku = text.strip()
    if not 0 < len(sku) <= MAX_SKU or not sku.isprintable():
        raise ValueError(f"a SKU has 1 to {MAX_SKU} printable characters")
    return sku


def _pieces(name: str, text: str, least: int) -> int | None:
    given = text.strip()
    if not given:
        return None
    is_number = given.isascii() and given.isdecimal() and len(given) <= _MOST_DIGITS
    if not is_number or not least <= int(given) <= MAX_PIECES:
        raise ValueError(f"{name}: use a whole number from {least} to {MAX_PIECES:,}")
    return int(given)
