"""A copy of the repository in which promises are broken, one after the other, and tested."""

import importlib.util
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tools.promises import outcome
from tools.simulation.mutants.copied import COPIED, NotProvenError, copy_to, run_in
from tools.simulation.mutants.planting import Mutant

NEEDED = (
    *(*COPIED, "layers", "functions", "events", "requirements", "samconfig.toml", "Makefile", ".github", ".ci"),
    *("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", ".python-version"),
)
# Of what a property finds, the first example will do.
PYTEST = (
    *("-q", "-p", "no:cacheprovider", "-p", outcome.__name__),
    *("--hypothesis-seed=0", "--hypothesis-profile=unshrunk"),
    # What a large example fails by is not hidden by a warning of its size.
    *("-W", "ignore:Generating overly large repr"),
)
SECONDS = 240  # for one test
MORE_SECONDS = 20  # for each one more


class Trial:
    """``folder`` gets the copy."""

    def __init__(self, folder: Path) -> None:
        self._copy = folder / "copy"
        self._outcome = folder / "outcome"
        copy_to(self._copy, NEEDED)

    def not_passing(self, tests: list[str]) -> list[str]:
        """Return the tests of the untouched copy that do not pass, with what became of them.

        Raises NotProvenError if they cannot run.
        """
        ended = self._run(*tests, seconds=SECONDS + MORE_SECONDS * len(tests))
        return [f"{test}: {how}" for test, how in ended.items() if how != outcome.PASSED]

    def fails(self, test: str, broken: Mutant, seconds: int = SECONDS) -> bool:
        """Whether the test fails by an assertion while the promise is broken, and not for another reason.

        Raises NotProvenError if it does not run to its end.
        """
        with self._planted(broken):
            ended = self._run(test, "--maxfail=3", seconds=seconds)
        if outcome.ERROR in ended.values():
            raise NotProvenError(f"{test} ends with an error, not by an assertion: {self._end}")
        return outcome.ASSERTION in ended.values()

    @contextmanager
    def _planted(self, broken: Mutant) -> Iterator[None]:
        files = {self._copy / edit.file for edit in broken.edits}
        before = {file: file.read_bytes() for file in files}
        try:
            broken.plant(self._copy)
            _forget_bytecode(files)
            yield
        finally:
            for file, content in before.items():
                file.write_bytes(content)
            _forget_bytecode(files)

    def _run(self, *arguments: str, seconds: int = SECONDS) -> dict[str, str]:
        """Return how each test ended, by its id."""
        self._outcome.unlink(missing_ok=True)
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        environment[outcome.FILE] = str(self._outcome)
        done = run_in(self._copy, "pytest", [*PYTEST, *arguments], seconds, environment, arguments[0])
        output = done.stdout + done.stderr
        self._end = " ".join(output.split())[-600:]
        if done.returncode not in (0, 1) or not self._outcome.exists():
            raise NotProvenError(f"{arguments[0]} did not run: {self._end}")
        lines = map(json.loads, self._outcome.read_text(encoding="utf-8").splitlines())
        return _worst_of((line["test"], line["ended"]) for line in lines)


def _worst_of(lines: Iterator[tuple[str, str]]) -> dict[str, str]:
    """A test that passed and could not clean up has not passed."""
    ended: dict[str, str] = {}
    for test, how in lines:
        if ended.get(test, outcome.PASSED) == outcome.PASSED:
            ended[test] = how
    return ended


def _forget_bytecode(files: set[Path]) -> None:
    """Python tells versions of a file apart by its second and its length alone."""
    for file in files:
        if file.suffix == ".py":
            Path(importlib.util.cache_from_source(str(file))).unlink(missing_ok=True)
