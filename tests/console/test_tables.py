"""How values are laid out: tables for narrow terminals, JSON, times and ages."""

import io
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from rich.console import Console

from partner_orders.exact_json import parse
from partner_orders_console.cli import output
from partner_orders_console.cli.output import Column, Kind, ago, at, print_facts, print_json, print_table, print_text
from tests.support.fixed_clock import NOW

ID = "6f2a9d34-8c55-4d0b-9c7e-51f0a2b7c801"
TIME = datetime(2026, 3, 14, 8, 15, 2, tzinfo=UTC)
COLUMNS = (
    Column("order", Kind.ID),
    Column("changed", Kind.TIME),
    Column("amount", Kind.NUMBER),
    Column("status", Kind.STATE),
    Column("store"),
)
ROWS = [
    (ID, TIME, 1234567, "CANCELLED", "Greenbasket Clifton, a name that is long"),
    ("short", None, 7, "DELIVERED", None),
]

type Printed = Callable[[int, Callable[[], None]], list[str]]


@pytest.fixture
def printed(monkeypatch: pytest.MonkeyPatch) -> Printed:
    """The lines that something prints in a terminal of a width, in columns."""

    def lines(width: int, action: Callable[[], None]) -> list[str]:
        written = io.StringIO()
        console = Console(soft_wrap=True, highlight=False, emoji=False, width=width, file=written)
        monkeypatch.setattr(output, "out", console)
        action()
        return written.getvalue().splitlines()

    return lines


@pytest.mark.parametrize("width", [40, 80, 100, 250])
def test_ids_and_times_are_never_cut(printed: Printed, width: int) -> None:
    """Ids and times stand in one piece at each width."""
    text = "\n".join(printed(width, lambda: print_table(COLUMNS, ROWS)))
    assert ID in text
    assert "2026-03-14 08:15:02" in text
    assert "…" not in text


@pytest.mark.parametrize("width", [80, 100])
def test_table_fits_its_terminal(printed: Printed, width: int) -> None:
    """No line is wider than the terminal, where ids and times leave room."""
    rows = [(ID[:13], *row[1:]) for row in ROWS]
    assert max(len(line.rstrip()) for line in printed(width, lambda: print_table(COLUMNS, rows))) <= width


def test_narrow_terminal_gets_blocks(printed: Printed) -> None:
    """A terminal of 40 columns gets a block for each row, without empty values."""
    lines = printed(40, lambda: print_table(COLUMNS, ROWS, "orders"))
    assert lines[0].strip() == "orders"
    assert [line.split()[0] for line in lines if line.startswith(("order ", "changed", "amount"))] == [
        "order", "changed", "amount", "order", "amount",
    ]  # fmt: skip
    assert [line.strip() for line in lines].count("") == 1


def test_numbers_stand_to_the_right(printed: Printed) -> None:
    """Numbers end in the same column, and have separators for people."""
    lines = printed(120, lambda: print_table((Column("n", Kind.NUMBER), "x"), [(1234567, "a"), (7, "a")]))
    assert [line.rstrip() for line in lines[1:]] == ["1,234,567  a", "        7  a"]


def test_flags_are_yes_and_no(printed: Printed) -> None:
    """True and False are yes and no for people; None stays empty."""
    [line] = printed(80, lambda: print_table(("a", "b", "c"), [(True, False, None)]))[1:]
    assert line.split() == ["yes", "no"]


@pytest.mark.parametrize("print_it", [print_text, lambda text: print_facts({"secret": text})])
def test_secret_is_printed_as_it_is(printed: Printed, print_it: Callable[[str], None]) -> None:
    """A secret that looks like an emoji's name, or like markup, is printed as it is."""
    secret = "k:key:q:100:w[b]"
    assert secret in printed(80, lambda: print_it(secret))[0]


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


VALUE: dict[str, Any] = {"b": Decimal("690.00"), "a": [1, {"x": None}], "none": [], "empty": {}}


def test_json_is_indented_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """JSON is indented on a terminal, and exact in both forms."""
    written = []
    for stream in (_Terminal(), io.StringIO()):
        monkeypatch.setattr(sys, "stdout", stream)
        print_json(VALUE)
        written.append(stream.getvalue())
    pretty, plain = written
    assert pretty.startswith('{\n  "b": 690.00,\n  "a": [\n    1,\n    {\n      "x": null')
    assert plain.count("\n") == 1
    assert parse(pretty.encode()) == parse(plain.encode()) == VALUE


@pytest.mark.parametrize(
    ("age", "text"),
    [
        (timedelta(seconds=59), "now"),
        (timedelta(seconds=-59), "now"),
        (timedelta(minutes=1), "1 min ago"),
        (timedelta(minutes=59, seconds=59), "59 min ago"),
        (timedelta(hours=1), "1 h ago"),
        (timedelta(hours=47, minutes=59), "47 h ago"),
        (timedelta(days=2), "2 days ago"),
        (timedelta(minutes=-5), "in 5 min"),
    ],
)
def test_ages_are_short(age: timedelta, text: str) -> None:
    """An age has one unit, and a time to come says so."""
    assert ago(NOW - age, NOW) == text


def test_times_have_one_format() -> None:
    """A time is printed in its zone without fractions; no time is empty."""
    assert at("2026-03-14T08:15:02.123456Z") == at(TIME) == "2026-03-14 08:15:02"
    assert at(TIME, ZoneInfo("Asia/Karachi")) == "2026-03-14 13:15:02"
    assert (at(None), at(""), ago(None, NOW), ago("", NOW)) == ("", "", "", "")
