"""``python -m tools.simulation.mutants``: plant each bug in a copy of our code, and see it caught.

The tests of the copy are the properties (tests/property) and the fault simulator, none other. A line for each bug says
what caught it: a property by its name, or a violation. A copy that cannot be tested, or whose tests do not end, proves
nothing: it is UNCLEAR. The last line is ``mutants: killed=N of N``, and the exit code is 1 if any was not killed.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from tools.simulation.cores import Cores
from tools.simulation.mutants.bugs import MUTANTS
from tools.simulation.mutants.copied import CONSOLE, PACKAGE, ROOT, NotProvenError, copy_to, run_in
from tools.simulation.mutants.planting import AnchorLostError, Mutant

UNTOUCHED = Mutant("(no bug at all)", "The copy as it is.", ())
# Who is asked first: of these modules the merge's laws, which are quick; elsewhere the properties of the module's part,
# then the simulator, then all properties.
DOMAIN = (
    "orders/event.py",
    "orders/history.py",
    "orders/digest.py",
    "orders/lifecycle.py",
    "orders/model.py",
    "orders/fields.py",
    "orders/reading.py",
    "orders/plan.py",
    "exact_json.py",
)
# Of these the simulator knows nothing, and only a few properties do.
STACK = ("template.yaml", "partner_orders/settings.py", "bench/speed.py")
# What answers orders: the simulator has stories of its own for it.
PARTS_OF_ANSWERS = frozenset({"answers", "sender"})
FILES_OF_ANSWERS = frozenset({"order_exchange.py", "budgeted_requests.py", "request_budget.py"})
# The catalogue's, with stories of its own; the properties of each part know the others.
PARTS_OF_CATALOGUE = frozenset(
    {"catalogue", "drift", "exports", "loader", "promotions", "pusher", "results", "store_status", "uploader"}
)
FILES_OF_CATALOGUE = frozenset(
    {
        "platform/calls.py",
        "platform/catalogue.py",
        "platform/job_files.py",
        "platform/promotions.py",
        "platform/store_status.py",
    }
)
LAWS = ("tests/property/orders/test_history.py", "tests/property/orders/test_event.py")
LAWS_OF_THE_STACK = ("tests/property/template", "tests/property/test_settings.py", "tests/property/tools")
# Of what a property finds, the first example will do; and one table is enough, the quicker one.
PYTEST = ("-x", "-q", "-p", "no:cacheprovider", "--hypothesis-seed=0", "--hypothesis-profile=unshrunk", "-k=not moto")
SECONDS = 300


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.simulation.mutants", description=__doc__)
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

    def attempt(mutant: Mutant, seeds: int = arguments.seeds) -> tuple[str, str]:
        try:
            return what_kills(mutant, seeds), ""
        except NotProvenError as error:
            return "", str(error)

    killed = 0
    with ThreadPoolExecutor(arguments.processes, initializer=Cores(arguments.processes).take) as pool:
        # `make simulate` has more seeds for it: here it is to show that a copy can pass.
        untouched = pool.submit(attempt, UNTOUCHED, 3)
        for mutant, (killer, unclear) in zip(mutants, pool.map(attempt, mutants), strict=True):
            killed += bool(killer)
            fate = "killed " if killer else "UNCLEAR" if unclear else "ALIVE  "
            print(f"{fate} {mutant.name}: {killer or unclear or mutant.bug}", flush=True)
        if failure := "".join(untouched.result()):
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
    """What caught the bug: a property, or a violation; empty if nothing did. Raises NotProvenError."""
    with tempfile.TemporaryDirectory(prefix="mutant-") as folder:
        copy = Path(folder)
        copy_to(copy)
        mutant.plant(copy)
        edited = sorted({edit.file for edit in mutant.edits})
        _can_run(copy, edited)
        first = partial(_properties, copy, *_nearest_properties(edited))
        properties = partial(_properties, copy, "tests/property")
        simulator = partial(_simulator, copy, seeds, _stories_of(edited))
        is_unknown_to_it = any(file.endswith(STACK) or file.startswith(CONSOLE) for file in edited)
        asked: tuple[Callable[[], str], ...] = (first, *(() if is_unknown_to_it else (simulator,)), properties)
        if parts := _parts_of(edited) & PARTS_OF_CATALOGUE:
            others = (f"tests/property/{part}" for part in sorted(PARTS_OF_CATALOGUE - parts))
            asked = (first, simulator, partial(_properties, copy, *others), properties)
        return next(filter(None, (ask() for ask in asked)), "")


def _stories_of(edited: list[str]) -> tuple[str, ...]:
    """Which of the simulator's stories know these files, as options of its command line; none for all."""
    files = {Path(file).relative_to(PACKAGE) for file in edited if Path(file).is_relative_to(PACKAGE)}
    if any(file.parts[0] in PARTS_OF_CATALOGUE or str(file) in FILES_OF_CATALOGUE for file in files):
        return ("--part", "catalogue")
    if any(file.parts[0] in PARTS_OF_ANSWERS or file.name in FILES_OF_ANSWERS for file in files):
        return ("--part", "answers")
    return () if any(file.parts[0] == "publisher" for file in files) else ("--part", "intake")


def _nearest_properties(edited: list[str]) -> tuple[str, ...]:
    """Where the properties are that know most of these files."""
    if any(file.endswith(STACK) for file in edited):
        return LAWS_OF_THE_STACK
    if any(file.endswith(DOMAIN) for file in edited):
        return LAWS
    if any(file.startswith(CONSOLE) for file in edited):
        return ("tests/property/console",)
    folders = (f"tests/property/{part}" for part in sorted(_parts_of(edited)))
    return tuple(folder for folder in folders if (ROOT / folder).is_dir()) or LAWS


def _parts_of(edited: list[str]) -> set[str]:
    return {Path(file).relative_to(PACKAGE).parts[0] for file in edited if Path(file).is_relative_to(PACKAGE)}


def _can_run(copy: Path, edited: list[str]) -> None:
    """What breaks whatever it is asked is no bug of the kind that a test has to find. Raises NotProvenError."""
    edited = [file for file in edited if file.endswith(".py")]
    if not edited:
        return
    parts = (Path(file).relative_to(PACKAGE) for file in edited if Path(file).is_relative_to(PACKAGE))
    names = [".".join(part.with_suffix("").parts) for part in parts]
    for arguments in (
        ("ruff", "check", "--isolated", "--select", "F821", "--quiet", *edited),
        ("timeit", "-n1", "-r1", "; ".join(f"import partner_orders.{name}" for name in names) or "pass"),
    ):
        done = _run(copy, *arguments)
        if done.returncode:
            raise NotProvenError(f"the copy cannot run: {_end_of(done)}")


def _properties(copy: Path, *where: str) -> str:
    done = _run(copy, "pytest", *where, *PYTEST)
    if not done.returncode:
        return ""
    failed = re.search(r"^FAILED .*::(\w+)", done.stdout, re.MULTILINE)
    if done.returncode != 1 or not failed:
        raise NotProvenError(f"the properties did not run: {_end_of(done)}")
    return f"property {failed[1]}"


def _simulator(copy: Path, seeds: int, stories: tuple[str, ...]) -> str:
    done = _run(copy, "tools.simulation", "--seeds", str(seeds), *stories, "--stop", "--processes", "1")
    if not done.returncode:
        return ""
    violation = re.search(r"^seed \d+: .*", done.stdout, re.MULTILINE)
    if done.returncode != 1 or not violation:
        raise NotProvenError(f"the simulator did not run: {_end_of(done)}")
    return f"simulator, {violation[0]}"


def _run(copy: Path, module: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a module of the copy. Raises NotProvenError if it does not end."""
    return run_in(copy, module, arguments, SECONDS, os.environ | {"PYTHONDONTWRITEBYTECODE": "1"})


def _end_of(done: subprocess.CompletedProcess[str]) -> str:
    return (done.stdout + done.stderr).strip()[-300:]


if __name__ == "__main__":
    sys.exit(main())
