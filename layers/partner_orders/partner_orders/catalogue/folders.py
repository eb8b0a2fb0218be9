"""The folders in which files are spooled. Lambda keeps the disk of a function that was killed, and what lies there."""

import os
import shutil
import tempfile
from pathlib import Path

_PREFIX = "loader-"


def new_folder() -> tempfile.TemporaryDirectory[str]:
    """A folder of this process; it goes with its context."""
    return tempfile.TemporaryDirectory(prefix=f"{_PREFIX}{os.getpid()}-")


def remove_left_folders() -> int:
    """Remove the folders of processes that are no more, before this one makes its own; how many there were. A process
    that follows a killed one may have its number."""
    left = [path for path in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*-*") if _is_left(path)]
    for path in left:
        shutil.rmtree(path, ignore_errors=True)
    return len(left)


def _is_left(path: Path) -> bool:
    number = path.name.removeprefix(_PREFIX).partition("-")[0]
    if not number.isdecimal() or int(number) == os.getpid():
        return number.isdecimal()
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return False
