"""docs/lessons.md: each lesson is held by a test that exists."""

import pytest

from tests.support.named_tests import ROOT, is_there, named_tests

LESSONS = (ROOT / "docs" / "lessons.md").read_text(encoding="utf-8").split("\n## ")[1:]


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.partition("\n")[0])
def test_lesson_is_held_by_a_test(lesson: str) -> None:
    """Each lesson says what happened and what is so now, and names at least one test that exists."""
    assert "**What happened.**" in lesson
    assert "**Now.**" in lesson
    named = named_tests(lesson)
    assert named
    assert [test for test in named if not is_there(test)] == []
