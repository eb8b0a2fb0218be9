"""A pytest plugin: writes how each test ended to the file that the environment names, a line of JSON each."""

import json
import os
import traceback
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

FILE = "PROMISES_OUTCOME"
PASSED, ASSERTION, ERROR, SKIPPED = "passed", "assertion", "error", "skipped"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(call: pytest.CallInfo[Any]) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Note how a test ended, and what does not end well before or after it."""
    report = yield
    if report.when == "call" or not report.passed:
        with Path(os.environ[FILE]).open("a", encoding="utf-8") as lines:
            lines.write(json.dumps({"test": report.nodeid, "ended": _ended(report, call.excinfo)}) + "\n")
    return report


def _ended(report: pytest.TestReport, raised: pytest.ExceptionInfo[BaseException] | None) -> str:
    if report.passed:
        return PASSED
    if report.skipped:
        return SKIPPED
    is_assertion = report.when == "call" and raised is not None and by_assertion(raised.value)
    return ASSERTION if is_assertion else ERROR


def by_assertion(error: BaseException) -> bool:
    """Whether a test failed because it found something wrong: by an assertion, or since what it looked up was not
    there, or a value was none that can be. Errors of another kind, and those that our code raises, tell that code or
    test cannot run."""
    if isinstance(error, BaseExceptionGroup):
        return any(by_assertion(one) for one in error.exceptions)
    if isinstance(error, LookupError | ValueError):
        return _is_raised_by_a_test(error)
    return isinstance(error, AssertionError | pytest.fail.Exception)


def _is_raised_by_a_test(error: BaseException) -> bool:
    frames = traceback.extract_tb(error.__traceback__)
    return bool(frames) and "tests" in Path(frames[-1].filename).parts
