"""What a run of the coverage finds wrong: too little that is run, and tests that cannot fail."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TextIO

import pytest

from tools.coverage import __main__ as run
from tools.coverage.silent_tests import silent_tests

SILENT = "tests/unit/test_clock.py::test_nothing"
TEST = """\
def test_reached():
    assert (
        1
    )
    for one in ():
        assert one


def test_that_did_not_run():
    assert False


def helper():
    assert False
"""


def measured(total: float, shown: str = "") -> Any:
    def report(file: TextIO, **_: Any) -> float:
        file.write(shown)
        return total

    return SimpleNamespace(report=report)


def test_share_below_the_floor_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Less than 95 % of the package's lines and branches is wrong; files of less than 90 % are shown."""
    assert [*run._below_the_floor(measured(95.0, "a.py 10 89.9%\nb.py 10 90.0%\n"), str(tmp_path))] == []
    assert capsys.readouterr().out.splitlines()[0] == "a.py 10 89.9%"
    assert [*run._below_the_floor(measured(94.9), str(tmp_path))] == ["coverage: 94.9 % is less than 95 %"]


def test_that_asserts_nowhere_is_named(tmp_path: Path) -> None:
    """A test that asserted in any process of the run has spoken; the others are named."""
    for number, content in enumerate(({"spoken": [], "silent": ["a", "b"]}, {"spoken": ["a"], "silent": []})):
        (tmp_path / f"{number}.json").write_text(json.dumps(content))
    assert silent_tests(tmp_path) == ["b"]


def test_only_known_tests_may_be_silent(tmp_path: Path) -> None:
    """A test that asserts nothing is wrong, and so is one that is excused and asserts something."""
    (tmp_path / "1.json").write_text(json.dumps({"spoken": [], "silent": [*run.SILENT]}))
    assert [*run._silent(tmp_path)] == []
    excused, *others = run.SILENT
    (tmp_path / "1.json").write_text(json.dumps({"spoken": [], "silent": [SILENT, *others]}))
    assert [line.partition(" ")[0] for line in run._silent(tmp_path)] == [SILENT, excused]


def test_assertion_behind_nothing_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An assertion of a test that ran is named if it was never reached; a test that did not run has none."""
    (file := tmp_path / "test_of.py").write_text(TEST)
    monkeypatch.setattr(run, "ROOT", tmp_path)
    data = SimpleNamespace(measured_files=lambda: [str(file)], lines=lambda _: [1, 2, 3, 5, 9, 13])
    found = [*run._never_reached(SimpleNamespace(get_data=lambda: data))]  # type: ignore[arg-type]
    assert found == ["test_of.py:6 is never reached, in test_reached"]
