"""What a run or a backfill could not check: stores that failed, and times that were left out."""

from collections.abc import Mapping, Sequence
from typing import Any

from partner_orders_console.cli.output import Column, Kind, print_table

_LEFT_OUT = (Column("store_id", Kind.ID), Column("from", Kind.TIME), Column("to", Kind.TIME), Column("failure"))


def print_unchecked(report: Mapping[str, Any]) -> None:
    """The failed stores and the left-out times of a report, where it has any."""
    if report["failed_stores"]:
        print_table((Column("store", Kind.ID), "could not be checked"), report["failed_stores"].items())
    print_left_out(report["left_out"], "left out")


def print_left_out(times: Sequence[Mapping[str, str]], title: str) -> None:
    """The times of stores that could not be read, if there are any."""
    if times:
        rows = ([time[name] for name in ("store_id", "from", "to", "failure")] for time in times)
        print_table(_LEFT_OUT, rows, title)
