"""`make coverage`: how much of the package the quick tests run, by branches, and which of the tests cannot fail.

It fails if less than FLOOR per cent of the package's lines and branches are run, if a test asserts nothing, or if an
assertion is never reached.
"""

import ast
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import coverage

from tools.coverage.silent_tests import FOLDER, silent_tests

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = "layers/partner_orders/partner_orders"
FLOOR = 95.0
LOWEST_SHOWN = 90.0
# Tests that rightly assert nothing themselves, and how they fail all the same.
SILENT = {
    "tests/integration/consumer/test_intake.py::test_failed_delay_is_not_an_error": "an error would fail it",
    "tests/property/orders/test_history.py::test_any_bytes_are_parsed_or_rejected": "another error would fail it",
    "tests/property/platform/test_order_page.py::test_any_bytes_are_a_page_or_an_error": "another error would fail it",
    "tests/property/platform/test_order_page.py::test_cut_container_is_an_error": "it raises an AssertionError itself",
    "tests/tools/deploy/test_environment.py::test_stack_of_the_longest_name_is_accepted": "a refusal would fail it",
    "tests/tools/fuzz/test_the_corpus.py::test_corpus_breaks_no_law": "a law that is broken raises an error",
    "tests/unit/docs/test_promises.py::test_every_break_can_be_made": "an edit that finds no place raises an error",
    "tests/unit/stores/test_store.py::test_good_settings": "a refusal would fail it",
}


def main(arguments: list[str]) -> int:
    with tempfile.TemporaryDirectory(prefix="coverage-") as folder:
        data = Path(folder) / "data"
        (asserted := Path(folder) / "assertions").mkdir()
        status = _run_tests(data, asserted, Path(folder), arguments)
        measured = coverage.Coverage(data_file=data, branch=True)
        measured.load()
        wrong = [*_below_the_floor(measured, folder), *_silent(asserted), *_never_reached(measured)]
        if status:
            wrong.append(f"coverage: the tests failed with exit status {status}, so more may be run than was measured")
    for line in wrong:
        print(line, file=sys.stderr)
    return 1 if wrong else 0


def _run_tests(data: Path, asserted: Path, folder: Path, arguments: list[str]) -> int:
    command = [sys.executable, "-m", "pytest", "-q", "-n", "auto", "--dist", "loadgroup", "-m", "not slow"]
    command += ["--hypothesis-profile=test", "-p", "tools.coverage.assertions"]
    command += ["-o", "enable_assertion_pass_hook=true"]
    command += [f"--cov={PACKAGE}", "--cov=tests", "--cov-branch", "--cov-report=", *arguments]
    # Pytest keeps the tests' bytecode without the hooks of this run; elsewhere it makes its own.
    environment = os.environ | {
        "COVERAGE_FILE": str(data),
        FOLDER: str(asserted),
        "PYTHONPYCACHEPREFIX": str(folder / "bytecode"),
    }
    return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode


def _below_the_floor(measured: coverage.Coverage, folder: str) -> Iterator[str]:
    """Print what is run of the package; yields what is wrong."""
    report = Path(folder) / "report.txt"
    with report.open("w", encoding="utf-8") as file:
        total = measured.report(include=f"{PACKAGE}/*", file=file, skip_covered=True, sort="cover", show_missing=True)
    for line in report.read_text(encoding="utf-8").splitlines():
        share = next((word for word in line.split() if word.endswith("%")), "100%")
        if float(share[:-1]) < LOWEST_SHOWN:
            print(line)
    print(f"coverage: {total:.1f} % of the lines and branches of the package")
    if total < FLOOR:
        yield f"coverage: {total:.1f} % is less than {FLOOR:.0f} %"


def _silent(asserted: Path) -> Iterator[str]:
    found = silent_tests(asserted)
    for test in found:
        if test not in SILENT:
            yield f"{test} asserts nothing: it passes whatever the code does"
    for test in SILENT.keys() - {*found}:
        yield f"{test} asserts something now: take it out of SILENT"


def _never_reached(measured: coverage.Coverage) -> Iterator[str]:
    """The assertions of tests that ran, which were never reached: in a loop over nothing, or behind a condition."""
    data = measured.get_data()
    for name in sorted(data.measured_files()):
        file = Path(name)
        if not file.name.startswith("test_"):
            continue
        lines = {*(data.lines(name) or ())}
        for function in _functions(ast.parse(file.read_text(encoding="utf-8"))):
            asserts = [node for node in ast.walk(function) if isinstance(node, ast.Assert)]
            if any(node.lineno in lines for node in function.body):
                for node in asserts:
                    if lines.isdisjoint(range(node.lineno, (node.end_lineno or node.lineno) + 1)):
                        yield f"{file.relative_to(ROOT)}:{node.lineno} is never reached, in {function.name}"


def _functions(tree: ast.Module) -> Iterator[ast.FunctionDef]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            yield node


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
