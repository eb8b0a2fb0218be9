"""What is changed in a template, one thing at a time."""

from copy import deepcopy
from typing import Any

import pytest

from tools.mutation.template_numbers import mutants_of


def changed(template: dict[str, Any]) -> list[dict[str, Any]]:
    trees = []
    for number in range(len(mutants_of(template))):
        tree = deepcopy(template)
        mutants_of(tree)[number].plant()
        trees.append(tree)
    return trees


@pytest.mark.parametrize(
    ("value", "others"),
    [
        (60, [120, 30]),
        (3, [4, 2]),
        (0, [1]),
        (0.5, [1.5, -0.5]),
        ("900", ["1800", "450"]),
        ("ENABLED", ["DISABLED"]),
        (True, [False]),
        ("rate(5 minutes)", ["rate(6 minutes)", "rate(4 minutes)"]),
        ("python3.13", []),
    ],
)
def test_changes(value: Any, others: list[Any]) -> None:
    """Large numbers are doubled and halved, small ones get one more and one less, and switches are turned."""
    assert changed({"A": {"B": [value]}}) == [{"A": {"B": [other]}} for other in others]


def test_texts_stay() -> None:
    """Texts for people keep their numbers."""
    assert changed({"Description": "5", "Rule": {"Expression": "a > 5"}}) == [
        {"Description": "5", "Rule": {"Expression": "a > 6"}},
        {"Description": "5", "Rule": {"Expression": "a > 4"}},
    ]


def test_names_tell_where() -> None:
    """A mutant is named by its place."""
    assert [mutant.name for mutant in mutants_of({"A": {"B": 0}})] == ["A.B [0 => 1]"]
