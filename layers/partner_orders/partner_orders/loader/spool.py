"""The good lines of a file on the function's own disk, by shard of the table and then by SKU.

So a file of any length takes little memory: a shard of it is sorted at a time, and stands beside the shard's rows,
which the table gives in the same order. Lines of one SKU meet, wherever the file has them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from itertools import groupby
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from partner_orders.catalogue import keys
from partner_orders.catalogue.product import Values

CONFLICT = "two lines of the file say different things of this product at one time; keep one of them"


@dataclass(frozen=True, slots=True)
class SpooledLine:
    """A good line: its number in the file, and what it says in which version (milliseconds since 1970)."""

    sku: str
    number: int
    version: int
    values: Values


@dataclass(frozen=True, slots=True)
class Said:
    """What a file says of a product: ``lines``, the newest of each field first; more than one where lines of several
    versions name it. ``conflicts``: lines that contradict others of the same version, of which none is taken."""

    sku: str
    lines: tuple[SpooledLine, ...]
    conflicts: tuple[SpooledLine, ...] = ()


class Spool:
    """Lines on disk, in a folder of their own. Every method raises OSError where the disk is full."""

    def __init__(self, folder: Path) -> None:
        self._paths = [folder / f"{number:x}" for number in range(keys.SHARDS)]
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
        with self._paths[number].open(encoding="utf-8", newline="\n") as file:
            lines = sorted(map(_line, file), key=lambda line: (line.sku.encode(), -line.version, line.number))
        for sku, some in groupby(lines, key=lambda line: line.sku):
            yield _said(sku, tuple(some))


def _said(sku: str, lines: tuple[SpooledLine, ...]) -> Said:
    taken: list[SpooledLine] = []
    conflicts: list[SpooledLine] = []
    for _, some in groupby(lines, key=lambda line: line.version):
        first, *others = some
        if all(other.values == first.values for other in others):
            taken.append(first)
        else:
            conflicts += [first, *others]
    return Said(sku, tuple(taken), tuple(conflicts))


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
