"""docs/threat-model.md: each threat has a test that exists, and says what is left."""

import re
from collections import Counter
from typing import NamedTuple

import pytest

from tests.support.named_tests import ROOT, is_there, named_tests

PAGE = (ROOT / "docs" / "threat-model.md").read_text(encoding="utf-8")
THREATS = PAGE.partition("\n## Threats\n")[2].partition("\n## ")[0]
# By the heading of its boundary.
SECTIONS = {section.partition("\n")[0]: section for section in THREATS.split("\n### ")[1:]}
KINDS = {"pretending", "changing", "denying", "seeing", "stopping", "rising"}


class Threat(NamedTuple):
    """A row of a boundary's table."""

    what: str
    kind: str
    against: str
    held_by: str
    left: str


def threats(section: str) -> list[Threat]:
    rows = [line.strip("|").split("|") for line in section.splitlines() if line.startswith("|")]
    return [Threat(*(cell.strip() for cell in row)) for row in rows[2:]]


@pytest.mark.parametrize("boundary", SECTIONS)
def test_threat_has_a_test_and_a_rest(boundary: str) -> None:
    """Each threat says what stands against it and what is left, and names nothing but tests that exist."""
    for threat in threats(SECTIONS[boundary]):
        assert all(threat), threat
        named = named_tests(threat.held_by)
        assert named, threat
        assert re.sub(r"`[^`]*`|,| and ", "", threat.held_by).strip() == "", threat
        assert len(named) == threat.held_by.count("`") / 2, threat
        assert [test for test in named if not is_there(test)] == []


@pytest.mark.parametrize("boundary", SECTIONS)
def test_boundary_has_every_kind(boundary: str) -> None:
    """Each boundary has threats of all six kinds, and of no other."""
    assert {threat.kind for threat in threats(SECTIONS[boundary])} == KINDS


def test_kinds_are_explained() -> None:
    """The legend has each kind with its name in STRIDE."""
    legend = PAGE.partition("| kind | means | STRIDE |")[2].partition("\n\n")[0]
    assert set(re.findall(r"^\| (\w+) \|", legend, re.MULTILINE)) == KINDS


def test_boundaries_are_those_of_the_drawing() -> None:
    """The drawing has the number of each boundary, and of no other."""
    drawing = PAGE.partition("```mermaid")[2].partition("```")[0]
    assert set(re.findall(r'"(\d)', drawing)) == {heading[0] for heading in SECTIONS}


def test_threats_are_told_once() -> None:
    """No two rows of a boundary are of the same threat."""
    every = Counter((heading, threat.what) for heading, section in SECTIONS.items() for threat in threats(section))
    assert [row for row, times in every.items() if times > 1] == []
