"""Inputs that atheris makes: it changes those that it has, and keeps what reaches new code of ours.

atheris is not to be had for every machine; without it there are the generated inputs alone.
"""

import os
import sys
import time
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

from tools.fuzz.corpus import CORPUS, FOUND
from tools.fuzz.laws import Violation

LONGEST_INPUT = 4_096
MEMORY_MEBIBYTES = 2_048
SLOWEST_SECONDS = 120  # of the wall clock, for what no signal of Python's can stop
OWN = ("partner_orders", "tools.fuzz.inputs")


def is_there() -> bool:
    return find_spec("atheris") is not None


def instrumented() -> ModuleType:
    """atheris, watching what is imported from here on."""
    import atheris  # noqa: PLC0415 (where there is none, nothing else of this file is used)

    hook = atheris.instrument_imports(include=list(OWN))
    hook.__enter__()
    module: ModuleType = atheris
    return module


def search(
    atheris: ModuleType,
    target: str,
    attempt: Callable[[bytes], None],
    until: float,
    end: Callable[[bytes | None], None],
) -> None:
    """Try inputs until the monotonic clock shows ``until``; ``end`` is told the one that broke a law, if one did. Never
    returns: libFuzzer ends the process."""
    found = FOUND / target
    found.mkdir(parents=True, exist_ok=True)
    words = found.parent / f"{target}.words"
    words.write_text("".join(f'"{_escaped(word)}"\n' for word in _words()), encoding="ascii")

    def one(data: bytes) -> None:
        if time.monotonic() >= until:
            end(None)
            os._exit(0)
        try:
            attempt(data)
        except Violation:
            end(data)
            os._exit(0)

    atheris.Setup([*_command(words, found), str(found), str(CORPUS / target)], one)
    atheris.Fuzz()


def _command(words: Path, artifacts: Path) -> Sequence[str]:
    return [
        sys.argv[0],
        f"-dict={words}",
        f"-max_len={LONGEST_INPUT}",
        f"-rss_limit_mb={MEMORY_MEBIBYTES}",
        f"-timeout={SLOWEST_SECONDS}",
        f"-artifact_prefix={artifacts.parent}/{artifacts.name}-",
        "-verbosity=0",
        "-close_fd_mask=0",
    ]


def _words() -> list[str]:
    from tools.fuzz.generated import NASTY  # noqa: PLC0415 (once what is to be watched is watched)
    from tools.fuzz.targets import FIELDS  # noqa: PLC0415

    return [*(f'"{name}":' for name in sorted(FIELDS)), *(word for word in NASTY if 0 < len(word) < 64), "\x1e", "\x1f"]


def _escaped(word: str) -> str:
    return "".join(
        character if character.isalnum() else "".join(f"\\x{byte:02x}" for byte in character.encode())
        for character in word
    )
