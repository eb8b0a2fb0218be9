"""``python -m tools.watch [TEST...]``: at each save, run the tests that stand beside what was changed.

Others' packages are imported once. Each run is a fork of this process, so it sees all of our code as it is now. With
tests given, these run at each save. It ends with Ctrl-C.
"""

import signal
import sys
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import pytest

from tools.forks import import_others, in_fork
from tools.watch.beside import Times, beside_files, changed, times_of

ROOT = Path(__file__).parents[2]
LOOK_EVERY_SECONDS = 0.25
OPTIONS = (
    *("-q", "-p", "no:cacheprovider", "--hypothesis-profile=fast", "-m", "not slow"),
    # These packages are imported already, and hold no assertion of a test.
    *("-W", "ignore::pytest.PytestAssertRewriteWarning"),
)


def main(asked: Sequence[str]) -> None:
    import_others()
    print("Save a file, and the tests beside it run. Ctrl-C ends this.", flush=True)
    before = times_of(ROOT)
    while True:
        time.sleep(LOOK_EVERY_SECONDS)
        before = look(before, asked)


def look(before: Times, asked: Sequence[str]) -> Times:
    """Run the tests of what has changed since, if anything has. Returns the times of all files."""
    now = times_of(ROOT)
    if paths := changed(before, now):
        found = [] if asked else beside_files(paths, ROOT)
        # Units come first, and have an answer before the others begin.
        for tests in filter(None, [asked, found[:1], found[1:]]):
            started = time.monotonic()
            in_fork(partial(pytest.main, [*tests, *OPTIONS]))
            print(f"{' '.join(tests)}: {time.monotonic() - started:.1f} s\n", flush=True)
        if not asked and not found:
            names = " ".join(map(str, paths))
            print(f"no tests stand beside {names}; name some, as in: make watch ARGS=tests/console", flush=True)
    return now


if __name__ == "__main__":
    signal.signal(signal.SIGINT, lambda *_: sys.exit(0))
    main(sys.argv[1:])
