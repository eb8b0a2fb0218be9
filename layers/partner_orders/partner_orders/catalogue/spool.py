"""The good lines of a file on the function's own disk, by shard of the table and then by SKU.

A shard of it is sorted some thousand lines at a time, and stands beside the shard's rows, which the table gives in the
same order. So a file of any length takes the same memory. Lines of one SKU meet, wherever the file has them.
"""

import heapq
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import batched, groupby
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from partner_orders.catalogue import keys
from partner_orders.catalogue.line_report import MAX_LINES
from partner_orders.catalogue.product import Values

CONFLICT = "two lines of the file say different things of this product at one time; keep one of them"
SORTED_TOGETHER = 5_000  # lines; they take some 3 MB


@dataclass(frozen=True, slots=True)
class SpooledLine:
    """A good line: its number in the file, and what it says in which version (milliseconds since 1970). One that says
    nothing is a bad line that names a product: the file does not leave it out."""

    sku: str
    number: int
    version: int
    values: Values


@dataclass(frozen=True, slots=True)
class Said:
    """What a file says of a product: ``lines``, the newest first, each with the fields that no newer one states; none
    where only bad lines name it. ``conflicts``: the first lines that contradict others of the same version, of which
    none is taken; ``more_conflicts``: how many there are beyond."""

    sku: str
    lines: tuple[SpooledLine, ...]
    conflicts: tuple[SpooledLine, ...] = ()
    more_conflicts: int = 0


class Spool:
    """Lines on disk, in a folder of their own. Every method raises OSError where the disk is full."""

    def __init__(self, folder: Path, sorted_together: int = SORTED_TOGETHER) -> None:
        self._paths = [folder / f"{number:x}" for number in range(keys.SHARDS)]
        self._sorted_together = sorted_together
        self._runs: dict[int, list[Path]] = {}
        self._files: list[IO[str]] = []

    def __enter__(self) -> Self:
        self._files = [path.open("w", encoding="utf-8", newline="\n") for path in self._paths]
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for file in self._files:
            file.close()

    def add(self, line: SpooledLine) -> None:
        """Add a line, in any order."""
        self._files[keys.shard_number(line.sku)].write(_text(line))

    def shard(self, number: int) -> Iterator[Said]:
        """What the file says of the products of a shard, in the order of their rows."""
        for sku, lines in groupby(self._in_order(number), key=lambda line: line.sku):
            yield _said(sku, lines)

    def _in_order(self, number: int) -> Iterator[SpooledLine]:
        if number not in self._runs:
            self._runs[number] = self._sort(self._paths[number])
        with ExitStack() as stack:
            runs = [stack.enter_context(_open(path)) for path in self._runs[number]]
            yield from heapq.merge(*(map(_line, run) for run in runs), key=_order)

    def _sort(self, path: Path) -> list[Path]:
        """A shard's lines as sorted files, each with as many lines as are sorted in memory."""
        runs = []
        with _open(path) as file:
            for number, some in enumerate(batched(file, self._sorted_together, strict=False)):
                run = path.with_suffix(f".{number}")
                with run.open("w", encoding="utf-8", newline="\n") as sorted_file:
                    sorted_file.writelines(sorted(some, key=lambda text: _order(_line(text))))
                runs.append(run)
        path.unlink()
        return runs


def _open(path: Path) -> IO[str]:
    return path.open(encoding="utf-8", newline="\n")


def _order(line: SpooledLine) -> tuple[bytes, int, int]:
    return line.sku.encode(), -line.version, line.number


def _said(sku: str, lines: Iterable[SpooledLine]) -> Said:
    """Of any number of lines, the few that count."""
    taken: list[SpooledLine] = []
    conflicts: list[SpooledLine] = []
    number, stated = 0, set[str]()
    for _, some in groupby((line for line in lines if line.values.are_said), key=lambda line: line.version):
        first, others, contradicting = _of_one_version(some)
        if contradicting:
            number += 1 + contradicting
            conflicts = [*conflicts, first, *others][:MAX_LINES]
            continue
        fields = first.values.said.keys()
        if stated & fields:
            first = replace(first, values=replace(first.values, **dict.fromkeys(stated & fields)))
        if fields - stated:
            taken.append(first)
            stated |= fields
    return Said(sku, tuple(taken), tuple(conflicts), number - len(conflicts))


def _of_one_version(lines: Iterator[SpooledLine]) -> tuple[SpooledLine, list[SpooledLine], int]:
    """The first line, the first of the others, and how many others there are if they contradict each other, else 0."""
    first = next(lines)
    others: list[SpooledLine] = []
    number, differ = 0, False
    for line in lines:
        number += 1
        differ = differ or line.values != first.values
        if len(others) < MAX_LINES:
            others.append(line)
    return first, others, number if differ else 0


def _text(line: SpooledLine) -> str:
    # A SKU is printable, so it holds neither a tab nor a line end.
    values = line.values
    active = "" if values.active is None else str(int(values.active))
    said = ("" if value is None else str(value) for value in (values.price, values.quantity, values.cap))
    return "\t".join((line.sku, str(line.number), str(line.version), active, *said)) + "\n"


def _line(text: str) -> SpooledLine:
    sku, number, version, active, price, quantity, cap = text.rstrip("\n").split("\t")
    values = Values(
        Decimal(price) if price else None,
        active == "1" if active else None,
        int(quantity) if quantity else None,
        int(cap) if cap else None,
    )
    return SpooledLine(sku, int(number), int(version), values)
