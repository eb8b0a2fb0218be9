"""Which lines of some files are executed, by Python's own monitoring. Each line is told once, so it costs little."""

import sys
from types import CodeType

from tools.mutation.planting import LiveFunctions

TOOL = sys.monitoring.COVERAGE_ID
LINE = sys.monitoring.events.LINE


class ExecutedLines:
    """Lines of ``files``, since the last ``take``: of everything while modules are imported, and from ``watch`` on of
    their functions only."""

    def __init__(self, files: frozenset[str]) -> None:
        self._files = files
        self._lines: set[tuple[str, int]] = set()

    def start(self) -> None:
        sys.monitoring.use_tool_id(TOOL, "mutation")
        sys.monitoring.register_callback(TOOL, LINE, self._executed)
        sys.monitoring.set_events(TOOL, LINE)

    def watch(self, functions: LiveFunctions) -> None:
        sys.monitoring.set_events(TOOL, 0)
        for code in functions.codes():
            sys.monitoring.set_local_events(TOOL, code, LINE)

    def take(self) -> frozenset[tuple[str, int]]:
        lines, self._lines = frozenset(self._lines), set()
        sys.monitoring.restart_events()
        return lines

    def stop(self) -> None:
        sys.monitoring.set_events(TOOL, 0)
        sys.monitoring.free_tool_id(TOOL)

    def _executed(self, code: CodeType, line: int) -> object:
        if code.co_filename in self._files:
            self._lines.add((code.co_filename, line))
        return sys.monitoring.DISABLE
