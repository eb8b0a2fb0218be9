"""What the corpus has to gain from the inputs that a search has found: those that take a branch of our code that none
of the kept ones takes, the smallest first."""

import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from types import CodeType

from tools.fuzz.corpus import ROOT

OWN = str(ROOT / "layers" / "partner_orders")
LARGEST_BYTES = 2_048

type Branch = tuple[str, int, int]


def gained(target: Callable[[bytes], None], kept: Iterable[Path], found: Iterable[Path]) -> list[Path]:
    """The found inputs that are worth keeping."""
    taken: set[Branch] = set()
    for path in kept:
        taken |= _branches(target, path.read_bytes())
    worth = []
    for path in sorted(found, key=lambda it: (it.stat().st_size, it.name)):
        if path.stat().st_size <= LARGEST_BYTES and not (new := _branches(target, path.read_bytes())) <= taken:
            worth.append(path)
            taken |= new
    return worth


def _branches(target: Callable[[bytes], None], data: bytes) -> set[Branch]:
    monitoring, tool = sys.monitoring, sys.monitoring.COVERAGE_ID
    seen: set[Branch] = set()

    def note(code: CodeType, offset: int, destination: int) -> object:
        if code.co_filename.startswith(OWN):
            seen.add((f"{code.co_filename}:{code.co_qualname}", offset, destination))
            return None
        return monitoring.DISABLE

    monitoring.use_tool_id(tool, "fuzz")
    try:
        monitoring.register_callback(tool, monitoring.events.BRANCH, note)
        monitoring.set_events(tool, monitoring.events.BRANCH)
        target(data)
    finally:
        monitoring.set_events(tool, monitoring.events.NO_EVENTS)
        monitoring.free_tool_id(tool)
    return seen
