"""What commands print: tables for people, JSON for programs, and progress on the standard error."""

import json
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from getpass import getpass
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from partner_orders.exact_json import Json, write
from partner_orders_console.cli.call import hint, this_call
from partner_orders_console.operations.errors import CancelledByOperatorError
from partner_orders_console.operations.harmless_text import harmless
from partner_orders_console.operations.progress import Progress, silent
from partner_orders_console.operations.words import ago, at, counted

__all__ = [
    "AsJson", "Column", "DryRun", "Kind", "Reason", "ShowPersonalData", "Yes",
    "ago", "ask", "at", "counted", "err", "hint", "one_line",
    "out", "print_data", "print_facts", "print_json", "print_table", "print_text", "prompt", "room_beside", "say",
    "working",
]  # fmt: skip

AsJson = Annotated[bool, typer.Option("--json", help="JSON for programs, in place of tables")]
ShowPersonalData = Annotated[bool, typer.Option("--show-personal-data", help="also print customers' data")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="show what would be done, and change nothing")]
Reason = Annotated[str, typer.Option(help="why, for whoever looks at it later")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="do not ask")]

# A time of the table, which is one of a person's everywhere but in ids.
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
_GAP = 2  # columns of a terminal between two of a table

# Where no person looks, a line is a line.
out = Console(soft_wrap=True, highlight=False, emoji=False, width=None if sys.stdout.isatty() else 250)
err = Console(stderr=True, soft_wrap=True, highlight=False, emoji=False)


class Kind(StrEnum):
    """What a column holds, and so how it is laid out. Ids and times are never cut or folded; numbers stand to the
    right; states have the colour of their meaning."""

    TEXT = "text"
    ID = "id"
    TIME = "time"
    NUMBER = "number"
    STATE = "state"


@dataclass(frozen=True)
class Column:
    name: str
    kind: Kind = Kind.TEXT


_GOOD = {"ok", "yes", "done", "DELIVERED", "PICKED_UP", "COMPLETED", "SOLD"}
_BAD = {"FAULT", "CANCELLED", "REJECTED", "failed", "NOT_SOLD"}


def print_json(value: Any) -> None:
    """One JSON document, numbers exact; indented on a terminal."""
    plain = _plain(value)
    sys.stdout.write((_indented(plain) if sys.stdout.isatty() else write(plain)) + "\n")


def print_table(columns: Sequence[str | Column], rows: Iterable[Sequence[object]], title: str = "") -> None:
    """A table; what is None stays empty. Text is never taken for markup. If ids and times alone are wider than the
    terminal, each row is printed as a block of its own."""
    kinds = [column if isinstance(column, Column) else Column(column) for column in columns]
    cells = [[_cell(value, column) for value, column in zip(row, kinds, strict=True)] for row in rows]
    if _fits(kinds, cells):
        out.print(_table(kinds, cells, title))
        return
    if title:
        out.print(Text(title, "italic"))
    for number, row in enumerate(cells):
        if number:
            out.print()
        print_facts({column.name: cell for column, cell in zip(kinds, row, strict=True) if cell.plain})


def room_beside(columns: Sequence[Column], rows: Sequence[Sequence[object]]) -> int:
    """How many columns of the terminal a table leaves for one more column, if nothing in it is folded."""
    cells = [[_cell(value, column) for value, column in zip(row, columns, strict=True)] for row in rows]
    widths = (_widest(column, cells, index) + _GAP for index, column in enumerate(columns))
    return out.width - sum(widths)


def print_facts(facts: dict[str, Any]) -> None:
    """Names and values, a line each; what is None or empty is left out. Where the terminal is too narrow for an id or
    a URL, nothing is folded: what breaks at a terminal's edge is copied in one piece."""
    cells = {
        name: value if isinstance(value, Text) else _cell(value, Column(name))
        for name, value in facts.items()
        if value not in (None, "")
    }
    margin = max(map(len, cells), default=0)
    words = [len(word) for cell in cells.values() for word in cell.plain.split()]
    if margin + _GAP + max(words, default=0) > out.width:
        for name, cell in cells.items():
            out.print(Text.assemble((name.ljust(margin + _GAP), "bold"), cell))
        return
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(no_wrap=True, style="bold")
    table.add_column(overflow="fold")
    for name, cell in cells.items():
        table.add_row(Text(name), cell)
    out.print(table)


def print_data(value: Any, as_json: bool, columns: Sequence[str | Column], rows: Iterable[Sequence[object]]) -> None:
    """``value`` for programs, else the ``rows`` for people."""
    if as_json:
        print_json(value)
    else:
        print_table(columns, rows)


def print_text(text: str, style: str = "") -> None:
    """What was asked for, as it is: no markup, and nothing that a terminal would obey."""
    out.print(harmless(text), style=style, markup=False)


def say(text: str, style: str = "") -> None:
    """A line for people, beside what programs read. Commands in it get the target options of this call."""
    err.print(harmless(hint(text)), style=style, markup=False)


@contextmanager
def working(what: str) -> Iterator[Progress]:
    """Shows that something takes its time, and gives a function that shows how far it is."""
    if not err.is_terminal:
        yield silent
        return
    with err.status(Text(harmless(what))) as status:
        yield lambda line: status.update(Text(harmless(line)))


# -- values ------------------------------------------------------------------------------------------------------------


def one_line(value: Any) -> str:
    """A value in one line: text as it is, everything else as JSON."""
    return value if isinstance(value, str) else write(_plain(value))


# -- questions ---------------------------------------------------------------------------------------------------------


def ask(question: str, yes: bool) -> None:
    """Ask the operator, naming the target. Raises CancelledByOperatorError unless they, or ``yes``, agree; and
    KeyboardInterrupt at Ctrl-C."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise CancelledByOperatorError("this needs a confirmation, and there is no terminal to ask on; add --yes")
    where = f"on {this_call.target}: " if this_call.target else ""
    if prompt(f"{where}{question} [y/N]").lower() not in {"y", "yes"}:
        raise CancelledByOperatorError("cancelled; nothing was done")


def prompt(question: str, hidden: bool = False) -> str:
    """A line that the operator types, ``hidden`` for secrets; empty at the end of the input."""
    question = harmless(question) + ": "
    try:
        if hidden:
            return getpass(question)
        sys.stderr.write(question)
        sys.stderr.flush()
        return input()
    except EOFError:
        return ""
    except KeyboardInterrupt:
        sys.stderr.write("\n")  # The shell's prompt begins a line of its own.
        raise


# -- inside ------------------------------------------------------------------------------------------------------------


def _table(columns: Sequence[Column], rows: Sequence[Sequence[Text]], title: str) -> Table:
    table = Table(title=title or None, title_justify="left", box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(
            column.name,
            justify="right" if column.kind is Kind.NUMBER else "left",
            no_wrap=_is_kept(column),
            overflow="fold",
            min_width=_widest(column, rows, columns.index(column)) if _is_kept(column) else None,
        )
    for row in rows:
        table.add_row(*row)
    return table


def _fits(columns: Sequence[Column], rows: Sequence[Sequence[Text]]) -> bool:
    """Whether what may not be folded leaves some room for the rest."""
    narrowest = 8
    widths = (
        _widest(column, rows, index) if _is_kept(column) else min(narrowest, _widest(column, rows, index))
        for index, column in enumerate(columns)
    )
    return sum(widths) + _GAP * (len(columns) - 1) <= out.width


def _widest(column: Column, rows: Sequence[Sequence[Text]], index: int) -> int:
    return max([len(column.name), *(row[index].cell_len for row in rows)])


def _is_kept(column: Column) -> bool:
    return column.kind is not Kind.TEXT


def _cell(value: object, column: Column) -> Text:
    match value:
        case None:
            text = ""
        case bool():
            text = "yes" if value else "no"
        case datetime():
            text = at(value)
        case str() if column.kind is not Kind.ID and _TIME.fullmatch(value):
            text = at(value)
        case int() if column.kind is Kind.NUMBER:
            text = f"{value:,}"
        case Decimal():
            text = format(value, "f")
        case _:
            text = harmless(str(value), breaks="")
    style = ""
    if column.kind is Kind.STATE:
        style = "green" if text in _GOOD else "red" if text in _BAD else "yellow"
    return Text(text, style)


def _indented(value: Json, margin: str = "") -> str:
    inner = margin + "  "
    match value:
        case dict() if value:
            lines = (f"{inner}{write(name)}: {_indented(item, inner)}" for name, item in value.items())
            return "{\n" + ",\n".join(lines) + f"\n{margin}}}"
        case list() if value:
            return "[\n" + ",\n".join(inner + _indented(item, inner) for item in value) + f"\n{margin}]"
        case _:
            return write(value)


def _plain(value: Any) -> Json:
    match value:
        case None | bool() | int() | str() | Decimal():
            return value
        case float():
            return json.loads(json.dumps(value), parse_float=Decimal)  # type: ignore[no-any-return]
        case dict():
            return {str(name): _plain(item) for name, item in value.items()}
        case list() | tuple() | set() | frozenset():
            return [_plain(item) for item in value]
        case datetime():
            return value.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
        case _:
            return str(value)
