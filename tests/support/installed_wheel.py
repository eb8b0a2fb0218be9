"""The command line as a release has it: a wheel, in an environment and a folder with nothing else of ours."""

import os
import site
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tools.local.emulator import ROOT
from tools.local.stack import UV


def built_wheel(folder: Path) -> Path:
    """What `make wheel` builds, in the folder."""
    _run("make", "--quiet", "wheel", f"DIST={folder}")
    [wheel] = folder.glob("*.whl")
    return wheel


class InstalledWheel:
    """The wheel in a new environment, whose other packages are those that our locks name; no index is asked."""

    def __init__(self, wheel: Path, folder: Path) -> None:
        self._environment = folder / "environment"
        self._empty = folder / "empty"
        self._empty.mkdir()
        _run(UV, "venv", "--quiet", "--offline", "--python", sys.executable, self._environment)
        _run(UV, "pip", "install", "--quiet", "--no-index", "--no-deps", "--python", self._environment, wheel)
        [packages] = self._environment.glob("lib/python*/site-packages")
        # A folder named like this is searched, but the clone that it names in turn is not.
        (packages / "locked.pth").write_text("\n".join(site.getsitepackages()))

    def __call__(self, *arguments: str, settings: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        """Run ``partner-orders`` in an empty folder, with nothing of our environment."""
        return subprocess.run(
            [self._environment / "bin" / "partner-orders", *arguments],
            cwd=self._empty,
            env={"HOME": str(self._empty), "PATH": os.defpath, "TERM": "dumb", **(settings or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )


def _run(*command: str | Path) -> None:
    done = subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
