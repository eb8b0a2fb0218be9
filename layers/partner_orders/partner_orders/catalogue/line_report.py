"""What was wrong with the lines of a file, in a report of bounded size that lies beside the file.

A report can be written after any line, read back by a later invocation, and continued.
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Self

from partner_orders.catalogue.product import printable

MAX_LINES = 1_000  # shown in full; further ones are counted
MAX_KINDS = 100  # of problems that are counted by themselves; further ones are counted together
MAX_PROBLEMS = 10  # of one line
MAX_PRODUCT = 128  # characters
MAX_PROBLEM = 300  # characters
MAX_COLUMNS = 64


class UnreadableReportError(ValueError):
    """The bytes are not a report."""


@dataclass(frozen=True, slots=True)
class ReportedLine:
    """A bad line: its number, its sku or barcode as given (cut, and empty where none was read), and its problems."""

    number: int
    product: str
    problems: tuple[str, ...]


@dataclass(slots=True)
class LineReport:
    """Counts of a file's lines, and its first bad lines. ``file_problem`` says why the whole file was refused."""

    good: int = 0
    bad: int = 0
    problems: Counter[str] = field(default_factory=Counter)
    other_problems: int = 0
    lines: list[ReportedLine] = field(default_factory=list)
    unknown_columns: list[str] = field(default_factory=list)
    file_problem: str = ""

    @property
    def total(self) -> int:
        return self.good + self.bad

    def add_good(self) -> None:
        self.good += 1

    def add_bad(self, number: int, problems: Iterable[str], columns: Mapping[str, str] | None = None) -> None:
        """Count a bad line. ``columns``: what was read of it, if anything was."""
        found = tuple(dict.fromkeys(printable(problem, MAX_PROBLEM) for problem in islice(problems, MAX_PROBLEMS)))
        self.bad += 1
        for problem in found:
            self._count(problem, 1)
        if len(self.lines) < MAX_LINES:
            said = columns or {}
            product = said.get("sku", "").strip() or said.get("barcode", "").strip()
            self.lines.append(ReportedLine(number, printable(product, MAX_PRODUCT), found))

    def move_to_bad(self, number: int, problems: Iterable[str], columns: Mapping[str, str]) -> None:
        """Count a line as bad that was good by itself, and is not beside others."""
        self.good -= 1
        self.add_bad(number, problems, columns)

    def move_more_to_bad(self, number: int, problem: str) -> None:
        """Count so many further lines as bad, beyond those that are shown."""
        self.good -= number
        self.bad += number
        self._count(problem, number)

    def add_unknown_columns(self, names: Iterable[str]) -> None:
        """Note columns that are not read; each is shown once."""
        for name in names:
            shown = printable(name, MAX_PRODUCT)
            if shown not in self.unknown_columns and len(self.unknown_columns) < MAX_COLUMNS:
                self.unknown_columns.append(shown)

    def refuse_file(self, problem: str) -> None:
        """Note why the whole file is refused."""
        self.file_problem = printable(problem, 2 * MAX_PROBLEM)

    def merge(self, later: "LineReport") -> None:
        """Add the report of other lines of the same file."""
        self.good += later.good
        self.bad += later.bad
        for problem, count in later.problems.items():
            self._count(problem, count)
        self.other_problems += later.other_problems
        self.lines = sorted([*self.lines, *later.lines], key=lambda line: line.number)[:MAX_LINES]
        self.add_unknown_columns(later.unknown_columns)
        self.file_problem = self.file_problem or later.file_problem

    def _count(self, problem: str, count: int) -> None:
        if problem in self.problems or len(self.problems) < MAX_KINDS:
            self.problems[problem] += count
        else:
            self.other_problems += count

    def to_document(self) -> dict[str, Any]:
        """The report as JSON for people and programs."""
        return {
            "total": self.total,
            "good": self.good,
            "bad": self.bad,
            "file_problem": self.file_problem,
            "unknown_columns": self.unknown_columns,
            "problems": dict(sorted(self.problems.items(), key=lambda entry: (-entry[1], entry[0]))),
            "other_problems": self.other_problems,
            "lines_not_shown": self.bad - len(self.lines),
            "lines": [
                {"line": line.number, "product": line.product, "problems": [*line.problems]} for line in self.lines
            ],
        }

    def to_bytes(self) -> bytes:
        """Equal reports are equal bytes."""
        return json.dumps(self.to_document(), ensure_ascii=False, indent=1).encode()

    @classmethod
    def from_bytes(cls, content: bytes) -> Self:
        """Inverse of to_bytes(). Raises UnreadableReportError."""
        try:
            document: dict[str, Any] = json.loads(content)
            return cls(
                good=int(document["good"]),
                bad=int(document["bad"]),
                problems=Counter({str(problem): int(count) for problem, count in document["problems"].items()}),
                other_problems=int(document["other_problems"]),
                lines=[
                    ReportedLine(int(line["line"]), str(line["product"]), tuple(map(str, line["problems"])))
                    for line in document["lines"]
                ],
                unknown_columns=[str(name) for name in document["unknown_columns"]],
                file_problem=str(document["file_problem"]),
            )
        except (AttributeError, KeyError, OverflowError, RecursionError, TypeError, ValueError):
            raise UnreadableReportError("not a report of a file's lines") from None
