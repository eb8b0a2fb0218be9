"""A copy of the repository in which something is broken, and what runs in it."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
PACKAGE = "layers/partner_orders/partner_orders"
CONSOLE = "partner_orders_console"
COPIED = (
    PACKAGE,
    CONSOLE,
    "tools",
    "tests",
    "pyproject.toml",
    "template.yaml",
    "catalogue.yaml",
    "docs",
)


class NotProvenError(RuntimeError):
    """The tests of a copy neither passed nor found anything; says what happened instead."""


def copy_to(folder: Path, names: Iterable[str] = COPIED) -> None:
    """Copy what the tests of a bug need."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        source, target = ROOT / name, folder / name
        if source.is_dir():
            ignored = shutil.ignore_patterns("__pycache__", ".*")
            shutil.copytree(source, target, ignore=ignored, dirs_exist_ok=True)
        else:
            shutil.copy(source, target)


def run_in(
    copy: Path, module: str, arguments: Iterable[str], seconds: float, environment: Mapping[str, str], what: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run a module of the copy, with its code. Raises NotProvenError if ``what``, by default the module, does not end
    within ``seconds``."""
    paths = f"{copy / 'layers/partner_orders'}{os.pathsep}{copy}"
    process = subprocess.Popen(  # noqa: S603 (our own Python)
        [sys.executable, "-m", module, *arguments],
        cwd=copy,
        env={**environment, "PYTHONPATH": paths},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        output, errors = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)  # With the processes that it has started.
        process.communicate()
        raise NotProvenError(f"{what or module} did not end within {seconds} s") from None
    return subprocess.CompletedProcess(process.args, process.returncode, output, errors)
