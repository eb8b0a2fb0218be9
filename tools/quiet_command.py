"""Running a command whose output matters only if it fails. Needs nothing but the standard library."""

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LAST_LINES = 30


class CommandFailedError(RuntimeError):
    """The command's exit status is not 0. The message is the last of what it said."""


def run_quietly(command: Sequence[str | Path], environment: Mapping[str, str]) -> None:
    """Run a command in the repository to its end, with nothing to read. Raises CommandFailedError."""
    done = subprocess.run(  # noqa: S603 (sam, and our own modules)
        command,
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        raise CommandFailedError("\n".join(done.stdout.splitlines()[-LAST_LINES:]))
