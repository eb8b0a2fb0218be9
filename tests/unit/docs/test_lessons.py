"""docs/lessons.md: each lesson is held by a test that exists."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
LESSONS = (ROOT / "docs" / "lessons.md").read_text(encoding="utf-8").split("\n## ")[1:]


@cache
def defined_in(file: str) -> frozenset[str]:
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.partition("\n")[0])
def test_lesson_is_held_by_a_test(lesson: str) -> None:
    """Each lesson says what happened and what is so now, and names at least one test that exists."""
    assert "**What happened.**" in lesson
    assert "**Now.**" in lesson
    named = re.findall(r"`(tests/[\w/]+\.py)::(test_\w+)`", lesson)
    assert named
    for file, name in named:
        assert name in defined_in(file)
