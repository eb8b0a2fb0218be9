"""Try every number of some templates. Each mutant has a process of its own, forked from one in which the tests are
collected already; there the template is read with the mutant in it."""

import sys
import time
from collections.abc import Callable, Sequence
from copy import deepcopy
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from tools.forks import in_fork
from tools.mutation.report import DIED, LATE, NONE
from tools.mutation.template_numbers import NumberMutant, mutants_of
from tools.mutation.trials import TestRun, Trials, cpu_seconds

type Write = Callable[[str, str, str, int, float], None]


class TemplateWorker:
    """``templates``: their files. ``write`` takes an outcome: the template, the mutant, what noticed it, the number of
    tests, and seconds."""

    def __init__(self, templates: Sequence[Path], tests: Sequence[str], write: Write) -> None:
        self._templates = templates
        self._tests = tests
        self._write = write
        # Which test noticed the last mutant of a resource: it is likely to notice the next one.
        self._noticed: dict[tuple[Path, str], str] = {}

    def run(self) -> None:
        """Try every mutant. Raises RuntimeError if the tests fail without one."""
        Trials(self._try_all).collect(self._tests)

    def _try_all(self, tests: Trials) -> None:
        first = in_fork(tests.first_run).result
        if first is None or first.failed:
            raise RuntimeError(f"fails without any mutant: {first.failed if first else 'the first run died'}")
        runs = [*first.runs]
        for path in self._templates:
            tree = _template().as_written(path)
            for mutant in mutants_of(tree):
                started = time.monotonic()
                last = self._noticed.get((path, mutant.resource))
                runs = sorted(runs, key=lambda run: (run.id != last, run.seconds))
                ended = in_fork(partial(_noticed_by, tests, path, tree, mutant, runs), cpu_seconds(runs))
                noticed = LATE if ended.is_late else DIED if ended.result is None else ended.result
                self._noticed[path, mutant.resource] = noticed or last or NONE
                self._write(path.name, mutant.name, noticed, len(runs), time.monotonic() - started)


def _noticed_by(tests: Trials, path: Path, tree: dict[str, Any], mutant: NumberMutant, runs: Sequence[TestRun]) -> str:
    mutant.plant()
    template = _template()
    read = template.cfn_yaml.load
    template.cfn_yaml = SimpleNamespace(load=lambda file: deepcopy(tree) if file == str(path) else read(file))
    template.expanded.cache_clear()
    template.table_of_the_template.cache_clear()
    return tests.first_failure(runs)


def _template() -> Any:
    """What the tests read templates with: imported with them."""
    return sys.modules["tests.support.template"]
