"""Tests that a page names as `tests/...py::test_...`, in backquotes."""

import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]


def named_tests(text: str) -> list[str]:
    """Return each test that a text names, as ``file::function``."""
    return re.findall(r"`(tests/[\w/]+\.py::test_\w+)`", text)


def is_there(test: str) -> bool:
    """Whether the file of a test has its function. It is given as ``file::function``, or as pytest shows one case."""
    file, _, name = test.partition("::")
    return name.partition("[")[0].rpartition("::")[-1] in _functions_of(file)


@cache
def _functions_of(file: str) -> frozenset[str]:
    path = ROOT / file
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    return frozenset(re.findall(r"^ *(?:async )?def (test_\w+)\(", text, re.MULTILINE))
