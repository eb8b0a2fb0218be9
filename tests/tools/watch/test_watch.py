"""``make watch``: which tests run at a save, and that they run on the code as it is now."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tools.watch import __main__ as watch
from tools.watch.__main__ import ROOT
from tools.watch.beside import beside_files, changed, times_of

PACKAGE = "layers/partner_orders/partner_orders"


@pytest.mark.parametrize(
    ("path", "tests"),
    [
        (
            f"{PACKAGE}/orders/table.py",
            ["tests/property/orders/test_table.py", "tests/integration/orders/test_table.py"],
        ),
        (f"{PACKAGE}/orders/row.py", ["tests/unit/orders"]),
        (f"{PACKAGE}/publisher/stream_record.py", ["tests/unit/publisher"]),
        (f"{PACKAGE}/clock.py", ["tests/unit/test_clock.py"]),
        ("partner_orders_console/cli/refused.py", ["tests/console/test_refused.py"]),
        ("partner_orders_console/operations/promotions/rules.py", ["tests/console/test_promotions.py"]),
        ("tools/watch/beside.py", ["tests/tools/watch/test_watch.py"]),
        ("functions/webhook/app.py", ["tests/integration/webhook"]),
        ("tests/unit/test_clock.py", ["tests/unit/test_clock.py"]),
        ("template.yaml", ["tests/unit/template"]),
        (
            "tests/support/drift_world.py",
            [
                *("tests/unit/drift/test_reports.py", "tests/property/drift/test_drift.py"),
                "tests/integration/drift/test_comparison.py",
            ],
        ),
        ("tests/support/nobody_imports.py", []),
    ],
)
def test_beside_files_a_file(path: str, tests: list[str]) -> None:
    """A file's own tests run, or else those that import it, or those of its package."""
    assert beside_files([Path(path)], ROOT) == tests


def test_every_save_is_seen(tmp_path: Path) -> None:
    """A file that is new, changed or gone has changed; of other files there is no talk."""
    (folder := tmp_path / "tools").mkdir()
    files = [folder / name for name in ("new.py", "changed.py", "gone.py", "same.py")]
    for file in files[1:]:
        file.touch()
    before = times_of(tmp_path)
    files[0].touch()
    files[1].write_text("changed")
    files[2].unlink()
    found = changed(before, times_of(tmp_path))
    assert found == [Path("tools/changed.py"), Path("tools/gone.py"), Path("tools/new.py")]


WATCHING = """
import sys
from pathlib import Path
import tests.conftest  # It registers the profiles of Hypothesis.
from tools.watch.__main__ import look

test = Path(sys.argv[1])
test.write_text("def test_number() -> None:\\n    assert 1 == 1\\n")
look({}, [str(test)])
test.write_text("def test_number() -> None:\\n    assert 1 == 2222\\n")
now = look({}, [str(test)])
print("nothing saved", flush=True)
assert look(now, [str(test)]) == now
"""


def test_units_have_their_answer_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tests beside a file run in two rounds, the units before the others; those that were asked for run in one."""
    rounds: list[list[str]] = []
    monkeypatch.setattr(watch, "in_fork", lambda work: rounds.append([*work.args[0][: -len(watch.OPTIONS)]]))
    saved = {Path("layers/partner_orders/partner_orders/orders/history.py"): 0}
    before = {**times_of(ROOT), **saved}
    assert watch.look(before, []).keys() == before.keys()
    assert rounds == [["tests/unit/orders/test_history.py"], ["tests/property/orders/test_history.py"]]
    watch.look(before, ["tests/unit", "tests/property"])
    assert rounds[2:] == [["tests/unit", "tests/property"]]


@pytest.mark.slow
def test_tests_run_anew_at_each_save(tmp_path: Path) -> None:
    """Each run imports what it tests anew, and says how it ended and how long it took. Without a save, none runs."""
    test = tmp_path / "test_number.py"
    # A process of its own: to fork one that has threads, as a worker of pytest has, may hang.
    command = [sys.executable, "-c", WATCHING, str(test)]
    shown = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT, timeout=120).stdout
    assert shown.index("1 passed") < shown.index(f"{test}: ") < shown.index("1 failed") < shown.index("nothing saved")
    assert shown.endswith("nothing saved\n")


@pytest.mark.slow
def test_tests_of_this_repository_run() -> None:
    """`make watch` runs the tests beside a file that is saved, says how they ended, and ends with Ctrl-C."""
    command = [sys.executable, "-m", "tools.watch"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as watching:
        assert watching.stdout is not None
        try:
            assert "Ctrl-C ends this" in watching.stdout.readline()
            time.sleep(1)
            os.utime(ROOT / "tests/unit/test_clock.py")
            shown = [*iter(watching.stdout.readline, "\n")]
        finally:
            watching.send_signal(signal.SIGINT)
        assert watching.wait(30) == 0
    assert re.search(r"^\d+ passed", "".join(shown), re.MULTILINE)
    assert shown[-1].startswith("tests/unit/test_clock.py: ")
