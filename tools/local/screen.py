"""The screen of `make run`: the figures as they grow."""

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from tools.local.figures import Figures


@dataclass
class Screen:
    """Shows the figures: in place on a terminal, else a line every five seconds."""

    console: Console
    figures: Figures = field(default_factory=Figures)
    brand: str = ""
    _live: Live | None = None
    _next_line_at: float = 0.0

    def __post_init__(self) -> None:
        self._bar = Progress(
            TextColumn("  {task.description:<14}"), BarColumn(50), TextColumn("{task.percentage:>3.0f} %"),
            TimeElapsedColumn(), console=self.console,
        )  # fmt: skip
        self._task = self._bar.add_task("", total=None)

    @contextlib.contextmanager
    def shown(self) -> Iterator[None]:
        if not self.console.is_terminal:
            yield
            return
        with Live(self._content(), console=self.console, refresh_per_second=8) as self._live:
            yield

    def phase(self, name: str) -> None:
        self.figures.phase = f"{self.brand} {name}".strip()
        self._next_line_at = 0.0
        self.update()

    def update(self) -> None:
        self._bar.update(
            self._task,
            description=self.figures.phase,
            total=self.figures.events or None,
            completed=self.figures.settled,
        )
        if self._live:
            self._live.update(self._content())
        elif time.monotonic() >= self._next_line_at:
            self._next_line_at = time.monotonic() + 5
            self.console.print(f"  {self.figures.phase}: {self.figures}")

    def _content(self) -> Group:
        return Group(self._bar, Text(f"  {self.figures}"))
