"""``python -m tools.mutation``: change one thing at a time in our modules, and see whether a test notices.

Mutants that nothing notices survive. They are compared with survivors.toml, which gives a reason for each; one that is
not there is named as new. Tests that do not end, or whose process dies, have noticed nothing. The exit code is 1 if a
group is below its least share, or if a survivor is new.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path

from tools.mutation.parts import PARTS, Part
from tools.mutation.report import Outcome, Report, known_survivors

ROOT = Path(__file__).parents[2]
# Every outcome as soon as it is known, a line of JSON each.
RESULTS = ROOT / ".local" / "mutation.jsonl"
# Python's hashes, and so the order of sets, are the same each time.
FIXED = {"PYTHONHASHSEED": "0"}


class WorkerFailedError(RuntimeError):
    """A worker did not try all of its mutants."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.mutation", description=__doc__)
    parser.add_argument("--only", help="only these modules, such as answers.rules, with commas")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    arguments = parser.parse_args()
    names = set(filter(None, (arguments.only or "").split(",")))
    if unknown := names - {module for part in PARTS for module in part.modules}:
        parser.error(f"not among the modules that are mutated: {', '.join(sorted(unknown))}")
    started = time.monotonic()
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text("", encoding="utf-8")
    with ThreadPoolExecutor(arguments.processes) as pool:
        outcomes = [outcome for part in pool.map(outcomes_of, chosen(names)) for outcome in part]
    report = Report(outcomes, known_survivors())
    print(report.text())
    print(f"mutation: {round(time.monotonic() - started)} s")
    return 1 if report.new or report.below else 0


def chosen(names: set[str]) -> Iterator[Part]:
    """The parts, without modules that were not asked for; all modules if none were."""
    for part in PARTS:
        modules = tuple(name for name in part.modules if not names or name in names)
        if modules:
            yield Part(part.group, modules, part.tests)


def outcomes_of(part: Part) -> list[Outcome]:
    """Try every mutant of a part. Raises WorkerFailedError."""
    outcomes = []
    with (
        # Forks that are killed leave what they wrote.
        tempfile.TemporaryDirectory(prefix="mutation-", ignore_cleanup_errors=True) as directory,
        subprocess.Popen(
            [sys.executable, "-m", "tools.mutation.worker", *part.modules, "--", *part.tests],
            cwd=ROOT,
            env=os.environ | FIXED | {"TMPDIR": directory},
            stdout=subprocess.PIPE,
            text=True,
        ) as worker,
        RESULTS.open("a", encoding="utf-8", buffering=1) as results,
    ):
        for line in worker.stdout or ():
            outcomes.append(Outcome.of_json(part.group, line))
            results.write(f"{json.dumps(asdict(outcomes[-1]))}\n")
    if worker.returncode:
        raise WorkerFailedError(f"{' '.join(part.modules)}: no outcome")
    return outcomes


if __name__ == "__main__":
    sys.exit(main())
