"""pytest as the worker drives it: first every test on the code as it is, then for each mutant those that execute it."""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pytest

from tools.forks import limit_further
from tools.mutation.executed_lines import ExecutedLines

OPTIONS = (
    "-q", "-s", "-p", "no:cacheprovider", "--assert=plain", "--hypothesis-profile=mutation", "-m", "not slow",
    "-k", "not moto and not (DynamoDB and Local)",
)  # fmt: skip
# What a test may take of the processor, beside five times what it took without the mutant.
SPARE_SECONDS = 3
MULTIPLE = 5


@dataclass(frozen=True, slots=True)
class TestRun:
    """A test on the code as it is: what it took, and which lines of the modules it executed."""

    id: str
    seconds: float
    lines: frozenset[tuple[str, int]]


@dataclass(frozen=True, slots=True)
class FirstRun:
    """All tests on the code as it is. ``collected``: the lines that were executed while they were collected, so before
    any test. ``failed``: a test that fails, empty if none does."""

    runs: tuple[TestRun, ...]
    collected: frozenset[tuple[str, int]]
    failed: str = ""


class Trials:
    """A plugin of pytest that leaves the tests to ``loop`` as soon as they are collected."""

    def __init__(self, loop: Callable[["Trials"], None]) -> None:
        self.items: list[pytest.Item] = []
        self._loop = loop
        self._failed = False

    def collect(self, tests: Sequence[str]) -> None:
        """Collect the tests and call the loop. Raises RuntimeError if nothing was collected."""
        code = pytest.main([*OPTIONS, *tests], plugins=[self])
        if not self.items:
            raise RuntimeError(f"pytest collected nothing and ended with {code}: {' '.join(tests)}")

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        self.items = session.items
        if session.testsfailed:
            raise RuntimeError("a test cannot be collected")
        self._loop(self)
        return True

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> pytest.TestReport | None:
        """Report a failure without what pytest would write about it, which takes long."""
        is_fine = call.excinfo is None or call.excinfo.errisinstance((pytest.skip.Exception, pytest.xfail.Exception))
        if is_fine or call.when == "collect" or item.get_closest_marker("xfail") is not None:
            return None
        self._failed = True
        return pytest.TestReport(item.nodeid, item.location, {}, "failed", "", call.when)

    def first_failure(self, runs: Sequence[TestRun]) -> str:
        """Run tests in this order. Returns the id of the first that fails or is gone, empty if none does. A test that
        takes much longer than it did without a mutant ends the process."""
        known = {item.nodeid: item for item in self.items}
        if gone := [run.id for run in runs if run.id not in known]:
            return gone[0]
        items = [known[run.id] for run in runs]
        for run, item, following in zip(runs, items, [*items[1:], None], strict=True):
            limit_further(cpu_seconds([run]))
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            if self._failed:
                return item.nodeid
        return ""

    def first_run(self, executed: ExecutedLines | None = None) -> FirstRun:
        """Run every test, each by itself as far as possible."""
        executed = executed or ExecutedLines(frozenset())
        collected = executed.take()
        runs = []
        for item, following in zip(self.items, [*self.items[1:], None], strict=True):
            started = time.process_time()
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            if self._failed:
                return FirstRun((), frozenset(), item.nodeid)
            runs.append(TestRun(item.nodeid, time.process_time() - started, executed.take()))
        return FirstRun(tuple(runs), collected)


def cpu_seconds(runs: Sequence[TestRun]) -> int:
    """How long these tests may take with a mutant."""
    return math.ceil(SPARE_SECONDS + MULTIPLE * sum(run.seconds for run in runs))
