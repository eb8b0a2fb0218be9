"""``python -m simulation.mutants``: plant each bug in a copy of our code, and see it caught.

The tests of the copy are the properties (tests/property) and the fault simulator, none other. A line for each bug says
what caught it; the last line is ``mutants: killed=N of N``, and the exit code is 1 if any survived.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from simulation.mutants.catalogue import MUTANTS
from simulation.mutants.planting import AnchorLostError, Mutant

ROOT = Path(__file__).resolve().parents[2]
COPIED = (
    "layers/partner_orders/partner_orders",
    "functions",
    "local",
    "simulation",
    "tests",
    "pyproject.toml",
    "template.yaml",
)
UNTOUCHED = Mutant("(no bug at all)", "The copy as it is.", ())
# The modules that the properties are about: there they are asked first, elsewhere the simulator is.
DOMAIN = ("event.py", "merge.py", "digest.py", "lifecycle.py", "json_text.py", "order.py")
SECONDS = 300


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m simulation.mutants", description=__doc__)
    parser.add_argument("--check", action="store_true", help="only see that every bug can still be planted")
    parser.add_argument("--only", help="only these bugs, by name, with commas")
    parser.add_argument("--seeds", type=int, default=20, help="how many seeds of the simulator a bug has to survive")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    arguments = parser.parse_args()
    names = set(filter(None, (arguments.only or "").split(",")))
    if unknown := names - {mutant.name for mutant in MUTANTS}:
        parser.error(f"no such bug: {', '.join(sorted(unknown))}")
    mutants = [mutant for mutant in MUTANTS if not names or mutant.name in names]
    if lost := lost_anchors(mutants):
        print("\n".join(lost))
        return 1
    if arguments.check:
        print(f"mutants: {len(mutants)} can be planted")
        return 0

    def attempt(mutant: Mutant) -> str:
        return what_kills(mutant, arguments.seeds)

    killed = 0
    with ThreadPoolExecutor(arguments.processes) as pool:
        untouched = pool.submit(attempt, UNTOUCHED)
        for mutant, killer in zip(mutants, pool.map(attempt, mutants), strict=True):
            killed += bool(killer)
            print(f"{'killed' if killer else 'ALIVE '} {mutant.name}: {killer or mutant.bug}", flush=True)
        if failure := untouched.result():
            print(f"the copy fails without any bug, so nothing is proven: {failure}")
            return 1
    print(f"mutants: killed={killed} of {len(mutants)}")
    return 0 if killed == len(mutants) else 1


def lost_anchors(mutants: Iterable[Mutant]) -> list[str]:
    """What keeps bugs from being planted, one line each."""
    lost = []
    for mutant in mutants:
        try:
            mutant.check(ROOT)
        except (AnchorLostError, SyntaxError, OSError) as error:
            lost.append(f"{mutant.name}: {error}")
    return lost


def what_kills(mutant: Mutant, seeds: int) -> str:
    """What caught the bug: a property, or a violation; empty if nothing did."""
    with tempfile.TemporaryDirectory(prefix="mutant-") as folder:
        copy = Path(folder)
        copy_to(copy)
        mutant.plant(copy)
        domain = any(edit.file.endswith(DOMAIN) for edit in mutant.edits)
        killer = _properties(copy) if domain else _simulator(copy, seeds)
        return killer or (_simulator(copy, seeds) if domain else _properties(copy))


def copy_to(folder: Path) -> None:
    """Copy what the tests of a bug need."""
    for name in COPIED:
        source, target = ROOT / name, folder / name
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__", ".*"))
        else:
            shutil.copy(source, target)


def _properties(copy: Path) -> str:
    output = _run(copy, "pytest", "tests/property", "-x", "-q", "-p", "no:cacheprovider", "--hypothesis-seed=0")
    if output is None:
        return ""
    failed = re.search(r"^FAILED .*::(\w+)", output, re.MULTILINE)
    return f"property {failed[1]}" if failed else f"the properties did not run: {output[-300:]}"


def _simulator(copy: Path, seeds: int) -> str:
    output = _run(copy, "simulation", "--seeds", str(seeds), "--stop", "--processes", "1")
    if output is None:
        return ""
    violation = re.search(r"^seed \d+: .*", output, re.MULTILINE)
    return f"simulator, {violation[0]}" if violation else f"the simulator did not run: {output[-300:]}"


def _run(copy: Path, module: str, *arguments: str) -> str | None:
    """Run a module of the copy. None if it succeeds, else what it printed."""
    paths = f"{copy / 'layers/partner_orders'}{os.pathsep}{copy}"
    try:
        done = subprocess.run(  # noqa: S603 (our own Python)
            [sys.executable, "-m", module, *arguments],
            cwd=copy,
            env=os.environ | {"PYTHONPATH": paths, "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"nothing after {SECONDS} s"
    return done.stdout + done.stderr if done.returncode else None


if __name__ == "__main__":
    sys.exit(main())
