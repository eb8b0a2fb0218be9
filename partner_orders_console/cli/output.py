"""What commands print: tables for people, JSON for programs, and progress on the standard error."""

import json
import re
import sys
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from decimal import Decimal
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from partner_orders.exact_json import Json, write
from partner_orders_console.cli.errors import CancelledByOperatorError

AsJson = Annotated[bool, typer.Option("--json", help="JSON for programs, in place of tables")]
ShowPersonalData = Annotated[
    bool, typer.Option("--show-personal-data", help="print customers' data, which is left out otherwise")
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="do not ask")]

# Control characters; those that turn the direction of what follows; halves of surrogate pairs.
_OBEYED = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
# A spreadsheet takes a text for a formula that begins with one of these, maybe after spaces or quotes. It splits cells
# at the separator of its own locale, whatever ours is, and then sees a beginning within a text.
_FORMULA = "(?=[ \u00a0\"']*[=+\\-@\t\r\n\uff1d\uff0b\uff0d\uff20])"
_BEGINS_A_FORMULA = re.compile(f"(^|[;,\t\r\n]){_FORMULA}")
_MARKED_AS_TEXT = re.compile(f"(^|[;,\t\r\n])'{_FORMULA}")
_NEEDS_QUOTES = re.compile('[;,\t\r\n"]')

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
        table.add_row(*("" if cell is None else Text(_harmless(str(cell), breaks="")) for cell in row))
    out.print(table)


def print_text(text: str, style: str = "") -> None:
    """What was asked for, as it is: no markup, and nothing that a terminal would obey."""
    out.print(_harmless(text), style=style, markup=False)


def say(text: str, style: str = "") -> None:
    """A line for people, beside what programs read."""
    err.print(_harmless(text), style=style, markup=False)


def working(what: str) -> AbstractContextManager[Any]:
    """Shows that something takes its time."""
    return err.status(Text(_harmless(what))) if err.is_terminal else nullcontext()


def counted(number: int, one: str, many: str = "") -> str:
    """``1 order``, ``2 orders``; ``many`` where it is not the one with an s."""
    return f"{number} {one if number == 1 else many or one + 's'}"


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


def ask(question: str, yes: bool) -> None:
    """Raises CancelledByOperatorError unless the operator, or ``yes``, agrees."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise CancelledByOperatorError("nobody there to ask; say --yes")
    if not typer.confirm(_harmless(question), default=False, err=True):
        raise CancelledByOperatorError("cancelled; nothing was done")


def _harmless(text: str, breaks: str = "\n\t") -> str:
    """What comes from outside moves no cursor, turns no text around, and can be written."""
    return "".join(
        character
        if character in breaks or not _OBEYED.match(character)
        else character.encode("unicode_escape").decode("ascii")
        for character in text
    )


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
