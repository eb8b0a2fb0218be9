"""``python -m tools.mutation.worker MODULE... -- TEST...``: try every mutant of some modules, or of some templates.

It writes a line of JSON for each, and why it ends before the last one to the standard error.
Every mutant has a process of its own, forked from one in which the tests are collected already. Where a mutant is in
what runs at import, it is forked from one that has imported nothing of ours, and collects the tests.
"""

import json
import os
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import dropwhile
from pathlib import Path

from tools.forks import import_others, in_fork
from tools.mutation.executed_lines import ExecutedLines
from tools.mutation.operators import Mutant, mutants_of
from tools.mutation.parts import LOADED_ANEW
from tools.mutation.planting import CannotPlantError, LiveFunctions, import_changed
from tools.mutation.report import DIED, LATE, NONE, NOT_COLLECTED
from tools.mutation.template_worker import TemplateWorker, Write
from tools.mutation.trials import FirstRun, TestRun, Trials, cpu_seconds

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "layers" / "partner_orders" / "partner_orders"


@dataclass(frozen=True, slots=True)
class Trial:
    """A mutant, and the module that it is in."""

    module: str
    path: Path
    mutant: Mutant


class Worker:
    """``modules``: their names within ``partner_orders``. ``write`` takes an outcome: the module, the mutant, what
    noticed it, the number of tests, and seconds."""

    def __init__(self, modules: Sequence[str], tests: Sequence[str], write: Write) -> None:
        self._tests = tests
        self._write = write
        paths = {name: PACKAGE.joinpath(*name.split(".")).with_suffix(".py") for name in modules}
        self._mutants = {name: mutants_of(path.read_text(encoding="utf-8")) for name, path in paths.items()}
        self._trials = [
            Trial(name, paths[name], mutant) for name, (_, all_) in self._mutants.items() for mutant in all_
        ]
        self._files = frozenset(map(str, paths.values()))
        self._executed = ExecutedLines(self._files)
        # Which test noticed the last mutant of a function: it is likely to notice the next one.
        self._noticed: dict[tuple[str, str | None], str] = {}
        # The files of tests that noticed any mutant of a module.
        self._noticing: dict[str, set[str]] = defaultdict(set)

    def run(self) -> None:
        """Try every mutant. Raises SystemExit if the tests fail without one."""
        import_others()
        collected = in_fork(self._try_live).result
        if collected is None:
            raise SystemExit("the tests cannot be collected")
        first, remaining = collected
        if first.failed:
            raise SystemExit(f"fails without any mutant: {first.failed}")
        # Those that know nothing of the modules come last.
        runs = sorted(first.runs, key=lambda run: (not run.lines, run.seconds))
        for index in remaining:
            trial = self._trials[index]
            self._try(trial, runs, partial(self._imported, trial))

    def _try_live(self) -> tuple[FirstRun, list[int]]:
        """Collect the tests and try what is in functions. Returns the first run, and the numbers of the others."""
        results: list[tuple[FirstRun, list[int]]] = []

        def loop(tests: Trials) -> None:
            functions = LiveFunctions(self._files)
            self._executed.watch(functions)
            # In a fork, so that nothing is remembered of it.
            first = in_fork(partial(tests.first_run, self._executed)).result
            self._executed.stop()
            if first is None:
                raise RuntimeError("the first run of the tests died")
            results.append((first, [] if first.failed else self._try_functions(tests, functions, first)))

        self._executed.start()
        Trials(loop).collect(self._tests)
        return results[0]

    def _try_functions(self, tests: Trials, functions: LiveFunctions, first: FirstRun) -> list[int]:
        runs_of: dict[tuple[str, int], list[TestRun]] = {}
        for run in sorted(first.runs, key=lambda run: run.seconds):
            for line in run.lines:
                runs_of.setdefault(line, []).append(run)
        remaining = []
        for index, trial in enumerate(self._trials):
            lines = {(str(trial.path), line) for line in trial.mutant.lines}
            if trial.mutant.function is None or trial.module in LOADED_ANEW or lines & first.collected:
                remaining.append(index)
                continue
            runs = {run.id: run for line in lines for run in runs_of.get(line, ())}
            noticed_by = partial(self._live, trial, functions, tests)
            if not self._try(trial, sorted(runs.values(), key=lambda run: run.seconds), noticed_by):
                remaining.append(index)
        return remaining

    def _try(self, trial: Trial, runs: list[TestRun], noticed_by: Callable[[list[TestRun]], str | None]) -> bool:
        """Try one mutant, and write how it ended. Returns False if it cannot be planted."""
        started = time.monotonic()
        place = trial.module, trial.mutant.function
        runs = sorted(runs, key=lambda run: run.id != self._noticed.get(place))
        noticed = NONE
        if runs:
            ended = in_fork(partial(noticed_by, runs), cpu_seconds(runs))
            if ended.result is None and ended.is_whole:
                return False
            noticed = LATE if ended.is_late else DIED if ended.result is None else ended.result
        self._noticed[place] = noticed
        if "::" in noticed:
            self._noticing[trial.module].add(_file_of(noticed))
        self._write(trial.module, trial.mutant.name, noticed, len(runs), time.monotonic() - started)
        return True

    def _live(self, trial: Trial, functions: LiveFunctions, tests: Trials, runs: list[TestRun]) -> str | None:
        """Which test notices a mutant of a function that lives already; None if it cannot be planted."""
        trial.mutant.plant()
        try:
            functions.change(trial.path, self._mutants[trial.module][0], trial.mutant.function or "")
        except CannotPlantError:
            return None
        return tests.first_failure(runs)

    def _imported(self, trial: Trial, runs: list[TestRun]) -> str:
        """Which test notices a mutant that is there from the import. Most often it is in a file that noticed others of
        the module, so the other files are collected only where none of those does."""
        trial.mutant.plant()
        import_changed(f"partner_orders.{trial.module}", trial.path, self._mutants[trial.module][0])
        near = [run for run in runs if _file_of(run.id) in self._noticing[trial.module]]
        files = sorted({_file_of(run.id) for run in near})
        # Options such as -m stand among the tests.
        options = dropwhile(lambda test: not test.startswith("-"), self._tests)
        if near and (noticed := in_fork(partial(_first_failure, [*files, *options], near), cpu_seconds(runs)).result):
            return noticed
        return _first_failure(self._tests, runs)


def _first_failure(tests: Sequence[str], runs: Sequence[TestRun]) -> str:
    """Collect tests, and return the id of the first that fails."""
    noticed = []
    try:
        Trials(lambda collected: noticed.append(collected.first_failure(runs))).collect(tests)
    except RuntimeError:
        return NOT_COLLECTED
    return noticed[0] if noticed else NOT_COLLECTED


def _file_of(test: str) -> str:
    return test.partition("::")[0]


def main() -> None:
    separator = sys.argv.index("--")
    modules, tests = sys.argv[1:separator], sys.argv[separator + 1 :]
    output = os.dup(1)
    # What tests print is of no use.
    with open(os.devnull, "w") as nowhere:  # noqa: PTH123 (a descriptor is needed)
        os.dup2(nowhere.fileno(), 1)

    def write(module: str, mutant: str, noticed: str, tests: int, seconds: float) -> None:
        outcome = {"module": module, "mutant": mutant, "noticed": noticed, "tests": tests, "seconds": round(seconds, 2)}
        os.write(output, f"{json.dumps(outcome)}\n".encode())

    os.chdir(ROOT)
    if all(name.endswith(".yaml") for name in modules):
        TemplateWorker([ROOT / name for name in modules], tests, write).run()
    else:
        Worker(modules, tests, write).run()


if __name__ == "__main__":
    main()
