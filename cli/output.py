"""What commands print: tables for people, JSON for programs, and progress on the standard error."""

import json
import sys
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from decimal import Decimal
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from cli.errors import CancelledByOperatorError
from partner_orders.json_text import Json, write

AsJson = Annotated[bool, typer.Option("--json", help="JSON for programs, in place of tables")]
ShowPersonalData = Annotated[
    bool, typer.Option("--show-personal-data", help="print customers' data, which is left out otherwise")
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="do not ask")]

# Where no person looks, a line is a line.
out = Console(soft_wrap=True, highlight=False, width=None if sys.stdout.isatty() else 250)
err = Console(stderr=True, soft_wrap=True, highlight=False)


def print_json(value: Any) -> None:
    """One JSON document, numbers exact."""
    sys.stdout.write(write(_plain(value)) + "\n")


def print_table(columns: Sequence[str], rows: Iterable[Sequence[object]], title: str = "") -> None:
    """A table; what is None stays empty. Text is never taken for markup."""
    table = Table(title=title or None, title_justify="left", box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column)
    for row in rows:
        table.add_row(*("" if cell is None else _escaped(str(cell)) for cell in row))
    out.print(table)


def say(text: str) -> None:
    """A line for people, beside what programs read."""
    err.print(text, markup=False)


def working(what: str) -> AbstractContextManager[Any]:
    """Shows that something takes its time."""
    return err.status(_escaped(what)) if err.is_terminal else nullcontext()


def ask(question: str, yes: bool) -> None:
    """Raises CancelledByOperatorError unless the operator, or ``yes``, agrees."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise CancelledByOperatorError("nobody there to ask; say --yes")
    if not typer.confirm(question, default=False, err=True):
        raise CancelledByOperatorError("cancelled; nothing was done")


def _escaped(text: str) -> str:
    return text.replace("[", "\\[")


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
        case _:
            return str(value)
