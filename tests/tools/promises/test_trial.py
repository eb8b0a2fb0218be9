"""What counts as a test that fails because a promise is broken."""

import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from partner_orders import clock
from tools.promises import trial
from tools.promises.outcome import by_assertion
from tools.promises.promise import Proof, proof
from tools.promises.trial import Trial
from tools.simulation.mutants.copied import ROOT, NotProvenError

CODE = """\
def double(number):
    return 2 * number
"""
TESTS = """\
import time

from code_under_test import double


def test_double():
    assert double(2) == 4


def test_no_more_than():
    assert double(2) < 100


def test_wait():
    time.sleep(double(0))
"""
CONFTEST = """\
from hypothesis import settings

settings.register_profile("unshrunk")
"""


@pytest.mark.parametrize(
    ("error", "is_one"),
    [
        (AssertionError(), True),
        (pytest.fail.Exception("it does not"), True),
        (ExceptionGroup("several", [TypeError(), AssertionError()]), True),
        (NameError(), False),
        (AttributeError(), False),
        (ImportError(), False),
        (ExceptionGroup("several", [TypeError(), SyntaxError()]), False),
        (KeyboardInterrupt(), False),
    ],
)
def test_assertions(error: BaseException, is_one: bool) -> None:
    """An assertion, `pytest.fail`, or a group with one of them says that something is not as it should be."""
    assert by_assertion(error) is is_one


@pytest.mark.parametrize(
    "looked_up", [lambda: dict[str, str]()["name"], lambda: list(range(2))[2], lambda: int("none")]
)
def test_what_a_test_looks_up(looked_up: Callable[[], object]) -> None:
    """What a test looks up and does not find is wrong as well."""
    with pytest.raises((LookupError, ValueError)) as raised:
        looked_up()
    assert by_assertion(raised.value)


def test_what_our_code_looks_up() -> None:
    """Code that does not find something may just not run."""
    with pytest.raises(ValueError, match="Invalid isoformat") as raised:
        clock.from_text("no time")
    assert not by_assertion(raised.value)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Trial:
    """A repository of one function."""

    def copy(folder: Path, _: Iterable[str]) -> None:
        (folder / "tools" / "promises").mkdir(parents=True)
        shutil.copy(ROOT / "tools" / "promises" / "outcome.py", folder / "tools" / "promises")
        for name, text in (("code_under_test.py", CODE), ("test_it.py", TESTS), ("conftest.py", CONFTEST)):
            (folder / name).write_text(text, encoding="utf-8")

    monkeypatch.setattr(trial, "copy_to", copy)
    return Trial(tmp_path)


def broken(test: str, new: str) -> Proof:
    return proof(f"test_it.py::{test}", "", "code_under_test.py", "double", "2 * number", new)


@pytest.mark.slow
def test_only_assertions_count(small: Trial, tmp_path: Path) -> None:
    """A test that notices a break fails by its assertion, and the code is whole again afterwards."""
    seen = {
        new: small.fails(one.test, one.broken)
        for one in (broken("test_double", "3 * number"), broken("test_no_more_than", "4 * number"))
        for new in [one.broken.edits[0].new]
    }
    assert seen == {"3 * number": True, "4 * number": False}
    assert (tmp_path / "copy" / "code_under_test.py").read_text(encoding="utf-8") == CODE
    assert small.not_passing(["test_it.py::test_double", "test_it.py::test_wait"]) == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("test", "new", "why"),
    [
        ("test_double", "1 / 0", "ends with an error"),
        ("test_missing", "3 * number", "did not run"),
    ],
)
def test_what_proves_nothing(small: Trial, test: str, new: str, why: str) -> None:
    """An error of another kind, and a test that is not there, are no proof."""
    one = broken(test, new)
    with pytest.raises(NotProvenError, match=why):
        small.fails(one.test, one.broken)


@pytest.mark.slow
def test_test_that_does_not_end_proves_nothing(small: Trial) -> None:
    """A test that is stopped is no proof."""
    one = broken("test_wait", "60")
    with pytest.raises(NotProvenError, match="did not end within 3 s"):
        small.fails(one.test, one.broken, seconds=3)


@pytest.mark.slow
def test_copy_that_cannot_be_imported_proves_nothing(small: Trial) -> None:
    """A test that cannot be collected is no proof."""
    one = proof("test_it.py::test_double", "", "code_under_test.py", "double", "def double", "def triple")
    with pytest.raises(NotProvenError, match="did not run"):
        small.fails(one.test, one.broken)
