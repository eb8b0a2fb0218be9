"""A plugin of pytest that finds tests which asserted nothing: they pass whatever the code does.

It counts the assertions that each test passed, in its own file and in tests/support, and the errors that it expected.
Each process of the run leaves a file in the folder that ASSERTIONS_FOLDER names.
"""

import importlib
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from _pytest.assertion import rewrite
from _pytest.raises import RaisesExc

from tools.coverage.silent_tests import FOLDER

pytest.register_assert_rewrite("tests.support")


def _import_as_it_is(*modules: str) -> None:
    """Import what pytest would count assertions in, too: a plugin's own, which run millions of times."""
    hooks = [finder for finder in sys.meta_path if isinstance(finder, rewrite.AssertionRewritingHook)]
    sys.meta_path[:] = [finder for finder in sys.meta_path if finder not in hooks]
    for module in modules:
        importlib.import_module(module)
    sys.meta_path[:0] = hooks


_import_as_it_is("hypothesis", "hypothesis.strategies", "hypothesis.internal.conjecture.engine", "hypothesis.stateful")


class _Counter:
    """How often the process has asserted something, and the tests that did not."""

    def __init__(self) -> None:
        self.passed = 0
        self.silent: set[str] = set()
        self.spoken: set[str] = set()


_counter = _Counter()


def pytest_configure() -> None:
    usual = RaisesExc.__exit__

    def counted(self: RaisesExc[Any], *error: Any) -> bool:
        _counter.passed += 1
        return usual(self, *error)

    RaisesExc.__exit__ = counted  # type: ignore[method-assign]


def pytest_assertion_pass() -> None:
    _counter.passed += 1


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    before = _counter.passed
    yield
    # Parameters of a test are one test: some of them may have nothing to assert.
    name = item.nodeid.partition("[")[0]
    (_counter.spoken if _counter.passed > before else _counter.silent).add(name)


def pytest_sessionfinish() -> None:
    if folder := os.environ.get(FOLDER):
        content = {"spoken": sorted(_counter.spoken), "silent": sorted(_counter.silent)}
        (Path(folder) / f"{os.getpid()}.json").write_text(json.dumps(content), encoding="utf-8")
